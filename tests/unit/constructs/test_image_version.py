"""ImageVersion: the resource that it creates, its dependencies, and the arguments that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from constructs import Construct, IConstruct

from imgver_constructs import (
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionRetention,
    JobType,
    Processor,
    VendorGuidance,
)

VERSION = "Custom::SageMakerImageVersion"
ALIAS = "Custom::SageMakerImageAlias"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"
FUNCTION = "ImageVersionProviderFunction124F3991"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]
Resources = Callable[[str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]


def test_required_properties(declare: Declare, only: Only) -> None:
    declare()

    assert only(VERSION) == {
        "Type": VERSION,
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": [FUNCTION, "Arn"]},
            "ServiceTimeout": "1800",
            "ConstructPath": "Stack/Version",
            "ImageName": "data-science",
            "BaseImage": URI,
        },
        "DependsOn": ["ImageVersionProviderImage970677B8156D0AAD05FB505A"],
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }


@pytest.mark.parametrize(
    ("argument", "choice", "name"),
    [
        *[("job_type", choice, "JobType") for choice in JobType],
        *[("processor", choice, "Processor") for choice in Processor],
        *[("vendor_guidance", choice, "VendorGuidance") for choice in VendorGuidance],
    ],
)
def test_choices(declare: Declare, only: Only, argument: str, choice: Any, name: str) -> None:
    declare(**{argument: choice}, horovod=True)

    assert only(VERSION)["Properties"][name] == choice.name
    assert only(VERSION)["Properties"]["Horovod"] == "true"


@pytest.mark.parametrize("replace", [None, *ImageVersionPolicy])
@pytest.mark.parametrize("delete", [None, *ImageVersionPolicy])
def test_policies(
    declare: Declare, only: Only, replace: ImageVersionPolicy | None, delete: ImageVersionPolicy | None
) -> None:
    declare(update_replace_policy=replace, deletion_policy=delete, aliases=["latest"])

    version, alias, properties = only(VERSION), only(ALIAS), only(VERSION)["Properties"]
    retained = (None, ImageVersionPolicy.RETAIN)
    assert version["UpdateReplacePolicy"] == ("Retain" if replace in retained else "Delete")
    assert version["DeletionPolicy"] == ("RetainExceptOnCreate" if delete in retained else "Delete")
    assert properties.get("OnReplace") == ("ARCHIVE" if replace is ImageVersionPolicy.ARCHIVE else None)
    assert properties.get("OnDelete") == ("ARCHIVE" if delete is ImageVersionPolicy.ARCHIVE else None)
    assert alias.keys().isdisjoint({"DeletionPolicy", "UpdateReplacePolicy"})


def test_aliases_become_resources(declare: Declare, resources: Resources) -> None:
    version = declare(aliases=("latest", "1.4.0"))
    added = version.add_alias("stable")

    assert (added.alias_name, added.node.path) == ("stable", "Stack/Version/Alias-stable")
    names = sorted(alias["Properties"]["Alias"] for alias in resources(ALIAS).values())
    assert names == ["1.4.0", "latest", "stable"]
    ids = [child.node.id for child in version.node.children]
    assert ids == ["Resource", "Alias-latest", "Alias-1.4.0", "Alias-stable"]
    assert "Aliases" not in resources(VERSION).popitem()[1]["Properties"]


def test_construct_paths(app: cdk.App) -> None:
    # GIVEN constructs in a stage, below other constructs, and with a separator in an ID
    stack = cdk.Stack(cdk.Stage(app, "Prod"), "Stack")
    image = Image.from_image_name(stack, "Image", "data-science")
    base_image = BaseImage.from_uri(URI)
    scope = Construct(stack, "Team")
    nested = ImageVersion(scope, "a/b", image=image, base_image=base_image, aliases=["1.4.0"])
    declared = [
        nested,
        nested.add_alias("latest"),
        ImageVersion(stack, "Version", image=image, base_image=base_image),
        ImageAlias(nested, "Stable", alias_name="stable", version=nested),
        ImageVersionRetention(scope, "Retention", image=image, max_version_count=5),
        nested.node.find_child("Alias-1.4.0"),
    ]

    template = Template.from_stack(stack).to_json()["Resources"].values()
    paths = [resource["Properties"]["ConstructPath"] for resource in template if "Custom::" in resource["Type"]]
    assert sorted(paths) == sorted(construct.node.path for construct in declared)
    assert "Prod/Stack/Team/a--b/Alias-latest" in paths


@pytest.mark.parametrize("change", ["applied", "by an aspect"])
@pytest.mark.parametrize(
    ("removal_policy", "changed_to", "expected"),
    [
        (cdk.RemovalPolicy.DESTROY, None, "true"),
        (cdk.RemovalPolicy.RETAIN, None, None),
        (cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, None, None),
        (cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN, None),
        (cdk.RemovalPolicy.RETAIN, cdk.RemovalPolicy.DESTROY, "true"),
    ],
)
def test_deleted_with_image(
    stack: cdk.Stack,
    declare: Declare,
    resources: Resources,
    removal_policy: cdk.RemovalPolicy,
    changed_to: cdk.RemovalPolicy | None,
    expected: str | None,
    change: str,
) -> None:
    declare("One", image=Image.from_image_name(stack, "Imported", "Data-Science"))
    image = Image(stack, "Declared", image_name="data-science", removal_policy=removal_policy)
    declare("Two", image=image, deletion_policy=ImageVersionPolicy.DELETE)

    if changed_to is not None and change == "applied":
        image.apply_removal_policy(changed_to)
    elif changed_to is not None:
        cdk.RemovalPolicies.of(image).apply(changed_to)

    found = [version["Properties"].get("DeletedWithImage") for version in resources(VERSION).values()]
    assert found == [expected] * 2


def test_not_deleted_with_an_image_of_another_stack(app: cdk.App, declare: Declare, only: Only) -> None:
    declare(image=Image(cdk.Stack(app, "Elsewhere"), "Image"))

    assert "DeletedWithImage" not in only(VERSION)["Properties"]


def test_add_alias_with_a_token_is_refused(declare: Declare, refused: Refused) -> None:
    version = declare()

    assert refused(lambda: version.add_alias(cdk.Fn.ref("Alias"))).endswith(
        " must be known at synth, since it becomes the id of a construct: declare an ImageAlias, whose id you choose"
    )


def test_uses_of_the_number_that_cloudformation_resolves(stack: cdk.Stack, declare: Declare) -> None:
    version = declare()
    number, reference = version.image_version_number, {"Fn::GetAtt": ["Version6A868472", "Version"]}

    string = version.image_version_number_as_string

    for value in (number, str(number), f"{number}", "{}".format(number), "%s" % number, string):  # noqa: UP031, UP032
        assert stack.resolve(value) == reference
    assert stack.resolve(f"v{number}") == stack.resolve(f"v{string}")
    assert stack.resolve(f"v{number}") == {"Fn::Join": ["", ["v", reference]]}
    assert stack.resolve(stack.to_json_string({"version": number})) == {
        "Fn::Join": ["", ['{"version":', reference, "}"]]
    }


def test_uses_of_the_number_that_see_only_its_placeholder(stack: cdk.Stack, declare: Declare) -> None:
    """The documentation of ``version`` warns of these; an error is not possible."""
    number = declare().image_version_number

    for text in (f"{number:.0f}", "%d" % number, str(int(number)), str(round(number)), f"{number:g}"):  # noqa: UP031
        assert stack.resolve(text) == text
    assert stack.resolve(number + 1) == stack.resolve(number)
    assert (number > 5, number == 1) == (False, False)


@pytest.mark.parametrize("own_role", [True, False])
def test_a_version_depends_on_its_image_and_the_permission_to_pull(
    stack: cdk.Stack, declare: Declare, only: Only, waits_for: WaitsFor, own_role: bool
) -> None:
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com")) if own_role else None
    image = Image(stack, "Declared", image_name="data-science", role=role)

    declare(image=image)

    def logical_id(construct: IConstruct) -> str:
        return stack.get_logical_id(cast("cdk.CfnElement", construct.node.default_child))

    permission = logical_id(image.role.node.find_child("DefaultPolicy"))
    (image_id,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Image")
    version = only(VERSION)
    assert version["Properties"]["ImageName"] == {
        "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": [image_id, "ImageArn"]}]}]
    }
    assert {image_id, permission} <= waits_for(version)
    assert own_role or logical_id(image.role) in waits_for(version)


@pytest.mark.parametrize("imported", [True, False])
def test_a_version_below_its_image_does_not_depend_on_itself(
    stack: cdk.Stack, only: Only, waits_for: WaitsFor, imported: bool
) -> None:
    name = "data-science"
    image = Image.from_image_name(stack, "Image", name) if imported else Image(stack, "Image", image_name=name)
    scope = cast("Construct", image)
    ImageVersion(scope, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])
    ImageVersionRetention(scope, "Retention", image=image, max_version_count=1)

    # The CDK's own validation, which runs here, would find a cycle.
    (alias,) = Template.from_stack(stack).find_resources(ALIAS)
    (version,) = Template.from_stack(stack).find_resources(VERSION)
    assert waits_for(only(VERSION)).isdisjoint({alias, version})


def test_a_dependency_and_an_override_of_the_user(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    before = cdk.CfnResource(stack, "Before", type="AWS::CloudFormation::WaitConditionHandle")

    version = declare()
    version.node.add_dependency(before)
    cast("cdk.CfnResource", version.node.default_child).add_property_override("Some", "thing")

    assert "Before" in only(VERSION)["DependsOn"]
    assert only(VERSION)["Properties"]["Some"] == "thing"


def test_grants_stay_in_the_stack(app: cdk.App, stack: cdk.Stack, declare: Declare, refused: Refused) -> None:
    """CloudFormation refuses to change an exported ARN that another stack imports."""
    version = declare()
    service = iam.ServicePrincipal("sagemaker.amazonaws.com")
    elsewhere = iam.Role(cdk.Stack(app, "Elsewhere"), "Role", assumed_by=service)
    nested = iam.Role(cdk.NestedStack(stack, "Nested"), "Role", assumed_by=service)

    assert refused(lambda: version.grant_read(elsewhere)) == (
        "grantee 'Elsewhere/Role' must be in stack 'Stack' of version 'Stack/Version', since a version whose ARN "
        "another stack imports could not be replaced: use the image's grant_read, which permits all of its versions"
    )
    assert version.grant_read(nested).success
    for grant in (version.grant_read, version.grant, version.image.grant_read, version.image.grant):
        role: Any = "arn:aws:iam::123456789012:role/reader"
        assert refused(lambda grant=grant, role=role: grant(role)) == (  # type: ignore[misc]
            "grantee 'arn:aws:iam::123456789012:role/reader' must be a principal, such as a role: for an ARN use "
            "iam.Role.from_role_arn(…)"
        )
    assert version.image.grant_read(elsewhere).success


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": "x"}, "image 'x' must be an Image: for an existing one use Image.from_image_name(…)"),
        ({"base_image": "x"}, "base_image 'x' must be a BaseImage: for an address use BaseImage.from_uri(…)"),
        ({"job_type": "NOTEBOOK"}, "job_type 'NOTEBOOK' must be one of TRAINING, INFERENCE, NOTEBOOK_KERNEL: use"),
        ({"processor": "TPU"}, "processor 'TPU' must be one of CPU, GPU: use Processor, for example Processor.CPU"),
        ({"processor": JobType.TRAINING}, "processor <JobType.TRAINING: 'TRAINING'> must be one of CPU, GPU: use"),
        ({"vendor_guidance": ""}, "vendor_guidance '' must be one of NOT_PROVIDED, STABLE, TO_BE_ARCHIVED, ARCHIVED"),
        *[
            ({policy: "KEEP"}, f"{policy} 'KEEP' must be one of DELETE, RETAIN, ARCHIVE: use ImageVersionPolicy, for")
            for policy in ("update_replace_policy", "deletion_policy")
        ],
        ({"horovod": "true"}, "horovod 'true' must be a bool: write True or False, or leave it out"),
        ({"ml_framework": "PyTorch"}, "ml_framework 'PyTorch' must be at most 128 characters: letters, at most one"),
        ({"programming_lang": "Python 3"}, "programming_lang 'Python 3' must be at most 128 characters: letters, at"),
        ({"release_notes": "one\ntwo"}, "release_notes 'one\\ntwo' must be 1 to 255 characters on one line: shorten"),
        ({"follow_tag": ""}, "follow_tag '' must be 1 to 255 characters on one line"),
        *[
            ({name: value}, f"{name} {value!r} must be a string: write it in quotes, and a token as cdk.Token.as_str")
            for name, value in (
                ("follow_tag", 123),
                ("follow_tag", True),
                ("ml_framework", 2.5),
                ("programming_lang", 3.12),
                ("release_notes", b"x"),
                ("follow_tag", ["1"]),
            )
        ],
        ({"aliases": [1.4]}, "aliases 1.4 must be a string: write it in quotes"),
        ({"adopt_version": 0}, "adopt_version 0 must be a whole number of at least 1: give the number of an existing"),
        ({"provider": "x"}, "provider 'x' must be an ImageVersionProvider: create one in this stack, or leave it out"),
        ({"aliases": None}, "aliases None must be a list with one item per alias: write it like ['latest', '1.4.0']"),
        ({"aliases": "latest"}, "aliases 'latest' must be a list with one item per alias"),
        ({"aliases": {"latest"}}, "aliases {'latest'} must be a list with one item per alias"),
        ({"aliases": iter(["latest"])}, "aliases <list_iterator object at"),
        # The length of a list that is a token is not known, nor how many resources it takes.
        ({"aliases": cdk.Token.as_list(cdk.Fn.ref("Aliases"))}, "aliases ['#{Token["),
        ({"aliases": ["latest", "-x"]}, "aliases '-x' must be 1 to 128 letters, digits, dots, hyphens and underscores"),
        ({"aliases": [None]}, "aliases None must be 1 to 128 letters, digits"),
        ({"aliases": [cdk.Fn.ref("Alias"), "a b"]}, "aliases 'a b' must be 1 to 128 letters, digits"),
        ({"aliases": ["a", "b", "a"]}, "aliases 'a' must be named only once: remove the repetition"),
    ],
)
def test_refused(stack: cdk.Stack, declare: Declare, refused: Refused, arguments: dict[str, Any], message: str) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")

    assert refused(lambda: declare(**({"image": image} | arguments))).startswith(message)
    # The id is still free.
    declare(image=image)


@pytest.mark.parametrize(
    ("base_image", "shown"),
    [
        (lambda repository: BaseImage.from_ecr_repository(repository, digest=f"sha256:{'0' * 64}"), "'sha256:0"),
        (lambda _: BaseImage.from_uri(f"{URI}@sha256:{'0' * 64}"), "'123456789012.dkr.ecr"),
        (lambda _: BaseImage.from_uri("public.ecr.aws/docker/library/python:3.12"), "'public.ecr.aws"),
    ],
    ids=["digest", "address with a digest", "outside Amazon ECR"],
)
def test_follow_tag_without_a_tag_to_follow_is_refused(
    stack: cdk.Stack, declare: Declare, refused: Refused, base_image: Any, shown: str
) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")

    message = refused(lambda: declare(image=image, base_image=base_image(repository), follow_tag="7"))
    assert message.startswith(f"follow_tag '7' must be left out with base image {shown}")
    assert message.endswith(
        ", since it follows only a tag in Amazon ECR: leave it out, or declare a base image by its tag"
    )


@pytest.mark.parametrize("name", ["bad name!", ""])
def test_the_name_of_an_imported_image_is_checked(
    stack: cdk.Stack, declare: Declare, refused: Refused, name: str
) -> None:
    image = Image.from_image_name(stack, "Image", name)

    assert refused(lambda: declare(image=image)).startswith(
        f"image_name {name!r} must be 1 to 63 letters and digits, with single hyphens or dots between them: "
    )
