"""A sandbox as ``imgver-sandbox start`` starts it, and a reader who follows a page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.runtime.sandbox import Sandbox
from pages import blocks
from story import NOT_RUN, Story, warnings

COMMAND = Path(sys.prefix) / "bin" / "imgver-sandbox"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A background sandbox, so that ``imgver-sandbox run`` in a page finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGVER_SANDBOX_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        subprocess.run([COMMAND, "start", "--enforce-iam"], check=True, capture_output=True)
        sandbox = Sandbox.running()
        assert sandbox is not None
        yield sandbox
        subprocess.run([COMMAND, "stop"], check=True, capture_output=True)


@pytest.fixture
def follow(tmp_path: Path, started: Sandbox, run_app: Any, direct_deployment: Any) -> Callable[[str], None]:
    """Runs the blocks of a page."""
    folder = tmp_path / "with a space"
    folder.mkdir()
    started.reset()
    # How long a version takes is not the subject of the pages.
    started.faults.slow(0.2, times=100)
    deployment = direct_deployment(started)
    deployment.bootstrap()

    def deploy(context: Mapping[str, str]) -> int:
        assembly = run_app(folder / "app.py", context)
        stacks = [path.name.removesuffix(".template.json") for path in sorted(assembly.glob("*.template.json"))]
        for stack in stacks:
            try:
                assert deployment.deploy(assembly, stack) in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            except ClientError as error:
                # The CDK CLI skips a stack that has not changed.
                if "No updates are to be performed" not in str(error):
                    raise
        return len(stacks)

    def follow(page: str) -> None:
        story = Story(page, folder, started, deploy)
        for block in blocks(page):
            if not block.code.startswith(tuple(NOT_RUN)):
                story.follow(block)
        assert list(warnings(run_app(folder / "app.py", {}))) == []

    return follow
