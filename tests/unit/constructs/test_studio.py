"""Image versions in Studio: the item that its settings take, and the aliases that it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Annotations, Match, Template

from imgver_constructs import Image, ImageVersion
from imgver_constructs._custom_image import alias_warning, custom_image
from imgver_constructs._validation.rules import ALIAS, STUDIO_ALIAS
from imgver_constructs.app_image_config import AppImageConfig, StudioApp

DOMAIN = "AWS::SageMaker::Domain"
ROLE = "arn:aws:iam::123456789012:role/studio"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]


def declare_domain(stack: cdk.Stack, *images: cdk.IResolvable) -> None:
    settings = sagemaker.CfnDomain.JupyterLabAppSettingsProperty(custom_images=list(images))
    sagemaker.CfnDomain(
        stack,
        "Domain",
        auth_mode="IAM",
        domain_name="team",
        default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
            execution_role=ROLE, jupyter_lab_app_settings=settings
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
def test_what_is_made_fits_everywhere(
    stack: cdk.Stack,
    declare: Declare,
    only: Only,
    declare_studio: Callable[..., None],
    resource_type: str,
    path: list[str],
) -> None:
    # GIVEN
    image = Image(stack, "Image", image_name="data-science")
    version = declare(image=image)
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())

    # WHEN
    item = custom_image(image=image, version=version.version, app_image_config=config)
    declare_studio(stack, item, item)

    # THEN everything is a reference: CloudFormation makes all of it before
    found = only(resource_type)["Properties"]
    for name in path:
        found = found[name]
    assert (
        found["CustomImages"]
        == [
            {
                "AppImageConfigName": {"Ref": "Config57D1D894"},
                "ImageName": {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}]}]},
                "ImageVersionNumber": {"Fn::GetAtt": ["Version", "Version"]},
            }
        ]
        * 2
    )


def test_number_that_is_known(stack: cdk.Stack, only: Only) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")

    declare_domain(stack, custom_image(image=image, version=7, app_image_config=config))

    (item,) = only(DOMAIN)["Properties"]["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"]
    assert item == {"AppImageConfigName": "jupyter", "ImageName": "data-science", "ImageVersionNumber": 7}


def test_version_gives_it(stack: cdk.Stack, declare: Declare) -> None:
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")

    item = declare().custom_image(app_image_config=config)

    assert stack.resolve(item) == {
        "appImageConfigName": "jupyter",
        "imageName": "data-science",
        "imageVersionNumber": {"Fn::GetAtt": ["Version", "Version"]},
    }


def test_imported_version_gives_its_number(stack: cdk.Stack, only: Only) -> None:
    version = ImageVersion.from_image_version_arn(
        stack, "Version", "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"
    )
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")

    declare_domain(stack, version.custom_image(app_image_config=config))

    (item,) = only(DOMAIN)["Properties"]["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"]
    assert item == {"AppImageConfigName": "jupyter", "ImageName": "data-science", "ImageVersionNumber": 7}


def test_l1_of_the_app_image_config(stack: cdk.Stack) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    config = sagemaker.CfnAppImageConfig(stack, "Config", app_image_config_name="jupyter")

    item = custom_image(image=image, version=7, app_image_config=config)

    assert stack.resolve(item)["appImageConfigName"] == {"Ref": "Config"}


def test_studio_in_another_stack(app: cdk.App, stack: cdk.Stack, declare: Declare) -> None:
    version = declare()
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    platform = cdk.Stack(app, "Platform")

    declare_domain(platform, custom_image(image=version.image, version=version.version, app_image_config=config))

    (domain,) = Template.from_stack(platform).find_resources(DOMAIN).values()
    (item,) = domain["Properties"]["DefaultUserSettings"]["JupyterLabAppSettings"]["CustomImages"]
    assert item["ImageName"] == "data-science"
    assert list(item["AppImageConfigName"]) == list(item["ImageVersionNumber"]) == ["Fn::ImportValue"]


@pytest.mark.parametrize("config", ["jupyter", None])
def test_what_is_no_app_image_config_is_refused(stack: cdk.Stack, config: Any) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")

    with pytest.raises(ValueError, match="app_image_config") as refusal:
        custom_image(image=image, version=7, app_image_config=config)

    assert str(refusal.value) == (
        f"app_image_config {config!r} must be an AppImageConfig: "
        "for one that exists use AppImageConfig.from_app_image_config_name(…)"
    )


@pytest.mark.parametrize("config_by", ["declaration", "name", "l1"])
@pytest.mark.parametrize(
    ("account", "region", "message"),
    [
        ("210987654321", "eu-west-1", "account 123456789012 of image 'Stack/Image', not in 210987654321"),
        ("123456789012", "us-east-1", "region eu-west-1 of image 'Stack/Image', not in us-east-1"),
    ],
)
def test_app_image_config_elsewhere_is_refused(
    tmp_path: Path, config_by: str, account: str, region: str, message: str
) -> None:
    # GIVEN
    app = cdk.App(outdir=str(tmp_path))
    here = cdk.Stack(app, "Stack", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    elsewhere = cdk.Stack(app, "Elsewhere", env=cdk.Environment(account=account, region=region))
    image = Image.from_image_name(here, "Image", "data-science")
    config: Any = {
        "declaration": lambda: AppImageConfig(elsewhere, "Config", app=StudioApp.jupyter_lab()),
        "name": lambda: AppImageConfig.from_app_image_config_name(elsewhere, "Config", "jupyter"),
        "l1": lambda: sagemaker.CfnAppImageConfig(elsewhere, "Config", app_image_config_name="jupyter"),
    }[config_by]()

    # WHEN
    with pytest.raises(ValueError, match="app_image_config") as refusal:
        custom_image(image=image, version=7, app_image_config=config)

    # THEN
    assert str(refusal.value) == (
        f"app_image_config 'Elsewhere/Config' must be in {message}: declare it where the image is"
    )


@pytest.mark.parametrize("of_image", [True, False])
def test_environment_that_is_not_known_is_no_mistake(tmp_path: Path, of_image: bool) -> None:
    app = cdk.App(outdir=str(tmp_path))
    known = cdk.Stack(app, "Known", env=cdk.Environment(account="123456789012", region="eu-west-1"))
    agnostic = cdk.Stack(app, "Agnostic")
    image = Image.from_image_name(known if of_image else agnostic, "Image", "data-science")
    config = AppImageConfig.from_app_image_config_name(agnostic if of_image else known, "Config", "jupyter")

    assert known.resolve(custom_image(image=image, version=7, app_image_config=config)) == {
        "appImageConfigName": "jupyter",
        "imageName": "data-science",
        "imageVersionNumber": 7,
    }


# Aliases.


def test_rule_is_the_apis() -> None:
    api = botocore.session.get_session().get_service_model("sagemaker")
    theirs = api.shape_for("ResourceSpec").members["SageMakerImageVersionAlias"].metadata

    assert (STUDIO_ALIAS.minimum, STUDIO_ALIAS.maximum, STUDIO_ALIAS.pattern) == (
        theirs["min"],
        theirs["max"],
        theirs["pattern"],
    )


@pytest.mark.parametrize("alias", ["1", "007", "1.4", "1.4.0", "0.0.0", "1.4.0-rc.1", "1.4.0-gpu", "1" * 128])
def test_alias_that_studio_takes(alias: str) -> None:
    assert ALIAS.accepts(alias)
    assert STUDIO_ALIAS.accepts(alias)


@pytest.mark.parametrize(
    "alias",
    ["latest", "stable", "v1.4.0", "1.4.0.1", "01.4.0", "1.4.0-", "1.4.0-01", "1.4.0_1", "1.x.0", "1" * 129, "1\n", ""],
)
def test_alias_that_studio_refuses(alias: str) -> None:
    assert not STUDIO_ALIAS.accepts(alias)


@pytest.mark.parametrize(
    ("aliases", "listed"),
    [(["latest"], "['latest']"), (("latest", "v1.4.0"), "['latest', 'v1.4.0']")],
)
def test_warning_when_no_alias_is_one_that_studio_takes(aliases: Any, listed: str) -> None:
    assert alias_warning(aliases) == (
        f"aliases {listed} should include a number, two numbers separated by a dot, or a semantic version: Studio refuses any "
        "other as the SageMakerImageVersionAlias of an app or a space; add one like '1.4.0', or acknowledge this if "
        "no app or space is to name the version by an alias"
    )


@pytest.mark.parametrize("aliases", [[], ["1.4.0"], ["latest", "1.4.0"], ["1.4.0", "latest"]])
def test_no_warning_when_there_is_one_or_none_is_declared(aliases: list[str]) -> None:
    assert alias_warning(aliases) is None


def test_no_warning_when_an_alias_is_a_token(stack: cdk.Stack) -> None:
    assert alias_warning(["latest", cdk.CfnParameter(stack, "Alias").value_as_string]) is None


def warnings(stack: cdk.Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("/Stack/Version", Match.any_value())
    return [str(warning.entry.data) for warning in found]


def test_version_warns_when_it_is_offered(stack: cdk.Stack, declare: Declare) -> None:
    # GIVEN
    version = declare(aliases=["latest"])
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter")

    # WHEN
    version.custom_image(app_image_config=config)
    version.custom_image(app_image_config=config)

    # THEN
    assert warnings(stack) == [f"{alias_warning(['latest'])} [ack: imgver-constructs:aliasRefusedByStudio]"]


def test_version_does_not_warn_when_it_is_not_offered(stack: cdk.Stack, declare: Declare) -> None:
    declare(aliases=["latest"])

    assert [text for text in warnings(stack) if "aliasRefusedByStudio" in text] == []


def test_warning_can_be_acknowledged(stack: cdk.Stack, declare: Declare) -> None:
    version = declare(aliases=["latest"])
    cdk.Annotations.of(version).acknowledge_warning("imgver-constructs:aliasRefusedByStudio")

    version.custom_image(app_image_config=AppImageConfig.from_app_image_config_name(stack, "Config", "jupyter"))

    assert [text for text in warnings(stack) if "aliasRefusedByStudio" in text] == []
