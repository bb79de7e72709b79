"""What is in code font exists: operations, their parameters, actions, names of this library and of the CDK, files."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest
from messages import VALUE
from names import known, operations
from pages import PAGES, ROOT, blocks, spans, text

WRITTEN = [*PAGES, "../README.md"]

OF_OTHERS = {
    "aws_sagemaker_image": "Terraform's",
    "create_before_destroy": "Terraform's",
    "aws_sagemaker_image_version": "Terraform's",
    "ServiceTimeout": "CloudFormation's",
    "ServiceToken": "CloudFormation's",
    "LOG_LEVEL": "an example of a variable",
    "PassRole": "of IAM, which has it as an action only",
    "PyTorch": "a framework",
}
"""Names that no model and no module here has, with whose they are."""

# Words that look like names of an API: with a capital after a small letter, or with an underscore.
NAME = re.compile(r"\b(?:[A-Z]+[a-z0-9]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*|[a-z]+(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z]+)+)\b")
ACTION = re.compile(r"\b(?:sagemaker|ecr|cloudformation|logs|ec2|iam|xray):[A-Z]\w+")
FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|json|toml|md|txt)|(?:[\w.-]+/)+")


@cache
def files() -> frozenset[str]:
    """The files and folders of the repository, and the folders that make makes."""
    made = [line for line in (ROOT / ".gitignore").read_text().split() if line.endswith("/")]
    found = [*made, "requirements.txt"]  # of a reader's app
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if f"{name}/" not in made]
        at = Path(folder).relative_to(ROOT)
        found += [f"{(at / name).as_posix()}/" for name in folders] + [(at / name).as_posix() for name in names]
    return frozenset(found)


def in_code(page: str) -> set[str]:
    """What the blocks of a page, and those that it continues from, declare by themselves."""
    return {word for of in (page, "index.md") for block in blocks(of) for word in re.findall(r"\w+", block.code)}


@pytest.mark.parametrize("page", WRITTEN)
def test_names_exist(page: str) -> None:
    words = {word for span in spans(page) if not FILE.fullmatch(span) for word in NAME.findall(span)}

    assert sorted(words - known() - OF_OTHERS.keys() - in_code(page)) == []


@pytest.mark.parametrize("page", WRITTEN)
def test_actions_exist(page: str) -> None:
    named = set(ACTION.findall(text(page)))

    # An action without an operation.
    assert sorted(named - operations() - {"iam:PassRole"}) == []


@pytest.mark.parametrize("page", WRITTEN)
def test_files_exist(page: str) -> None:
    named = {span for span in spans(page) if FILE.fullmatch(span) and not span.startswith("build/")}
    shown = {block.title for of in (page, "index.md") for block in blocks(of)}
    of_guide = set(re.findall(r"^# (\w+\.py)$", text(page), re.MULTILINE))

    there = files()
    assert [
        name for name in sorted(named - shown - of_guide) if not any(f"/{path}".endswith(f"/{name}") for path in there)
    ] == []


def test_an_operation_that_is_not_there_is_noticed() -> None:
    assert NAME.findall("CreateImageVersions, `ml_frameworks`, MLFrameworks, CREATE_FAILURE") == [
        "CreateImageVersions",
        "ml_frameworks",
        "MLFrameworks",
        "CREATE_FAILURE",
    ]
    assert not {"CreateImageVersions", "ml_frameworks", "MLFrameworks", "CREATE_FAILURE"} & known()
    assert {"CreateImageVersion", "ml_framework", "MLFramework", "CREATE_FAILED"} <= known()
    assert "sagemaker:CreateImageVersions" not in operations()


def test_what_is_of_others_is_on_a_page() -> None:
    named = {word for page in WRITTEN for span in spans(page) for word in NAME.findall(span)}

    assert [name for name in OF_OTHERS if name not in named] == []
    assert VALUE not in named
