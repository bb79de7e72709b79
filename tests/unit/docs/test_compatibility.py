"""The classifiers and the ranges of pyproject.toml are what `make matrix` has run."""

from __future__ import annotations

import re
import tomllib

from pages import ROOT, text

HEAD, _, *LINES = [line.strip("| ").split(" | ") for line in re.findall(r"^\|.*$", text("compatibility.md"), re.M)]
ROWS = [dict(zip(HEAD, line, strict=True)) for line in LINES]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_classifiers_name_the_pythons_that_were_run() -> None:
    named = {found[1] for line in PROJECT["classifiers"] if (found := re.search(r"Python :: (3\.\d+)$", line))}

    assert named == {row["Python"].rpartition(".")[0] for row in ROWS}


def test_the_oldest_versions_were_run() -> None:
    for requirement in PROJECT["dependencies"]:
        name, oldest = requirement.split(",")[0].split(">=")
        assert oldest in {row[name] for row in ROWS}


def test_boto3_and_node_were_run_in_two_releases_and_no_test_failed() -> None:
    assert {row["boto3"].rpartition(".")[0] for row in ROWS} == {"1.43", "1.44"}
    assert {row["Node.js"].partition(".")[0] for row in ROWS} == {"22", "24"}
    assert not any("failed" in cell for row in ROWS for cell in row.values())
