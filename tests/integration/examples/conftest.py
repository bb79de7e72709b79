"""The examples as somebody uses them who has copied one: by the lines of its README, in its folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lint import linter

EXAMPLES = Path(__file__).parents[3] / "examples"


class Example:
    """A copy of an example's folder, with push.py beside it."""

    def __init__(self, name, beside):
        self.folder = beside / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns("__pycache__", "cdk.out"))
        shutil.copy(EXAMPLES / "push.py", beside)

    @property
    def lines(self):
        """What its README says to run on the sandbox."""
        return commands((self.folder / "README.md").read_text())

    def run(self, line):
        """Run a line of the README."""
        environment = os.environ | {
            "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]]),
            # There is nobody to ask, and no change set to look at.
            "CDK_REQUIRE_APPROVAL": "never",
            "CDK_METHOD": "direct",
        }
        if "cdk destroy" in line:
            # What the last deployment wrote is enough: the app does not run again.
            environment["CDK_APP"] = "cdk.out"
        done = subprocess.run(
            line,
            shell=True,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout)


def commands(readme):
    (shell,) = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    return shell.splitlines()


@pytest.fixture(scope="session")
def new_example():
    """A copy of an example, by its name, in a folder."""
    return Example


@pytest.fixture
def example(tmp_path):
    """A copy of an example, by its name."""
    return lambda name: Example(name, tmp_path)


@pytest.fixture(scope="session")
def index():
    """What the README of all examples says to run first."""
    return commands((EXAMPLES / "README.md").read_text())


@pytest.fixture(scope="session")
def cfn_lint():
    return linter()
