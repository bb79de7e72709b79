"""ImageAttachment: its resource, its permissions, its order, and the declarations that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Template

from imgver_constructs import (
    AppImageConfig,
    AppType,
    Image,
    ImageAttachment,
    ImageVersion,
    ImageVersionRetention,
    StudioApp,
)

TYPE = "Custom::SageMakerImageAttachment"
DOMAIN = "d-a1b2c3d4e5f6"
Declare = Callable[..., ImageVersion]
Resources = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]


@pytest.fixture
def attach(stack: cdk.Stack, declare: Declare) -> Callable[..., ImageAttachment]:
    """Declare an attachment of ``Version`` with the AppImageConfig ``Lab``; the test overrides arguments."""
    version = declare()
    lab = AppImageConfig(stack, "Lab", app=StudioApp.jupyter_lab())

    def attach(construct_id: str = "Attachment", **overrides: Any) -> ImageAttachment:
        defaults: dict[str, Any] = {"version": version, "app_image_config": lab, "domain": DOMAIN}
        return ImageAttachment(stack, construct_id, **(defaults | overrides))

    return attach


def statements(resources: Resources) -> list[tuple[list[str], Any]]:
    """The actions on domains and user profiles, with their resources."""
    found = [
        (statement["Action"], statement["Resource"])
        for policy in resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    return [
        (actions, resource) for actions, resource in found if "Domain" in str(actions) or "UserProfile" in str(actions)
    ]


def arn(resource: str) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, f":{resource}"]]}


def test_the_resource(attach, resources: Resources, only, waits_for) -> None:
    attach()

    resource = only(TYPE)
    (version_id,) = resources("Custom::SageMakerImageVersion")
    (config_id,) = resources("AWS::SageMaker::AppImageConfig")
    properties = {name: value for name, value in resource["Properties"].items() if not name.startswith("Service")}
    assert properties == {
        "DomainId": DOMAIN,
        "Settings": "DefaultUserSettings",
        "App": "JupyterLab",
        "ImageName": "data-science",
        "AppImageConfigName": {"Ref": config_id},
        "Version": {"Ref": version_id},
        "Superseded": "REPLACE",
        "ConstructPath": "Stack/Attachment",
    }
    assert version_id in waits_for(resource)
    assert statements(resources) == [(["sagemaker:DescribeDomain", "sagemaker:UpdateDomain"], arn(f"domain/{DOMAIN}"))]
    (policy_id,) = [
        logical_id for logical_id, policy in resources("AWS::IAM::Policy").items() if "UpdateDomain" in str(policy)
    ]
    assert policy_id in waits_for(resource)


def test_a_user_profile(attach, resources: Resources, only) -> None:
    attach(user_profile_name="Ann", superseded_version_count=2)

    properties = only(TYPE)["Properties"]
    assert (properties["UserProfileName"], properties["Superseded"], properties["Keep"]) == ("Ann", "KEEP", 2)
    assert "Settings" not in properties
    profile = f"user-profile/{DOMAIN}"
    assert statements(resources) == [
        (
            ["sagemaker:DescribeUserProfile", "sagemaker:UpdateUserProfile"],
            [arn(f"{profile}/Ann"), arn(f"{profile}/ann")],
        )
    ]


def test_the_default_settings_of_spaces(attach, only) -> None:
    attach(default_space_settings=True)

    assert only(TYPE)["Properties"]["Settings"] == "DefaultSpaceSettings"


@pytest.mark.parametrize(
    ("studio_app", "app_type"),
    [
        (StudioApp.jupyter_lab, "JupyterLab"),
        (StudioApp.code_editor, "CodeEditor"),
        (lambda: StudioApp.kernel_gateway(kernel_name="python3"), "KernelGateway"),
    ],
)
def test_the_app_image_config_tells_the_application(stack: cdk.Stack, attach, only, studio_app, app_type) -> None:
    attach(app_image_config=AppImageConfig(stack, "Config", app=studio_app()))

    assert only(TYPE)["Properties"]["App"] == app_type


def test_an_imported_app_image_config_needs_the_application(stack: cdk.Stack, attach, only, refused: Refused) -> None:
    config = AppImageConfig.from_app_image_config_name(stack, "Imported", "lab")

    assert refused(lambda: attach(app_image_config=config)) == (
        "app_type None must be given, since app_image_config 'Stack/Imported' does not tell the application: use "
        "AppType, for example AppType.JUPYTER_LAB"
    )
    attach(app_image_config=config, app_type=AppType.CODE_EDITOR)
    assert only(TYPE)["Properties"]["App"] == "CodeEditor"


def test_attachments_to_one_domain_follow_each_other(stack: cdk.Stack, attach, resources: Resources, waits_for) -> None:
    for number in range(3):
        attach(f"A{number}", app_image_config=AppImageConfig(stack, f"Lab{number}", app=StudioApp.jupyter_lab()))
    attach("Other", domain="d-other")

    by_path = {one["Properties"]["ConstructPath"]: key for key, one in resources(TYPE).items()}
    first, second, third, other = (by_path[f"Stack/{name}"] for name in ("A0", "A1", "A2", "Other"))
    order = {key: waits_for(one) & set(by_path.values()) for key, one in resources(TYPE).items()}
    assert order == {first: set(), second: {first}, third: {first, second}, other: set()}


def test_a_removed_attachment_is_not_waited_for(stack: cdk.Stack, attach, only) -> None:
    attach("Removed")
    stack.node.try_remove_child("Removed")

    attach()

    assert "ImageAttachment" not in str(only(TYPE).get("DependsOn"))


def test_the_logical_id_does_not_depend_on_the_path() -> None:
    logical_ids: list[str] = []
    for construct_id in ("First", "Renamed"):
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        attach_imported(stack, construct_id)
        logical_ids += Template.from_stack(stack).find_resources(TYPE)

    assert logical_ids[0] == logical_ids[1]
    assert logical_ids[0].startswith("ImageAttachmentdatascience")


def attach_imported(stack: cdk.Stack, construct_id: str = "Attachment") -> None:
    """Attach version 7 of an imported image."""
    image = Image.from_image_name(stack, "Image", "data-science")
    ImageAttachment(
        stack,
        construct_id,
        version=ImageVersion.from_image_version_attributes(stack, "Version", image=image, version=7),
        app_image_config=AppImageConfig.from_app_image_config_name(stack, "Lab", "lab"),
        domain=DOMAIN,
        app_type=AppType.JUPYTER_LAB,
    )


def test_a_retention_waits_for_the_attachments(stack: cdk.Stack, attach, resources: Resources, only, waits_for) -> None:
    image = Image.from_image_name(stack, "Again", "data-science")
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=1)
    attach()

    assert set(resources(TYPE)) <= waits_for(only("Custom::SageMakerImageRetention"))


def test_an_imported_version_gets_no_permission_on_images(stack: cdk.Stack) -> None:
    attach_imported(stack)

    template = Template.from_stack(stack)
    (attachment,) = template.find_resources(TYPE).values()
    assert attachment["Properties"]["Version"] == 7
    policies = str(template.find_resources("AWS::IAM::Policy"))
    assert "ImageVersion" not in policies.replace("ImageVersionProvider", "")


@pytest.fixture
def in_region(app: cdk.App) -> Callable[[str, str], cdk.Stack]:
    return lambda name, region: cdk.Stack(app, name, env=cdk.Environment(account="123456789012", region=region))


def domain_in(stack: cdk.Stack) -> sagemaker.CfnDomain:
    return sagemaker.CfnDomain(
        stack,
        "Domain",
        auth_mode="IAM",
        domain_name="studio",
        vpc_id="vpc-0123456789abcdef0",
        subnet_ids=["subnet-0123456789abcdef0"],
        default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
            execution_role="arn:aws:iam::123456789012:role/users"
        ),
    )


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_r85_a_domain_in_another_region(in_region, region: str, declare: Declare, refused: Refused) -> None:
    domain, own = domain_in(in_region("Studio", region)), in_region("Own", "eu-west-1")
    version = ImageVersion.from_image_version_attributes(
        own, "Version", image=Image.from_image_name(own, "Image", "data-science"), version=7
    )
    lab = AppImageConfig(own, "Lab", app=StudioApp.jupyter_lab())

    def attach() -> ImageAttachment:
        return ImageAttachment(own, "Attachment", version=version, app_image_config=lab, domain=domain)

    if region == "us-east-1":
        assert refused(attach) == (
            "domain 'Studio/Domain' must be in region eu-west-1 of stack 'Own', not in us-east-1: declare the version "
            "and the attachment where the domain is"
        )
    else:
        attach()
        (attachment,) = Template.from_stack(own).find_resources(TYPE).values()
        assert "Fn::ImportValue" in attachment["Properties"]["DomainId"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"version": 7}, "version 7 must be an ImageVersion: for an existing one use ImageVersion.from_image_ver"),
        ({"app_image_config": "lab"}, "app_image_config 'lab' must be an AppImageConfig: "),
        ({"domain": "studio"}, "domain 'studio' must be the id of a Studio domain, which starts with 'd-': "),
        ({"domain": 7}, "domain 7 must be the id of a Studio domain, which starts with 'd-': "),
        ({"user_profile_name": "a_b"}, "user_profile_name 'a_b' must be 1 to 63 letters, digits and hyphens, "),
        ({"app_type": "x"}, "app_type 'x' must be one of JupyterLab, CodeEditor, KernelGateway: use AppType, "),
        (
            {"app_type": AppType.CODE_EDITOR},
            "app_type 'CodeEditor' must be JupyterLab, which app_image_config 'Stack/Lab' configures, since Studio ",
        ),
        ({"default_space_settings": "yes"}, "default_space_settings 'yes' must be a bool: "),
        (
            {"default_space_settings": True, "user_profile_name": "ann"},
            "user_profile_name 'ann' must be left out with default_space_settings, since a user profile has no ",
        ),
        ({"superseded_version_count": -1}, "superseded_version_count -1 must be a whole number from 0 to 199, since "),
        ({"superseded_version_count": 200}, "superseded_version_count 200 must be a whole number from 0 to 199, "),
        ({"superseded_version_count": True}, "superseded_version_count True must be a whole number from 0 to 199, "),
    ],
)
def test_refused_declarations(attach, refused: Refused, overrides: dict[str, Any], message: str) -> None:
    assert refused(lambda: attach(**overrides)).startswith(message)


def test_code_editor_has_no_default_settings_of_spaces(stack: cdk.Stack, attach, refused: Refused) -> None:
    editor = AppImageConfig(stack, "Editor", app=StudioApp.code_editor())

    assert refused(lambda: attach(app_image_config=editor, default_space_settings=True)) == (
        "app_type 'CodeEditor' must be one of JupyterLab, KernelGateway with default_space_settings, since SageMaker "
        "has no such setting for Code Editor: leave default_space_settings out"
    )


def test_a_version_of_another_stack(app: cdk.App, attach, refused: Refused) -> None:
    other = cdk.Stack(app, "Other")
    version = ImageVersion.from_image_version_attributes(
        other, "Version", image=Image.from_image_name(other, "Image", "data-science"), version=1
    )

    assert refused(lambda: attach(version=version)).startswith("version 'Other/Version' must be in stack 'Stack' of ")


def test_tokens(attach, only) -> None:
    attach(domain=cdk.Fn.import_value("Domain"), user_profile_name=cdk.Fn.import_value("User"))

    properties = only(TYPE)["Properties"]
    assert properties["DomainId"] == {"Fn::ImportValue": "Domain"}
    assert properties["UserProfileName"] == {"Fn::ImportValue": "User"}
