"""ImageVersion: the resource it makes, and what it refuses before it makes anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from imgver_constructs import (
    BaseImage,
    Image,
    ImageRetention,
    ImageVersion,
    ImageVersionProvider,
    JobType,
    Processor,
    Superseded,
    VendorGuidance,
)

VERSION = "Custom::SageMakerImageVersion"
ALIAS = "Custom::SageMakerImageAlias"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"
FUNCTION = "ImageVersionProviderFunction124F3991"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]


def test_least_properties(declare: Declare, only: Only) -> None:
    # GIVEN nothing but what is required
    declare()

    # THEN nothing else goes over the wire but what orders it
    assert only(VERSION) == {
        "Type": VERSION,
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": [FUNCTION, "Arn"]},
            "ServiceTimeout": "1800",
            "Prerequisites": [
                {"Ref": "ImageVersionProviderFunctionEventInvokeConfig01879776"},
                {"Ref": "ImageVersionProviderImage970677B8156D0AAD05FB505A"},
            ],
            "ImageName": "data-science",
            "BaseImage": URI,
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def test_every_property(declare: Declare, only: Only) -> None:
    declare(
        job_type=JobType.NOTEBOOK_KERNEL,
        processor=Processor.GPU,
        horovod=False,
        ml_framework="PyTorch 2.5",
        programming_lang="Python 3.12",
        release_notes="First.",
        vendor_guidance=VendorGuidance.STABLE,
        adopt_version=3,
    )

    properties = only(VERSION)["Properties"]
    del properties["Prerequisites"]
    assert properties == {
        "ServiceToken": {"Fn::GetAtt": [FUNCTION, "Arn"]},
        "ServiceTimeout": "1800",
        "ImageName": "data-science",
        "BaseImage": URI,
        "JobType": "NOTEBOOK_KERNEL",
        "Processor": "GPU",
        "Horovod": "false",
        "MLFramework": "PyTorch 2.5",
        "ProgrammingLang": "Python 3.12",
        "ReleaseNotes": "First.",
        "VendorGuidance": "STABLE",
        "AdoptVersion": 3,
    }


@pytest.mark.parametrize(
    ("argument", "choice", "name"),
    [
        *[("job_type", choice, "JobType") for choice in JobType],
        *[("processor", choice, "Processor") for choice in Processor],
        *[("vendor_guidance", choice, "VendorGuidance") for choice in VendorGuidance],
    ],
)
def test_choices_on_the_wire(declare: Declare, only: Only, argument: str, choice: Any, name: str) -> None:
    declare(**{argument: choice})

    assert only(VERSION)["Properties"][name] == choice.name


def test_horovod_true_on_the_wire(declare: Declare, only: Only) -> None:
    declare(horovod=True)

    assert only(VERSION)["Properties"]["Horovod"] == "true"


@pytest.mark.parametrize(
    ("policy", "on_delete", "on_replace"),
    [
        (cdk.RemovalPolicy.DESTROY, "Delete", "Delete"),
        (cdk.RemovalPolicy.RETAIN, "Retain", "Retain"),
        (cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, "RetainExceptOnCreate", "Retain"),
    ],
)
def test_removal_policy(
    declare: Declare, only: Only, policy: cdk.RemovalPolicy, on_delete: str | None, on_replace: str | None
) -> None:
    declare(removal_policy=policy, aliases=["latest"])

    version, alias = only(VERSION), only(ALIAS)

    assert (version.get("DeletionPolicy"), version.get("UpdateReplacePolicy")) == (on_delete, on_replace)
    assert alias.keys().isdisjoint({"DeletionPolicy", "UpdateReplacePolicy"})


@pytest.mark.parametrize(
    ("policy", "superseded", "on_delete", "on_replace", "archives"),
    [
        (cdk.RemovalPolicy.DESTROY, Superseded.DELETE, "Delete", "Delete", False),
        (cdk.RemovalPolicy.DESTROY, Superseded.RETAIN, "Delete", "Retain", False),
        (cdk.RemovalPolicy.DESTROY, Superseded.ARCHIVE, "Delete", "Delete", True),
        (cdk.RemovalPolicy.RETAIN, Superseded.DELETE, "Retain", "Delete", False),
        (cdk.RemovalPolicy.RETAIN, Superseded.ARCHIVE, "Retain", "Delete", True),
        (cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, Superseded.DELETE, "RetainExceptOnCreate", "Delete", False),
    ],
)
def test_superseded(
    declare: Declare,
    only: Only,
    policy: cdk.RemovalPolicy,
    superseded: Superseded,
    on_delete: str,
    on_replace: str,
    archives: bool,
) -> None:
    declare(removal_policy=policy, superseded=superseded)

    version = only(VERSION)

    assert (version.get("DeletionPolicy", "Delete"), version.get("UpdateReplacePolicy", "Delete")) == (
        on_delete,
        on_replace,
    )
    assert version["Properties"].get("OnDelete") == ("ARCHIVE" if archives else None)


def test_follow_tag(declare: Declare, only: Only) -> None:
    declare(follow_tag="build-42")

    assert only(VERSION)["Properties"]["FollowTag"] == "build-42"


def test_add_alias(declare: Declare, only: Only) -> None:
    version = declare()

    alias = version.add_alias("1.4.0")

    assert alias.alias_name == "1.4.0"
    assert alias.node.path == "Stack/Version/Alias-1.4.0"
    assert only(ALIAS)["Properties"]["Alias"] == "1.4.0"


def test_add_alias_with_a_token_is_refused(stack: cdk.Stack, declare: Declare) -> None:
    version = declare()

    with pytest.raises(ValueError, match="alias_name") as refusal:
        version.add_alias(cdk.Fn.ref("Alias"))

    assert str(refusal.value).endswith(
        " must be known here, since it becomes the id of a construct: declare an ImageAlias, which has an id of its own"
    )


def test_attributes_are_the_handlers_data(stack: cdk.Stack, declare: Declare) -> None:
    version = declare()

    (logical_id,) = Template.from_stack(stack).find_resources(VERSION)
    for attribute, data in (
        (version.image_version_arn, "ImageVersionArn"),
        (version.image_arn, "ImageArn"),
        (version.version, "Version"),
        (cdk.Tokenization.stringify_number(version.version), "Version"),
        (version.base_image, "BaseImage"),
        (version.container_image, "ContainerImage"),
    ):
        assert stack.resolve(attribute) == {"Fn::GetAtt": [logical_id, data]}


def test_made_image_and_its_pull_permission_come_first(
    stack: cdk.Stack, declare: Declare, only: Only, waits_for: WaitsFor
) -> None:
    # GIVEN an image whose role is granted to pull
    image = Image(stack, "Made", image_name="data-science")

    # WHEN
    declare(image=image)

    # THEN the version waits for the image, its role, and the role's permission
    role = stack.get_logical_id(image.role.node.default_child)
    permission = stack.get_logical_id(image.role.node.find_child("DefaultPolicy").node.default_child)
    (made,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Image")
    version = only(VERSION)
    assert version["Properties"]["ImageName"] == {
        "Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": [made, "ImageArn"]}]}]
    }
    assert {made, role, permission} <= waits_for(version)


@pytest.mark.parametrize("kind", ["made", "imported"])
def test_a_version_below_its_image_does_not_wait_for_itself(
    stack: cdk.Stack, only: Only, waits_for: WaitsFor, kind: str
) -> None:
    # GIVEN an image, with all that can be below it
    image = Image(stack, "Made", image_name="data-science")
    if kind == "imported":
        image = Image.from_image_name(stack, "Imported", "data-science")
    ImageVersion(image, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])
    ImageRetention(image, "Retention", image=image, keep=1)

    # THEN the template has no circle, which CDK's own validation would find
    (alias,) = Template.from_stack(stack).find_resources(ALIAS)
    (version,) = Template.from_stack(stack).find_resources(VERSION)
    assert waits_for(only(VERSION)).isdisjoint({alias, version})


def test_pull_permission_of_a_role_made_elsewhere_comes_first(
    stack: cdk.Stack, declare: Declare, only: Only, waits_for: WaitsFor
) -> None:
    role = cdk.aws_iam.Role(stack, "Own", assumed_by=cdk.aws_iam.ServicePrincipal("sagemaker.amazonaws.com"))

    declare(image=Image(stack, "Made", image_name="data-science", role=role))

    (policy,) = [
        logical_id
        for logical_id, policy in Template.from_stack(stack).find_resources("AWS::IAM::Policy").items()
        if policy["Properties"]["Roles"] == [{"Ref": stack.get_logical_id(role.node.default_child)}]
    ]
    assert policy in waits_for(only(VERSION))


def test_aliases_become_resources(declare: Declare, resources: Callable[[str], dict[str, Any]]) -> None:
    version = declare(aliases=("latest", "1.4.0"))

    aliases = resources(ALIAS)
    assert sorted(alias["Properties"]["Alias"] for alias in aliases.values()) == ["1.4.0", "latest"]
    assert [child.node.id for child in version.node.children] == ["Default", "Alias-latest", "Alias-1.4.0"]
    assert "Aliases" not in resources(VERSION).popitem()[1]["Properties"]


def test_grants_stay_with_the_stack(app: cdk.App, stack: cdk.Stack, declare: Declare) -> None:
    # GIVEN roles in the version's stack, nested in it, and in another
    version = declare()
    service = iam.ServicePrincipal("sagemaker.amazonaws.com")
    elsewhere = iam.Role(cdk.Stack(app, "Elsewhere"), "Role", assumed_by=service)
    nested = iam.Role(cdk.NestedStack(stack, "Nested"), "Role", assumed_by=service)

    # THEN CloudFormation would refuse to change an export that is in use
    with pytest.raises(ValueError, match="grantee") as refusal:
        version.grant_read(elsewhere)
    assert str(refusal.value) == (
        "grantee 'Elsewhere/Role' must be in stack 'Stack' of version 'Stack/Version', since a version whose arn "
        "another stack imports could not be replaced: use the image's grant_read, which permits all versions"
    )
    assert elsewhere.node.try_find_child("DefaultPolicy") is None

    # BUT what is nested imports nothing, and the image may be named anywhere
    assert version.grant_read(nested).success
    assert version.image.grant_read(elsewhere).success


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"image": "data-science"},
            "image 'data-science' must be an Image: for one that exists use Image.from_image_name(…)",
        ),
        (
            {"base_image": URI[:44]},
            (
                "base_image '123456789012.dkr.ecr.eu-west-1.amazonaws.com' must be a BaseImage: "
                "for an address use BaseImage.from_uri(…)"
            ),
        ),
        (
            {"job_type": "NOTEBOOK"},
            (
                "job_type 'NOTEBOOK' must be one of TRAINING, INFERENCE, NOTEBOOK_KERNEL: "
                "use JobType, for example JobType.TRAINING"
            ),
        ),
        (
            {"processor": JobType.TRAINING},
            (
                "processor <JobType.TRAINING: 'TRAINING'> must be one of CPU, GPU: "
                "use Processor, for example Processor.CPU"
            ),
        ),
        (
            {"vendor_guidance": ""},
            (
                "vendor_guidance '' must be one of NOT_PROVIDED, STABLE, TO_BE_ARCHIVED, ARCHIVED: "
                "use VendorGuidance, for example VendorGuidance.NOT_PROVIDED"
            ),
        ),
        ({"horovod": "true"}, "horovod 'true' must be a bool: write True or False, or leave it out"),
        (
            {"ml_framework": "PyTorch"},
            (
                "ml_framework 'PyTorch' must be at most 128 characters: letters, at most one space, "
                "then two or three numbers separated by dots: write it like 'PyTorch 2.5'"
            ),
        ),
        (
            {"programming_lang": "Python 3"},
            (
                "programming_lang 'Python 3' must be at most 128 characters: letters, at most one space, "
                "then two or three numbers separated by dots: write it like 'Python 3.12'"
            ),
        ),
        (
            {"release_notes": "one\ntwo"},
            "release_notes 'one\\ntwo' must be 1 to 255 characters on one line: shorten it, or leave it out",
        ),
        (
            {"follow_tag": ""},
            (
                "follow_tag '' must be 1 to 255 characters on one line, another text whenever the tag is to be looked "
                "at: give a build number or a commit"
            ),
        ),
        (
            {"adopt_version": 0},
            "adopt_version 0 must be a whole number of at least 1: give the number of an existing version",
        ),
        (
            {"removal_policy": cdk.RemovalPolicy.SNAPSHOT},
            (
                "removal_policy <RemovalPolicy.SNAPSHOT: 'SNAPSHOT'> must be RemovalPolicy.DESTROY, RETAIN or "
                "RETAIN_ON_UPDATE_OR_DELETE: to keep it, use RemovalPolicy.RETAIN"
            ),
        ),
        (
            {"provider": "ImageVersionProvider"},
            (
                "provider 'ImageVersionProvider' must be an ImageVersionProvider: "
                "make one in this stack, or leave it out"
            ),
        ),
        *[
            (
                {"aliases": aliases},
                f"aliases {aliases!r} must be a list with one item per alias: write it like ['latest', '1.4.0']",
            )
            for aliases in (None, {"latest"}, iter(["latest"]))
        ],
        (
            {"aliases": "latest"},
            "aliases 'latest' must be a list with one item per alias: write it like ['latest', '1.4.0']",
        ),
        (
            {"aliases": ["latest", "-x"]},
            (
                "aliases '-x' must be 1 to 128 letters, digits, dots, hyphens and underscores, "
                "and must not start with a dot or hyphen: write it like 'latest' or '1.4.0'"
            ),
        ),
        (
            {"aliases": [None]},
            (
                "aliases None must be 1 to 128 letters, digits, dots, hyphens and underscores, "
                "and must not start with a dot or hyphen: write it like 'latest' or '1.4.0'"
            ),
        ),
        ({"aliases": ["a", "b", "a"]}, "aliases 'a' must be named only once: remove the repetition"),
    ],
)
def test_refused_before_anything_is_made(
    stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]], arguments: dict[str, Any], message: str
) -> None:
    # GIVEN
    image = Image.from_image_name(stack, "Image", "data-science")

    # WHEN
    with pytest.raises(ValueError, match="must be") as refusal:
        declare(**({"image": image} | arguments))

    # THEN
    assert str(refusal.value) == message
    assert tree() == ["", "Stack", "Stack/Image"]
    # AND the id is still free
    declare(image=image)


@pytest.mark.parametrize("name", ["bad name!", ""])
def test_name_of_an_imported_image_is_checked(stack: cdk.Stack, declare: Declare, name: str) -> None:
    image = Image.from_image_name(stack, "Image", name)

    with pytest.raises(ValueError, match="image_name") as refusal:
        declare(image=image)

    assert str(refusal.value) == (
        f"image_name {name!r} must be 1 to 63 letters and digits, with single hyphens or dots between them: "
        "write it like 'data-science'"
    )


def test_list_that_is_a_token_is_refused(declare: Declare, tree: Callable[[], list[str]]) -> None:
    # GIVEN a list of unknown length: there is no knowing how many resources it takes
    aliases = cdk.Token.as_list(cdk.Fn.ref("Aliases"))

    with pytest.raises(ValueError, match=r"aliases .* must be a list with one item per alias"):
        declare(aliases=aliases)

    assert tree() == ["", "Stack", "Stack/Image"]


def test_alias_of_another_version_is_refused(declare: Declare, tree: Callable[[], list[str]]) -> None:
    # GIVEN
    declare("First", aliases=["latest"])
    before = tree()

    # WHEN another version of the image wants it, too
    with pytest.raises(ValueError, match="alias") as refusal:
        declare("Second", aliases=["stable", "latest"])

    # THEN
    assert str(refusal.value) == (
        "alias 'latest' of image 'data-science' must be declared once in a stack, "
        "but 'Stack/First/Alias-latest' declares it too: remove one of the two"
    )
    assert tree() == before


def test_provider_of_another_stack_is_refused(
    app: cdk.App, stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]]
) -> None:
    provider = ImageVersionProvider(cdk.Stack(app, "Other"), "Provider")
    image = Image.from_image_name(stack, "Image", "data-science")
    before = tree()

    with pytest.raises(ValueError, match="provider") as refusal:
        declare(image=image, provider=provider)

    assert str(refusal.value) == "provider 'Other/Provider' must be in stack 'Stack': make one there, or leave it out"
    assert tree() == before


@pytest.mark.parametrize("declared_by", ["declaration", "arn"])
@pytest.mark.parametrize(
    ("what", "there"), [("account", ("210987654321", "eu-west-1")), ("region", ("123456789012", "us-east-1"))]
)
def test_image_of_another_environment_is_refused(
    app: cdk.App, tree: Callable[[], list[str]], declared_by: str, what: str, there: tuple[str, str]
) -> None:
    # GIVEN a stack in eu-west-1, and an image elsewhere
    here = ("123456789012", "eu-west-1")
    stack = cdk.Stack(app, "Here", env=cdk.Environment(account=here[0], region=here[1]))
    other = cdk.Stack(app, "There", env=cdk.Environment(account=there[0], region=there[1]))
    image = (
        Image(other, "Image", image_name="data-science")
        if declared_by == "declaration"
        else Image.from_image_arn(stack, "Image", f"arn:aws:sagemaker:{there[1]}:{there[0]}:image/data-science")
    )
    base_image = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")
    before = tree()

    # WHEN
    with pytest.raises(ValueError, match="image") as refusal:
        ImageVersion(stack, "Version", image=image, base_image=base_image)

    # THEN
    position = ["account", "region"].index(what)
    assert str(refusal.value) == (
        f"image '{image.node.path}' must be in {what} {here[position]} of stack 'Here', not in {there[position]}: "
        "declare the version where the image is"
    )
    assert tree() == before


# What is known only at deployment.


def test_tokens_are_not_inspected(
    stack: cdk.Stack, declare: Declare, only: Only, resources: Callable[[str], dict[str, Any]]
) -> None:
    # GIVEN tokens whose placeholders no rule would let through
    def parameter(name: str) -> str:
        return cdk.CfnParameter(stack, name).value_as_string

    # WHEN
    declare(
        image=Image.from_image_name(stack, "Named", parameter("Name")),
        base_image=BaseImage.from_uri(parameter("Uri")),
        aliases=[parameter("Alias"), f"v{parameter('Number')}"],
        job_type=parameter("Job"),
        processor=parameter("Processor"),
        horovod=parameter("Horovod"),
        ml_framework=f"PyTorch {parameter('Torch')}",
        programming_lang=parameter("Lang"),
        release_notes=parameter("Notes"),
        vendor_guidance=parameter("Guidance"),
        adopt_version=cdk.CfnParameter(stack, "Adopt", type="Number").value_as_number,
    )

    # THEN they arrive as they are
    properties = only(VERSION)["Properties"]
    del properties["ServiceToken"], properties["ServiceTimeout"], properties["Prerequisites"]
    assert properties == {
        "ImageName": {"Ref": "Name"},
        "BaseImage": {"Ref": "Uri"},
        "JobType": {"Ref": "Job"},
        "Processor": {"Ref": "Processor"},
        "Horovod": {"Ref": "Horovod"},
        "MLFramework": {"Fn::Join": ["", ["PyTorch ", {"Ref": "Torch"}]]},
        "ProgrammingLang": {"Ref": "Lang"},
        "ReleaseNotes": {"Ref": "Notes"},
        "VendorGuidance": {"Ref": "Guidance"},
        "AdoptVersion": {"Ref": "Adopt"},
    }
    # AND aliases that are tokens get an id by their place
    assert {key: alias["Properties"]["Alias"] for key, alias in resources(ALIAS).items()} == {
        "VersionAlias0C5ECEE01": {"Ref": "Alias"},
        "VersionAlias1B87EE778": {"Fn::Join": ["", ["v", {"Ref": "Number"}]]},
    }


def test_tokens_among_known_aliases_step_aside(declare: Declare) -> None:
    with pytest.raises(ValueError, match="aliases 'a b' must be"):
        declare(aliases=[cdk.Fn.ref("Alias"), "a b"])
