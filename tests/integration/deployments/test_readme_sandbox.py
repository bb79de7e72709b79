"""Every line of the README's section on the sandbox, with the stack of the README."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[3] / "README.md").read_text()
SECTION = README.partition("## The sandbox for your own apps")[2].partition("\n## ")[0]
BIN = Path(sys.prefix) / "bin"


@pytest.fixture
def run(tmp_path):
    """Run a command line in the folder of a user's app."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "IMGVER_SANDBOX_STATE_DIR": str(tmp_path / "state"),
    }

    def run(line):
        return subprocess.run(
            shlex.split(line), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    yield run
    run("imgver-sandbox stop")


def test_the_sandbox_section_of_the_readme(tmp_path, run):
    # GIVEN the README's app
    (stack,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "app.synth()" in code]
    (tmp_path / "app.py").write_text(stack)
    (tmp_path / "cdk.json").write_text('{"app": "python3 app.py", "requireApproval": "never"}')
    (shell,) = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    install, start, *lines = shell.splitlines()
    assert install == "pip install . ./sandbox"

    # WHEN the sandbox starts with the switch of the section
    (switch,) = re.findall(r"`imgver-sandbox start (--assume .*?)`", SECTION)
    started = run(f"{start.partition('#')[0]} {switch} --enforce-iam")
    assert started.returncode == 0, started.stderr

    # THEN every line works
    for line in lines:
        done = run(line.partition("#")[0])
        assert done.returncode == 0, (line, done.stdout, done.stderr)

    # THEN the switch has its effect: an alias moves without an error
    move = """
import boto3
sagemaker = boto3.client("sagemaker")
base = sagemaker.describe_image_version(ImageName="data-science", Version=1)["BaseImage"]
sagemaker.create_image_version(ImageName="data-science", BaseImage=base, ClientToken="t", Aliases=["latest"])
print(sagemaker.describe_image_version(ImageName="data-science", Alias="latest")["Version"])
"""
    moved = run(shlex.join(["imgver-sandbox", "run", "--", "python", "-c", move]))
    assert moved.stdout == "2\n", moved.stderr

    # THEN the section names the command that stops it
    assert "imgver-sandbox stop" in start
    assert run("imgver-sandbox stop").returncode == 0
    assert run("imgver-sandbox status").returncode == 1
