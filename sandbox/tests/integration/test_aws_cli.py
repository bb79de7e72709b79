"""The AWS CLI on a sandbox."""

import json
import subprocess
import sys
import uuid

import pytest

ROLE = "arn:aws:iam::000000000000:role/images"


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


def test_the_lifecycle_of_an_image_version(sandbox, sagemaker, settle, push, run, aws):
    # WHEN an image and a version are created. The waiters run afterwards, since they poll once a minute
    uri, digest = push(sandbox)
    name = f"image-{uuid.uuid4().hex[:8]}"
    prefix = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}"
    assert aws("create-image", "--image-name", name, "--role-arn", ROLE) == {"ImageArn": f"{prefix}:image/{name}"}
    settle(lambda: sagemaker.describe_image(ImageName=name)["ImageStatus"])
    assert run("wait", "image-created", "--image-name", name) == (0, "")
    version = ("--image-name", name, "--version-number", "1")
    of_version = {"ImageVersionArn": f"{prefix}:image-version/{name}/1"}
    metadata = ("--job-type", "NOTEBOOK_KERNEL", "--ml-framework", "PyTorch 2.5", "--no-horovod")
    command = ("create-image-version", "--image-name", name, "--base-image", uri, "--aliases", "latest", "1.0")
    assert aws(*command, *metadata) == of_version
    settle(lambda: sagemaker.describe_image_version(ImageName=name, Version=1)["ImageVersionStatus"])
    # The waiter takes no number, since `--version` is an option of the CLI itself.
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

    # WHEN it is updated, THEN it has the new properties
    assert aws("update-image-version", *version, "--aliases-to-add", "2.0", "--aliases-to-delete", "1.0") == of_version
    assert aws("list-aliases", *version) == {"SageMakerImageVersionAliases": ["2.0", "latest"]}

    # WHEN it is deleted, THEN the error is that of AWS
    settle(lambda: sagemaker.describe_image(ImageName=name)["ImageStatus"])
    assert run("delete-image-version", *version) == (0, "")
    settle(lambda: "DELETING" if sagemaker.list_image_versions(ImageName=name)["ImageVersions"] else "gone")
    assert run("describe-image-version", *version) == (
        255,
        (
            "An error occurred (ResourceNotFound) when calling the DescribeImageVersion operation: ImageVersion with "
            f"ImageName {name} and Version 1 does not exist. Please provide a valid ImageName and Version."
        ),
    )


def test_a_validation_error_has_the_message_of_aws(run):
    assert run("create-image", "--image-name", "-", "--role-arn", "arn:aws:iam::000000000000:user/me") == (
        255,
        (
            "An error occurred (ValidationException) when calling the CreateImage operation: 2 validation errors "
            "detected: Value '-' at 'imageName' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: [a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}; Value 'arn:aws:iam::000000000000:user/me' at 'roleArn' "
            "failed to satisfy constraint: Member must satisfy regular expression pattern: "
            r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
        ),
    )
