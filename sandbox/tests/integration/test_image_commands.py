"""The commands `push` and `show`."""

import json
import re

import pytest
from botocore.exceptions import WaiterError
from imgver_sandbox.cli.image_commands import table
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker import container_registry

ROLE = "arn:aws:iam::000000000000:role/images"


@pytest.fixture
def describe(sandbox):
    """Describe a container image by its repository and tag."""

    def describe(repository, tag):
        found = sandbox.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        return found["imageDetails"][0]

    return describe


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("docker", container_registry.DOCKER_V2_SCHEMA_2),
        ("oci", container_registry.OCI_MANIFEST),
        ("list", container_registry.DOCKER_MANIFEST_LIST),
    ],
)
def test_the_kinds_of_manifests(sandbox, describe, kind, media_type, name):
    pushed = sandbox.push(f"team/{name}:1.0.0", manifest=kind)

    described = describe(f"team/{name}", "1.0.0")
    assert (described["imageManifestMediaType"], described["imageDigest"]) == (media_type, pushed.digest)
    assert pushed.uri == f"000000000000.dkr.ecr.eu-west-1.amazonaws.com/team/{name}:1.0.0"


def test_another_push_moves_the_tag_to_a_new_digest(sandbox, describe, name):
    first, second = sandbox.push(f"{name}:main"), sandbox.push(f"{name}:main")

    assert first.digest != second.digest == describe(name, "main")["imageDigest"]


@pytest.mark.parametrize("reference", ["data-science", "Data:1", "data-science:", "/b:1", "data:1:2"])
def test_an_invalid_reference_is_an_error(sandbox, sandbox_error, reference):
    rule = "a repository in lower case and a tag: write it like 'data-science:1.0.0'"
    with sandbox_error(f"reference {reference!r} must be {rule}"):
        sandbox.push(reference)


def test_an_unknown_manifest_is_an_error(sandbox, sandbox_error):
    with sandbox_error("manifest 'v1' must be one of docker, oci, list"):
        sandbox.push("data:1", manifest="v1")


class TestCommands:
    @pytest.fixture(autouse=True)
    def started(self, command, state_folder):
        assert command("start").returncode == 0

    def test_push_and_show(self, command, state_folder):
        # GIVEN an image without versions
        sagemaker = Sandbox.running().client("sagemaker")
        assert command("show").stdout == "No images.\n"
        sagemaker.create_image(ImageName="science", RoleArn=ROLE)
        sagemaker.get_waiter("image_created").wait(ImageName="science", WaiterConfig={"Delay": 1})

        # WHEN two container images are pushed, and versions of them are created
        pushed = command("push", "science:1.0.0", "science:oci", "--manifest", "docker").stdout
        assert re.fullmatch(r"(Pushed \S+/science:(1\.0\.0|oci) \(sha256:[0-9a-f]{64}\)\.\n){2}", pushed)
        assert command("push", "science:oci", "--manifest", "oci").returncode == 0
        registry = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
        created = sagemaker.get_waiter("image_version_created")
        sagemaker.create_image_version(
            ImageName="science", BaseImage=f"{registry}/science:1.0.0", Aliases=["latest", "1.0"]
        )
        created.wait(ImageName="science", Version=1, WaiterConfig={"Delay": 1})
        sagemaker.create_image_version(ImageName="science", BaseImage=f"{registry}/science:oci")
        with pytest.raises(WaiterError, match="FAILED"):
            created.wait(ImageName="science", Version=2, WaiterConfig={"Delay": 1})
        Sandbox.running().faults.hold("science", 1)

        # THEN they are shown
        shown = command("show").stdout
        reason = sagemaker.describe_image_version(ImageName="science", Version=2)["FailureReason"]
        assert shown == (
            "science (CREATED, account 000000000000, region eu-west-1)\n"
            "  VERSION  STATUS         ALIASES      USED BY  BASE IMAGE\n"
            "  2        CREATE_FAILED  -            -        science:oci\n"
            f"    {reason}\n"
            "  1        CREATED        1.0, latest  a fault  science:1.0.0\n"
        )
        (image,) = json.loads(command("show", "--json").stdout)
        assert [(version["number"], version["aliases"]) for version in image["versions"]] == [
            (2, []),
            (1, ["1.0", "latest"]),
        ]

    def test_an_error_of_ecr(self, command, error_of):
        Sandbox.running().client("ecr").create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
        assert command("push", "fixed:1").returncode == 0

        assert error_of("push", "fixed:1").startswith("fixed:1 was not pushed: An error occurred")


def test_the_table_of_a_failed_image_and_of_many_versions():
    image = {
        "arn": "arn:aws:sagemaker:eu-west-1:000000000000:image/a",
        "name": "a",
        "status": "CREATE_FAILED",
        "failure_reason": "The role cannot be assumed",
        "versions": [],
        "more": 7,
    }

    lines = [
        "a (CREATE_FAILED, account 000000000000, region eu-west-1)",
        "  The role cannot be assumed",
        "  no versions",
        "  and 7 older versions",
    ]
    assert table([image, image]).splitlines() == [*lines, "", *lines]
