"""The AWS CLI on a sandbox."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def run(sandbox):
    """Run `aws sagemaker …` and return its exit code and output."""
    environment = sandbox.environment()

    def aws(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "awscli", "sagemaker", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    return aws


@pytest.fixture
def aws(run):
    """Run a command that must succeed and return its JSON."""

    def run_json(*arguments):
        code, output = run(*arguments)
        assert code == 0, output
        return json.loads(output or "{}")

    return run_json


def test_commands_and_a_waiter(sandbox, sagemaker, wait_until_stable, push, run, aws, name):
    # GIVEN an image
    uri, digest = push(sandbox)
    sagemaker.create_image(ImageName=name, RoleArn="arn:aws:iam::000000000000:role/images")
    wait_until_stable(lambda: sagemaker.describe_image(ImageName=name)["ImageStatus"])

    # WHEN a version is created. The waiter runs afterwards, since it polls once a minute, and takes no version number,
    # since `--version` is an option of the CLI itself
    version = ("--image-name", name, "--version-number", "1")
    arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:image-version/{name}/1"
    metadata = ("--job-type", "NOTEBOOK_KERNEL", "--ml-framework", "PyTorch 2.5", "--no-horovod")
    command = ("create-image-version", "--image-name", name, "--base-image", uri, "--aliases", "latest", "1.0")
    assert aws(*command, *metadata) == {"ImageVersionArn": arn}
    wait_until_stable(lambda: sagemaker.describe_image_version(ImageName=name, Version=1)["ImageVersionStatus"])
    assert run("wait", "image-version-created", "--image-name", name, "--alias", "latest") == (0, "")

    # THEN it has the given properties
    described = aws("describe-image-version", "--image-name", name, "--alias", "latest")
    assert described["ContainerImage"] == f"{uri.partition(':')[0]}@{digest}"
    assert (described["JobType"], described["MLFramework"], described["Horovod"]) == (
        "NOTEBOOK_KERNEL",
        "PyTorch 2.5",
        False,
    )
    assert described["CreationTime"] <= described["LastModifiedTime"]

    # WHEN it is updated, THEN it has the new aliases
    aws("update-image-version", *version, "--aliases-to-add", "2.0", "--aliases-to-delete", "1.0")
    assert aws("list-aliases", *version) == {"SageMakerImageVersionAliases": ["2.0", "latest"]}
