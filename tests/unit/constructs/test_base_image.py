"""BaseImage: the address on the wire, what is known about where it is, and the permission to pull."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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
from imgver_constructs.base_image import BoundBaseImage

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
LOGIN = {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"}
WRITE_AN_ADDRESS = "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
WRITE_IT_OUT = "write it out, since the image is built before CloudFormation resolves anything"
# The CDK's number of a token is another one in every run, and tests are named by it.
TOKEN = "x-${Token[AWS.Region.1]}"


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


def statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [statement for policy in policies for statement in policy["Properties"]["PolicyDocument"]["Statement"]]


def may_pull(resource: object) -> dict[str, Any]:
    return {"Action": PULL, "Effect": "Allow", "Resource": resource}


def in_this_account(name: str) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":ecr:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, f":repository/{name}"]]}


def in_any_partition(arn: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, arn]]}


def refusal_of(*args: Any, **kwargs: Any) -> str:
    function, *rest = args
    with pytest.raises(ValueError, match="must be") as refusal:
        function(*rest, **kwargs)
    return str(refusal.value)


class TestFromUri:
    @pytest.mark.parametrize("suffix", ["", ":1.0.0", f"@{DIGEST}", f":1.0.0@{DIGEST}"])
    def test_address_goes_over_the_wire_as_it_is(self, stack: cdk.Stack, suffix: str) -> None:
        uri = f"{REGISTRY}/team/data-science{suffix}"

        bound = BaseImage.from_uri(uri)._bind(stack, "Version", None)

        assert bound.uri == uri
        assert bound.pull_permission == ()
        assert bound.region == "eu-west-1"
        assert not bound.outside_ecr
        assert stack.resolve(bound.repository_arn) == in_any_partition(
            ":ecr:eu-west-1:123456789012:repository/team/data-science"
        )

    def test_role_may_pull_from_the_repository_only(self, stack: cdk.Stack, role: iam.Role) -> None:
        bound = BaseImage.from_uri(f"{REGISTRY}/data-science:1.0.0")._bind(stack, "Version", role)

        assert statements(stack) == [LOGIN, may_pull(stack.resolve(bound.repository_arn))]

    def test_permission_comes_first(self, stack: cdk.Stack, role: iam.Role) -> None:
        bound = BaseImage.from_uri(f"{REGISTRY}/data-science:1.0.0")._bind(stack, "Version", role)
        dependent = cdk.CfnResource(stack, "Dependent", type="AWS::SNS::Topic")
        dependent.node.add_dependency(*bound.pull_permission)

        (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
        assert Template.from_stack(stack).find_resources("AWS::SNS::Topic")["Dependent"]["DependsOn"] == [policy]

    def test_address_that_is_a_token(self, stack: cdk.Stack, role: iam.Role) -> None:
        uri = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.amazonaws.com/x"

        bound = BaseImage.from_uri(uri)._bind(stack, "Version", role)

        assert bound == BoundBaseImage(uri=uri)
        assert statements(stack) == []

    @pytest.mark.parametrize(
        ("uri", "region"),
        [
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x:1", "cn-north-1"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/x:1", "us-gov-west-1"),
            ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/x:1", "us-iso-east-1"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/x:1", "eu-west-1"),
        ],
    )
    def test_ecr_has_many_hosts(self, stack: cdk.Stack, uri: str, region: str) -> None:
        bound = BaseImage.from_uri(uri)._bind(stack, "Version", None)

        assert (bound.outside_ecr, bound.region) == (False, region)
        assert stack.resolve(bound.repository_arn) == in_any_partition(f":ecr:{region}:123456789012:repository/x")

    @pytest.mark.parametrize(
        "uri", ["public.ecr.aws/docker/library/python:3.12", "python:3.12", "localhost:5000/python:3.12", "x" * 255]
    )
    def test_address_outside_ecr_is_told(self, stack: cdk.Stack, role: iam.Role, uri: str) -> None:
        bound = BaseImage.from_uri(uri)._bind(stack, "Version", role)

        assert (bound.uri, bound.outside_ecr) == (uri, True)
        assert (bound.repository_arn, bound.region, bound.pull_permission) == (None, None, ())
        assert statements(stack) == []

    @pytest.mark.parametrize(
        "uri",
        [
            f"{REGISTRY}/x@sha256:0",
            f"{REGISTRY}/x:-1",
            f"{REGISTRY}/Data-Science:1.0.0",
            REGISTRY,
            f"https://{REGISTRY}/x:1.0.0",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/x:1.0.0",
        ],
    )
    def test_malformed_address_in_ecr_is_refused(self, uri: str) -> None:
        message = refusal_of(BaseImage.from_uri, uri)

        assert message.endswith(f" must be a valid Amazon ECR address of at most 255 characters: {WRITE_AN_ADDRESS}")
        assert message.startswith(f"uri '{uri[:50]}")

    @pytest.mark.parametrize("uri", ["", None, 7, "x\n", "public.ecr.aws/x\0"])
    def test_what_is_no_address_is_refused(self, uri: Any) -> None:
        assert refusal_of(BaseImage.from_uri, uri) == (
            f"uri {uri!r} must be 1 to 255 characters without control characters: {WRITE_AN_ADDRESS}"
        )

    @pytest.mark.parametrize(
        ("uri", "tag"),
        [
            (f"{REGISTRY}/x", "latest"),
            (f"{REGISTRY}/x:latest", "latest"),
            (f"{REGISTRY}/x:stable", "stable"),
            (f"{REGISTRY}/x:1.0.0", None),
            (f"{REGISTRY}/x:py3", None),
            (f"{REGISTRY}/x:latest@{DIGEST}", None),
            (f"{REGISTRY}/x@{DIGEST}", None),
            ("python", "latest"),
            ("python:slim", "slim"),
            ("python:3.12", None),
            ("localhost:5000/python", "latest"),
        ],
    )
    def test_tag_that_moves_is_told(self, stack: cdk.Stack, uri: str, tag: str | None) -> None:
        assert BaseImage.from_uri(uri)._bind(stack, "Version", None).moving_tag == tag


class TestFromEcrRepository:
    @pytest.mark.parametrize(
        ("which", "suffix"), [({"tag": "1.0.0"}, ":1.0.0"), ({"digest": DIGEST}, f"@{DIGEST}")], ids=["tag", "digest"]
    )
    def test_repository(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, which: dict[str, str], suffix: str
    ) -> None:
        bound = BaseImage.from_ecr_repository(repository, **which)._bind(stack, "Version", role)

        registry = [{"Ref": "AWS::AccountId"}, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", [*registry, f"/data-science{suffix}"]]}
        assert stack.resolve(bound.repository_arn) == in_this_account("data-science")
        assert statements(stack) == [may_pull(in_this_account("data-science")), LOGIN]
        assert (bound.region, bound.outside_ecr, bound.moving_tag) == (None, False, None)

    @pytest.mark.parametrize("which", [{"tag": "1.0.0"}, {"digest": DIGEST}], ids=["tag", "digest"])
    def test_address_is_what_the_repository_says(
        self, stack: cdk.Stack, repository: ecr.IRepository, which: dict[str, str]
    ) -> None:
        bound = BaseImage.from_ecr_repository(repository, **which)._bind(stack, "Version", None)

        (value,) = which.values()
        assert stack.resolve(bound.uri) == stack.resolve(repository.repository_uri_for_tag_or_digest(value))

    def test_without_a_role_nothing_is_granted(self, stack: cdk.Stack, repository: ecr.IRepository) -> None:
        bound = BaseImage.from_ecr_repository(repository, tag="1.0.0")._bind(stack, "Version", None)

        assert bound.pull_permission == ()
        assert statements(stack) == []

    def test_imported_repository_of_another_account_and_region(self, app: cdk.App) -> None:
        stack = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        arn = "arn:aws:ecr:us-west-2:222222222222:repository/team/data-science"
        repository = ecr.Repository.from_repository_arn(stack, "Repository", arn)

        bound = BaseImage.from_ecr_repository(repository, tag="1.0.0")._bind(stack, "Version", make_role(stack))

        address = ["222222222222.dkr.ecr.us-west-2.", {"Ref": "AWS::URLSuffix"}, "/team/data-science:1.0.0"]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", address]}
        assert (bound.repository_arn, bound.region) == (arn, "us-west-2")
        assert statements(stack) == [may_pull(arn), LOGIN]

    def test_repository_by_attributes_is_where_its_arn_says(self, app: cdk.App) -> None:
        stack = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        arn = "arn:aws-us-gov:ecr:us-gov-west-1:222222222222:repository/data-science"
        repository = ecr.Repository.from_repository_attributes(
            stack, "Repository", repository_arn=arn, repository_name="data-science"
        )

        bound = BaseImage.from_ecr_repository(repository, digest=DIGEST)._bind(stack, "Version", make_role(stack))

        address = ["222222222222.dkr.ecr.us-gov-west-1.", {"Ref": "AWS::URLSuffix"}, f"/data-science@{DIGEST}"]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", address]}
        assert (bound.repository_arn, bound.region) == (arn, "us-gov-west-1")
        assert statements(stack) == [may_pull(arn), LOGIN]

    def test_repository_whose_arn_is_a_token(self, stack: cdk.Stack, role: iam.Role) -> None:
        arn = cdk.CfnParameter(stack, "Arn").value_as_string
        repository = ecr.Repository.from_repository_attributes(
            stack, "Repository", repository_arn=arn, repository_name=cdk.CfnParameter(stack, "Name").value_as_string
        )
        tag = cdk.CfnParameter(stack, "Tag").value_as_string

        bound = BaseImage.from_ecr_repository(repository, tag=tag)._bind(stack, "Version", role)

        account, region = ({"Fn::Select": [part, {"Fn::Split": [":", {"Ref": "Arn"}]}]} for part in (4, 3))
        registry = [account, ".dkr.ecr.", region, ".", {"Ref": "AWS::URLSuffix"}]
        assert stack.resolve(bound.uri) == {"Fn::Join": ["", [*registry, "/", {"Ref": "Name"}, ":", {"Ref": "Tag"}]]}
        assert (bound.region, bound.moving_tag) == (None, None)
        assert statements(stack) == [may_pull({"Ref": "Arn"}), LOGIN]

    def test_repository_declared_in_another_account_of_the_app_allows_the_role(self, app: cdk.App) -> None:
        here = cdk.Stack(app, "Here", env=cdk.Environment(account="111111111111", region="eu-west-1"))
        there = cdk.Stack(app, "There", env=cdk.Environment(account="222222222222", region="us-east-1"))
        repository = ecr.Repository(there, "Repository", repository_name="data-science")

        bound = BaseImage.from_ecr_repository(repository, tag="1.0.0")._bind(here, "Version", make_role(here))

        cdk.CfnOutput(here, "Uri", value=bound.uri)
        arn = in_any_partition(":ecr:us-east-1:222222222222:repository/data-science")
        account, region = ({"Fn::Select": [part, {"Fn::Split": [":", arn]}]} for part in (4, 3))
        assert Template.from_stack(here).find_outputs("Uri")["Uri"]["Value"] == {
            "Fn::Join": ["", [account, ".dkr.ecr.", region, ".", {"Ref": "AWS::URLSuffix"}, "/data-science:1.0.0"]]
        }
        assert bound.region == "us-east-1"
        assert statements(here) == [may_pull(arn), LOGIN]
        (policy,) = Template.from_stack(there).find_resources("AWS::ECR::Repository").values()
        (allowed,) = policy["Properties"]["RepositoryPolicyText"]["Statement"]
        assert (allowed["Action"], allowed["Principal"]["AWS"]) == (PULL, in_any_partition(":iam::111111111111:root"))

    @pytest.mark.parametrize("tag", ["latest", "stable", "main", "release-candidate"])
    def test_tag_without_a_digit_moves(self, stack: cdk.Stack, repository: ecr.IRepository, tag: str) -> None:
        assert BaseImage.from_ecr_repository(repository, tag=tag)._bind(stack, "Version", None).moving_tag == tag

    @pytest.mark.parametrize(
        "which", [{"tag": "1.0.0"}, {"tag": "v2"}, {"digest": DIGEST}], ids=["release", "number", "digest"]
    )
    def test_release_or_digest_stays(
        self, stack: cdk.Stack, repository: ecr.IRepository, which: dict[str, str]
    ) -> None:
        assert BaseImage.from_ecr_repository(repository, **which)._bind(stack, "Version", None).moving_tag is None

    @pytest.mark.parametrize(
        ("mutability", "exclusions", "moving"),
        [
            (None, None, "latest"),
            (ecr.TagMutability.MUTABLE, None, "latest"),
            (ecr.TagMutability.IMMUTABLE, None, None),
            (ecr.TagMutability.IMMUTABLE_WITH_EXCLUSION, "latest*", "latest"),
            (ecr.TagMutability.MUTABLE_WITH_EXCLUSION, "v*", "latest"),
        ],
        ids=str,
    )
    def test_tags_of_an_immutable_repository_stay(
        self, stack: cdk.Stack, mutability: ecr.TagMutability | None, exclusions: str | None, moving: str | None
    ) -> None:
        repository = ecr.Repository(
            stack,
            "Declared",
            image_tag_mutability=mutability,
            image_tag_mutability_exclusion_filters=(
                None if exclusions is None else [ecr.ImageTagMutabilityExclusionFilter.wildcard(exclusions)]
            ),
        )

        assert (
            BaseImage.from_ecr_repository(repository, tag="latest")._bind(stack, "Version", None).moving_tag == moving
        )

    @pytest.mark.parametrize(
        ("which", "message"),
        [
            (
                {},
                (
                    "tag None and digest None must be given one without the other: "
                    "name the image by its tag, or pin it by its digest"
                ),
            ),
            (
                {"tag": "1.0.0", "digest": "sha256:0"},
                (
                    "tag '1.0.0' and digest 'sha256:0' must be given one without the other: "
                    "name the image by its tag, or pin it by its digest"
                ),
            ),
            (
                {"tag": ""},
                (
                    "tag '' must be 1 to 128 letters, digits, dots, hyphens and underscores, "
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
    def test_one_valid_tag_or_digest_is_needed(
        self, repository: ecr.IRepository, which: dict[str, str], message: str
    ) -> None:
        assert refusal_of(BaseImage.from_ecr_repository, repository, **which) == message

    @pytest.mark.parametrize("repository", ["data-science", None])
    def test_what_is_no_repository_is_refused(self, repository: Any) -> None:
        assert refusal_of(BaseImage.from_ecr_repository, repository, tag="1.0.0") == (
            f"repository {repository!r} must be an Amazon ECR repository: "
            "for a name use ecr.Repository.from_repository_name(…)"
        )

    @pytest.mark.parametrize("which", ["tag", "digest"])
    def test_tokens_are_not_inspected(self, stack: cdk.Stack, repository: ecr.IRepository, which: str) -> None:
        token = cdk.CfnParameter(stack, "Given").value_as_string

        bound = BaseImage.from_ecr_repository(repository, **{which: token})._bind(stack, "Version", None)

        assert {"Ref": "Given"} in stack.resolve(bound.uri)["Fn::Join"][1]
        assert bound.moving_tag is None


class TestPullPermission:
    def test_versions_of_one_repository_share_it(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository
    ) -> None:
        first, second, third = (
            BaseImage.from_ecr_repository(repository, tag=tag)._bind(stack, "Version", role).pull_permission
            for tag in ("1.0.0", "1.1.0", "1.2.0")
        )

        assert first[0] is second[0] is third[0]

    def test_versions_of_one_address_share_it(self, stack: cdk.Stack, role: iam.Role) -> None:
        first, second = (
            BaseImage.from_uri(f"{REGISTRY}/data-science:{tag}")._bind(stack, "Version", role).pull_permission
            for tag in ("1.0.0", "1.1.0")
        )

        assert first[0] is second[0]

    def test_every_role_gets_one(self, stack: cdk.Stack, repository: ecr.IRepository) -> None:
        base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")

        for construct_id in ("One", "Two"):
            base_image._bind(stack, "Version", make_role(stack, construct_id))

        assert statements(stack) == [may_pull(in_this_account("data-science")), LOGIN] * 2

    def test_every_repository_is_named_and_the_login_once(
        self, stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, folder: Path
    ) -> None:
        for base_image in (
            BaseImage.from_ecr_repository(repository, tag="1.0.0"),
            BaseImage.from_uri(f"{REGISTRY}/one:1.0.0"),
            BaseImage.from_uri(f"{REGISTRY}/two:1.0.0"),
            BaseImage.from_asset(folder),
        ):
            base_image._bind(stack, "Version", role)

        made = statements(stack)
        assert [statement for statement in made if statement == LOGIN] == [LOGIN]
        assert [statement["Action"] for statement in made if statement != LOGIN] == [PULL] * 4
        assert may_pull("*") not in made

    def test_role_from_elsewhere(self, stack: cdk.Stack, repository: ecr.IRepository) -> None:
        role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/of-the-image")

        BaseImage.from_ecr_repository(repository, tag="1.0.0")._bind(stack, "Version", role)

        (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
        assert policy["Properties"]["Roles"] == ["of-the-image"]
        assert statements(stack) == [may_pull(in_this_account("data-science")), LOGIN]


def built(app: cdk.App, stack: str = "Stack") -> list[dict[str, Any]]:
    """What the CDK CLI is told to build for a stack."""
    assembly = Path(app.synth().directory)
    manifest = json.loads((assembly / f"{stack}.assets.json").read_text())
    return [image["source"] for image in manifest["dockerImages"].values()]


class TestFromAsset:
    def test_image_is_built_for_sagemaker(self, app: cdk.App, stack: cdk.Stack, folder: Path) -> None:
        BaseImage.from_asset(folder)._bind(stack, "Version", None)

        (image,) = built(app)
        assert image.pop("directory").startswith("asset.")
        assert image == {"platform": "linux/amd64", "dockerOutputs": ["type=docker,oci-mediatypes=false"]}

    def test_address_is_that_of_the_pushed_image(
        self, app: cdk.App, stack: cdk.Stack, folder: Path, role: iam.Role
    ) -> None:
        bound = BaseImage.from_asset(folder)._bind(stack, "Version", role)

        manifest = json.loads((Path(app.synth().directory) / "Stack.assets.json").read_text())
        (asset,) = manifest["dockerImages"].values()
        (destination,) = asset["destinations"].values()
        repository = "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}"
        assert destination["repositoryName"] == repository
        registry = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
        assert stack.resolve(bound.uri) == {"Fn::Sub": f"{registry}/{repository}:{destination['imageTag']}"}
        assert (bound.region, bound.outside_ecr, bound.moving_tag) == (None, False, None)
        pull, login = statements(stack)
        assert (pull, login) == (may_pull(stack.resolve(bound.repository_arn)), LOGIN)
        assert json.dumps(pull["Resource"]).endswith(f'":repository/", {{"Fn::Sub": "{repository}"}}]]}}')

    def test_every_argument(self, app: cdk.App, stack: cdk.Stack, folder: Path) -> None:
        (folder / "gpu").mkdir()
        (folder / "gpu" / "Dockerfile").write_text("FROM scratch AS slim\n")
        (folder / "README.md").write_text("not for the image")
        (folder / "notes.txt").write_text("not for the image")
        (folder / ".dockerignore").write_text("notes.txt\n")

        BaseImage.from_asset(
            str(folder),
            file="gpu/Dockerfile",
            target="slim",
            build_args={"PYTHON": "3.12"},
            build_secrets={"token": cdk.DockerBuildSecret.from_src("token.txt")},
            platform=ecr_assets.Platform.LINUX_ARM64,
            exclude=["*.md"],
            outputs=[],
        )._bind(stack, "Version", None)

        (image,) = built(app)
        directory = Path(app.outdir) / image.pop("directory")
        assert image == {
            "dockerFile": "gpu/Dockerfile",
            "dockerBuildTarget": "slim",
            "dockerBuildArgs": {"PYTHON": "3.12"},
            "dockerBuildSecrets": {"token": "src=token.txt"},
            "platform": "linux/arm64",
        }
        files = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
        assert files == [".dockerignore", "Dockerfile", "gpu/Dockerfile"]

    def test_folder_is_relative_to_where_the_app_runs(
        self, stack: cdk.Stack, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder.parent)

        base_image = BaseImage.from_asset("docker")
        monkeypatch.chdir("/")

        assert base_image._bind(stack, "Version", None).uri

    def test_two_versions_of_one_folder(self, app: cdk.App, stack: cdk.Stack, folder: Path) -> None:
        # GIVEN an image with two versions, each with a base image from one folder, and a third that shares the first's
        image = Image(stack, "Image")
        base_image = BaseImage.from_asset(folder)
        other = BaseImage.from_asset(folder, build_args={"PYTHON": "3.12"})

        # WHEN
        for construct_id, which in (("One", base_image), ("Two", other), ("Three", base_image)):
            ImageVersion(stack, construct_id, image=image, base_image=which)

        # THEN
        assert len(built(app)) == 2
        versions = Template.from_stack(stack).find_resources("Custom::SageMakerImageVersion")
        addresses = {key: json.dumps(value["Properties"]["BaseImage"]) for key, value in versions.items()}
        one, two, three = (
            address
            for prefix in ("One", "Two", "Three")
            for key, address in addresses.items()
            if key.startswith(prefix)
        )
        assert one == three != two
        actions = [statement["Action"] for statement in statements(stack)]
        assert actions.count(PULL) == actions.count(LOGIN["Action"]) == actions.count("ecr:DescribeImages") == 1

    def test_synth_needs_no_docker(self, folder: Path, tmp_path: Path) -> None:
        node = shutil.which("node")
        assert node is not None
        app = (
            "import sys, aws_cdk as cdk\n"
            "from imgver_constructs import BaseImage, Image, ImageVersion\n"
            "app = cdk.App(outdir=sys.argv[2])\n"
            "stack = cdk.Stack(app, 'Stack')\n"
            "base_image = BaseImage.from_asset(sys.argv[1])\n"
            "ImageVersion(stack, 'Version', image=Image(stack, 'Image'), base_image=base_image)\n"
            "app.synth()\n"
        )
        (tmp_path / "empty").mkdir()
        environment = os.environ | {"PATH": str(tmp_path / "empty"), "JSII_NODE": node}
        environment.pop("CDK_DOCKER", None)

        subprocess.run(
            [sys.executable, "-c", app, str(folder), str(tmp_path / "out")],
            check=True,
            env=environment,
            cwd=Path(__file__).parents[3],
        )

        assert json.loads((tmp_path / "out" / "Stack.assets.json").read_text())["dockerImages"]

    def test_what_is_too_long_for_a_path_is_no_folder_and_no_dockerfile(self, folder: Path) -> None:
        recipe = "FROM scratch\n" * 1000

        assert "must be a folder that exists" in refusal_of(BaseImage.from_asset, recipe)
        assert "must be in directory" in refusal_of(BaseImage.from_asset, folder, file=recipe)

    def test_texts_are_no_token(self, folder: Path) -> None:
        token = cdk.Token.as_list(cdk.Fn.get_att("Resource", "Names"))

        assert "exclude ['#{Token[" in refusal_of(BaseImage.from_asset, folder, exclude=token)

    @pytest.mark.parametrize("directory", ["", "nowhere", None, 7, TOKEN])
    def test_folder_must_exist(self, directory: Any) -> None:
        assert refusal_of(BaseImage.from_asset, directory) == (
            f"directory {directory!r} must be a folder that exists: "
            "give its path, absolute or relative to the app's working directory"
        )

    @pytest.mark.parametrize(
        ("arguments", "shown"), [({}, "Dockerfile"), ({"file": "gpu/Dockerfile"}, "gpu/Dockerfile")]
    )
    def test_dockerfile_must_exist(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path, arguments: dict[str, str], shown: str
    ) -> None:
        (folder / "Dockerfile").unlink()
        monkeypatch.chdir(folder.parent)

        assert refusal_of(BaseImage.from_asset, "docker", **arguments) == (
            f"file '{shown}' must be in directory 'docker': give the path of the Dockerfile there"
        )

    @pytest.mark.parametrize(
        ("parameter", "value", "rule"),
        [
            *[
                (parameter, value, "a string that is known at synth")
                for parameter in ("file", "target")
                for value in ("", 7, TOKEN)
            ],
            *[
                (parameter, value, "a list of strings that are known at synth")
                for parameter in ("exclude", "outputs")
                for value in ("*.md", None, [7], [TOKEN], {"*.md"})
            ],
            *[
                (parameter, value, "a dict of strings that are known at synth")
                for parameter in ("build_args", "build_secrets")
                for value in ("A=1", ["A"], {"A": 1}, {1: "A"}, {"A": TOKEN}, {TOKEN: "A"})
            ],
        ],
    )
    def test_arguments_are_known_at_synth(self, folder: Path, parameter: str, value: Any, rule: str) -> None:
        message = refusal_of(BaseImage.from_asset, folder, **{parameter: value})

        shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:59] + "…"
        assert message == f"{parameter} {shown} must be {rule}: {WRITE_IT_OUT}"

    def test_platform_is_one_of_the_cdks(self, folder: Path) -> None:
        platform: Any = "linux/amd64"

        assert refusal_of(BaseImage.from_asset, folder, platform=platform) == (
            "platform 'linux/amd64' must be a Platform of aws_ecr_assets: use Platform.LINUX_AMD64"
        )
