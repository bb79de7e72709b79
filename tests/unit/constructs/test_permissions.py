"""The permissions of the function's role on images: the policies of images and of ``permitted_images``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from cdk_release import IS_RECENT, needs_recent_cdk
from constructs import Construct

from imgver_constructs import (
    BaseImage,
    IImage,
    Image,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
)
from imgver_constructs._provider import inline_policy_quota

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
VERSION = "Custom::SageMakerImageVersion"
CREATE_AND_LIST = ["sagemaker:CreateImageVersion", "sagemaker:ListImageVersions"]
CHANGE = ["sagemaker:DeleteImageVersion", "sagemaker:DescribeImageVersion", "sagemaker:UpdateImageVersion"]
POLICY = "AWS::IAM::Policy"
LOGS = "ImageVersionProviderLogs0DB3204C"
ROLE = "ImageVersionProviderRole98366D34"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]
Resources = Callable[[str], dict[str, Any]]
WaitsFor = Callable[..., set[str]]


def sagemaker_arn(rest: Any) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, *([f":{rest}"] if isinstance(rest, str) else rest)]]}


def ecr_arn(repository: str) -> dict[str, Any]:
    return {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":ecr:eu-west-1:123456789012:repository/{repository}"]]
    }


def allow(actions: str | list[str], resources: Any) -> dict[str, Any]:
    return {"Action": actions, "Effect": "Allow", "Resource": resources}


def statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def allowed(document: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """The actions of statements, each with the last part of a resource that it is allowed on."""
    return {
        (action, resource)
        for one in document
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        for resource in re.findall(
            r"(?:image|image-version|repository|stack)/[^\"]+|\"\*\"", json.dumps(one["Resource"])
        )
    }


def new_stack() -> cdk.Stack:
    return cdk.Stack(cdk.App(analytics_reporting=False), "Stack")


@pytest.mark.parametrize(
    ("update_replace", "deletion", "is_permitted"),
    [
        ("ARCHIVE", "DELETE", True),
        ("DELETE", "ARCHIVE", True),
        ("ARCHIVE", "RETAIN", False),
        ("ARCHIVE", "ARCHIVE", False),
    ],
)
def test_the_physical_id_of_a_resource_is_read_only_to_tell_two_policies_apart(
    stack: cdk.Stack, declare: Declare, update_replace: str, deletion: str, is_permitted: bool
) -> None:
    policies = {"update_replace_policy": update_replace, "deletion_policy": deletion}
    declare(**{name: ImageVersionPolicy(policy) for name, policy in policies.items()})

    assert ("cloudformation:DescribeStackResource" in json.dumps(Template.from_stack(stack).to_json())) is is_permitted


def test_policy_of_an_image(declare: Declare, resources: Resources) -> None:
    declare(base_image=BaseImage.from_uri(f"{REGISTRY}/team/data-science:1.0.0"))

    ((logical_id, policy),) = resources(POLICY).items()
    assert policy["DependsOn"] == ["ImageVersionProviderFunctionEventInvokeConfig01879776"]
    document = policy["Properties"].pop("PolicyDocument")
    assert policy["Properties"] == {"PolicyName": logical_id, "Roles": [{"Ref": ROLE}]}
    assert document["Statement"] == [
        allow(CREATE_AND_LIST, sagemaker_arn("image/data-science")),
        allow(CHANGE, sagemaker_arn("image-version/data-science/*")),
        allow("ecr:DescribeImages", ecr_arn("team/data-science")),
    ]


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


def test_r41_the_permissions_of_a_delete_outlive_it(waits_for: WaitsFor) -> None:
    """A deployment that removes a version may narrow its image's policy, or remove it."""

    def template(*construct_ids: str) -> dict[str, Any]:
        stack = new_stack()
        image = Image.from_image_name(stack, "Image", "data-science")
        for number, construct_id in enumerate(construct_ids):
            base_image = BaseImage.from_uri(f"{REGISTRY}/{construct_id.lower()}:{number}")
            ImageVersion(stack, construct_id, image=image, base_image=base_image, aliases=[construct_id])
        return dict(Template.from_stack(stack).to_json()["Resources"])

    # WHEN one of two versions goes
    before, after = template("One", "Two"), template("One")

    # THEN the policy loses only the repository of that version
    (policy_id,) = [logical_id for logical_id, resource in before.items() if resource["Type"] == POLICY]
    assert statements(before[policy_id])[:2] == statements(after[policy_id])[:2]
    assert statements(before[policy_id])[2]["Resource"] == [ecr_arn("one"), ecr_arn("two")]
    assert statements(after[policy_id])[2]["Resource"] == ecr_arn("one")

    # THEN CloudFormation deletes whatever needs the policy before it deletes the policy
    custom = [resource for resource in before.values() if resource["Type"].startswith("Custom::")]
    assert len(custom) == 4
    assert all(policy_id in waits_for(resource, before) for resource in custom)


def test_name_with_capitals_is_permitted_in_both_spellings(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    declare(image=Image(stack, "Declared", image_name="Data-Science"), base_image=BaseImage.from_uri(f"{REGISTRY}/x:1"))

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

    declare(image=Image.from_image_name(stack, "Image", name))

    create, others, _ = statements(only(POLICY))
    assert create["Resource"] == sagemaker_arn([":image/", {"Ref": "Name"}])
    assert others["Resource"] == sagemaker_arn([":image-version/", {"Ref": "Name"}, "/*"])


def test_logical_ids_do_not_depend_on_the_order() -> None:
    def stack(names: list[str]) -> cdk.Stack:
        stack = cdk.Stack(cdk.App(), "Stack")
        for name in names:
            image = Image.from_image_name(stack, f"Image-{name}", name)
            base_image = BaseImage.from_uri(f"{REGISTRY}/{name}:1")
            ImageVersion(stack, f"Version-{name}", image=image, base_image=base_image, aliases=["latest"])
        return stack

    there, back = stack(["a", "b", "c"]), stack(["c", "b", "a"])

    assert Template.from_stack(there).to_json()["Resources"] == Template.from_stack(back).to_json()["Resources"]


def test_two_spellings_of_one_image_are_permitted_in_one_policy(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN the lower-case spelling first
    declare("One", image=Image.from_image_name(stack, "Lower", "data"))
    declare("Two", image=Image.from_image_name(stack, "Capitals", "Data"))

    creates = [one["Resource"] for one in statements(only(POLICY)) if one["Action"] == CREATE_AND_LIST]
    assert creates == [sagemaker_arn("image/data"), [sagemaker_arn("image/Data"), sagemaker_arn("image/data")]]


def test_r42_a_renamed_image_has_both_policies_until_the_cleanup() -> None:
    def policy_ids(name: str) -> set[str]:
        stack = new_stack()
        image = Image.from_image_name(stack, "Image", name)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(f"{REGISTRY}/one:1"))
        return set(Template.from_stack(stack).find_resources(POLICY))

    # THEN neither update narrows the other's policy
    assert policy_ids("old").isdisjoint(policy_ids("new"))


def use(provider: ImageVersionProvider, name: str, *, repository: str | None = None, lists: bool = False) -> IImage:
    """Declare a version of an imported image, and a retention if ``lists``."""
    image = Image.from_image_name(provider, f"{name}-{len(provider.node.children)}", name)
    uri = "public.ecr.aws/x/y:1" if repository is None else f"{REGISTRY}/{repository}:1"
    scope = cast("Construct", image)
    ImageVersion(scope, "Version", image=image, base_image=BaseImage.from_uri(uri), provider=provider)
    if lists:
        ImageVersionRetention(scope, "Retention", image=image, max_version_count=1, provider=provider)
    return image


def test_a_retention_may_list_aliases(stack: cdk.Stack, only: Only) -> None:
    provider = ImageVersionProvider(stack, "Named")

    use(provider, "Data-Science", lists=True)

    images = [sagemaker_arn("image/Data-Science"), sagemaker_arn("image/data-science")]
    versions = [sagemaker_arn("image-version/Data-Science/*"), sagemaker_arn("image-version/data-science/*")]
    assert statements(only(POLICY))[2:] == [allow("sagemaker:ListAliases", [*images, *versions])]


def test_aliases_may_not_be_listed_otherwise(declare: Declare, only: Only) -> None:
    declare(aliases=["latest"])

    assert "ListAliases" not in json.dumps(only(POLICY))


@pytest.mark.parametrize("prevent_synthesis", [True, pytest.param(False, marks=needs_recent_cdk)])
@pytest.mark.parametrize("options", [{}, {"permitted_images": ["data-*"]}, {"own_role": True}], ids=str)
def test_the_report_of_customize_roles_has_all_actions(
    options: dict[str, Any], prevent_synthesis: bool, tmp_path: Path
) -> None:
    def declare_all(stack: cdk.Stack, *, own_role: bool = False, permitted_images: list[str] | None = None) -> None:
        role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")) if own_role else None
        provider = ImageVersionProvider(stack, "ImageVersionProvider", role=role, permitted_images=permitted_images)
        for name in ("data-one", "data-two"):
            image = Image(stack, name, image_name=name)
            for tag, repository in (("1", "one"), ("2", "two")):
                base_image = BaseImage.from_uri(f"{REGISTRY}/{repository}:{tag}")
                ImageVersion(image, tag, image=image, base_image=base_image, aliases=[f"v{tag}"], provider=provider)
            ImageVersionRetention(image, "Retention", image=image, max_version_count=3, provider=provider)

    # GIVEN the actions that the app would deploy
    stack = new_stack()
    declare_all(stack, **options)
    deployed = [
        one for policy in Template.from_stack(stack).find_resources(POLICY).values() for one in statements(policy)
    ]

    # WHEN the CDK reports the roles
    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    stack = cdk.Stack(app, "Stack")
    precreated = {"Stack/Own": "own", "Stack/ImageVersionProvider/Role": "function"} | {
        f"Stack/data-{which}/Role": which for which in ("one", "two")
    }
    iam.Role.customize_roles(stack, prevent_synthesis=prevent_synthesis, use_precreated_roles=precreated)
    declare_all(stack, **options)
    if IS_RECENT:
        cdk.Validations.of(app).acknowledge(
            cdk.Acknowledgment(id="CloudFormation-Validate::E1156", reason="The CDK writes an ARN without a name")
        )
    app.synth()

    # THEN the report has the same
    report = json.loads((tmp_path / "iam-policy-report.json").read_text())
    assert allowed(one for role in report["roles"] for one in role["identityPolicyStatements"]) == allowed(deployed)
    assert ("sagemaker:ListImageVersions", "image/data-one") in allowed(deployed) or options


# permitted_images.


def test_permitted_images_share_one_policy(stack: cdk.Stack, resources: Resources, waits_for: WaitsFor) -> None:
    # GIVEN images of two repositories, one of them declared twice, and an image without a repository
    provider = ImageVersionProvider(stack, "Named", permitted_images=["team-*", "Other", "other"])
    use(provider, "team-one", repository="one")
    use(provider, "team-two", repository="two")
    use(provider, "team-two", repository="two", lists=True)
    use(provider, "Other")

    # THEN there is one policy for the images, and one for the repositories
    policies = {logical_id: statements(policy) for logical_id, policy in resources(POLICY).items()}
    images, repositories = sorted(policies, key=lambda logical_id: "Repositories" in logical_id)
    names = ("team-*", "Other", "other")
    image_arns = [sagemaker_arn(f"image/{name}") for name in names]
    version_arns = [sagemaker_arn(f"image-version/{name}/*") for name in names]
    assert policies == {
        images: [
            allow(CREATE_AND_LIST, image_arns),
            allow(CHANGE, version_arns),
            allow("sagemaker:ListAliases", [*image_arns, *version_arns]),
        ],
        repositories: [allow("ecr:DescribeImages", [ecr_arn("one"), ecr_arn("two")])],
    }

    # THEN a version depends on the policies that it needs
    needed = {
        version["Properties"]["ImageName"]: waits_for(version) & policies.keys()
        for version in resources(VERSION).values()
    }
    assert needed == {"team-one": {images, repositories}, "team-two": {images, repositories}, "Other": {images}}


def test_r41_other_permitted_images_are_another_policy() -> None:
    """The Delete of an image's resources comes after the update that permits the image no longer."""

    def policy_ids(patterns: list[str]) -> list[str]:
        stack = new_stack()
        use(ImageVersionProvider(stack, "Named", permitted_images=patterns), "a")
        return list(Template.from_stack(stack).find_resources(POLICY))

    assert policy_ids(["a", "b-*"]) == policy_ids(["a", "b-*"])
    assert policy_ids(["a", "b-*"]) != policy_ids(["a"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"permitted_images": ["team-*"]}, {"permitted_images": ["team-*", "other"]}),
        ({"permitted_images": None}, {"permitted_images": ["team-*"]}),
        ({"pulled_from": 1}, {"pulled_from": 2}),
        # So many that the CDK splits the policy of the image's role.
        ({"pulled_from": 1}, {"pulled_from": 150}),
    ],
)
def test_a_changed_policy_changes_no_property_of_a_version(before: dict[str, Any], after: dict[str, Any]) -> None:
    """CloudFormation would send an Update event to every version whose properties change."""

    def template(permitted_images: list[str] | None = None, pulled_from: int = 1) -> dict[str, Any]:
        stack = new_stack()
        provider = ImageVersionProvider(stack, "ImageVersionProvider", permitted_images=permitted_images)
        image = Image(stack, "Image", image_name="team-a")
        for number in range(pulled_from):
            arn = f"arn:aws:ecr:eu-west-1:123456789012:repository/{'x' * 60}-{number}"
            only_here = {"StringEquals": {"aws:PrincipalTag/number": str(number)}}
            pull = iam.PolicyStatement(actions=["ecr:BatchGetImage"], resources=[arn], conditions=only_here)
            image.role.add_to_principal_policy(pull)
        base_image = BaseImage.from_uri(f"{REGISTRY}/team/a:1")
        ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"], provider=provider)
        ImageVersionRetention(stack, "Retention", image=image, max_version_count=1, provider=provider)
        return dict(Template.from_stack(stack).to_json()["Resources"])

    old, new = template(**before), template(**after)

    custom = [logical_id for logical_id, resource in old.items() if resource["Type"].startswith("Custom::")]
    assert len(custom) == 3
    for logical_id in custom:
        assert old[logical_id]["Properties"] == new[logical_id]["Properties"]
    # The policies did change, and the version depends on all of the new ones.
    assert old != new
    policies = {logical_id for logical_id, resource in new.items() if resource["Type"].startswith("AWS::IAM::")}
    assert policies - {"ImageVersionProviderRole98366D34"} <= set(new["Version6A868472"]["DependsOn"])


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
    provider = ImageVersionProvider(stack, "Named", permitted_images=[pattern])

    declare(image=Image.from_image_name(stack, "Image", name), provider=provider)

    assert resources(VERSION)


@pytest.mark.parametrize(
    ("pattern", "name"), [("data", "data-science"), ("team-*", "my-team-a"), ("a.c", "abc"), ("team-*", "Team-A")]
)
def test_an_image_that_no_pattern_permits_is_refused(
    stack: cdk.Stack, declare: Declare, refused: Refused, pattern: str, name: str
) -> None:
    provider = ImageVersionProvider(stack, "Named", permitted_images=["other", pattern])
    image = Image.from_image_name(stack, "Image", name)

    assert refused(lambda: declare(image=image, provider=provider)) == (
        f"image '{name}' must be one of permitted_images ['other', '{pattern}'] of provider 'Stack/Named': "
        "add its name, or a pattern that matches it"
    )


def test_a_name_that_is_a_token_is_not_compared(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    provider = ImageVersionProvider(stack, "Named", permitted_images=["team-*"])
    name = cdk.CfnParameter(stack, "Name").value_as_string

    declare(image=Image.from_image_name(stack, "Image", name), provider=provider)

    assert resources(VERSION)


def test_a_pattern_that_is_a_token_is_permitted_under_a_stable_id() -> None:
    def policies() -> dict[str, Any]:
        stack = new_stack()
        for number in range(3):  # other numbers for the tokens that follow
            cdk.Token.as_string(cdk.Lazy.string(Word(str(number))))
        pattern = cdk.CfnParameter(stack, "Team").value_as_string + "-*"
        provider = ImageVersionProvider(stack, "Named", permitted_images=[pattern])
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
        # The number of items is not known.
        (cdk.Token.as_list(cdk.Fn.ref("Names")), "permitted_images ['#{Token["),
        ([], "permitted_images [] must have at least one item: write it like ['team-*'], or leave it out to permit"),
        (
            ["a", "arn:aws:x"],
            "permitted_images 'arn:aws:x' must be 1 to 63 letters, digits, hyphens, dots and",
        ),
        ([""], "permitted_images '' must be 1 to 63 letters, digits, hyphens, dots and asterisks"),
        (["a", "b", "a"], "permitted_images 'a' must be named only once: remove the repetition"),
    ],
)
def test_permitted_images_that_are_not_patterns_are_refused(
    stack: cdk.Stack, refused: Refused, patterns: Any, message: str
) -> None:
    assert refused(lambda: ImageVersionProvider(stack, "Named", permitted_images=patterns)).startswith(message)


# The quota of inline policies.


def many(stack: cdk.Stack, count: int, **options: Any) -> ImageVersionProvider:
    """A provider with versions of as many images, each from a repository of its own."""
    provider = ImageVersionProvider(stack, "ImageVersionProvider", **options)
    for number in range(count):
        image = Image.from_image_name(stack, f"Image{number}", f"team-{number:03}")
        base_image = BaseImage.from_uri(f"{REGISTRY}/team/{number:03}:1")
        ImageVersion(stack, f"Version{number}", image=image, base_image=base_image, provider=provider)
    return provider


def inline_characters(stack: cdk.Stack) -> int:
    """The characters that IAM will count in a stack whose account and region are known."""

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
    many(known_stack, 14)

    # There is room for some more policies while an update has old ones and new ones.
    assert 7_000 < inline_characters(known_stack) < 8_192


def test_more_images_than_fit_are_refused(known_stack: cdk.Stack) -> None:
    many(known_stack, 40)

    message = refusal_of(known_stack)

    (characters,) = re.findall("about ([0-9]+),", message)
    assert (
        "[Stack/ImageVersionProvider] inline policies of role 'Stack/ImageVersionProvider/Role' must have at most 8192 "
        f"characters, not about {characters}, since IAM allows 10240 and an update creates new policies before it "
        "deletes the old ones: before the versions, create ImageVersionProvider(…, 'ImageVersionProvider', "
        "permitted_images=['team-*'])"
    ) in message


def test_characters_are_counted_as_iam_counts_them(known_stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a quota that every app exceeds
    monkeypatch.setattr(inline_policy_quota, "USABLE", 0)
    many(known_stack, 5)

    (estimate,) = re.findall("about ([0-9]+),", refusal_of(known_stack))
    monkeypatch.undo()

    # THEN it differs by the name of the log group, which only CloudFormation knows
    assert int(estimate) == pytest.approx(inline_characters(known_stack), abs=30)


def test_tokens_count_like_usual_values(stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline_policy_quota, "USABLE", 0)
    many(stack, 5)
    (unknown,) = re.findall("about ([0-9]+),", refusal_of(stack))

    known = cdk.Stack(
        cdk.App(analytics_reporting=False),
        "Stack",
        env=cdk.Environment(account="123456789012", region="ap-southeast-1"),
    )
    many(known, 5)
    assert re.findall("about ([0-9]+),", refusal_of(known)) == [unknown]


def test_permitted_images_fit_whatever_their_number(known_stack: cdk.Stack) -> None:
    many(known_stack, 60, permitted_images=["team-*"])

    assert inline_characters(known_stack) < 8_192


def test_more_repositories_than_fit_are_refused(stack: cdk.Stack) -> None:
    provider = ImageVersionProvider(stack, "Named", permitted_images=["team-*"])
    for number in range(130):
        use(provider, "team-a", repository=f"team/{number:03}")

    message = refusal_of(stack)
    assert "inline policies of role 'Stack/Named/Role' must have at most 8192 characters" in message
    assert message.rstrip().endswith(": declare the versions in several stacks")


def test_policies_of_a_role_of_the_users_count(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for number in range(100):
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"arn:aws:s3:::bucket-{number}/*"]))
    many(stack, 1, role=role)

    assert "inline policies of role 'Stack/Own' must have" in refusal_of(stack)


def test_policies_of_an_immutable_role_do_not_count(stack: cdk.Stack) -> None:
    arn = "arn:aws:iam::123456789012:role/Theirs"

    many(stack, 40, role=iam.Role.from_role_arn(stack, "Theirs", arn, mutable=False))

    assert Template.from_stack(stack).find_resources(POLICY) == {}


def test_a_shared_provider_permits_what_the_resources_of_other_stacks_need(
    stack: cdk.Stack, resources: Resources
) -> None:
    # GIVEN a provider without a declared image
    provider = ImageVersionProvider(stack, "Provider", permitted_images=["team-*"])

    # WHEN it is shared
    token = provider.share(repositories=[ecr.Repository.from_repository_name(stack, "Repositories", "team-*")])

    # THEN its token is the ARN of the function
    (function,) = resources("AWS::Lambda::Function")
    assert stack.resolve(token) == {"Fn::GetAtt": [function, "Arn"]}
    # and the function may do everything for images that match, in all stacks
    assert allowed(one for policy in resources(POLICY).values() for one in statements(policy)) == {
        *((action, "image/team-*") for action in (*CREATE_AND_LIST, "sagemaker:ListAliases")),
        *((action, "image-version/team-*/*") for action in (*CHANGE, "sagemaker:ListAliases")),
        ("cloudformation:DescribeStacks", "stack/*"),
        ("ecr:DescribeImages", "repository/team-*"),
    }


def test_a_shared_provider_is_refused(stack: cdk.Stack, refused: Refused) -> None:
    assert refused(ImageVersionProvider(stack, "OfDeclaredImages").share) == (
        "permitted_images None of provider 'Stack/OfDeclaredImages' must be given to share it, since the images of "
        "other stacks are not declared here: write it like ['team-*']"
    )
    provider = ImageVersionProvider(stack, "Provider", permitted_images=["team-*"])
    assert refused(lambda: provider.share(repositories=["team-*"])) == (  # type: ignore[list-item]
        "repositories ['team-*'] must be a list of ECR repositories: write it like [repository]"
    )
