"""The AWS CLI as it is published, on a real sandbox."""

import json
import subprocess
import sys
import uuid

import pytest

ROLE = "arn:aws:iam::000000000000:role/images"


@pytest.fixture
def sagemaker(sandbox):
    return sandbox.client("sagemaker")


@pytest.fixture(scope="session")
def run(sandbox):
    """Run `aws sagemaker …`; answers its exit code and what it printed, errors last."""
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
    """The JSON that a command answers."""

    def answer(*arguments):
        code, output = run(*arguments)
        assert code == 0, output
        return json.loads(output or "{}")

    return answer


@pytest.fixture(scope="module")
def image(sandbox):
    """An image that is ready."""
    sagemaker, name = sandbox.client("sagemaker"), f"image-{uuid.uuid4().hex[:8]}"
    sagemaker.create_image(ImageName=name, RoleArn=ROLE)
    sagemaker.get_waiter("image_created").wait(ImageName=name, WaiterConfig={"Delay": 0.1})
    return name


@pytest.fixture
def create(image, sagemaker):
    """Make a version that will fail; answer its number."""

    def make(**parameters):
        base_image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/none:1"
        arn = sagemaker.create_image_version(ImageName=image, BaseImage=base_image, **parameters)["ImageVersionArn"]
        return int(arn.rpartition("/")[2])

    return make


def test_an_image_version_through_its_whole_life(sandbox, sagemaker, settle, push, run, aws):
    # WHEN an image and a version are made. The CLI's waiters look once a minute, so they come when there is no wait
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
    # It takes no number: `--version` is the CLI's own.
    assert run("wait", "image-version-created", "--image-name", name, "--alias", "latest") == (0, "")

    # THEN it is what it was made as
    described = aws("describe-image-version", "--image-name", name, "--alias", "latest")
    assert described["ContainerImage"] == f"{uri.partition(':')[0]}@{digest}"
    assert (described["JobType"], described["MLFramework"], described["Horovod"]) == (
        "NOTEBOOK_KERNEL",
        "PyTorch 2.5",
        False,
    )
    assert described["CreationTime"] <= described["LastModifiedTime"]

    # WHEN it is updated, THEN it is what it was updated to
    assert aws("update-image-version", *version, "--aliases-to-add", "2.0", "--aliases-to-delete", "1.0") == of_version
    assert aws("list-aliases", *version) == {"SageMakerImageVersionAliases": ["2.0", "latest"]}

    # WHEN it goes, THEN it is not found, in the words of AWS
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


def test_lists_come_in_pages(image, create, aws):
    # GIVEN as many aliases as fill three of the service's pages
    names = [f"alias-{number:02}" for number in range(25)]
    create(Aliases=names)

    # WHEN they are listed a few at a time
    first = aws("list-aliases", "--image-name", image, "--max-items", "12")
    rest = aws("list-aliases", "--image-name", image, "--starting-token", first["NextToken"])

    # THEN each comes once
    assert (first["SageMakerImageVersionAliases"], rest) == (names[:12], {"SageMakerImageVersionAliases": names[12:]})


def test_a_waiter_sees_a_failure_and_a_version_that_is_gone(image, create, sagemaker, settle, run):
    number = create()
    settle(lambda: sagemaker.describe_image_version(ImageName=image, Version=number)["ImageVersionStatus"])

    assert run("wait", "image-version-created", "--image-name", image) == (
        255,
        (
            "Waiter ImageVersionCreated failed: Waiter encountered a terminal failure state: For expression "
            '"ImageVersionStatus" we matched expected path: "CREATE_FAILED"'
        ),
    )
    # This version of the CLI waits for an error that the service does not have, here as on AWS.
    assert run("wait", "image-version-deleted", "--image-name", image, "--alias", "none") == (
        255,
        (
            "Waiter ImageVersionDeleted failed: An error occurred (ResourceNotFound): ImageVersion with ImageName "
            f"{image} and Alias none does not exist. Please provide a valid ImageName and Alias."
        ),
    )


def test_what_is_invalid_is_said_in_the_words_of_aws(run):
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


def test_a_domain_with_a_custom_image(image, create, sagemaker, aws):
    # WHEN a version is attached to a domain as AWS's guide does it
    number = create()
    config = ("create-app-image-config", "--app-image-config-name", image)
    aws(*config, "--jupyter-lab-app-image-config", "ContainerConfig={ContainerEnvironmentVariables={MODE=fast}}")
    custom_image = {"ImageName": image, "ImageVersionNumber": number, "AppImageConfigName": image}
    settings = {"ExecutionRole": ROLE, "JupyterLabAppSettings": {"CustomImages": [custom_image]}}
    domain = ("--domain-name", image, "--auth-mode", "IAM", "--default-user-settings", json.dumps(settings))
    domain_id = aws("create-domain", *domain)["DomainId"]

    # THEN both are what they were made as
    assert aws("describe-domain", "--domain-id", domain_id)["DefaultUserSettings"] == settings
    described = sagemaker.describe_app_image_config(AppImageConfigName=image)
    assert described["JupyterLabAppImageConfig"] == {
        "ContainerConfig": {"ContainerEnvironmentVariables": {"MODE": "fast"}}
    }
