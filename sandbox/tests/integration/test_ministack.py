"""The adapter: what it needs of MiniStack, and what it adds to it."""

import importlib.metadata
import json
import tomllib
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.ministack import hooks
from imgver_sandbox.runtime.ministack_release import MINISTACK_VERSION, check_version

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


class TestVersion:
    def test_the_requirements_pin_the_version_of_the_adapter(self):
        requirements = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]

        assert f"ministack=={MINISTACK_VERSION}" in requirements

    def test_another_version_is_refused(self, monkeypatch):
        monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9.9")

        with pytest.raises(SandboxError) as refused:
            check_version()

        assert str(refused.value) == (
            "the sandbox needs ministack 1.5.33, found 9.9.9: install imgver-sandbox, or imgver-constructs with its extra `sandbox`"
        )

    def test_none_at_all_is_refused(self, monkeypatch):
        def missing(_):
            raise importlib.metadata.PackageNotFoundError

        monkeypatch.setattr(importlib.metadata, "version", missing)

        with pytest.raises(SandboxError, match=r"needs ministack 1\.5\.33, found none: install imgver-sandbox"):
            check_version()


def test_every_name_that_has_moved_is_noticed(run_python):
    # GIVEN MiniStack as it is, WHEN each name in turn is missing, is something else, or takes something else
    result = run_python(
        """
import importlib, json
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.ministack import hooks

hooks.check_hooks()
said = []
for module, name in hooks.HOOKS:
    module = importlib.import_module(module)
    real = getattr(module, name)
    for moved in (None, object(), lambda something_new: None):
        setattr(module, name, moved)
        try:
            hooks.check_hooks()
            said.append(f"{name}: nothing")
        except SandboxError as error:
            said.append(str(error))
    setattr(module, name, real)
print(json.dumps(said))
"""
    )
    said = json.loads(result.stdout)

    # THEN each is named
    assert len(said) == 3 * len(hooks.HOOKS)
    assert all(" must be " in line for line in said), said
    assert said[0] == (
        "ministack 1.5.33 is modified: ministack.app.app must be (scope, receive, send), found nothing: "
        "run `pip install --force-reinstall ministack==1.5.33`"
    )


def test_ecr_is_read_in_the_account_and_region_of_the_uri(run_python):
    # GIVEN images in one repository: Docker's; OCI's, by its own word only; and one that is tagged no more
    result = run_python(
        """
import json
from imgver_sandbox.ministack import EcrRegistry
from ministack.core.responses import request_scope
from ministack.services import ecr

def manifest(kind, name):
    return json.dumps({"schemaVersion": 2, "name": name} | ({"mediaType": kind} if kind else {}))

with request_scope("111122223333", "eu-central-1"):
    ecr._create_repository({"repositoryName": "team/science"})
    ecr._create_repository({"repositoryName": "empty"})
    for tag, text, kind in (
        ("docker", manifest("application/vnd.docker.distribution.manifest.v2+json", "a"), None),
        ("oci", manifest("application/vnd.oci.image.manifest.v1+json", "b"), None),
        ("moved", manifest(None, "c"), "application/vnd.oci.image.index.v1+json"),
        ("moved", manifest(None, "d"), "application/vnd.docker.distribution.manifest.v2+json"),
        ("latest", "no json", None),
    ):
        stated = {"imageManifestMediaType": kind} if kind else {}
        ecr._put_image({"repositoryName": "team/science", "imageManifest": text, "imageTag": tag, **stated})

# WHEN the images service looks them up, outside any request
uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/science"
digest = ecr._image_digest(manifest(None, "c"))
for asked in (f"{uri}:docker", f"{uri}:oci", f"{uri}:moved", f"{uri}@{digest}", uri, f"{uri}:other",
              uri.replace("1111", "9999") + ":oci", uri.replace("central", "west") + ":oci", f"{uri}/x:oci",
              uri.replace("team/science", "empty"), "python:3.12"):
    found = EcrRegistry().resolve(asked)
    print(found and found.media_type.split(".")[-2:], bool(found) and found.digest == digest)
"""
    )

    # THEN each is found by tag or digest with its manifest's type, and nothing is found elsewhere
    assert result.stdout.splitlines() == [
        "['manifest', 'v2+json'] False",
        "['manifest', 'v1+json'] False",
        "['manifest', 'v2+json'] False",
        "['index', 'v1+json'] True",
        "['manifest', 'v2+json'] False",
        *["None False"] * 6,
    ], result.stderr


class TestService:
    @pytest.fixture
    def sagemaker(self, sandbox):
        return sandbox.client("sagemaker")

    def test_an_error_of_the_service(self, sagemaker):
        with pytest.raises(ClientError) as refused:
            sagemaker.describe_image_version(ImageName="not-there", Version=1)

        error = refused.value.response
        assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("ResourceNotFound", 400)
        assert "does not exist" in error["Error"]["Message"]


def test_iam_is_asked_about_the_resource_that_a_call_touches(run_python):
    # GIVEN the adapter, and version 1 of the image i with the alias latest
    result = run_python(
        """
import json
from collections import deque
from imgver_sandbox import ministack
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService

account, region = "000000000000", "eu-west-1"
registry, clock = InMemoryRegistry(), ManualClock()
service = ImagesService(clock=clock, registry=registry)
uri = f"{account}.dkr.ecr.{region}.amazonaws.com/r:1"
registry.push(uri)
def call(operation, **parameters):
    service.call(operation, parameters, account=account, region=region)
    clock.advance(60)
call("CreateImage", ImageName="i", RoleArn=f"arn:aws:iam::{account}:role/r")
call("CreateImageVersion", ImageName="i", BaseImage=uri, ClientToken="t", Aliases=["latest"])
ministack.install(service, deque())
from ministack.core import iam_actions, router

# WHEN MiniStack looks for the service, action and resource of a request
for line in open(0):
    operation, body = line.strip().split(" ", 1)
    headers = {"x-amz-target": f"SageMaker.{operation}", "host": "127.0.0.1"}
    found = router.detect_service("POST", "/", headers, {})
    action = iam_actions.extract_iam_action(found, "POST", "/", headers, body.encode(), {})
    arn = iam_actions.extract_resource_arn(found, "POST", "/", headers, body.encode(), {}, region, account)
    print(found, action, arn)
print(iam_actions.extract_resource_arn("lambda", "GET", "/2015-03-31/functions/f", {}, b"", {}, region, account))
""".replace(
            "open(0)",
            repr(
                [
                    'CreateImageVersion {"ImageName": "i"}',
                    'ListImageVersions {"ImageName": "i"}',
                    'DescribeImage {"ImageName": "i"}',
                    'ListAliases {"ImageName": "i", "Version": 1}',
                    'DescribeImageVersion {"ImageName": "i", "Version": 7}',
                    'UpdateImageVersion {"ImageName": "i", "Alias": "latest"}',
                    'DeleteImageVersion {"ImageName": "i", "Alias": "gone"}',
                    'DescribeImageVersion {"ImageName": "i"}',
                    "ListImages {}",
                    "DescribeImageVersion []",
                ]
            ),
        )
    )

    # THEN it is what the Service Authorization Reference says
    image, version = (f"arn:aws:sagemaker:eu-west-1:000000000000:{kind}/i" for kind in ("image", "image-version"))
    assert result.stdout.splitlines() == [
        f"sagemaker sagemaker:CreateImageVersion {image}",
        f"sagemaker sagemaker:ListImageVersions {image}",
        f"sagemaker sagemaker:DescribeImage {image}",
        f"sagemaker sagemaker:ListAliases {image}",
        f"sagemaker sagemaker:DescribeImageVersion {version}/7",
        f"sagemaker sagemaker:UpdateImageVersion {version}/1",
        f"sagemaker sagemaker:DeleteImageVersion {version}/*",
        f"sagemaker sagemaker:DescribeImageVersion {version}/1",
        "sagemaker sagemaker:ListImages *",
        "sagemaker sagemaker:DescribeImageVersion *",
        "arn:aws:lambda:eu-west-1:000000000000:function:f",
    ], result.stderr
