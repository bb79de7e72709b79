"""Every block of code on every page is run, in the order of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import Sandbox
from not_run import ELSEWHERE, NOT_RUN
from pages import PAGES, Block, blocks
from story import Deploy, Story, Synthesize


def run_here(page: str) -> list[Block]:
    """The blocks of a page that are to be run."""
    if page in ELSEWHERE:
        return []
    return [block for block in blocks(page) if (page, block.first_line) not in NOT_RUN]


WITH_COMMANDS = [page for page in PAGES if any(block.language == "sh" for block in run_here(page))]
WITHOUT = [page for page in PAGES if run_here(page) and page not in WITH_COMMANDS]


def warnings(assembly: Path) -> list[str]:
    """What the CDK CLI would warn of."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"].values()
    return [
        str(entry["data"])
        for artifact in artifacts
        for entries in artifact.get("metadata", {}).values()
        for entry in entries
        if entry["type"] == "aws:cdk:warning"
    ]


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_a_page_with_commands(
    page: str, tmp_path: Path, sandbox: Sandbox, deploy: Deploy, environment: dict[str, str], synthesize: Synthesize
) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    story = Story(page, folder, deploy=deploy, environment=environment)

    for block in run_here(page):
        story.tell(block)

    assert warnings(synthesize(story.source(), {})) == []


@pytest.mark.parametrize("page", WITHOUT)
def test_a_page_without(page: str, tmp_path: Path, environment: dict[str, str], synthesize: Synthesize) -> None:
    def deploy(source: str, context: object) -> int:
        raise AssertionError("this page deploys")

    story = Story(page, tmp_path, deploy=deploy, environment=environment)

    for block in run_here(page):
        story.tell(block)

    assert warnings(synthesize(story.source(), {})) == []


def test_what_is_not_run_is_there() -> None:
    assert [
        key
        for key in NOT_RUN
        if key not in {(block.page, block.first_line) for page in PAGES for block in blocks(page)}
    ] == []
    assert set(ELSEWHERE) <= set(PAGES)
