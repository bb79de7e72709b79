"""Every keyword of everything that makes something has an effect on what is synthesized."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from public_api import keywords
from uses import right_uses

Synthesized = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to build a container image from, with another one in it."""
    folder = tmp_path_factory.mktemp("docker")
    (folder / "other").mkdir()
    for path in (folder, folder / "other"):
        (path / "Dockerfile").write_text(f"FROM scratch AS last\nLABEL of={path.name}\n")
    return folder


@pytest.fixture(scope="module")
def synthesized(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The template with the use of one keyword, or of none, and the assets that go with it."""
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def synthesized(what: str, keyword: str) -> dict[str, Any]:
        if (what, keyword) not in made:
            app = cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")), analytics_reporting=False)
            right_uses(cdk.Stack(app, "Stack"), folder)[what][keyword]()
            app.synth()
            files = [Path(app.outdir) / f"Stack.{name}.json" for name in ("template", "assets")]
            made[what, keyword] = {path.name: json.loads(path.read_text()) for path in files}
        return made[what, keyword]

    return synthesized


@pytest.mark.parametrize(("what", "keyword"), keywords())
def test_has_an_effect(synthesized: Synthesized, what: str, keyword: str) -> None:
    assert synthesized(what, keyword) != synthesized(what, "")


def test_there_is_no_other(stack: cdk.Stack, folder: Path) -> None:
    uses = right_uses(stack, folder)

    assert {(what, keyword) for what, by_keyword in uses.items() for keyword in by_keyword if keyword} == set(
        keywords()
    )
