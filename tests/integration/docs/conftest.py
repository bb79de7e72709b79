"""A sandbox as ``imgver-sandbox start`` starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import Sandbox

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
