"""An app that knows no value at synth: each keyword takes a token, does not inspect it, and hands it on.

How tokens are told from values is tested in the test_tokens.py of the folder above.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageRetention,
    ImageVersion,
    ImageVersionProvider,
    StudioApp,
)

Made = TypeVar("Made")
ResourcesOf = Callable[..., dict[str, Any]]

CALLABLES: list[Callable[..., Any]] = [
    AppImageConfig,
    AppImageConfig.from_app_image_config_name,
    BaseImage.from_ecr_repository,
    BaseImage.from_uri,
    Image,
    Image.from_image_arn,
    Image.from_image_name,
    ImageAlias,
    ImageRetention,
    ImageVersion,
    ImageVersion.from_image_version_arn,
    ImageVersion.from_image_version_attributes,
    ImageVersionProvider,
    StudioApp.code_editor,
    StudioApp.jupyter_lab,
    StudioApp.kernel_gateway,
]
DECIDED_AT_SYNTH = {
    "architecture",
    "base_image",
    "log_retention",
    "removal_policy",
    "superseded",
    "tracing",
    "vpc_subnets",
}
"""Constructs, and choices that are no property of a resource: they cannot be tokens."""


@jsii.implements(cdk.IStableStringProducer)
class LaterText:
    def __init__(self, text: str) -> None:
        self.text = text

    def produce(self) -> str:
        return self.text


@jsii.implements(cdk.IStableNumberProducer)
class LaterNumber:
    def __init__(self, number: float) -> None:
        self.number = number

    def produce(self) -> float:
        return self.number


def number_to_import(_: Construct, name: str) -> float:
    return cdk.Token.as_number(cdk.Fn.import_value(name))


def number_of_parameter(scope: Construct, name: str) -> float:
    return cdk.CfnParameter(scope, name, type="Number").value_as_number


TEXTS: dict[str, Callable[[Construct, str], str]] = {
    "parameter": lambda scope, name: cdk.CfnParameter(scope, name).value_as_string,
    "import": lambda _, name: cdk.Fn.import_value(name),
    "ssm": ssm.StringParameter.value_for_string_parameter,
    "lazy": lambda _, name: cdk.Lazy.string(LaterText(cdk.Fn.import_value(name))),
    "in a text that looks wrong": lambda _, name: f"-? {cdk.Fn.import_value(name)}\n{'x' * 300}",
}
NUMBERS: dict[str, Callable[[Construct, str], float]] = {
    "parameter": number_of_parameter,
    "import": number_to_import,
    "ssm": number_of_parameter,
    "lazy": lambda scope, name: cdk.Lazy.number(LaterNumber(number_to_import(scope, name))),
    "in a text that looks wrong": number_to_import,
}


class Unknown:
    """A stack whose declarations know no value."""

    def __init__(self, stack: cdk.Stack, kind: str) -> None:
        self.stack = stack
        self.tokens: dict[str, str | float] = {}
        self.given: dict[str, set[str]] = defaultdict(set)
        self._source = Construct(stack, "Unknown")
        self._kind = kind

    def text(self, name: str) -> str:
        self.tokens[name] = token = TEXTS[self._kind](self._source, name)
        return token

    def number(self, name: str) -> Any:
        self.tokens[name] = token = NUMBERS[self._kind](self._source, name)
        return token

    def make(self, call: Callable[..., Made], *arguments: object, **keywords: object) -> Made:
        """Call a part of the library, and remember which of its keywords were tried."""
        self.given[call.__qualname__] |= keywords.keys()
        return call(*arguments, **keywords)

    def arrives(self, name: str) -> Any:
        """What the template has to say where a token was given."""
        return self.stack.resolve(self.tokens[name])


@pytest.fixture(scope="module", params=TEXTS)
def unknown(request: pytest.FixtureRequest, new_app: Callable[..., cdk.App]) -> Unknown:
    stack = cdk.Stack(new_app(), "Stack")
    unknown = Unknown(stack, request.param)
    text, number, make = unknown.text, unknown.number, unknown.make

    provider = make(
        ImageVersionProvider,
        stack,
        "ImageVersionProvider",
        vpc=ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id=cdk.Fn.import_value("Vpc"),
            availability_zones=["a"],
            private_subnet_ids=[text("Subnet")],
        ),
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", text("Group"))],
        role=iam.Role.from_role_arn(stack, "FunctionRole", text("FunctionRole")),
        log_group=logs.LogGroup.from_log_group_name(stack, "Logs", text("Logs")),
        environment_encryption=kms.Key.from_key_arn(stack, "Key", text("Key")),
        memory_size=number("Memory"),
        timeout=cdk.Duration.seconds(number("Timeout")),
        permitted_images=[text("Permitted"), "data-*"],
    )
    image = make(
        Image,
        stack,
        "Image",
        image_name=text("ImageName"),
        display_name=text("DisplayName"),
        description=text("Description"),
        role=iam.Role.from_role_arn(stack, "ImageRole", text("ImageRole")),
    )
    repository = ecr.Repository.from_repository_name(stack, "Repository", text("Repository"))
    make(
        ImageVersion,
        stack,
        "Version",
        image=image,
        base_image=make(BaseImage.from_ecr_repository, repository=repository, tag=text("Tag")),
        aliases=[text("FirstAlias"), text("SecondAlias")],
        job_type=text("JobType"),
        processor=text("Processor"),
        horovod=text("Horovod"),
        ml_framework=text("MLFramework"),
        programming_lang=text("ProgrammingLang"),
        release_notes=text("ReleaseNotes"),
        vendor_guidance=text("VendorGuidance"),
        follow_tag=text("FollowTag"),
        adopt_version=number("AdoptVersion"),
        provider=provider,
    )
    make(
        ImageVersion,
        stack,
        "OfName",
        image=make(Image.from_image_name, stack, "ByName", image_name=text("ByName")),
        base_image=make(BaseImage.from_ecr_repository, repository=repository, digest=text("Digest")),
    )
    make(
        ImageVersion,
        stack,
        "OfArn",
        image=make(Image.from_image_arn, stack, "ByArn", image_arn=text("ByArn")),
        base_image=make(BaseImage.from_uri, uri=text("Uri")),
    )
    by_arn = make(ImageVersion.from_image_version_arn, stack, "VersionByArn", image_version_arn=text("VersionByArn"))
    make(ImageAlias, stack, "Alias", alias_name=text("Alias"), version=by_arn, provider=provider)
    by_number = make(
        ImageVersion.from_image_version_attributes, stack, "VersionByNumber", image=image, version=number("Number")
    )
    make(ImageRetention, stack, "Retention", image=image, keep=number("Keep"), versions=[by_number], provider=provider)

    jupyter_lab = make(
        StudioApp.jupyter_lab,
        container_arguments=[text("Argument")],
        container_entrypoint=text("Entrypoint"),
        container_environment_variables={text("VariableName"): text("VariableValue")},
    )
    make(AppImageConfig, stack, "JupyterLab", app=jupyter_lab, app_image_config_name=text("ConfigName"))
    code_editor = make(
        StudioApp.code_editor,
        container_arguments=cdk.Token.as_list(cdk.Fn.split(",", text("Arguments"))),
        container_entrypoint=text("EditorEntrypoint"),
        container_environment_variables={"LOG_LEVEL": text("LogLevel")},
    )
    make(AppImageConfig, stack, "CodeEditor", app=code_editor)
    kernel_gateway = make(
        StudioApp.kernel_gateway,
        kernel_name=text("Kernel"),
        kernel_display_name=text("KernelDisplayName"),
        mount_path=text("MountPath"),
        default_uid=number("Uid"),
        default_gid=number("Gid"),
    )
    make(AppImageConfig, stack, "KernelGateway", app=kernel_gateway)
    existing = make(
        AppImageConfig.from_app_image_config_name, stack, "Existing", app_image_config_name=text("ExistingConfig")
    )
    describe = iam.PolicyStatement(
        actions=["sagemaker:DescribeAppImageConfig"], resources=[existing.app_image_config_arn]
    )
    iam.ManagedPolicy(stack, "Reader", statements=[describe])
    return unknown


@pytest.fixture(scope="module")
def properties(unknown: Unknown, resources_of: ResourcesOf) -> Callable[[str], dict[str, Any]]:
    """The properties of the resource whose logical id begins with a text, and goes on with a hash."""

    def properties(construct_id: str) -> dict[str, Any]:
        resources = resources_of(unknown.stack)
        (found,) = (resources[key] for key in resources if construct_id in (key, key[:-8]))
        return dict(found["Properties"])

    return properties


def test_every_keyword_was_given_a_token(unknown: Unknown) -> None:
    for call in CALLABLES:
        signature = inspect.signature(call.__init__ if isinstance(call, type) else call)
        keywords = signature.parameters.keys() - {"self", "scope", "construct_id"}
        assert keywords - unknown.given[call.__qualname__] - DECIDED_AT_SYNTH == set(), call


def test_image(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    assert properties("Image") == {
        "ImageName": unknown.arrives("ImageName"),
        "ImageDisplayName": unknown.arrives("DisplayName"),
        "ImageDescription": unknown.arrives("Description"),
        "ImageRoleArn": unknown.arrives("ImageRole"),
    }


def test_metadata_of_a_version(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    version = properties("Version")

    metadata = ("JobType", "Processor", "Horovod", "MLFramework", "ProgrammingLang", "ReleaseNotes", "VendorGuidance")
    for name in (*metadata, "FollowTag", "AdoptVersion"):
        assert version[name] == unknown.arrives(name), name


def test_base_images(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    registry = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{unknown.tokens['Repository']}"

    assert properties("Version")["BaseImage"] == unknown.stack.resolve(f"{registry}:{unknown.tokens['Tag']}")
    assert properties("OfName")["BaseImage"] == unknown.stack.resolve(f"{registry}@{unknown.tokens['Digest']}")
    assert properties("OfArn")["BaseImage"] == unknown.arrives("Uri")


def test_images_of_versions(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    arn = cdk.Fn.select(1, cdk.Fn.split("/", unknown.tokens["ByArn"]))

    assert properties("OfName")["ImageName"] == unknown.arrives("ByName")
    assert properties("OfArn")["ImageName"] == unknown.stack.resolve(arn)


def test_aliases(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    parts = cdk.Fn.split("/", unknown.tokens["VersionByArn"])

    assert properties("VersionAlias0")["Alias"] == unknown.arrives("FirstAlias")
    assert properties("VersionAlias1")["Alias"] == unknown.arrives("SecondAlias")
    assert properties("Alias")["Alias"] == unknown.arrives("Alias")
    assert properties("Alias")["ImageName"] == unknown.stack.resolve(cdk.Fn.select(1, parts))
    assert properties("Alias")["Version"] == unknown.stack.resolve(cdk.Fn.select(2, parts))


def test_retention(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    retention = properties("Retention")

    assert retention["Keep"] == unknown.arrives("Keep")
    assert retention["Versions"][0] == unknown.arrives("Number")


def test_function(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    function = properties("ImageVersionProviderFunction")

    assert function["KmsKeyArn"] == unknown.arrives("Key")
    assert function["LoggingConfig"] == {"LogGroup": unknown.arrives("Logs")}
    assert function["MemorySize"] == unknown.arrives("Memory")
    assert function["Role"] == unknown.arrives("FunctionRole")
    assert function["Timeout"] == unknown.arrives("Timeout")
    assert function["VpcConfig"] == {
        "SecurityGroupIds": [unknown.arrives("Group")],
        "SubnetIds": [unknown.arrives("Subnet")],
    }
    # The longest that a function may run, and that Lambda may keep an event.
    assert properties("Version")["ServiceTimeout"] == "1800"


def test_permissions(unknown: Unknown, resources_of: ResourcesOf) -> None:
    # GIVEN
    arns = [
        arn
        for resource in resources_of(unknown.stack).values()
        for statement in resource["Properties"].get("PolicyDocument", {"Statement": []})["Statement"]
        for arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]

    # THEN
    for resource in (
        f"sagemaker:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:image/{unknown.tokens['Permitted']}",
        f"sagemaker:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:app-image-config/{unknown.tokens['ExistingConfig']}",
        f"ecr:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:repository/{unknown.tokens['Repository']}",
    ):
        assert unknown.stack.resolve(f"arn:{cdk.Aws.PARTITION}:{resource}") in arns


def test_app_image_configs(unknown: Unknown, properties: Callable[[str], dict[str, Any]]) -> None:
    assert properties("JupyterLab") == {
        "AppImageConfigName": unknown.arrives("ConfigName"),
        "JupyterLabAppImageConfig": {
            "ContainerConfig": {
                "ContainerArguments": [unknown.arrives("Argument")],
                "ContainerEntrypoint": [unknown.arrives("Entrypoint")],
                "ContainerEnvironmentVariables": [
                    {"Key": unknown.arrives("VariableName"), "Value": unknown.arrives("VariableValue")}
                ],
            }
        },
    }
    assert properties("CodeEditor")["CodeEditorAppImageConfig"]["ContainerConfig"] == {
        "ContainerArguments": unknown.stack.resolve(cdk.Fn.split(",", unknown.tokens["Arguments"])),
        "ContainerEntrypoint": [unknown.arrives("EditorEntrypoint")],
        "ContainerEnvironmentVariables": [{"Key": "LOG_LEVEL", "Value": unknown.arrives("LogLevel")}],
    }
    assert properties("KernelGateway")["KernelGatewayImageConfig"] == {
        "FileSystemConfig": {
            "DefaultGid": unknown.arrives("Gid"),
            "DefaultUid": unknown.arrives("Uid"),
            "MountPath": unknown.arrives("MountPath"),
        },
        "KernelSpecs": [{"DisplayName": unknown.arrives("KernelDisplayName"), "Name": unknown.arrives("Kernel")}],
    }


def test_a_condition_decides_about_horovod(stack: cdk.Stack, declare: Callable[..., ImageVersion], only: Any) -> None:
    # GIVEN
    answer = cdk.CfnParameter(stack, "Answer").value_as_string
    cdk.CfnCondition(stack, "Wanted", expression=cdk.Fn.condition_equals(answer, "yes"))

    # WHEN
    declare(horovod=cdk.Fn.condition_if("Wanted", "true", "false"))

    # THEN
    horovod = only("Custom::SageMakerImageVersion")["Properties"]["Horovod"]
    assert horovod == {"Fn::If": ["Wanted", "true", "false"]}


def test_a_value_that_turns_out_to_be_none_is_left_out(declare: Callable[..., ImageVersion], only: Any) -> None:
    # WHEN
    declare(release_notes=cdk.Token.as_string(cdk.Aws.NO_VALUE))

    # THEN CloudFormation does not send it
    notes = only("Custom::SageMakerImageVersion")["Properties"]["ReleaseNotes"]
    assert notes == {"Ref": "AWS::NoValue"}


def test_how_many_there_are_of_something_is_no_token(
    stack: cdk.Stack, declare: Callable[..., ImageVersion], tree: Callable[[], list[str]]
) -> None:
    # GIVEN
    names = cdk.CfnParameter(stack, "Names", type="CommaDelimitedList").value_as_list
    Image.from_image_name(stack, "Image", "data-science")
    before = tree()

    # THEN resources are not made for each of a list that CloudFormation splits
    with pytest.raises(ValueError, match="aliases") as raised:
        declare(aliases=names)
    assert str(raised.value).endswith("must be a list with one item per alias: write it like ['latest', '1.4.0']")
    with pytest.raises(ValueError, match="permitted_images") as raised:
        ImageVersionProvider(stack, "Provider", permitted_images=names)
    assert str(raised.value).endswith("must be a list with one item per name: write it like ['team-*']")
    assert tree() == before
