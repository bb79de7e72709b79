"""What the function's role may do with images: the policies of images and of patterns, down to the last statement."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageAlias, ImageVersion, ImageVersionProvider
from imgver_constructs._provider import inline_policy_quota as inline_limit
from imgver_constructs.base_image import BoundBaseImage

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
VERSION = "Custom::SageMakerImageVersion"
POLICY = "AWS::IAM::Policy"
LOGS = "ImageVersionProviderLogs0DB3204C"
ROLE = "ImageVersionProviderRole98366D34"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]


def sagemaker_arn(rest: Any) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, *([f":{rest}"] if isinstance(rest, str) else rest)]]}


def ecr_arn(repository: str) -> dict[str, Any]:
    return {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":ecr:eu-west-1:123456789012:repository/{repository}"]]
    }


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def test_policy_of_an_image(declare: Declare, resources: Resources) -> None:
    declare(base_image=BaseImage.from_uri(f"{REGISTRY}/team/data-science:1.0.0"))

    assert resources(POLICY) == {
        "ImageVersionProviderImage970677B8156D0AAD05FB505A": {
            "Type": POLICY,
            "Properties": {
                "PolicyName": "ImageVersionProviderImage970677B8156D0AAD05FB505A",
                "Roles": [{"Ref": ROLE}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Action": "sagemaker:CreateImageVersion",
                            "Effect": "Allow",
                            "Resource": sagemaker_arn("image/data-science"),
                        },
                        {
                            "Action": [
                                "sagemaker:DeleteImageVersion",
                                "sagemaker:DescribeImageVersion",
                                "sagemaker:UpdateImageVersion",
                            ],
                            "Effect": "Allow",
                            "Resource": sagemaker_arn("image-version/data-science/*"),
                        },
                        {
                            "Action": "ecr:DescribeImages",
                            "Effect": "Allow",
                            "Resource": ecr_arn("team/data-science"),
                        },
                    ],
                },
            },
        }
    }


def test_versions_of_one_image_share_its_policy(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN three versions from two repositories, and an alias that needs nothing of its own
    declare("One", base_image=BaseImage.from_uri(f"{REGISTRY}/one:1"))
    declare("Two", base_image=BaseImage.from_uri(f"{REGISTRY}/one:2"))
    three = declare("Three", base_image=BaseImage.from_uri(f"{REGISTRY}/two:1"))
    ImageAlias(stack, "Alias", alias_name="latest", version=three)

    # THEN each repository is named once
    (found,) = [statement for statement in statements(only(POLICY)) if statement["Action"] == "ecr:DescribeImages"]
    assert found["Resource"] == [ecr_arn("one"), ecr_arn("two")]


def test_each_image_has_a_policy_that_its_versions_depend_on(
    stack: cdk.Stack, declare: Declare, resources: Resources, waits_for: WaitsFor
) -> None:
    declare("One", image=Image.from_image_name(stack, "ImageOne", "one"))
    declare("Two", image=Image.from_image_name(stack, "ImageTwo", "two"))

    policies = resources(POLICY)
    versions = {version["Properties"]["ImageName"]: version for version in resources(VERSION).values()}
    assert len(policies) == 2
    for logical_id, policy in policies.items():
        (name,) = [name for name in versions if sagemaker_arn(f"image/{name}") == statements(policy)[0]["Resource"]]
        assert waits_for(versions[name]) & policies.keys() == {logical_id}


def test_r41_what_a_delete_needs_outlives_it(waits_for: WaitsFor) -> None:
    """A deployment that removes a version may narrow its image's policy, or remove it."""

    def template(*construct_ids: str) -> dict[str, Any]:
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        image = Image.from_image_name(stack, "Image", "data-science")
        for number, construct_id in enumerate(construct_ids):
            base_image = BaseImage.from_uri(f"{REGISTRY}/{construct_id.lower()}:{number}")
            ImageVersion(stack, construct_id, image=image, base_image=base_image, aliases=[construct_id])
        return dict(Template.from_stack(stack).to_json()["Resources"])

    # WHEN one of two versions goes
    before, after = template("One", "Two"), template("One")

    # THEN the policy loses its repository only
    (policy_id,) = [logical_id for logical_id, resource in before.items() if resource["Type"] == POLICY]
    assert statements(before[policy_id])[:2] == statements(after[policy_id])[:2]
    assert statements(before[policy_id])[2]["Resource"] == [ecr_arn("one"), ecr_arn("two")]
    assert statements(after[policy_id])[2]["Resource"] == ecr_arn("one")

    # THEN CloudFormation deletes whatever needs the policy before it deletes the policy
    custom = [resource for resource in before.values() if resource["Type"].startswith("Custom::")]
    assert len(custom) == 4
    assert all(policy_id in waits_for(resource) for resource in custom)


def test_name_with_capitals_is_permitted_in_both_spellings(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    declare(image=Image(stack, "Made", image_name="Data-Science"), base_image=BaseImage.from_uri(f"{REGISTRY}/x:1"))

    (policy,) = [
        policy
        for policy in Template.from_stack(stack).find_resources(POLICY).values()
        if policy["Properties"]["Roles"] == [{"Ref": ROLE}]
    ]
    create, others, _ = statements(policy)
    assert create["Resource"] == [sagemaker_arn("image/Data-Science"), sagemaker_arn("image/data-science")]
    assert others["Resource"] == [
        sagemaker_arn("image-version/Data-Science/*"),
        sagemaker_arn("image-version/data-science/*"),
    ]


def test_name_that_is_a_token(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    name = cdk.CfnParameter(stack, "Name").value_as_string

    declare(image=Image.from_image_name(stack, "Named", name))

    create, others, _ = statements(only(POLICY))
    assert create["Resource"] == sagemaker_arn([":image/", {"Ref": "Name"}])
    assert others["Resource"] == sagemaker_arn([":image-version/", {"Ref": "Name"}, "/*"])


def test_logical_ids_do_not_depend_on_the_order(app: cdk.App) -> None:
    def stack(stack_id: str, names: list[str]) -> cdk.Stack:
        stack = cdk.Stack(app, stack_id)
        for name in names:
            image = Image.from_image_name(stack, f"Image-{name}", name)
            base_image = BaseImage.from_uri(f"{REGISTRY}/{name}:1")
            ImageVersion(stack, f"Version-{name}", image=image, base_image=base_image, aliases=["latest"])
        return stack

    there, back = stack("There", ["a", "b", "c"]), stack("Back", ["c", "b", "a"])

    assert Template.from_stack(there).to_json()["Resources"] == Template.from_stack(back).to_json()["Resources"]


def test_two_spellings_of_one_image_are_permitted_in_one_policy(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN the lower-case spelling first, which says nothing of the other
    declare("One", image=Image.from_image_name(stack, "Lower", "data"))
    declare("Two", image=Image.from_image_name(stack, "Capitals", "Data"))

    # THEN
    creates = [one["Resource"] for one in statements(only(POLICY)) if one["Action"] == "sagemaker:CreateImageVersion"]
    assert creates == [sagemaker_arn("image/data"), [sagemaker_arn("image/Data"), sagemaker_arn("image/data")]]


def test_r42_a_renamed_image_has_both_policies_until_the_cleanup() -> None:
    def policy_ids(name: str) -> set[str]:
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        image = Image.from_image_name(stack, "Image", name)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{REGISTRY}/one:1"))
        return set(Template.from_stack(stack).find_resources(POLICY))

    # THEN neither update narrows the other's policy
    assert policy_ids("old").isdisjoint(policy_ids("new"))


def test_no_action_is_a_wildcard(stack: cdk.Stack, resources: Resources) -> None:
    # GIVEN everything that is ever permitted
    for construct_id, patterns in (("One", None), ("Other", ["team-*"])):
        provider = ImageVersionProvider(stack, construct_id, permitted_images=patterns)
        resource_of(provider, Image.from_image_name(stack, f"Image{construct_id}", "team-a"), lists_versions=True)

    # THEN
    actions = [
        action for policy in resources(POLICY).values() for one in statements(policy) for action in one["Action"]
    ]
    assert actions
    assert not [action for action in actions if "*" in action]


@pytest.mark.parametrize(
    ("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-west-1", "aws")]
)
def test_every_arn_is_of_the_stacks_partition(app: cdk.App, region: str, partition: str) -> None:
    # GIVEN
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account="123456789012", region=region))
    image = Image.from_image_name(stack, "Image", "data-science")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")

    # WHEN
    ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_ecr_repository(repository, tag="1"))

    # THEN
    (policy,) = Template.from_stack(stack).find_resources(POLICY).values()
    for statement in statements(policy):
        assert statement["Resource"]["Fn::Join"][1][:2] == ["arn:", {"Ref": "AWS::Partition"}]


# Who lists versions.


def resource_of(
    provider: ImageVersionProvider, image: Image, *, repository: str | None = None, lists_versions: bool = False
) -> cdk.CfnResource:
    """A custom resource as a construct of the library makes it."""
    scope = Construct(provider, f"Scope{len(provider.node.children)}")
    resource = provider._resource(scope, "Custom::Test", image=image, properties={}, lists_versions=lists_versions)
    if repository is not None:
        arn = f"arn:aws:ecr:eu-west-1:123456789012:repository/{repository}"
        bound = BoundBaseImage(uri="", repository_arn=arn)
        resource.add_property_override("Prerequisites", provider._needs(image, bound).references)
    return resource


def test_versions_may_be_listed_where_it_is_asked_for(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine")
    image = Image.from_image_name(stack, "Image", "Data-Science")

    # WHEN
    resource_of(provider, image)
    resource_of(provider, image, lists_versions=True)
    resource_of(provider, image, lists_versions=True)

    # THEN
    images = [sagemaker_arn("image/Data-Science"), sagemaker_arn("image/data-science")]
    versions = [sagemaker_arn("image-version/Data-Science/*"), sagemaker_arn("image-version/data-science/*")]
    assert statements(only(POLICY))[2:] == [
        {"Action": ["sagemaker:ListAliases", "sagemaker:ListImageVersions"], "Effect": "Allow", "Resource": images},
        {"Action": "sagemaker:ListAliases", "Effect": "Allow", "Resource": versions},
    ]


def test_versions_may_not_be_listed_otherwise(declare: Declare, only: Only) -> None:
    declare(aliases=["latest"])

    assert "List" not in json.dumps(only(POLICY))


# permitted_images.


def test_permitted_images_share_one_policy(stack: cdk.Stack, resources: Resources, waits_for: WaitsFor) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine", permitted_images=["team-*", "Other", "other"])

    # WHEN three images of two repositories are declared, one of them twice
    one = resource_of(provider, Image.from_image_name(stack, "One", "team-one"), repository="one")
    resource_of(provider, Image.from_image_name(stack, "Two", "team-two"), repository="two")
    resource_of(provider, Image.from_image_name(stack, "Again", "team-two"), repository="two")
    other = resource_of(provider, Image.from_image_name(stack, "Other", "Other"))

    # THEN
    policies = {
        logical_id: policy["Properties"]["PolicyDocument"]["Statement"]
        for logical_id, policy in resources(POLICY).items()
    }
    images, repositories = sorted(policies, key=lambda logical_id: "Repositories" in logical_id)
    assert policies == {
        images: [
            {
                "Action": "sagemaker:CreateImageVersion",
                "Effect": "Allow",
                "Resource": [sagemaker_arn(f"image/{name}") for name in ("team-*", "Other", "other")],
            },
            {
                "Action": [
                    "sagemaker:DeleteImageVersion",
                    "sagemaker:DescribeImageVersion",
                    "sagemaker:UpdateImageVersion",
                ],
                "Effect": "Allow",
                "Resource": [sagemaker_arn(f"image-version/{name}/*") for name in ("team-*", "Other", "other")],
            },
        ],
        repositories: [
            {
                "Action": "ecr:DescribeImages",
                "Effect": "Allow",
                "Resource": [f"arn:aws:ecr:eu-west-1:123456789012:repository/{name}" for name in ("one", "two")],
            }
        ],
    }

    # THEN what needs a policy is deleted before it
    found = resources("Custom::Test")
    assert {images, repositories} <= waits_for(found[stack.resolve(one.logical_id)])
    assert waits_for(found[stack.resolve(other.logical_id)]) & policies.keys() == {images}


def test_permitted_images_may_be_listed_where_it_is_asked_for(stack: cdk.Stack, only: Only) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine", permitted_images=["team-*"])

    # WHEN
    resource_of(provider, Image.from_image_name(stack, "One", "team-one"))
    resource_of(provider, Image.from_image_name(stack, "Two", "team-two"), lists_versions=True)

    # THEN
    assert statements(only(POLICY))[2:] == [
        {
            "Action": ["sagemaker:ListAliases", "sagemaker:ListImageVersions"],
            "Effect": "Allow",
            "Resource": sagemaker_arn("image/team-*"),
        },
        {"Action": "sagemaker:ListAliases", "Effect": "Allow", "Resource": sagemaker_arn("image-version/team-*/*")},
    ]


def test_r41_other_permitted_images_are_another_policy() -> None:
    """The Delete of an image's resources comes after the update that permits the image no longer."""

    def policy_ids(patterns: list[str]) -> list[str]:
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        resource_of(
            ImageVersionProvider(stack, "Mine", permitted_images=patterns), Image.from_image_name(stack, "Image", "a")
        )
        return list(Template.from_stack(stack).find_resources(POLICY))

    assert policy_ids(["a", "b-*"]) == policy_ids(["a", "b-*"])
    assert policy_ids(["a", "b-*"]) != policy_ids(["a"])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("data", "data"),
        ("team-*", "team-a.b"),
        ("*", "Any"),
        ("a*c*e", "abcde"),
        ("Team-*", "team-a"),
    ],
)
def test_a_pattern_permits(stack: cdk.Stack, declare: Declare, resources: Resources, pattern: str, name: str) -> None:
    provider = ImageVersionProvider(stack, "Mine", permitted_images=[pattern])

    declare(image=Image.from_image_name(stack, "Named", name), provider=provider)

    assert resources(VERSION)


@pytest.mark.parametrize(
    ("pattern", "name"), [("data", "data-science"), ("team-*", "my-team-a"), ("a.c", "abc"), ("team-*", "Team-A")]
)
def test_an_image_that_no_pattern_permits_is_refused(
    stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]], pattern: str, name: str
) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine", permitted_images=["other", pattern])
    image = Image.from_image_name(stack, "Named", name)
    before = tree()

    # WHEN
    with pytest.raises(ValueError, match="permitted_images") as refusal:
        declare(image=image, provider=provider)

    # THEN
    assert str(refusal.value) == (
        f"image '{name}' must be one of permitted_images ['other', '{pattern}'] of provider 'Stack/Mine': "
        "add its name, or a pattern that it matches"
    )
    assert tree() == before


def test_a_name_that_is_a_token_is_not_compared(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    provider = ImageVersionProvider(stack, "Mine", permitted_images=["team-*"])
    name = cdk.CfnParameter(stack, "Name").value_as_string

    declare(image=Image.from_image_name(stack, "Named", name), provider=provider)

    assert resources(VERSION)


def test_a_pattern_that_is_a_token_is_permitted_under_a_stable_id() -> None:
    def policies() -> dict[str, Any]:
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        for number in range(3):  # other numbers for the tokens that follow
            cdk.Token.as_string(cdk.Lazy.string(Word(str(number))))
        pattern = cdk.CfnParameter(stack, "Team").value_as_string + "-*"
        provider = ImageVersionProvider(stack, "Mine", permitted_images=[pattern])
        # Any name may match what is not known yet.
        image = Image.from_image_name(stack, "Image", "data")
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{REGISTRY}/x:1"), provider=provider)
        return dict(Template.from_stack(stack).find_resources(POLICY))

    policy, _ = policies().values()
    assert statements(policy)[0]["Resource"] == sagemaker_arn([":image/", {"Ref": "Team"}, "-*"])
    assert policies() == policies()


@jsii.implements(cdk.IStableStringProducer)
class Word:
    def __init__(self, word: str) -> None:
        self.word = word

    def produce(self) -> str:
        return self.word


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("team-*", "permitted_images 'team-*' must be a list with one item per name: write it like ['team-*']"),
        ({"a"}, "permitted_images {'a'} must be a list with one item per name: write it like ['team-*']"),
        (
            [],
            (
                "permitted_images [] must hold a name: "
                "write it like ['team-*'], or leave it out to permit what is declared"
            ),
        ),
        (
            ["a", "arn:aws:x"],
            (
                "permitted_images 'arn:aws:x' must be 1 to 63 letters, digits, hyphens, dots and asterisks: "
                "write it like 'team-*'"
            ),
        ),
        (
            [""],
            "permitted_images '' must be 1 to 63 letters, digits, hyphens, dots and asterisks: write it like 'team-*'",
        ),
        (["a", "b", "a"], "permitted_images 'a' must be named only once: remove the repetition"),
    ],
)
def test_permitted_images_that_are_no_patterns_are_refused(
    stack: cdk.Stack, tree: Callable[[], list[str]], patterns: Any, message: str
) -> None:
    with pytest.raises(ValueError, match="permitted_images") as refusal:
        ImageVersionProvider(stack, "Mine", permitted_images=patterns)

    assert str(refusal.value) == message
    assert "Stack/Mine" not in tree()


# How much IAM takes.


def many(stack: cdk.Stack, count: int, **options: Any) -> ImageVersionProvider:
    """A provider with versions of as many images, each from a repository of its own."""
    provider = ImageVersionProvider(stack, "ImageVersionProvider", **options)
    for number in range(count):
        image = Image.from_image_name(stack, f"Image{number}", f"team-{number:03}")
        base_image = BaseImage.from_uri(f"{REGISTRY}/team/{number:03}:1")
        ImageVersion(stack, f"Version{number}", image=image, base_image=base_image, provider=provider)
    return provider


def inline_characters(stack: cdk.Stack) -> int:
    """What IAM is going to count in a stack whose account and region are known."""

    def resolved(value: Any) -> Any:
        match value:
            case {"Fn::Join": ["", parts]}:
                return "".join(map(resolved, parts))
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Ref": "AWS::StackId"}:
                return f"arn:aws:cloudformation:eu-west-1:123456789012:stack/Stack/{'0' * 36}"
            case {"Fn::GetAtt": [_, "Arn"]}:
                return f"arn:aws:logs:eu-west-1:123456789012:log-group:Stack-{LOGS}-Hx2bSpwQ1dKq:*"
            case dict():
                return {key: resolved(item) for key, item in value.items()}
            case list():
                return list(map(resolved, value))
        return value

    template = Template.from_stack(stack)
    roles = [role["Properties"]["Policies"] for role in template.find_resources("AWS::IAM::Role").values()]
    documents = [policy["PolicyDocument"] for policies in roles for policy in policies]
    documents += [policy["Properties"]["PolicyDocument"] for policy in template.find_resources(POLICY).values()]
    return sum(len(json.dumps(resolved(document)).replace(" ", "")) for document in documents)


@pytest.fixture
def known_stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Stack", env=cdk.Environment(account="123456789012", region="eu-west-1"))


def refusal_of(stack: cdk.Stack) -> str:
    with pytest.raises(RuntimeError, match="Validation failed") as refusal:
        Template.from_stack(stack)
    return str(refusal.value)


def test_as_many_images_as_fit(known_stack: cdk.Stack) -> None:
    # GIVEN
    many(known_stack, 15)

    # THEN they fit, with room for some more while an update has old ones and new ones
    assert 7_000 < inline_characters(known_stack) < 8_192


def test_more_images_than_fit_are_refused(known_stack: cdk.Stack) -> None:
    # GIVEN
    many(known_stack, 40)

    # WHEN
    message = refusal_of(known_stack)

    # THEN
    (characters,) = re.findall("about ([0-9]+):", message)
    assert (
        "[Stack/ImageVersionProvider] inline policies of role 'Stack/ImageVersionProvider/Role' must have at most 8192 "
        "characters, so that the new ones of an update fit into iam's 10240 beside the old ones, but have about "
        f"{characters}: before the versions, make ImageVersionProvider(…, 'ImageVersionProvider', "
        "permitted_images=['team-*'])"
    ) in message


def test_the_count_is_what_iam_counts(known_stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a limit that every app exceeds
    monkeypatch.setattr(inline_limit, "USABLE", 0)
    many(known_stack, 5)

    # WHEN
    (estimate,) = re.findall("about ([0-9]+):", refusal_of(known_stack))
    monkeypatch.undo()

    # THEN it is off by what only CloudFormation knows: the name of the log group
    assert int(estimate) == pytest.approx(inline_characters(known_stack), abs=30)


def test_a_limit_that_is_met_by_tokens(stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Account, region and names that are not known count like usual ones."""
    monkeypatch.setattr(inline_limit, "USABLE", 0)
    many(stack, 5)
    (unknown,) = re.findall("about ([0-9]+):", refusal_of(stack))

    known = cdk.Stack(
        cdk.App(analytics_reporting=False),
        "Stack",
        env=cdk.Environment(account="123456789012", region="ap-southeast-1"),
    )
    many(known, 5)
    assert re.findall("about ([0-9]+):", refusal_of(known)) == [unknown]


def test_permitted_images_fit_whatever_their_number(known_stack: cdk.Stack) -> None:
    many(known_stack, 60, permitted_images=["team-*"])

    assert inline_characters(known_stack) < 8_192


def test_more_repositories_than_fit_are_refused(stack: cdk.Stack) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine", permitted_images=["team-*"])
    image = Image.from_image_name(stack, "Image", "team-a")
    for number in range(130):
        resource_of(provider, image, repository=f"team/{number:03}")

    # THEN
    message = refusal_of(stack)
    assert "inline policies of role 'Stack/Mine/Role' must have at most 8192 characters" in message
    assert message.rstrip().endswith(": declare the versions in several stacks")


def test_policies_of_a_role_of_the_users_count(stack: cdk.Stack) -> None:
    # GIVEN a role with policies of its own, and one that must not be changed
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for number in range(100):
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"arn:aws:s3:::bucket-{number}/*"]))
    many(stack, 1, role=role)

    # THEN
    assert "inline policies of role 'Stack/Own' must have" in refusal_of(stack)


def test_policies_that_no_role_takes_do_not_count(stack: cdk.Stack) -> None:
    arn = "arn:aws:iam::123456789012:role/Theirs"

    many(stack, 40, role=iam.Role.from_role_arn(stack, "Theirs", arn, mutable=False))

    assert Template.from_stack(stack).find_resources(POLICY) == {}
