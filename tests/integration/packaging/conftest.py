"""The sdist of this checkout, and the wheel that is built from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
Run = Callable[..., str]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command that must succeed; answer what it printed."""

    def run(*command: str | Path, cwd: Path, **environment: str) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | environment,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def sdist(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of a checkout that Python has run in."""
    checkout = tmp_path_factory.mktemp("check out")
    for name in ("imgver_constructs", "imgver_sandbox", "lambda"):
        shutil.copytree(CHECKOUT / name, checkout / name)
    for name in ("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", ".gitignore"):
        shutil.copy(CHECKOUT / name, checkout / name)
    for trace in ("lambda/__pycache__/x.pyc", "lambda/imgver_handler/x.pyc", "imgver_constructs/__pycache__/x.pyc"):
        (checkout / trace).parent.mkdir(exist_ok=True)
        (checkout / trace).touch()
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(out), cwd=checkout)
    (found,) = out.iterdir()
    return found


@pytest.fixture(scope="session")
def build_wheel(run: Run, sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build the wheel from the sdist, as the release of that version."""

    def build(version: str) -> Path:
        unpacked, out = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("wheel")
        with tarfile.open(sdist) as archive:
            archive.extractall(unpacked, filter="data")
        (source,) = unpacked.iterdir()
        project = source / "pyproject.toml"
        project.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project.read_text()))
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out), cwd=source)
        (found,) = out.iterdir()
        return found

    return build


@pytest.fixture(scope="session")
def wheel(build_wheel: Callable[[str], Path]) -> Path:
    return build_wheel(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"])
