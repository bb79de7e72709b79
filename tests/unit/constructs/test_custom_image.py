"""Image versions in Studio: the item that attaches a version to a domain, and the aliases that Studio accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import custom_resources
from aws_cdk.assertions import Annotations, Match
from cdk_release import needs_recent_cdk

from imgver_constructs import AppImageConfig, Image, ImageVersion, StudioApp
from imgver_constructs._custom_image import custom_image

DOMAIN = "AWS::SageMaker::Domain"
ACCOUNT, REGION = "123456789012", "eu-west-1"
VERSION_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/data-science/7"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]


@pytest.fixture
def config(stack: cdk.Stack) -> Any:
    return AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")


def declare_domain(stack: cdk.Stack, *images: cdk.IResolvable) -> None:
    settings = sagemaker.CfnDomain.JupyterLabAppSettingsProperty(custom_images=list(images))
    sagemaker.CfnDomain(
        stack,
        "Domain",
        auth_mode="IAM",
        domain_name="team",
        default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
            execution_role="arn:aws:iam::123456789012:role/studio", jupyter_lab_app_settings=settings
        ),
    )


def declare_user_profile(stack: cdk.Stack, *images: cdk.IResolvable) -> None:
    settings = sagemaker.CfnUserProfile.CodeEditorAppSettingsProperty(custom_images=list(images))
    sagemaker.CfnUserProfile(
        stack,
        "UserProfile",
        domain_id="d-123456789012",
        user_profile_name="ada",
        user_settings=sagemaker.CfnUserProfile.UserSettingsProperty(code_editor_app_settings=settings),
    )


def declare_space(stack: cdk.Stack, *images: cdk.IResolvable) -> None:
    settings = sagemaker.CfnSpace.KernelGatewayAppSettingsProperty(custom_images=list(images))
    sagemaker.CfnSpace(
        stack,
        "Space",
        domain_id="d-123456789012",
        space_name="shared",
        space_settings=sagemaker.CfnSpace.SpaceSettingsProperty(kernel_gateway_app_settings=settings),
    )


@pytest.mark.parametrize(
    ("declare_studio", "resource_type", "path"),
    [
        (declare_domain, DOMAIN, ["DefaultUserSettings", "JupyterLabAppSettings"]),
        (declare_user_profile, "AWS::SageMaker::UserProfile", ["UserSettings", "CodeEditorAppSettings"]),
        (declare_space, "AWS::SageMaker::Space", ["SpaceSettings", "KernelGatewayAppSettings"]),
    ],
)
def test_a_domain_a_user_profile_and_a_space_accept_the_item(
    stack: cdk.Stack,
    declare: Declare,
    only: Only,
    declare_studio: Callable[..., None],
    resource_type: str,
    path: list[str],
) -> None:
    version = declare(image=Image(stack, "Image", image_name="data-science"))
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())

    item = version.custom_image(app_image_config=config)
    declare_studio(stack, item, item)

    # All are references, so that CloudFormation creates the resources before.
    found = only(resource_type)["Properties"]
    for name in path:
        found = found[name]
    expected = {
        "AppImageConfigName": {"Ref": "ConfigJupyterLab2D0CA5F2"},
        "ImageName": {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}]}]},
        "ImageVersionNumber": {"Fn::GetAtt": ["Version6A868472", "Version"]},
    }
    assert found["CustomImages"] == [expected, expected]


def test_item_of_an_imported_version(stack: cdk.Stack, only: Only, config: Any) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", VERSION_ARN)

    declare_domain(stack, version.custom_image(app_image_config=config))

    (item,) = only(DOMAIN)["Properties"]["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"]
    assert item == {"AppImageConfigName": "jupyter", "ImageName": "data-science", "ImageVersionNumber": 7}


def test_the_l1_app_image_config_is_accepted(stack: cdk.Stack, declare: Declare) -> None:
    config = sagemaker.CfnAppImageConfig(stack, "Config", app_image_config_name="jupyter")

    assert stack.resolve(declare().custom_image(app_image_config=config))["AppImageConfigName"] == {"Ref": "Config"}


def test_cloudformations_spelling_outside_typed_properties(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")
    item = declare().custom_image(app_image_config=config)
    spelled = {
        "AppImageConfigName": "jupyter",
        "ImageName": "data-science",
        "ImageVersionNumber": {"Fn::GetAtt": ["Version6A868472", "Version"]},
    }

    # WHEN the item is in an override beside typed properties, in a raw resource, and in a call of the API
    declare_domain(stack, item)
    domain = cast("sagemaker.CfnDomain", stack.node.find_child("Domain"))
    domain.add_property_override("DefaultUserSettings.CodeEditorAppSettings.CustomImages", [item])
    role = "arn:aws:iam::123456789012:role/studio"
    domain.add_override("Properties.DefaultSpaceSettings.ExecutionRole", role)
    domain.add_override("Properties.DefaultSpaceSettings.JupyterLabAppSettings.CustomImages", [item])
    settings = {"JupyterLabAppSettings": {"CustomImages": [item]}}
    cdk.CfnResource(
        stack,
        "Raw",
        type="AWS::SageMaker::UserProfile",
        properties={"DomainId": "d-123456789012", "UserProfileName": "ada", "UserSettings": settings},
    )
    parameters = {"DomainId": "d-123456789012", "DefaultUserSettings": settings}
    call = custom_resources.AwsSdkCall(
        service="SageMaker",
        action="updateDomain",
        parameters=parameters,
        physical_resource_id=custom_resources.PhysicalResourceId.of("x"),
    )
    policy = custom_resources.AwsCustomResourcePolicy.from_sdk_calls(resources=["*"])
    custom_resources.AwsCustomResource(stack, "Call", on_update=call, policy=policy)
    cdk.CustomResource(stack, "Own", service_token=role, properties={"customImages": [item]})

    # THEN each has the names of CloudFormation and the API
    properties = only(DOMAIN)["Properties"]
    assert properties["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"] == [spelled]
    assert properties["DefaultUserSettings"]["CodeEditorAppSettings"]["CustomImages"] == [spelled]
    assert properties["DefaultSpaceSettings"]["JupyterLabAppSettings"]["CustomImages"] == [spelled]
    raw = only("AWS::SageMaker::UserProfile")["Properties"]["UserSettings"]
    assert raw["JupyterLabAppSettings"]["CustomImages"] == [spelled]
    assert only("AWS::CloudFormation::CustomResource")["Properties"]["customImages"] == [spelled]
    assert '"CustomImages":[{"AppImageConfigName":"jupyter","ImageName":"data-science","ImageVersionNumber":' in (
        "".join(part for part in only("Custom::AWS")["Properties"]["Create"]["Fn::Join"][1] if isinstance(part, str))
    )


APPS = {
    "jupyter_lab": ("JupyterLab", StudioApp.jupyter_lab),
    "code_editor": ("Code Editor", StudioApp.code_editor),
    "kernel_gateway": ("a kernel gateway", lambda: StudioApp.kernel_gateway(kernel_name="python3")),
}


@pytest.mark.parametrize("offered_as", APPS)
@pytest.mark.parametrize("declared_as", APPS)
@pytest.mark.parametrize("level", ["declared", "l1", "imported", "raw property"])
def test_a_version_offered_to_another_app_than_its_config_is_for(
    stack: cdk.Stack, declare: Declare, declared_as: str, offered_as: str, level: str
) -> None:
    configured, create = APPS[declared_as]
    declared = AppImageConfig(stack, "Config", app=create())
    resource = cast("sagemaker.CfnAppImageConfig", declared.node.default_child)
    existing = AppImageConfig.from_app_image_config_name(stack, "Existing", "some")
    config: Any = {"l1": resource, "imported": existing}.get(level, declared)

    item = declare().custom_image(app_image_config=config)
    if level == "raw property":
        settings: Any = {settings_class(offered_as): {"CustomImages": [item]}}
        properties = {"DomainId": "d-123456789012", "UserProfileName": "ada", "UserSettings": settings}
        cdk.CfnResource(stack, "Raw", type="AWS::SageMaker::UserProfile", properties=properties)
    else:
        properties_of = getattr(sagemaker.CfnUserProfile, f"{settings_class(offered_as)}Property")
        settings = sagemaker.CfnUserProfile.UserSettingsProperty(
            **{f"{offered_as}_app_settings": properties_of(custom_images=[item])}
        )
        sagemaker.CfnUserProfile(
            stack, "Profile", domain_id="d-123456789012", user_profile_name="ada", user_settings=settings
        )

    if declared_as == offered_as or level == "imported":
        assert warnings(stack) == []
        return
    (warning,) = warnings(stack)
    assert warning == (
        f"app_image_config {config.node.path!r} should not be offered as {APPS[offered_as][0]}, since it configures "
        f"{configured}, and Studio cannot start the image; declare an AppImageConfig with StudioApp.{offered_as}(…) "
        "[ack: imgver-constructs:appImageConfigOfOtherApp]"
    )


def settings_class(app: str) -> str:
    return "".join(part.capitalize() for part in app.split("_")) + "AppSettings"


@pytest.mark.parametrize("config", ["jupyter", None])
def test_other_values_are_refused(declare: Declare, config: Any) -> None:
    with pytest.raises(ValueError, match="app_image_config") as refusal:
        declare().custom_image(app_image_config=config)

    assert str(refusal.value) == (
        f"Stack/Version: app_image_config {config!r} must be an AppImageConfig: "
        "for an existing one use AppImageConfig.from_app_image_config_name(…)"
    )


@pytest.mark.parametrize("level", ["declared", "imported", "l1"])
@pytest.mark.parametrize(
    ("account", "region", "message"),
    [
        ("210987654321", REGION, f"account {ACCOUNT} of image 'Here/Image', not in 210987654321"),
        (ACCOUNT, "us-east-1", f"region {REGION} of image 'Here/Image', not in us-east-1"),
        (None, None, None),
    ],
    ids=["account", "region", "not known"],
)
def test_app_image_config_of_another_environment_is_refused(
    app: cdk.App, level: str, account: str | None, region: str | None, message: str | None
) -> None:
    here = cdk.Stack(app, "Here", env=cdk.Environment(account=ACCOUNT, region=REGION))
    elsewhere = cdk.Stack(app, "Elsewhere", env=cdk.Environment(account=account, region=region))
    image = Image.from_image_name(here, "Image", "data-science")
    config: Any = {
        "declared": lambda: AppImageConfig(elsewhere, "Config", app=StudioApp.jupyter_lab()),
        "imported": lambda: AppImageConfig.from_app_image_config_name(elsewhere, "Config", "jupyter"),
        "l1": lambda: sagemaker.CfnAppImageConfig(elsewhere, "Config", app_image_config_name="jupyter"),
    }[level]()

    if message is None:
        custom_image(image=image, version=7, app_image_config=config, warn=print)
        return
    with pytest.raises(ValueError, match="app_image_config") as refusal:
        custom_image(image=image, version=7, app_image_config=config, warn=print)
    assert str(refusal.value) == (
        f"app_image_config 'Elsewhere/Config' must be in {message}: declare it where the image is"
    )


def warnings(stack: cdk.Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("/Stack/Version", Match.any_value())
    return [str(warning.entry.data) for warning in found]


def test_a_version_warns_once_if_studio_accepts_none_of_its_aliases(
    stack: cdk.Stack, declare: Declare, config: Any
) -> None:
    version = declare(aliases=["latest", "v1.4.0"])
    assert warnings(stack) == []

    version.custom_image(app_image_config=config)
    version.custom_image(app_image_config=config)

    (warning,) = warnings(stack)
    assert warning == (
        "aliases ['latest', 'v1.4.0'] should include a number, two numbers separated by a dot, or a semantic version: "
        "Studio refuses any other as the SageMakerImageVersionAlias of an app or a space; add one like '1.4.0', or "
        "acknowledge this if no app or space refers to the version by an alias "
        "[ack: imgver-constructs:aliasRefusedByStudio]"
    )


@pytest.mark.parametrize("aliases", [[], ["latest", "1.4.0"], ["1.4.0"], ["latest", cdk.Aws.STACK_NAME]], ids=len)
def test_a_version_does_not_warn_if_studio_may_accept_an_alias(
    stack: cdk.Stack, declare: Declare, config: Any, aliases: list[str]
) -> None:
    version = declare(aliases=aliases)

    version.custom_image(app_image_config=config)

    assert warnings(stack) == []


@needs_recent_cdk
def test_the_warning_can_be_acknowledged(stack: cdk.Stack, declare: Declare, config: Any) -> None:
    version = declare(aliases=["latest"])
    cdk.Annotations.of(version).acknowledge_warning("imgver-constructs:aliasRefusedByStudio")

    version.custom_image(app_image_config=config)

    assert warnings(stack) == []
