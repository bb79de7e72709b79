"""``cdk deploy --hotswap`` and ``cdk watch``, which change a function's code without CloudFormation.

They know nothing of custom resources: an image version takes a deployment by CloudFormation, to which both fall back
with ``--hotswap-fallback`` only.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
APP = """
import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from imgver_constructs import BaseImage, Image, ImageVersion

app = cdk.App()
stack = cdk.Stack(app, "DataScience")
repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image(stack, "Image", image_name="notebooks")
base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"])
app.synth()
"""
DEADLINE = 60
"""Seconds that a deployment may take."""


class Project:
    """A user's folder, with a copy of the library that may be changed."""

    def __init__(self, account, folder):
        self._account = account
        self._folder = folder
        for name in ("imgver_constructs", "lambda"):
            shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        settings = {
            "app": f"{shlex.quote(sys.executable)} app.py",
            "requireApproval": "never",
            "progress": "events",
            "watch": {"include": ["app.py"]},
        }
        (folder / "cdk.json").write_text(json.dumps(settings))
        self.declare("1.0.0")

    def declare(self, tag):
        """Name another base image in the app."""
        (self._folder / "app.py").write_text(APP.replace("1.0.0", tag))

    def change_handler(self):
        with (self._folder / "lambda" / "index.py").open("a") as index:
            index.write("# changed\n")

    def cdk(self, *arguments):
        """Run the CLI to its end; answers what it printed."""
        code, printed = self._account.cdk(*arguments, folder=self._folder)
        assert code == 0, printed
        return printed

    def watch(self, *options):
        return Watch(["cdk", "watch", *options], self._folder, self._account.environment)

    def code(self):
        """The hash of the function's code, as Lambda has it."""
        (function,) = self._account.lambda_.list_functions()["Functions"]
        return function["CodeSha256"]


class Watch:
    """A CLI that deploys whenever a file changes, until it is interrupted."""

    def __init__(self, command, folder, environment):
        self._output = folder / "watch.log"
        self._deployments = 0
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self):
        return self._output.read_text()

    def next_deployment(self):
        """Wait until one more deployment is done; answers what the CLI printed meanwhile."""
        before = self._deployments
        self._deployments += 1
        end = time.monotonic() + DEADLINE
        while self.output().count("Total time:") < self._deployments:
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < end, self.output()
            time.sleep(0.1)
        return self.output().split("Total time:")[before]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # As Ctrl-C does: the CLI and the app that it runs.
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(10)


@pytest.fixture(scope="module")
def project(account, tmp_path_factory):
    return Project(account, tmp_path_factory.mktemp("project"))


def test_watch_deploys_at_the_start_and_at_every_change(account, project):
    # WHEN there is no stack yet
    with project.watch("--hotswap-fallback") as watch:
        output = watch.next_deployment()

        # THEN it is deployed
        assert "Triggering initial 'cdk deploy'" in output
        assert "Falling back to doing a full deployment" in output
        assert account.versions() == {1: ("CREATED", ["latest"])}

        # WHEN the app changes
        project.declare("1.1.0")
        output = watch.next_deployment()

        # THEN the new version is there, which only CloudFormation can make
        assert "Detected change to 'app.py' (type: change). Triggering 'cdk deploy'" in output
        assert account.versions() == {2: ("CREATED", ["latest"])}

    # THEN nothing else was deployed
    assert watch.output().count("Total time:") == 2


def test_hotswap_changes_the_function_but_no_version(account, project):
    # GIVEN a stack that is deployed
    project.declare("1.1.0")
    project.cdk("deploy", "--method=direct")
    before, code = account.versions(), project.code()

    # WHEN the function's code changes, and the base image
    project.change_handler()
    project.declare("1.2.0")
    output = project.cdk("deploy", "--hotswap")

    # THEN the CLI swaps the code, and passes over the version without a word
    assert "AWS::Lambda::Function 'DataScience-ImageVersionProviderFunction" in output
    assert "hotswapped!" in output
    assert "Custom::SageMaker" not in output
    assert project.code() != code
    assert account.versions() == before

    # WHEN what was synthesized is deployed by CloudFormation
    code = project.code()
    project.cdk("deploy", "--method=direct", "--app", "cdk.out")

    # THEN all is as declared, made by the new code
    (version,) = account.versions()
    assert account.versions() == {version: ("CREATED", ["latest"])}
    assert account.describe(version)["BaseImage"].endswith("/data-science:1.2.0")
    assert project.code() == code
