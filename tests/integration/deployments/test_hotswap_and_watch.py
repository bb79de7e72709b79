"""``cdk deploy --hotswap`` and ``cdk watch``, which change the code of a function without CloudFormation.

They do not know custom resources: only a deployment by CloudFormation changes an image version. Both commands do that
with ``--hotswap-fallback``, but not after a hotswap without it, which the CLI takes for a deployment.
"""

import contextlib
import itertools
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
STACK = "Hotswapped"
IMAGE = "hotswapped"
APP = f"""
import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionPolicy

app = cdk.App()
stack = cdk.Stack(app, "{STACK}")
repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image(stack, "Image", image_name="{IMAGE}")
base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
ImageVersion(
    stack,
    "Version",
    image=image,
    base_image=base_image,
    aliases=["latest"],
    update_replace_policy=ImageVersionPolicy.DELETE,
)
app.synth()
"""
DEADLINE = 60
"""Seconds that a deployment may take."""


class Project:
    """The folder of a user's app, with a copy of the library that a test may change."""

    def __init__(self, account, folder):
        self._account = account
        self.folder = folder
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
        """Declare another base image."""
        (self.folder / "app.py").write_text(APP.replace("1.0.0", tag))

    def change_handler(self):
        with (self.folder / "lambda" / "index.py").open("a") as index:
            index.write("# changed\n")

    def code(self):
        """The hash of the function's code in Lambda."""
        name = self._account.physical_id(STACK, "AWS::Lambda::Function")
        return self._account.lambda_.get_function(FunctionName=name)["Configuration"]["CodeSha256"]


@contextlib.contextmanager
def watching(project, environment):
    """Run `cdk watch` until the block ends. The block gets a function that waits for the next deployment's output."""
    log, deployments = project.folder / "watch.log", itertools.count(1)
    with log.open("w") as output:
        process = subprocess.Popen(
            ["cdk", "watch", "--hotswap-fallback"],
            cwd=project.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def next_deployment():
        number, end = next(deployments), time.monotonic() + DEADLINE
        while log.read_text().count("Total time:") < number:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        return log.read_text().split("Total time:")[number - 1]

    yield next_deployment
    # As Ctrl-C does: the CLI and the app that it runs.
    os.killpg(process.pid, signal.SIGINT)
    process.wait(10)
    assert log.read_text().count("Total time:") == next(deployments) - 1


@pytest.fixture
def project(account, tmp_path):
    return Project(account, tmp_path)


def test_watch_deploys_every_change_and_hotswap_changes_the_function_only(account, project):
    # WHEN the watch starts, and there is no stack
    with watching(project, account.environment) as next_deployment:
        output = next_deployment()

        # THEN CloudFormation deploys it
        assert "Triggering initial 'cdk deploy'" in output
        assert "Falling back to doing a full deployment" in output
        assert account.versions(IMAGE) == {1: ("CREATED", ["latest"])}

        # WHEN the app changes
        project.declare("1.1.0")
        output = next_deployment()

        # THEN the new version exists, which only CloudFormation can create
        assert "Detected change to 'app.py' (type: change). Triggering 'cdk deploy'" in output
        assert account.versions(IMAGE) == {2: ("CREATED", ["latest"])}

    # WHEN the code of the function changes, and the base image
    code = project.code()
    project.change_handler()
    project.declare("1.2.0")
    status, output = account.cdk("deploy", "--hotswap", folder=project.folder)

    # THEN the CLI swaps the code, and does not mention the version
    assert status == 0, output
    assert "AWS::Lambda::Function 'Hotswapped-ImageVersionProviderFunction" in output
    assert "hotswapped!" in output
    assert "Custom::SageMaker" not in output
    assert project.code() != code
    assert account.versions(IMAGE) == {2: ("CREATED", ["latest"])}

    # WHEN the fallback is permitted afterwards
    status, output = account.cdk("deploy", "--hotswap-fallback", folder=project.folder)

    # THEN the CLI finds no change, and the declared version is missing still
    assert status == 0, output
    assert "(no changes)" in output
    assert account.versions(IMAGE) == {2: ("CREATED", ["latest"])}

    # WHEN CloudFormation deploys the same assembly
    code = project.code()
    assert account.deployment.deploy(project.folder / "cdk.out", STACK) == "UPDATE_COMPLETE"

    # THEN the new code has created the declared version
    assert account.versions(IMAGE) == {3: ("CREATED", ["latest"])}
    assert account.describe(IMAGE, 3)["BaseImage"].endswith("/data-science:1.2.0")
    assert project.code() == code
