"""An app in which every value is a token: each keyword accepts a token and passes it on without inspecting it.

tests/unit/constructs/test_tokens.py tests how tokens are recognized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from cdk_release import IS_RECENT
from constructs import Construct
from keywords import KEYWORDS

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

Created = TypeVar("Created")
ResourcesOf = Callable[..., dict[str, Any]]
PropertiesOf = Callable[[str], dict[str, Any]]

# Constructs, and choices that are not properties of a resource.
DECIDED_AT_SYNTH = {
    *("architecture", "base_image", "deletion_policy", "log_retention", "provider", "removal_policy", "tracing"),
    *("update_replace_policy", "vpc_subnets"),
}
# Their values are files of the local machine, and other constructs. Attachments have a test of their own.
WITHOUT_TOKENS = ("BaseImage.from_asset", "ImageAttachment", "ImageVersionMonitoring")


class Unknown:
    """A stack in which all values are tokens: alone, or in strings that would be invalid."""

    def __init__(self, stack: cdk.Stack, *, alone: bool) -> None:
        self.stack = stack
        self.tokens: dict[str, Any] = {}
        self.given: set[str] = set()
        self._source = Construct(stack, "Unknown")
        self._alone = alone

    def string(self, name: str, *, is_checked_around_tokens: bool = False) -> str:
        token = cdk.CfnParameter(self._source, name).value_as_string
        self.tokens[name] = token if self._alone or is_checked_around_tokens else f"-? {token}\n{'x' * 300}"
        return str(self.tokens[name])

    def number(self, name: str) -> Any:
        self.tokens[name] = token = cdk.CfnParameter(self._source, name, type="Number").value_as_number
        return token

    def create(self, call: Callable[..., Created], *arguments: object, **keywords: object) -> Created:
        """Call a part of the library, and record its keywords."""
        self.given |= {f"{call.__qualname__} {keyword}" for keyword in keywords}
        return call(*arguments, **keywords)

    def resolved(self, name: str) -> Any:
        """The template's form of a token."""
        return self.stack.resolve(self.tokens[name])


@pytest.fixture(scope="module", params=[True, False], ids=["alone", "in an invalid string"])
def unknown(request: pytest.FixtureRequest, new_app: Callable[..., cdk.App]) -> Unknown:
    stack = cdk.Stack(new_app(), "Stack")
    unknown = Unknown(stack, alone=request.param)
    string, number, create = unknown.string, unknown.number, unknown.create

    provider = create(
        ImageVersionProvider,
        stack,
        "ImageVersionProvider",
        environment={"HTTPS_PROXY": string("Proxy")},
        vpc=ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id=cdk.Fn.import_value("Vpc"),
            availability_zones=["a"],
            private_subnet_ids=[string("Subnet")],
        ),
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", string("Group"))],
        role=iam.Role.from_role_arn(stack, "FunctionRole", string("FunctionRole")),
        log_group=logs.LogGroup.from_log_group_name(stack, "Logs", string("Logs")),
        environment_encryption=kms.Key.from_key_arn(stack, "Key", string("Key")),
        memory_size=number("Memory"),
        timeout=cdk.Duration.seconds(number("Timeout")),
        max_event_age=cdk.Duration.seconds(number("Age") if IS_RECENT else 900),
        dead_letter_queue=sqs.Queue.from_queue_arn(stack, "Queue", cdk.Fn.import_value("Queue")),
        permitted_images=[string("Permitted"), "data-*"],
    )
    ImageVersionProvider.set_default(stack, provider)
    image = create(
        Image,
        stack,
        "Image",
        image_name=string("ImageName"),
        display_name=string("DisplayName"),
        description=string("Description"),
        role=iam.Role.from_role_arn(stack, "ImageRole", string("ImageRole")),
    )
    repository = ecr.Repository.from_repository_name(stack, "Repository", string("Repository"))
    create(
        ImageVersion,
        stack,
        "Version",
        image=image,
        base_image=create(BaseImage.from_ecr_repository, repository=repository, tag=string("Tag")),
        aliases=[string("FirstAlias"), string("SecondAlias")],
        job_type=string("JobType"),
        processor=string("Processor"),
        horovod=string("Horovod"),
        ml_framework=string("MLFramework"),
        programming_lang=string("ProgrammingLang"),
        release_notes=string("ReleaseNotes"),
        vendor_guidance=string("VendorGuidance"),
        follow_tag=string("FollowTag"),
        adopt_version=number("AdoptVersion"),
        provider=provider,
    )
    create(
        ImageVersion,
        stack,
        "OfName",
        image=create(Image.from_image_name, stack, "ByName", image_name=string("ByName")),
        base_image=create(BaseImage.from_ecr_repository, repository=repository, digest=string("Digest")),
    )
    create(
        ImageVersion,
        stack,
        "OfArn",
        image=create(Image.from_image_arn, stack, "ByArn", image_arn=string("ByArn")),
        base_image=create(BaseImage.from_uri, uri=string("Uri", is_checked_around_tokens=True)),
    )
    by_arn = create(
        ImageVersion.from_image_version_arn, stack, "VersionByArn", image_version_arn=string("VersionByArn")
    )
    create(ImageAlias, stack, "Alias", alias_name=string("Alias"), version=by_arn, provider=provider)
    by_number = create(
        ImageVersion.from_image_version_attributes, stack, "VersionByNumber", image=image, version=number("Number")
    )
    create(
        ImageVersionRetention,
        stack,
        "Retention",
        image=image,
        max_version_count=number("Keep"),
        versions=[by_number],
        provider=provider,
    )

    jupyter_lab = create(
        StudioApp.jupyter_lab,
        container_arguments=[string("Argument")],
        container_entrypoint=string("Entrypoint"),
        container_environment_variables={string("VariableName"): string("VariableValue")},
    )
    create(AppImageConfig, stack, "JupyterLab", app=jupyter_lab, app_image_config_name=string("ConfigName"))
    code_editor = create(
        StudioApp.code_editor,
        container_arguments=cdk.Token.as_list(cdk.Fn.split(",", string("Arguments"))),
        container_entrypoint=string("EditorEntrypoint"),
        container_environment_variables={"LOG_LEVEL": string("LogLevel")},
    )
    create(AppImageConfig, stack, "CodeEditor", app=code_editor)
    kernel_gateway = create(
        StudioApp.kernel_gateway,
        kernel_name=string("Kernel"),
        kernel_display_name=string("KernelDisplayName"),
        mount_path=string("MountPath"),
        default_uid=number("Uid"),
        default_gid=number("Gid"),
    )
    create(AppImageConfig, stack, "KernelGateway", app=kernel_gateway)
    existing = create(
        AppImageConfig.from_app_image_config_name, stack, "Existing", app_image_config_name=string("ExistingConfig")
    )
    describe = iam.PolicyStatement(
        actions=["sagemaker:DescribeAppImageConfig"], resources=[existing.app_image_config_arn]
    )
    iam.ManagedPolicy(stack, "Reader", statements=[describe])
    return unknown


@pytest.fixture(scope="module")
def properties(unknown: Unknown, resources_of: ResourcesOf) -> PropertiesOf:
    """The properties of the resource with a logical id, or whose logical id is that with a hash."""

    def properties(construct_id: str) -> dict[str, Any]:
        resources = resources_of(unknown.stack)
        (found,) = (resources[key] for key in resources if construct_id in (key, key[:-8]))
        return dict(found["Properties"])

    return properties


def test_every_keyword_was_given_a_token(unknown: Unknown) -> None:
    assert {
        keyword
        for keyword in KEYWORDS - unknown.given
        if not keyword.startswith(WITHOUT_TOKENS) and keyword.partition(" ")[2] not in DECIDED_AT_SYNTH
    } == set()


def test_image(unknown: Unknown, properties: PropertiesOf) -> None:
    assert properties("Image") == {
        "ImageName": unknown.resolved("ImageName"),
        "ImageDisplayName": unknown.resolved("DisplayName"),
        "ImageDescription": unknown.resolved("Description"),
        "ImageRoleArn": unknown.resolved("ImageRole"),
    }


def test_version(unknown: Unknown, properties: PropertiesOf) -> None:
    version = properties("Version")

    metadata = ("JobType", "Processor", "Horovod", "MLFramework", "ProgrammingLang", "ReleaseNotes", "VendorGuidance")
    for name in (*metadata, "FollowTag", "AdoptVersion"):
        assert version[name] == unknown.resolved(name), name
    # The longest timeout of a function, and the longest age of an event.
    assert version["ServiceTimeout"] == "1800"


def test_base_images(unknown: Unknown, properties: PropertiesOf) -> None:
    registry = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{unknown.tokens['Repository']}"

    assert properties("Version")["BaseImage"] == unknown.stack.resolve(f"{registry}:{unknown.tokens['Tag']}")
    assert properties("OfName")["BaseImage"] == unknown.stack.resolve(f"{registry}@{unknown.tokens['Digest']}")
    assert properties("OfArn")["BaseImage"] == unknown.resolved("Uri")


def test_images_of_versions(unknown: Unknown, properties: PropertiesOf) -> None:
    arn = cdk.Fn.select(1, cdk.Fn.split("/", unknown.tokens["ByArn"]))

    assert properties("OfName")["ImageName"] == unknown.resolved("ByName")
    assert properties("OfArn")["ImageName"] == unknown.stack.resolve(arn)


def test_aliases(unknown: Unknown, properties: PropertiesOf) -> None:
    parts = cdk.Fn.split("/", unknown.tokens["VersionByArn"])

    assert properties("VersionAlias0")["Alias"] == unknown.resolved("FirstAlias")
    assert properties("VersionAlias1")["Alias"] == unknown.resolved("SecondAlias")
    assert properties("Alias")["Alias"] == unknown.resolved("Alias")
    assert properties("Alias")["ImageName"] == unknown.stack.resolve(cdk.Fn.select(1, parts))
    assert properties("Alias")["Version"] == unknown.stack.resolve(cdk.Fn.select(2, parts))


def test_retention(unknown: Unknown, properties: PropertiesOf) -> None:
    retention = properties("Retention")

    assert retention["Keep"] == unknown.resolved("Keep")
    assert retention["Versions"][0] == unknown.resolved("Number")


def test_function(unknown: Unknown, properties: PropertiesOf) -> None:
    function = properties("ImageVersionProviderFunction")

    assert function["KmsKeyArn"] == unknown.resolved("Key")
    assert function["LoggingConfig"] == {"LogGroup": unknown.resolved("Logs")}
    assert function["MemorySize"] == unknown.resolved("Memory")
    assert function["Role"] == unknown.resolved("FunctionRole")
    assert function["Timeout"] == unknown.resolved("Timeout")
    if IS_RECENT:
        retries = properties("ImageVersionProviderFunctionEventInvokeConfig")
        assert retries["MaximumEventAgeInSeconds"] == unknown.resolved("Age")
    assert function["VpcConfig"] == {
        "SecurityGroupIds": [unknown.resolved("Group")],
        "SubnetIds": [unknown.resolved("Subnet")],
    }


def test_permissions(unknown: Unknown, resources_of: ResourcesOf) -> None:
    arns = [
        arn
        for resource in resources_of(unknown.stack).values()
        for statement in resource["Properties"].get("PolicyDocument", {"Statement": []})["Statement"]
        for arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]

    for resource in (
        f"sagemaker:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:image/{unknown.tokens['Permitted']}",
        f"sagemaker:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:app-image-config/{unknown.tokens['ExistingConfig']}",
        f"ecr:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:repository/{unknown.tokens['Repository']}",
    ):
        assert unknown.stack.resolve(f"arn:{cdk.Aws.PARTITION}:{resource}") in arns


def test_app_image_configs(unknown: Unknown, properties: PropertiesOf) -> None:
    assert properties("JupyterLab") == {
        "AppImageConfigName": unknown.resolved("ConfigName"),
        "JupyterLabAppImageConfig": {
            "ContainerConfig": {
                "ContainerArguments": [unknown.resolved("Argument")],
                "ContainerEntrypoint": [unknown.resolved("Entrypoint")],
                "ContainerEnvironmentVariables": [
                    {"Key": unknown.resolved("VariableName"), "Value": unknown.resolved("VariableValue")}
                ],
            }
        },
    }
    assert properties("CodeEditor")["CodeEditorAppImageConfig"]["ContainerConfig"] == {
        "ContainerArguments": unknown.stack.resolve(cdk.Fn.split(",", unknown.tokens["Arguments"])),
        "ContainerEntrypoint": [unknown.resolved("EditorEntrypoint")],
        "ContainerEnvironmentVariables": [{"Key": "LOG_LEVEL", "Value": unknown.resolved("LogLevel")}],
    }
    assert properties("KernelGateway")["KernelGatewayImageConfig"] == {
        "FileSystemConfig": {
            "DefaultGid": unknown.resolved("Gid"),
            "DefaultUid": unknown.resolved("Uid"),
            "MountPath": unknown.resolved("MountPath"),
        },
        "KernelSpecs": [{"DisplayName": unknown.resolved("KernelDisplayName"), "Name": unknown.resolved("Kernel")}],
    }


def test_intrinsic_functions(stack: cdk.Stack, declare: Callable[..., ImageVersion], only: Any) -> None:
    choice = cdk.CfnParameter(stack, "Answer").value_as_string
    cdk.CfnCondition(stack, "Wanted", expression=cdk.Fn.condition_equals(choice, "yes"))

    declare(horovod=cdk.Fn.condition_if("Wanted", "true", "false"), release_notes=cdk.Token.as_string(cdk.Aws.NO_VALUE))

    version = only("Custom::SageMakerImageVersion")["Properties"]
    assert version["Horovod"] == {"Fn::If": ["Wanted", "true", "false"]}
    # CloudFormation does not send the property.
    assert version["ReleaseNotes"] == {"Ref": "AWS::NoValue"}
