"""Several stacks in one app: in other regions, of one image, and an image in one with its versions in another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from cdk_release import needs_recent_cdk
from constructs import Construct

from imgver_constructs import (
    AppImageConfig,
    AppType,
    BaseImage,
    IImage,
    Image,
    ImageAlias,
    ImageAttachment,
    ImageVersion,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

VERSION = "Custom::SageMakerImageVersion"
RETENTION = "Custom::SageMakerImageRetention"
FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::Policy"
BASE_IMAGE = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")

IRELAND = cdk.Environment(account="123456789012", region="eu-west-1")
VIRGINIA = cdk.Environment(account="123456789012", region="us-east-1")
ELSEWHERE = cdk.Environment(account="210987654321", region="eu-west-1")

ResourcesOf = Callable[..., dict[str, Any]]
OnlyOf = Callable[[cdk.Stack, str], dict[str, Any]]


def policy_of_function(resources: dict[str, Any]) -> str:
    """The logical id of the policy that permits the function to change versions."""
    (found,) = (key for key, resource in resources.items() if resource["Type"] == POLICY and "ProviderImage" in key)
    return str(found)


def arns(policy: dict[str, Any]) -> list[Any]:
    return [statement["Resource"] for statement in policy["Properties"]["PolicyDocument"]["Statement"]]


def test_the_same_image_name_in_several_regions(
    app: cdk.App,
    declare_some: Callable[[cdk.Stack], ImageVersion],
    resources_of: ResourcesOf,
    deployed: Callable[..., Any],
) -> None:
    # GIVEN a stack for each of two regions, and one for any region
    regions = {"Ireland": IRELAND, "Virginia": VIRGINIA, "Any": None}
    stacks = [cdk.Stack(app, name, env=env) for name, env in regions.items()]
    for stack in stacks:
        declare_some(stack)
    first, *others = map(resources_of, stacks)

    # THEN each has the same logical ids, and permissions on the image of its region
    assert [other.keys() for other in others] == [first.keys()] * 2
    for stack, region in zip(stacks, ("eu-west-1", "us-east-1", "eu-central-1"), strict=True):
        assert stack.dependencies == []
        resources = resources_of(stack)
        assert deployed(arns(resources[policy_of_function(resources)]), region=region)[:2] == [
            f"arn:aws:sagemaker:{region}:123456789012:image/data-science",
            f"arn:aws:sagemaker:{region}:123456789012:image-version/data-science/*",
        ]


@pytest.mark.parametrize("references", ["strong", pytest.param("weak", marks=needs_recent_cdk)])
@pytest.mark.parametrize("env", [IRELAND, None], ids=["explicit", "any"])
def test_an_image_in_one_stack_and_its_version_in_another(
    new_app: Callable[..., cdk.App],
    resources_of: ResourcesOf,
    only_of: OnlyOf,
    waits_for: Callable[[dict[str, Any]], set[str]],
    references: str,
    env: cdk.Environment | None,
) -> None:
    app = new_app(**{"@aws-cdk/core:defaultCrossStackReferences": references})
    images, versions = (cdk.Stack(app, name, env=env) for name in ("Images", "Versions"))
    image, repository = Image(images, "Image", image_name="data-science"), ecr.Repository(images, "Repository")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    ImageVersion(versions, "Version", image=image, base_image=base_image, aliases=["latest"])
    ImageVersionRetention(versions, "Retention", image=image, max_version_count=5)
    if references == "weak":
        # cfn-lint does not know that Fn::GetStackOutput gives a string.
        for resource in versions.node.find_all():
            if isinstance(resource, cdk.CfnResource):
                resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["E1017", "E1022"]}})
    resources, version = resources_of(versions), only_of(versions, VERSION)

    # THEN the stack of the image is deployed first, and the version gets the name of the image from there
    assert (versions.dependencies, images.dependencies) == ([images], [])
    outputs = Template.from_stack(images).to_json()["Outputs"]
    arn = {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}
    (output,) = (key for key, found in outputs.items() if found["Value"] == arn)
    reference = version["Properties"]["ImageName"]["Fn::Select"][1]["Fn::Split"][1]
    if references == "strong":
        assert reference == {"Fn::ImportValue": outputs[output]["Export"]["Name"]}
    else:
        assert reference["Fn::GetStackOutput"]["OutputName"] == output

    # THEN the function and its permissions are in the stack of the version; the role of the image can pull
    assert {policy_of_function(resources), *resources_of(versions, FUNCTION)} <= waits_for(version)
    assert resources_of(images, FUNCTION) == {}
    assert {"Fn::GetAtt": ["Repository22E53BBD", "Arn"]} in arns(only_of(images, POLICY))


def test_versions_of_one_image_in_two_stacks(app: cdk.App, resources_of: ResourcesOf, only_of: OnlyOf) -> None:
    stacks = [cdk.Stack(app, name) for name in ("First", "Second")]
    for stack in stacks:
        image = Image.from_image_name(stack, "Image", "data-science")
        version = ImageVersion(stack, f"Of{stack.node.id}", image=image, base_image=BASE_IMAGE)
        version.add_alias(stack.node.id.lower())
        ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)

    # THEN each has a function with the same permissions
    first, second = map(resources_of, stacks)
    assert policy_of_function(first) == policy_of_function(second)
    assert first[policy_of_function(first)] == second[policy_of_function(second)]

    # THEN neither depends on the other, and each retention protects the versions of its own stack
    for stack in stacks:
        assert stack.dependencies == []
        (version_id,) = resources_of(stack, VERSION)
        assert only_of(stack, RETENTION)["Properties"]["Versions"] == [{"Fn::GetAtt": [version_id, "Version"]}]


def stacks_in(*envs: cdk.Environment | None) -> Callable[[cdk.App], list[cdk.Stack]]:
    return lambda app: [cdk.Stack(app, f"Stack{position}", env=env) for position, env in enumerate(envs)]


def stages(*envs: cdk.Environment | None) -> Callable[[cdk.App], list[cdk.Stack]]:
    return lambda app: [cdk.Stack(cdk.Stage(app, f"Stage{at}", env=env), "Stack") for at, env in enumerate(envs)]


def one_stack(app: cdk.App) -> list[cdk.Stack]:
    return [cdk.Stack(app, "Stack")] * 2


def nested(app: cdk.App) -> list[cdk.Stack]:
    stack = cdk.Stack(app, "Outer")
    return [cdk.NestedStack(stack, "First"), cdk.NestedStack(stack, "Second")]


def declare_alias(scope: Construct, name: str) -> None:
    imported = Image.from_image_name(scope, "Image", name)
    ImageVersion(scope, "Of", image=imported, base_image=BASE_IMAGE, aliases=["stable"])


def declare_retention(scope: Construct, name: str) -> None:
    ImageVersionRetention(scope, "Of", image=Image.from_image_name(scope, "Image", name), max_version_count=5)


def declare_attachment(scope: Construct, name: str) -> None:
    imported = Image.from_image_name(scope, "Image", name)
    ImageAttachment(
        scope,
        "Of",
        version=ImageVersion.from_image_version_attributes(scope, "Version", image=imported, version=7),
        app_image_config=AppImageConfig.from_app_image_config_name(scope, "Config", "config"),
        app_type=AppType.JUPYTER_LAB,
        domain="d-a1b2c3d4e5f6",
    )


def declare_image(scope: Construct, name: str) -> None:
    Image(scope, "Of", image_name=name)


def declare_config(scope: Construct, name: str) -> None:
    AppImageConfig(scope, "Of", app=StudioApp.jupyter_lab(), app_image_config_name=name)


@pytest.mark.parametrize(
    ("declare", "name", "subject", "remedy", "may_be_warned_of"),
    [
        (declare_alias, "DS", "alias 'stable' of image 'DS'", "remove one of the two", True),
        (declare_retention, "DS", "the retention of image 'DS'", "remove one of the two", True),
        (
            declare_attachment,
            "DS",
            "the attachment of image 'DS' to 'd-a1b2c3d4e5f6'",
            "remove one of the two, or ",
            True,
        ),
        # CloudFormation refuses the second.
        (declare_image, "DS", "image_name 'DS'", "use that image, or another name", False),
        (declare_config, "ds", "app_image_config_name 'ds'", "use that AppImageConfig, or another name", False),
    ],
    ids=["alias", "retention", "attachment", "image", "config"],
)
@pytest.mark.parametrize(
    ("two_stacks", "expected"),
    [
        (one_stack, "error"),
        (stacks_in(IRELAND, IRELAND), "error"),
        (stages(IRELAND, IRELAND), "error"),
        (nested, "error"),
        (stacks_in(None, None), "warning"),
        (stacks_in(IRELAND, VIRGINIA), None),
        (stacks_in(IRELAND, None), None),
        (stages(None, None), None),
    ],
    ids=["one stack", "same", "same of stages", "nested", "not known", "other", "one not known", "not known of stages"],
)
def test_an_object_in_two_stacks_of_one_environment(
    app: cdk.App,
    two_stacks: Callable[[cdk.App], list[cdk.Stack]],
    expected: str | None,
    declare: Callable[[Construct, str], None],
    name: str,
    subject: str,
    remedy: str,
    may_be_warned_of: bool,
) -> None:
    first, second = two_stacks(app)
    declare(Construct(first, "First"), "ds")
    declare(Construct(second, "Another"), "another")
    if expected == "error":
        refusing = Construct(second, "Refusing")
        with pytest.raises(ValueError, match="must") as refusal:
            declare(refusing, name)
        assert re.search(
            f"/Refusing/Of: {subject} must be declared once in an account and region, but "
            f"'{first.node.path}/First/Of(/Alias-stable)?' declares it too: {remedy}",
            str(refusal.value),
        )
        assert refusing.node.try_find_child("Of") is None
        # An object that was removed from the app is free.
        first.node.try_remove_child("First")
    declare(Construct(second, "Second"), name)
    warnings = [
        entry.data
        for construct in second.node.find_all()
        for entry in construct.node.metadata
        if "declaredInOtherStack" in str(entry.data)
    ]
    if expected == "warning" and may_be_warned_of:
        (warning,) = warnings
        assert re.search(
            f"^{subject} should be declared once in an account and region, but 'Stack0/First/Of.*' declares it too: "
            f"each deployment would undo the other; {remedy}.* or acknowledge this if the stacks are deployed to "
            r"different accounts or regions \[ack: imgver-constructs:declaredInOtherStack\]",
            warning,
        )
    else:
        assert warnings == []


def test_an_alias_of_stacks_that_each_declare_the_image(app: cdk.App) -> None:
    # CloudFormation refuses the second image if the stacks are in one environment.
    for stack in stacks_in(None, None)(app):
        image = Image(stack, "Image", image_name="data-science")
        version = ImageVersion(stack, "Version", image=image, base_image=BASE_IMAGE, aliases=["stable"])
        assert not [found for child in version.node.find_all() for found in child.node.metadata if "warn" in found.type]


@pytest.mark.parametrize("is_same_stack", [True, False])
@pytest.mark.parametrize(
    "import_again",
    [
        lambda stack, image: Image.from_image_name(stack, "Again", image.image_name),
        lambda stack, image: Image.from_image_arn(stack, "Again", image.image_arn),
    ],
    ids=["name", "arn"],
)
def test_an_alias_of_an_image_that_is_imported_by_its_own_token(
    app: cdk.App, import_again: Callable[[cdk.Stack, Image], IImage], is_same_stack: bool
) -> None:
    stack = cdk.Stack(app, "Stack")
    image = Image(stack, "Image", image_name="data-science")
    ImageVersion(stack, "Version", image=image, base_image=BASE_IMAGE, aliases=["stable"])
    other = stack if is_same_stack else cdk.Stack(app, "Other")

    with pytest.raises(ValueError, match="alias 'stable' of image 'data-science' must be declared once in an account"):
        ImageVersion(other, "Next", image=import_again(other, image), base_image=BASE_IMAGE, aliases=["stable"])


@pytest.mark.parametrize("aliases", [["{0}", "{0}"], ["v{0}"]], ids=["version", "stack"])
def test_an_alias_that_is_the_same_token(app: cdk.App, aliases: list[str]) -> None:
    stack = cdk.Stack(app, "Stack")
    image = Image(stack, "Image")
    parameter = cdk.CfnParameter(stack, "Name").value_as_string
    ImageVersion(stack, "Version", image=image, base_image=BASE_IMAGE, aliases=[f"v{parameter}"])

    with pytest.raises(ValueError, match=r"^Stack/Next: alias(es)? '(v?)\$\{Token.* (once|only once)"):
        ImageVersion(
            stack, "Next", image=image, base_image=BASE_IMAGE, aliases=[each.format(parameter) for each in aliases]
        )


def test_an_alias_of_one_image_construct_in_two_stacks_is_refused(app: cdk.App) -> None:
    # GIVEN stacks whose environment is not known, but is the same, since they use one image
    first, second = cdk.Stack(app, "First"), cdk.Stack(app, "Second")
    image = Image(first, "Image")
    version = ImageVersion(first, "Version", image=image, base_image=BASE_IMAGE)
    other = ImageVersion(second, "Version", image=image, base_image=BASE_IMAGE)

    ImageAlias(first, "Stable", alias_name="stable", version=version)

    with pytest.raises(
        ValueError, match="must be declared once in an account and region, but 'First/Stable' declares it too"
    ):
        ImageAlias(second, "Stable", alias_name="stable", version=other)


@pytest.mark.parametrize("envs", [(IRELAND, None), (None, IRELAND)], ids=["image explicit", "version explicit"])
def test_one_stack_for_an_environment_and_one_for_any(
    app: cdk.App, only_of: OnlyOf, envs: tuple[cdk.Environment | None, cdk.Environment | None]
) -> None:
    # GIVEN stacks that may be deployed to the same environment
    images, versions = (cdk.Stack(app, name, env=env) for name, env in zip(("Images", "Versions"), envs, strict=True))
    image = Image(images, "Image", image_name="data-science")

    ImageVersion(versions, "Version", image=image, base_image=BASE_IMAGE)

    # THEN the name is written out, since it might be impossible to import it
    assert only_of(versions, VERSION)["Properties"]["ImageName"] == "data-science"
    assert versions.dependencies == [images]


@pytest.mark.parametrize(
    "image_name", ["data-science", None, cdk.PhysicalName.GENERATE_IF_NEEDED], ids=["named", "unnamed", "if needed"]
)
def test_an_image_is_readable_from_another_region(app: cdk.App, only_of: OnlyOf, image_name: str | None) -> None:
    images, readers = cdk.Stack(app, "Images", env=IRELAND), cdk.Stack(app, "Readers", env=VIRGINIA)
    image = Image(images, "Image", image_name=image_name)

    image.grant_read(iam.Role(readers, "Reader", assumed_by=iam.AccountRootPrincipal()))

    name = only_of(images, "AWS::SageMaker::Image")["Properties"]["ImageName"]
    assert name.startswith("data-science" if image_name == "data-science" else "Images-Image-")
    assert [arn["Fn::Join"][1][-1] for arn in arns(only_of(readers, POLICY)) if isinstance(arn, dict)][:1] == [
        f":sagemaker:eu-west-1:123456789012:image/{name}"
    ]


@pytest.mark.parametrize(
    ("env", "remark"),
    [
        (VIRGINIA, "must be in region us-east-1 of stack 'Versions', not in eu-west-1"),
        (ELSEWHERE, "must be in account 210987654321 of stack 'Versions', not in 123456789012"),
    ],
    ids=["region", "account"],
)
@pytest.mark.parametrize(
    "declare",
    [
        lambda stack, image: ImageVersion(stack, "Version", image=image, base_image=BASE_IMAGE),
        lambda stack, image: ImageVersionRetention(stack, "Retention", image=image, max_version_count=5),
    ],
    ids=["version", "retention"],
)
@pytest.mark.parametrize("imported", [True, False])
def test_an_image_of_another_environment_is_refused(
    app: cdk.App,
    refused: Callable[[Callable[[], object]], str],
    env: cdk.Environment,
    remark: str,
    declare: Callable[[cdk.Stack, IImage], object],
    imported: bool,
) -> None:
    versions, arn = cdk.Stack(app, "Versions", env=env), "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
    image: IImage = (
        Image.from_image_arn(versions, "Image", arn)
        if imported
        else Image(cdk.Stack(app, "Images", env=IRELAND), "Image", image_name="data-science")
    )

    for _ in range(2):
        message = refused(lambda: declare(versions, image))
        assert message == f"image '{image.node.path}' {remark}: declare the version where the image is"


def test_a_stack_that_the_cdk_created_is_one_stack(app: cdk.App) -> None:
    # GIVEN a stack of which jsii returns a new Python object on every access
    site = cdk.Stack(app, "Site", env=IRELAND)
    cloudfront.experimental.EdgeFunction(
        site,
        "Edge",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_inline("exports.handler = 1"),
    )

    def created() -> cdk.Stack:
        (found,) = [child for child in app.node.children if child.node.id != site.node.id]
        return cdk.Stack.of(found)

    assert created() is not created()

    image = Image.from_image_name(created(), "Image", "data-science")
    version = ImageVersion.from_image_version_attributes(created(), "Version", image=image, version=7)
    ImageAlias(created(), "Stable", alias_name="stable", version=version)

    with pytest.raises(
        ValueError, match="alias 'stable' of image 'data-science' must be declared once in an account and region"
    ):
        ImageAlias(created(), "Again", alias_name="stable", version=version)
    assert ImageVersionProvider.get_or_create(created()) is ImageVersionProvider.get_or_create(created())
