"""The sdists and wheels of both distributions, built from this checkout, and environments to install them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parents[3]
DISTRIBUTIONS = {"imgver_constructs": ".", "imgver_sandbox": "sandbox"}
"""The folder of each distribution in the checkout."""

Run = Callable[..., str]


class Built(NamedTuple):
    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command that must succeed, and return its output."""

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
def build(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Built]]:
    """Build both distributions as a release of a version: the sdist, and from the sdist the wheel."""

    def build(version: str) -> dict[str, Built]:
        checkout, out = tmp_path_factory.mktemp("check out"), tmp_path_factory.mktemp("dist")
        ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "node_modules", "docs", "tests")
        shutil.copytree(CHECKOUT, checkout, ignore=ignored, dirs_exist_ok=True)
        for folder in ("lambda/__pycache__", "imgver_constructs/__pycache__", "sandbox/imgver_sandbox/__pycache__"):
            (checkout / folder).mkdir()
            (checkout / folder / "x.pyc").touch()
        built = {}
        for name, folder in DISTRIBUTIONS.items():
            project = checkout / folder / "pyproject.toml"
            number = r'(?m)(^version = "|imgver-sandbox==)[0-9.]+'
            project.write_text(re.sub(number, rf"\g<1>{version}", project.read_text()))
            hatchling = (sys.executable, "-m", "hatchling", "build", "-d", str(out))
            run(*hatchling, "-t", "sdist", cwd=checkout / folder)
            sdist = out / f"{name}-{version}.tar.gz"
            with tarfile.open(sdist) as archive:
                archive.extractall(checkout / "unpacked", filter="data")
            run(*hatchling, "-t", "wheel", cwd=checkout / "unpacked" / f"{name}-{version}")
            built[name] = Built(sdist, out / f"{name}-{version}-py3-none-any.whl")
        return built

    return build


@pytest.fixture(scope="session")
def built(build: Callable[[str], dict[str, Built]]) -> dict[str, Built]:
    return build("0.1.0")


def uv() -> str | None:
    """The uv of this environment or of PATH, if there is one."""
    return shutil.which("uv", path=os.pathsep.join([sys.prefix, f"{sys.prefix}/bin", os.environ["PATH"]]))


@pytest.fixture(scope="session")
def install(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Install into a new environment, and return its folder. uv does it where it is installed, pip otherwise."""

    def install(*requirements: str | Path) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        python = folder / "bin" / "python"
        if program := uv():
            run(program, "venv", "--quiet", "--clear", "--python", sys.executable, folder, cwd=folder.parent)
            run(program, "pip", "install", "--python", python, *requirements, cwd=folder)
        else:
            run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
            run(python, "-m", "pip", "install", "--no-compile", *requirements, cwd=folder)
        return folder

    return install
