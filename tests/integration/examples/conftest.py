"""The examples, by the lines of their READMEs."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from imgver_sandbox import Sandbox

EXAMPLES = Path(__file__).parents[3] / "examples"


def lines(readme):
    """The commands of a README."""
    (shell,) = re.findall(r"^```sh\n(.*?)^```", readme.read_text(), re.DOTALL | re.MULTILINE)
    return shell.splitlines()


class Example:
    """An example, whose commands run in a sandbox. Its stacks are deployed without the CDK CLI."""

    def __init__(self, name, sandbox, deployment, run_app):
        self.folder = EXAMPLES / name
        self.lines = lines(self.folder / "README.md")
        self._sandbox = sandbox
        self._deployment = deployment
        self._run_app = run_app
        self._stack = ""

    def run(self, line):
        """Run a command of the README."""
        if line.startswith("imgver-sandbox push "):
            self.push(line)
            return
        sandboxed, command = line.split(" -- ")
        assert sandboxed == "imgver-sandbox run"
        match shlex.split(command, comments=True):
            case ["cdk", "deploy", *options]:
                self._deploy(options)
            case ["cdk", "destroy", "--force"]:
                assert self._deployment.destroy(self._stack) == "DELETE_COMPLETE"
            case arguments:
                self.execute(arguments)

    def push(self, line):
        """Run the command of the README that pushes container images."""
        for reference in shlex.split(line)[2:]:
            self._sandbox.push(reference)

    def execute(self, arguments, **environment):
        """Run a program in the folder of the example, with the environment of the sandbox."""
        environment = self._sandbox.environment() | {"PYTHONDONTWRITEBYTECODE": "1"} | environment
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    def _deploy(self, options):
        values = options[1::2]
        assert options == [part for value in values for part in ("-c", value)]
        context = json.loads((self.folder / "cdk.json").read_text()).get("context", {})
        assembly = self._run_app(self.folder / "app.py", context | dict(value.split("=") for value in values))
        (template,) = assembly.glob("*.template.json")
        self._stack = template.name.removesuffix(".template.json")
        assert self._deployment.deploy(assembly, self._stack) in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@pytest.fixture(scope="module")
def sandbox(direct_deployment):
    """A sandbox that evaluates IAM, in which SageMaker takes no time."""
    with Sandbox.start(enforce_iam=True, fast=True) as sandbox:
        direct_deployment(sandbox).bootstrap()
        for operation in ("CreateImage", "CreateImageVersion", "DeleteImage", "DeleteImageVersion"):
            sandbox.faults.slow(0.001, operation=operation, times=1000)
        yield sandbox


@pytest.fixture(scope="module")
def example(sandbox, direct_deployment, run_app):
    """An example, by its name."""
    return lambda name: Example(name, sandbox, direct_deployment(sandbox), run_app)
