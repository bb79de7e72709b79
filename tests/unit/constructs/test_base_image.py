"""BaseImage: the address that SageMaker gets, the facts about its repository, and the permission to pull."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion
from imgver_constructs.base_image import BoundBaseImage, bind_base_image, check_base_image

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
LOGIN = {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"}
WRITE_AN_ADDRESS = "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
# A literal, since the number in a real token differs between runs and would be part of a test's name.
TOKEN = "x-${Token[AWS.Region.1]}"
HERE = cdk.Environment(account="111111111111", region="eu-west-1")


def make_role(scope: Construct, construct_id: str = "Role") -> iam.Role:
    return iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


@pytest.fixture
def role(stack: cdk.Stack) -> iam.Role:
    return make_role(stack)


@pytest.fixture
def repository(stack: cdk.Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Repository", "data-science")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to build an image from."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "docker"


def bind(base_image: BaseImage, stack: cdk.Stack, role: iam.IRole | None = None) -> BoundBaseImage:
    return bind_base_image(base_image, stack, "Version", role)


def statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [statement for policy in policies for statement in policy["Properties"]["PolicyDocument"]["Statement"]]


def may_pull(resource: object) -> dict[str, Any]:
    return {"Action": PULL, "Effect": "Allow", "Resource": resource}


def in_any_partition(arn: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, arn]]}


IN_THIS_ACCOUNT = {
    "Fn::Join": [
        "",
        [
            *("arn:", {"Ref": "AWS::Partition"}, ":ecr:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}),
            ":repository/data-science",
        ],
    ]
}


def repository_of(stack: cdk.Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Imported", "ds")


def refusal_of(*args: Any, **kwargs: Any) -> str:
    function, *rest = args
    with pytest.raises(ValueError, match="must be") as refusal:
        check_base_image(function(*rest, **kwargs), role=None, follow_tag=None)
    return str(refusal.value)


class TestFromUri:
    @pytest.mark.parametrize("suffix", ["", ":1.0.0", f"@{DIGEST}", f":1.0.0@{DIGEST}"])
    def test_address_and_permission(self, stack: cdk.Stack, role: iam.Role, suffix: str) -> None:
        uri = f"{REGISTRY}/team/data-science{suffix}"

        bound = bind(BaseImage.from_uri(uri), stack, role)

        arn = in_any_partition(":ecr:eu-west-1:123456789012:repository/team/data-science")
        assert (bound.uri, bound.region, bound.outside_ecr) == (uri, "eu-west-1", False)
        assert stack.resolve(bound.repository_arn) == arn
        assert statements(stack) == [LOGIN, may_pull(arn)]

    @pytest.mark.parametrize(
        ("address", "repository_name", "tag"),
        [
            (lambda stack, _: f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/ds:latest", "ds", "latest"),
            (lambda stack, _: f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/ds", "ds", "latest"),
            (
                lambda stack, name: f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/{name}:1",
                {"Ref": "Name"},
                None,
            ),
            (lambda stack, name: f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/ds:{name}", "ds", None),
            (lambda stack, name: f"{stack.account}.dkr.ecr.{stack.region}.amazonaws.com/ds@{name}", "ds", None),
            (lambda stack, _: repository_of(stack).repository_uri_for_tag("latest"), "ds", "latest"),
            (lambda stack, _: repository_of(stack).repository_uri_for_digest(DIGEST), "ds", None),
        ],
    )
    def test_address_with_tokens(
        self, stack: cdk.Stack, role: iam.Role, address: Any, repository_name: Any, tag: str | None
    ) -> None:
        uri = address(stack, cdk.CfnParameter(stack, "Name").value_as_string)

        bound = bind(BaseImage.from_uri(uri), stack, role)

        place = [{"Ref": "AWS::Partition"}, ":ecr:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
        name = (
            [f":repository/{repository_name}"]
            if isinstance(repository_name, str)
            else [":repository/", repository_name]
        )
        arn = {"Fn::Join": ["", ["arn:", *place, *name]]}
        assert (bound.uri, bound.region, bound.outside_ecr, bound.moving_tag) == (uri, None, False, tag)
        assert stack.resolve(bound.repository_arn) == arn
        assert statements(stack) == [LOGIN, may_pull(arn)]

    def test_address_of_a_declared_repository(self, stack: cdk.Stack, role: iam.Role) -> None:
        repository = ecr.Repository(stack, "Declared")

        bound = bind(BaseImage.from_uri(repository.repository_uri_for_tag("1.0.0")), stack, role)

        (logical_id,) = Template.from_stack(stack).find_resources("AWS::ECR::Repository")
        region, account = (
            {"Fn::Select": [part, {"Fn::Split": [":", {"Fn::GetAtt": [logical_id, "Arn"]}]}]} for part in (3, 4)
        )
        parts = ["arn:", {"Ref": "AWS::Partition"}, ":ecr:", region, ":", account, ":repository/", {"Ref": logical_id}]
        assert stack.resolve(bound.repository_arn) == {"Fn::Join": ["", parts]}

    def test_region_in_an_address_with_tokens(self, stack: cdk.Stack) -> None:
        uri = f"{stack.account}.dkr.ecr.us-east-1.amazonaws.com/ds:1"

        assert bind(BaseImage.from_uri(uri), stack).region == "us-east-1"

    @pytest.mark.parametrize(
        "uri",
        [
            cdk.Fn.ref("Uri"),
            f"{cdk.Fn.ref('Registry')}/data-science:1.0.0",
            # The token may contain a tag.
            f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.amazonaws.com/{cdk.Fn.ref('RepositoryAndTag')}",
            f"{REGISTRY}/data-science:{cdk.Token.as_number(cdk.Fn.ref('Number'))}",
        ],
        ids=["address", "registry", "repository", "number"],
    )
    def test_address_whose_repository_is_not_known(
        self, stack: cdk.Stack, declare: Callable[..., ImageVersion], refused: Callable[..., str], uri: str
    ) -> None:
        base_image = BaseImage.from_uri(uri)
        imported, image = Image.from_image_name(stack, "Imported", "imported"), Image(stack, "Image")

        for arguments in ({"image": image}, {"image": imported, "follow_tag": "1"}):
            message = refused(lambda arguments=arguments: declare(base_image=base_image, **arguments))
            assert message.startswith("uri '")
            assert message.endswith(
                " must name the account, the region, the repository and the tag separately, so that no token contains "
                "two of them, since the deployment needs permissions on the repository: use "
                "BaseImage.from_ecr_repository(…)"
            )
        # No permission is needed.
        declare(image=imported, base_image=base_image)
        assert bind(base_image, stack) == BoundBaseImage(uri=uri)

    @pytest.mark.parametrize("name", ["X:1.0", "x:-1", "x@sha256:0", "a//b:1", ""])
    def test_malformed_address_with_tokens_is_refused(self, name: str) -> None:
        uri = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.amazonaws.com/{name}"

        assert refusal_of(BaseImage.from_uri, uri).endswith(
            f"must be a valid Amazon ECR address of at most 255 characters: {WRITE_AN_ADDRESS}"
        )

    @pytest.mark.parametrize("name", ["a" * 300, "<object>", "x "])
    def test_too_long_or_invalid_characters_with_tokens(self, name: str) -> None:
        uri = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.amazonaws.com/{name}:1.0"

        assert refusal_of(BaseImage.from_uri, uri).endswith(
            f"must be 1 to 255 characters without spaces, control characters and angle brackets: {WRITE_AN_ADDRESS}"
        )

    @pytest.mark.parametrize("uri", ["public.ecr.aws/x/y:{}", "python:{}", "localhost:5000/python:{}"])
    @pytest.mark.parametrize("tag", ["3.12", pytest.param(cdk.Fn.ref("Tag"), id="token")])
    def test_address_outside_ecr(self, stack: cdk.Stack, role: iam.Role, uri: str, tag: str) -> None:
        uri = uri.format(tag)

        assert bind(BaseImage.from_uri(uri), stack, role) == BoundBaseImage(uri=uri, outside_ecr=True)
        assert statements(stack) == []

    @pytest.mark.parametrize("uri", [f"{REGISTRY}/x@sha256:0", f"{REGISTRY}/X:1.0", f"https://{REGISTRY}"])
    def test_malformed_address_in_ecr_is_refused(self, uri: str) -> None:
        assert refusal_of(BaseImage.from_uri, uri) == (
            f"uri {uri!r} must be a valid Amazon ECR address of at most 255 characters: {WRITE_AN_ADDRESS}"
        )

    @pytest.mark.parametrize("uri", ["", None, "x\n", "public.ecr.aws/x\0", "<object at 0x1>:latest", " python"])
    def test_other_values_are_refused(self, uri: Any) -> None:
        assert refusal_of(BaseImage.from_uri, uri) == (
            f"uri {uri!r} must be 1 to 255 characters without spaces, control characters and angle brackets: "
            f"{WRITE_AN_ADDRESS}"
        )

    @pytest.mark.parametrize(
        ("uri", "tag"),
        [
            (f"{REGISTRY}/x", "latest"),
            (f"{REGISTRY}/x:stable", "stable"),
            (f"{REGISTRY}/x:1.0.0", None),
            (f"{REGISTRY}/x:py3", None),
            (f"{REGISTRY}/x:latest@{DIGEST}", None),
            (f"{REGISTRY}/x@{DIGEST}", None),
            ("python:slim", "slim"),
            ("localhost:5000/python", "latest"),
        ],
    )
    def test_moving_tag(self, stack: cdk.Stack, uri: str, tag: str | None) -> None:
        assert bind(BaseImage.from_uri(uri), stack).moving_tag == tag


class TestFromEcrRepository:
    @pytest.mark.parametrize(
        ("which", "suffix"), [({"tag": "1.0.0"}, ":1.0.0"), ({"digest": DIGEST}, f"@{DIGEST}")], ids=["tag", "digest"]
    )
    def test_address_and_permission(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, which: dict[str, str], suffix: str
    ) -> None:
        bound = bind(BaseImage.from_ecr_repository(repository, **which), stack, role)

        registry = [{"Ref": "AWS::AccountId"}, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", [*registry, f"/data-science{suffix}"]]}
        assert stack.resolve(bound.repository_arn) == IN_THIS_ACCOUNT
        assert statements(stack) == [may_pull(IN_THIS_ACCOUNT), LOGIN]
        assert (bound.region, bound.outside_ecr, bound.moving_tag) == (None, False, None)

    def test_without_a_role_nothing_is_granted(self, stack: cdk.Stack, repository: ecr.IRepository) -> None:
        bound = bind(BaseImage.from_ecr_repository(repository, tag="1.0.0"), stack)

        assert bound.pull_permission == ()
        assert statements(stack) == []

    @pytest.mark.parametrize("by_attributes", [False, True])
    def test_imported_repository_of_another_account_and_region(self, app: cdk.App, by_attributes: bool) -> None:
        stack = cdk.Stack(app, "Here", env=HERE)
        arn = "arn:aws:ecr:us-west-2:222222222222:repository/data-science"
        repository = (
            ecr.Repository.from_repository_attributes(
                stack, "Repository", repository_arn=arn, repository_name="data-science"
            )
            if by_attributes
            else ecr.Repository.from_repository_arn(stack, "Repository", arn)
        )

        bound = bind(BaseImage.from_ecr_repository(repository, digest=DIGEST), stack, make_role(stack))

        address = ["222222222222.dkr.ecr.us-west-2.", {"Ref": "AWS::URLSuffix"}, f"/data-science@{DIGEST}"]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", address]}
        assert (bound.repository_arn, bound.region) == (arn, "us-west-2")
        assert statements(stack) == [may_pull(arn), LOGIN]

    def test_tokens_are_not_inspected(self, stack: cdk.Stack, role: iam.Role) -> None:
        arn, name, tag = (cdk.CfnParameter(stack, each).value_as_string for each in ("Arn", "Name", "Tag"))
        repository = ecr.Repository.from_repository_attributes(
            stack, "Repository", repository_arn=arn, repository_name=name
        )

        bound = bind(BaseImage.from_ecr_repository(repository, tag=tag), stack, role)

        account, region = ({"Fn::Select": [part, {"Fn::Split": [":", {"Ref": "Arn"}]}]} for part in (4, 3))
        registry = [account, ".dkr.ecr.", region, ".", {"Ref": "AWS::URLSuffix"}]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", [*registry, "/", {"Ref": "Name"}, ":", {"Ref": "Tag"}]]}
        assert (bound.region, bound.moving_tag) == (None, None)
        assert statements(stack) == [may_pull({"Ref": "Arn"}), LOGIN]

    def test_repository_declared_in_another_account_of_the_app_allows_the_role(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=HERE)
        there = cdk.Stack(app, "There", env=cdk.Environment(account="222222222222", region="us-east-1"))
        repository = ecr.Repository(there, "Repository", repository_name="data-science")

        bound = bind(BaseImage.from_ecr_repository(repository, tag="1.0.0"), here, make_role(here))

        assert bound.region == "us-east-1"
        arn = in_any_partition(":ecr:us-east-1:222222222222:repository/data-science")
        assert statements(here) == [may_pull(arn), LOGIN]
        (policy,) = Template.from_stack(there).find_resources("AWS::ECR::Repository").values()
        (allowed,) = policy["Properties"]["RepositoryPolicyText"]["Statement"]
        assert (allowed["Action"], allowed["Principal"]["AWS"]) == (PULL, in_any_partition(":iam::111111111111:root"))

    @pytest.mark.parametrize(("tag", "moving"), [("latest", "latest"), ("release-candidate",) * 2, ("v2", None)])
    def test_moving_tag(self, stack: cdk.Stack, repository: ecr.IRepository, tag: str, moving: str | None) -> None:
        assert bind(BaseImage.from_ecr_repository(repository, tag=tag), stack).moving_tag == moving

    @pytest.mark.parametrize(
        ("mutability", "exclusions", "moving"),
        [
            (None, None, "latest"),
            (ecr.TagMutability.IMMUTABLE, None, None),
            (ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION, "latest*", "latest"),
        ],
        ids=str,
    )
    def test_tags_of_an_immutable_repository_do_not_move(
        self, stack: cdk.Stack, mutability: ecr.TagMutability | None, exclusions: str | None, moving: str | None
    ) -> None:
        filters = exclusions and [ecr.ImageTagMutabilityExclusionFilter.wildcard(exclusions)]
        repository = ecr.Repository(
            stack, "Declared", image_tag_mutability=mutability, image_tag_mutability_exclusion_filters=filters or None
        )

        assert bind(BaseImage.from_ecr_repository(repository, tag="latest"), stack).moving_tag == moving

    @pytest.mark.parametrize(
        ("which", "message"),
        [
            *[
                (
                    which,
                    (
                        f"tag {which.get('tag')!r} or digest {which.get('digest')!r} must be given, and not both: "
                        "name the image by its tag, or pin it by its digest"
                    ),
                )
                for which in ({}, {"tag": "1.0.0", "digest": "sha256:0"})
            ],
            (
                {"tag": "-"},
                (
                    "tag '-' must be 1 to 128 letters, digits, dots, hyphens and underscores, "
                    "and must not start with a dot or hyphen: write it like '1.0.0'"
                ),
            ),
            (
                {"digest": "0" * 8},
                (
                    "digest '00000000' must be 'sha256:' and 64 lower-case hexadecimal digits: "
                    "copy it from the output of 'aws ecr describe-images'"
                ),
            ),
        ],
    )
    def test_one_valid_tag_or_digest_is_required(
        self, repository: ecr.IRepository, which: dict[str, str], message: str
    ) -> None:
        assert refusal_of(BaseImage.from_ecr_repository, repository, **which) == message

    @pytest.mark.parametrize("repository", ["data-science", None])
    def test_other_values_are_refused(self, repository: Any) -> None:
        assert refusal_of(BaseImage.from_ecr_repository, repository, tag="1.0.0") == (
            f"repository {repository!r} must be an Amazon ECR repository: "
            "for a name use ecr.Repository.from_repository_name(…)"
        )


class TestPullPermission:
    @pytest.mark.parametrize("by_address", [True, False])
    def test_versions_from_one_repository_share_it(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, by_address: bool
    ) -> None:
        first, second = (
            BaseImage.from_uri(f"{REGISTRY}/data-science:{tag}")
            if by_address
            else BaseImage.from_ecr_repository(repository, tag=tag)
            for tag in ("1.0.0", "1.1.0")
        )

        assert bind(first, stack, role).pull_permission[0] is bind(second, stack, role).pull_permission[0]

    def test_every_role_gets_one(self, stack: cdk.Stack, repository: ecr.IRepository) -> None:
        imported = iam.Role.from_role_arn(stack, "Imported", "arn:aws:iam::123456789012:role/imported")

        for role in (make_role(stack), imported):
            bind(BaseImage.from_ecr_repository(repository, tag="1.0.0"), stack, role)

        assert statements(stack) == [may_pull(IN_THIS_ACCOUNT), LOGIN] * 2

    @pytest.mark.parametrize("declared_by", ["role", "image"])
    @pytest.mark.parametrize("by_address", [True, False])
    def test_repository_beside_a_version_whose_role_is_in_another_stack(
        self, app: cdk.App, stack: cdk.Stack, by_address: bool, declared_by: str
    ) -> None:
        # GIVEN a role of the platform team, or its image, and a repository that the version's own stack declares
        platform = cdk.Stack(app, "Platform")
        repository = ecr.Repository(stack, "Repository")
        image = (
            Image(stack, "Image", role=make_role(platform))
            if declared_by == "role"
            else Image(platform, "Image", image_name="data-science")
        )

        # WHEN two versions are declared THEN the app has no cycle
        for tag in ("1.0.0", "1.1.0"):
            base_image = (
                BaseImage.from_uri(repository.repository_uri_for_tag(tag))
                if by_address
                else BaseImage.from_ecr_repository(repository, tag=tag)
            )
            ImageVersion(stack, f"Version{tag}", image=image, base_image=base_image)
        template = Template.from_stack(stack)
        assert [found.node.path for found in stack.dependencies] == ["Platform"]

        # THEN policies in the versions' stack permit the role to pull, and the versions depend on them
        policies = {
            logical_id: found["Properties"]
            for logical_id, found in template.find_resources("AWS::IAM::Policy").items()
            if LOGIN in found["Properties"]["PolicyDocument"]["Statement"]
        }
        for policy in policies.values():
            assert policy["PolicyName"].startswith("Stack-Version")
            assert [list(role) for role in policy["Roles"]] == [["Fn::ImportValue"]]
            assert [one["Action"] for one in policy["PolicyDocument"]["Statement"]] == [LOGIN["Action"], PULL]
        # Every address of a declared repository consists of new tokens.
        assert len(policies) == (2 if by_address else 1)
        versions = template.find_resources("Custom::SageMakerImageVersion").values()
        assert [len(policies.keys() & set(version["DependsOn"])) for version in versions] == [1, 1]
        assert "ecr:" not in json.dumps(Template.from_stack(platform).to_json())

    def test_immutable_role_of_another_stack(self, app: cdk.App, stack: cdk.Stack) -> None:
        role = make_role(cdk.Stack(app, "Platform")).without_policy_updates()
        repository = ecr.Repository(stack, "Repository")

        bound = bind(BaseImage.from_ecr_repository(repository, tag="1.0.0"), stack, role)
        cdk.CfnResource(stack, "Dependent", type="AWS::SNS::Topic").node.add_dependency(*bound.pull_permission)

        assert statements(stack) == []

    @pytest.mark.parametrize("mutable", [True, False])
    def test_declared_repository_allows_an_imported_role(
        self, stack: cdk.Stack, declare: Callable[..., ImageVersion], mutable: bool
    ) -> None:
        # The account of the stack is not known, so the role may be of another account.
        role = iam.Role.from_role_arn(stack, "Imported", "arn:aws:iam::123456789012:role/x", mutable=mutable)
        repository = ecr.Repository(stack, "Repository")

        declare(image=Image(stack, "Image", role=role), base_image=BaseImage.from_ecr_repository(repository, tag="1"))

        template = Template.from_stack(stack)
        ((logical_id, resource),) = template.find_resources("AWS::ECR::Repository").items()
        assert resource["Properties"]["RepositoryPolicyText"]["Statement"][0]["Action"] == PULL
        of_role = [each for each in template.find_resources("AWS::IAM::Policy") if each.startswith("Imported")]
        assert len(of_role) == mutable
        (version,) = template.find_resources("Custom::SageMakerImageVersion").values()
        assert {logical_id, *of_role} <= set(version["DependsOn"])

    def test_repository_of_another_account_allows_a_role_of_another_stack(self, app: cdk.App) -> None:
        here, platform = (cdk.Stack(app, each, env=HERE) for each in ("Here", "Platform"))
        there = cdk.Stack(app, "There", env=cdk.Environment(account="222222222222", region="us-east-1"))
        repository = ecr.Repository(there, "Repository", repository_name="data-science")

        bind(BaseImage.from_ecr_repository(repository, tag="1.0.0"), here, make_role(platform))

        assert statements(platform)[1] == LOGIN
        (policy,) = Template.from_stack(there).find_resources("AWS::ECR::Repository").values()
        assert policy["Properties"]["RepositoryPolicyText"]["Statement"][0]["Action"] == PULL

    def test_every_repository_is_a_resource_of_its_own(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, folder: Path
    ) -> None:
        for base_image in (
            BaseImage.from_ecr_repository(repository, tag="1.0.0"),
            BaseImage.from_uri(f"{REGISTRY}/one:1.0.0"),
            BaseImage.from_uri(f"{REGISTRY}/two:1.0.0"),
            BaseImage.from_asset(folder),
        ):
            bind(base_image, stack, role)

        permitted = statements(stack)
        assert permitted.count(LOGIN) == 1
        assert [statement["Action"] for statement in permitted if statement != LOGIN] == [PULL] * 4
        assert may_pull("*") not in permitted


def docker_images(app: cdk.App) -> list[dict[str, Any]]:
    """The images that the CDK CLI builds for the stack."""
    manifest = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text())
    return list(manifest["dockerImages"].values())


class TestFromAsset:
    def test_image_that_sagemaker_accepts(self, app: cdk.App, stack: cdk.Stack, folder: Path, role: iam.Role) -> None:
        bound = bind(BaseImage.from_asset(folder), stack, role)

        (image,) = docker_images(app)
        assert image["source"].pop("directory").startswith("asset.")
        assert image["source"] == {"platform": "linux/amd64", "dockerOutputs": ["type=docker,oci-mediatypes=false"]}
        (destination,) = image["destinations"].values()
        address = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/" + destination["repositoryName"]
        assert stack.resolve(bound.uri) == {"Fn::Sub": f"{address}:{destination['imageTag']}"}
        assert (bound.region, bound.outside_ecr, bound.moving_tag) == (None, False, None)
        assert statements(stack) == [may_pull(stack.resolve(bound.repository_arn)), LOGIN]

    def test_every_argument(self, app: cdk.App, stack: cdk.Stack, folder: Path) -> None:
        (folder / "gpu").mkdir()
        (folder / "gpu" / "Dockerfile").write_text("FROM scratch AS slim\n")
        for ignored in ("README.md", "notes.txt"):
            (folder / ignored).write_text("not for the image")
        (folder / ".dockerignore").write_text("notes.txt\n")

        base_image = BaseImage.from_asset(
            str(folder),
            file="gpu/Dockerfile",
            target="slim",
            build_args={"PYTHON": "3.12"},
            build_secrets={"token": cdk.DockerBuildSecret.from_src("token.txt")},
            platform=ecr_assets.Platform.LINUX_ARM64,
            exclude=["*.md"],
            outputs=[],
        )
        bind(base_image, stack)

        (image,) = docker_images(app)
        directory = Path(app.outdir) / image["source"].pop("directory")
        assert image["source"] == {
            "dockerFile": "gpu/Dockerfile",
            "dockerBuildTarget": "slim",
            "dockerBuildArgs": {"PYTHON": "3.12"},
            "dockerBuildSecrets": {"token": "src=token.txt"},
            "platform": "linux/arm64",
        }
        files = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
        assert files == [".dockerignore", "Dockerfile", "gpu/Dockerfile"]

    def test_folder_is_relative_to_the_working_directory(
        self, stack: cdk.Stack, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder.parent)
        base_image = BaseImage.from_asset("docker")
        monkeypatch.chdir("/")

        assert bind(base_image, stack).uri

    def test_versions_from_one_folder(self, app: cdk.App, stack: cdk.Stack, folder: Path) -> None:
        image = Image(stack, "Image")
        shared, other = BaseImage.from_asset(folder), BaseImage.from_asset(folder, build_args={"PYTHON": "3.12"})

        for construct_id, base_image in (("One", shared), ("Two", other), ("Three", shared)):
            ImageVersion(stack, construct_id, image=image, base_image=base_image)

        assert len(docker_images(app)) == 2
        versions = Template.from_stack(stack).find_resources("Custom::SageMakerImageVersion").items()
        one, three, two = (json.dumps(found["Properties"]["BaseImage"]) for _, found in sorted(versions))
        assert one == three != two
        actions = [statement["Action"] for statement in statements(stack)]
        assert actions.count(PULL) == actions.count(LOGIN["Action"]) == actions.count("ecr:DescribeImages") == 1

    @pytest.mark.parametrize("parameter", ["build_args", "build_secrets"])
    def test_order_of_the_arguments_does_not_matter(
        self, app: cdk.App, stack: cdk.Stack, folder: Path, parameter: str
    ) -> None:
        values = {"PYTHON": "3.12", "CUDA": "12.4"}
        addresses = set()
        for scope, ordered in ((stack, values), (cdk.Stack(app, "Another"), dict(reversed(values.items())))):
            arguments: dict[str, Any] = {parameter: ordered}
            uri = bind(BaseImage.from_asset(folder, **arguments), scope).uri
            addresses.add(stack.resolve(uri)["Fn::Sub"])

        assert len(addresses) == 1

    @pytest.mark.parametrize("directory", ["", "nowhere", None, TOKEN])
    def test_folder_must_exist(self, directory: Any) -> None:
        assert refusal_of(BaseImage.from_asset, directory) == (
            f"directory {directory!r} must be a folder that exists: "
            "give its path, absolute or relative to the app's working directory"
        )

    def test_dockerfile_must_exist(self, folder: Path) -> None:
        (folder / "Dockerfile").unlink()

        for arguments, name in (({}, "Dockerfile"), ({"file": "gpu/Dockerfile"}, "gpu/Dockerfile")):
            message = refusal_of(BaseImage.from_asset, folder, **arguments)
            assert message.startswith(f"file '{name}' must be in directory '/")
            assert message.endswith(": give the path of the Dockerfile there")

    def test_too_long_for_a_path(self, folder: Path) -> None:
        dockerfile = "FROM scratch\n" * 1000

        assert "must be a folder that exists" in refusal_of(BaseImage.from_asset, dockerfile)
        assert "must be in directory" in refusal_of(BaseImage.from_asset, folder, file=dockerfile)

    @pytest.mark.parametrize(
        ("parameters", "values", "rule"),
        [
            (("file", "target"), ("", 7, TOKEN), "a string that is known at synth"),
            (
                ("exclude", "outputs"),
                ("*.md", None, [7], [TOKEN], ["#{Token[TOKEN.1]}"], {"*.md"}),
                "a list of strings that are known at synth",
            ),
            (
                ("build_args", "build_secrets"),
                ("A=1", ["A"], {"A": 1}, {1: "A"}, {"A": TOKEN}, {TOKEN: "A"}),
                "a dict of strings that are known at synth",
            ),
        ],
        ids=["strings", "lists", "dicts"],
    )
    def test_arguments_are_known_at_synth(
        self, folder: Path, parameters: tuple[str, ...], values: tuple[object, ...], rule: str
    ) -> None:
        remedy = "write it out, since the image is built before CloudFormation resolves anything"
        for parameter in parameters:
            for value in values:
                message = refusal_of(BaseImage.from_asset, folder, **{parameter: value})
                assert message == f"{parameter} {value!r} must be {rule}: {remedy}"

    def test_platform_is_one_of_the_cdks(self, folder: Path) -> None:
        platform: Any = "linux/amd64"

        assert refusal_of(BaseImage.from_asset, folder, platform=platform) == (
            "platform 'linux/amd64' must be a Platform of aws_ecr_assets: use Platform.LINUX_AMD64"
        )
