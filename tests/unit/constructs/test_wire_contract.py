"""The contract between the constructs and the handler: properties of resources, and attributes of responses.

The recorded events of tests/events have the same properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from harness import Aws, Function
from imgver_handler.aws.gateway import SettingsTarget
from imgver_handler.cloudformation.properties import (
    ImageAliasProperties,
    ImageAttachmentProperties,
    ImageRetentionProperties,
    ImageVersionProperties,
    declared_versions,
)
from imgver_handler.dispatch import RESOURCES

from imgver_constructs import (
    AppImageConfig,
    AppType,
    BaseImage,
    Image,
    ImageAttachment,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionRetention,
    JobType,
    Processor,
    VendorGuidance,
)

EVENTS = Path(__file__).parents[2] / "events"
FOR_CLOUDFORMATION = {"ServiceToken", "ServiceTimeout"}
"""The properties that CloudFormation reads, and not the handler."""
FOR_REASONS = {"ConstructPath"}
"""The property with which a reason begins. The recorded events do not have it."""
PHYSICAL_ID = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1#1700000060"
VERSION = "Custom::SageMakerImageVersion"
ALIAS = "Custom::SageMakerImageAlias"
RETENTION = "Custom::SageMakerImageRetention"
ATTACHMENT = "Custom::SageMakerImageAttachment"

Only = Callable[[str], dict[str, Any]]


class Properties(dict[str, Any]):
    """Properties that record which of them are read."""

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def on_the_wire(value: Any) -> Any:
    """A value as CloudFormation sends it: scalars as strings, references resolved."""
    match value:
        case list():
            return [on_the_wire(item) for item in value]
        case {"Ref": _}:
            return PHYSICAL_ID
        case {"Fn::GetAtt": [_, "Version"]}:
            return "1"
        case {"Fn::Select": _}:
            return "data-science"
    return str(value)


def sent(resource: dict[str, Any]) -> Properties:
    """The properties of a resource as the handler receives them."""
    return Properties(
        {
            name: on_the_wire(value)
            for name, value in resource["Properties"].items()
            if name not in FOR_CLOUDFORMATION | FOR_REASONS
        }
    )


def delivered(event: str, resource: dict[str, Any]) -> dict[str, Any]:
    """A recorded event with the properties of a resource."""
    recorded = json.loads((EVENTS / f"{event}.json").read_text())
    own = {name: recorded["ResourceProperties"][name] for name in FOR_CLOUDFORMATION}
    own |= {name: resource["Properties"][name] for name in FOR_REASONS}
    return dict(recorded | {"ResourceProperties": own | sent(resource)})


def recorded(event: str) -> set[str]:
    return json.loads((EVENTS / f"{event}.json").read_text())["ResourceProperties"].keys() - FOR_CLOUDFORMATION


@pytest.fixture
def version(declare: Callable[..., ImageVersion]) -> ImageVersion:
    """A version with every property."""
    return declare(
        aliases=["latest"],
        horovod=False,
        job_type=JobType.NOTEBOOK_KERNEL,
        ml_framework="PyTorch 2.5",
        processor=Processor.GPU,
        programming_lang="Python 3.12",
        release_notes="First release",
        vendor_guidance=VendorGuidance.STABLE,
        follow_tag="build 7",
        adopt_version=7,
        update_replace_policy=ImageVersionPolicy.ARCHIVE,
        deletion_policy=ImageVersionPolicy.ARCHIVE,
    )


def test_image_version(version: ImageVersion, only: Only) -> None:
    properties = sent(only(VERSION))
    read = ImageVersionProperties.parse(properties)

    assert read == ImageVersionProperties(
        image_name="data-science",
        base_image=properties["BaseImage"],
        metadata={
            "Horovod": False,
            "JobType": "NOTEBOOK_KERNEL",
            "MLFramework": "PyTorch 2.5",
            "Processor": "GPU",
            "ProgrammingLang": "Python 3.12",
            "ReleaseNotes": "First release",
            "VendorGuidance": "STABLE",
        },
        on_replace="ARCHIVE",
        on_delete="ARCHIVE",
        follows_tag=True,
        adopted_version=7,
    )
    assert properties.read == properties.keys()
    assert recorded("image_version_create") == properties.keys() - {"AdoptVersion", "FollowTag"}


def test_image_version_with_required_properties(declare: Callable[..., ImageVersion], only: Only) -> None:
    declare()
    properties = sent(only(VERSION))
    read = ImageVersionProperties.parse(properties)

    assert properties.keys() == {"ImageName", "BaseImage"}
    assert (read.metadata, read.follows_tag, read.adopted_version) == ({}, False, None)
    assert (read.on_replace, read.on_delete) == ("DELETE", "DELETE")


def test_image_alias(version: ImageVersion, only: Only) -> None:
    properties = sent(only(ALIAS))
    read = ImageAliasProperties.parse(properties)

    assert read == ImageAliasProperties(image_name="data-science", alias="latest", version=1, created_at=1_700_000_060)
    assert properties.read == properties.keys() == recorded("image_alias_create")


def test_image_retention(stack: cdk.Stack, version: ImageVersion, only: Only) -> None:
    old = ImageVersion.from_image_version_attributes(stack, "Old", image=version.image, version=4)
    ImageVersionRetention(stack, "Retention", image=version.image, max_version_count=5, versions=[old])
    properties = sent(only(RETENTION))
    read = ImageRetentionProperties.parse(properties)

    assert read == ImageRetentionProperties(image_name="data-science", keep=5)
    assert declared_versions(properties) == {1, 4}
    assert properties.read == properties.keys() == recorded("image_retention_create")


def attach(stack: cdk.Stack, version: ImageVersion, **options: Any) -> None:
    config = AppImageConfig.from_app_image_config_name(stack, "Lab", "lab")
    properties: dict[str, Any] = {"app_image_config": config, "domain": "d-1", "app_type": AppType.CODE_EDITOR}
    ImageAttachment(stack, "Attachment", version=version, **properties, **options)


def test_image_attachment(stack: cdk.Stack, version: ImageVersion, only: Only) -> None:
    attach(stack, version, superseded_version_count=2)
    properties = sent(only(ATTACHMENT))
    read = ImageAttachmentProperties.parse(properties)

    assert read == ImageAttachmentProperties(
        target=SettingsTarget(domain_id="d-1", user_profile_name="", member="DefaultUserSettings"),
        app="CodeEditor",
        image_name="data-science",
        app_image_config_name="lab",
        version=1,
        created_at=1_700_000_060,
        keep=2,
    )
    assert properties.read - {"UserProfileName"} == properties.keys()


def test_image_attachment_of_a_user_profile(stack: cdk.Stack, version: ImageVersion, only: Only) -> None:
    attach(stack, version, user_profile_name="ann")
    properties = sent(only(ATTACHMENT))
    read = ImageAttachmentProperties.parse(properties)

    assert read.target == SettingsTarget(domain_id="d-1", user_profile_name="ann", member="UserSettings")
    assert recorded("image_attachment_create") - {"Settings"} == properties.keys() - {"UserProfileName"}


def test_an_alias_of_an_imported_version(stack: cdk.Stack, only: Only) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    ImageVersion.from_image_version_attributes(stack, "Old", image=image, version=4).add_alias("stable")

    read = ImageAliasProperties.parse(sent(only(ALIAS)))

    assert (read.version, read.created_at) == (4, None)


def test_a_reason_begins_with_the_path_of_the_construct(
    stack: cdk.Stack, declare: Callable[..., ImageVersion], only: Only
) -> None:
    # GIVEN a version, an alias and a retention of an image that does not exist
    version = declare(image=Image.from_image_name(stack, "Image", "missing"), aliases=["latest"])
    ImageVersionRetention(stack, "Retention", image=version.image, max_version_count=5)

    for event, path, resource in (
        ("image_version_create", "Stack/Version", only(VERSION)),
        ("image_alias_create", "Stack/Version/Alias-latest", only(ALIAS)),
        ("image_retention_update", "Stack/Retention", only(RETENTION)),
    ):
        response = Function(Aws()).deliver(delivered(event, resource))
        assert response["Status"] == "FAILED"
        assert response["Reason"].startswith(f"{path}: ")


@pytest.mark.parametrize("removal_policy", [cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN])
def test_a_version_in_use_is_left_for_the_deletion_of_its_image(
    stack: cdk.Stack, declare: Callable[..., ImageVersion], only: Only, removal_policy: cdk.RemovalPolicy
) -> None:
    image = Image(stack, "Image", removal_policy=removal_policy)
    declare(image=image, deletion_policy=ImageVersionPolicy.DELETE)
    aws = Aws()
    aws.create_version()
    aws.service.mark_in_use(PHYSICAL_ID.partition("#")[0])

    aws.cloudformation.status = "DELETE_IN_PROGRESS"
    response = Function(aws).deliver(delivered("image_version_delete", only(VERSION)))

    left = removal_policy is cdk.RemovalPolicy.DESTROY
    assert response["Status"] == ("SUCCESS" if left else "FAILED")
    assert aws.versions() == {1: "CREATED"}


def test_resource_types(stack: cdk.Stack, version: ImageVersion, only: Only) -> None:
    ImageVersionRetention(stack, "Retention", image=version.image, max_version_count=5)
    attach(stack, version)

    assert {VERSION, ALIAS, RETENTION, ATTACHMENT} == RESOURCES.keys()
    assert all(only(resource_type) for resource_type in RESOURCES)


def test_attributes(stack: cdk.Stack, declare: Callable[..., ImageVersion], only: Only) -> None:
    version = declare(base_image=BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"))
    attributes = {
        name: stack.resolve(getattr(version, name))["Fn::GetAtt"][1]
        for name in ("image_version_arn", "image_arn", "image_version_number", "base_image_uri", "container_image_uri")
    }

    # The handler creates that version.
    response = Function(Aws()).deliver(delivered("image_version_create", only(VERSION)))

    assert response["Status"] == "SUCCESS", response["Reason"]
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:image"
    assert {name: response["Data"][attribute] for name, attribute in attributes.items()} == {
        "image_version_arn": f"{arn}-version/data-science/1",
        "image_arn": f"{arn}/data-science",
        "image_version_number": "1",
        "base_image_uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0",
        "container_image_uri": response["Data"]["ContainerImage"],
    }
    assert "@sha256:" in response["Data"]["ContainerImage"]
