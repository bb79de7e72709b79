"""The whole way: the real CDK CLI deploys to the sandbox, where the real function handles real events."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from imgver_sandbox.sandbox import Sandbox

APP = Path(__file__).parent / "app.py"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"


class Account:
    """The sandbox's account, as a user with a CLI and boto3 sees it."""

    def __init__(self, sandbox, folder):
        self.sagemaker = sandbox.client("sagemaker")
        self.cloudformation = sandbox.client("cloudformation")
        self.lambda_ = sandbox.client("lambda")
        self.logs = sandbox.client("logs")
        self._ecr = sandbox.client("ecr")
        self._ecr.create_repository(repositoryName="data-science")
        self._environment = {**sandbox.environment(), "NO_COLOR": "1"}
        self._folder = folder
        shutil.copy(APP, folder)
        self.target = f"aws://{sandbox.account}/{sandbox.region}"

    def push(self, tag, media_type=DOCKER):
        config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{tag:0>64}"}
        manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
        self._ecr.put_image(
            repositoryName="data-science",
            imageTag=tag,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=media_type,
        )

    def cdk(self, *arguments):
        """Run the CLI; answers its exit code and all that it printed."""
        done = subprocess.run(
            ["cdk", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def deploy(self, **context):
        # Nothing may be quoted at the end: of a value in quotes the CLI drops the first and the last one.
        app = f"{shlex.quote(sys.executable)} {APP.name}"
        values = [f"--context={name}={value}" for name, value in context.items()]
        return self.cdk("deploy", "--app", app, "--require-approval", "never", "--progress", "events", *values)

    def versions(self):
        """Status and aliases of every version, by number."""
        listed = self.sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]
        return {
            version["Version"]: (
                version["ImageVersionStatus"],
                sorted(
                    self.sagemaker.list_aliases(ImageName="data-science", Version=version["Version"])[
                        "SageMakerImageVersionAliases"
                    ]
                ),
            )
            for version in listed
        }

    def describe(self, version):
        return self.sagemaker.describe_image_version(ImageName="data-science", Version=version)

    def status(self):
        return self.cloudformation.describe_stacks(StackName="EndToEnd")["Stacks"][0]["StackStatus"]

    def deleted(self, resource_type):
        """The physical ids of the resources of a type that the stack's last operation deleted."""
        return [
            event["PhysicalResourceId"]
            for event in self.cloudformation.describe_stack_events(StackName="EndToEnd")["StackEvents"]
            if event["ResourceType"] == resource_type and event["ResourceStatus"] == "DELETE_COMPLETE"
        ]

    def handler_calls(self):
        """The operations that the function called in AWS so far, from its own log."""
        (group,) = [
            group["logGroupName"]
            for group in self.logs.describe_log_groups()["logGroups"]
            if "EndToEnd" in group["logGroupName"]
        ]
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
        entries = [json.loads(line) for line in lines if line.startswith('{"level"')]
        return [entry["operation"] for entry in entries if "operation" in entry]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Sandbox.start() as sandbox:
        account = Account(sandbox, tmp_path_factory.mktemp("cdk"))
        for tag in ("1.0.0", "1.1.0"):
            account.push(tag)
        account.push("oci", OCI)
        code, output = account.cdk("bootstrap", account.target)
        assert code == 0, output
        yield account


def test_an_image_version_through_its_whole_life(account):
    # WHEN it is deployed
    code, output = account.deploy(tag="1.0.0", notes="First")

    # THEN
    assert code == 0, output
    assert "EndToEnd.ImageVersionArn = arn:aws:sagemaker:eu-west-1:000000000000:image-version/data-science/1" in output
    assert account.versions() == {1: ("CREATED", ["latest", "stable"])}
    first = account.describe(1)
    assert first["ReleaseNotes"] == "First"
    assert len(account.lambda_.list_functions()["Functions"]) == 1
    # One read sees the version CREATED, and each alias is looked up once; two more reads are what polling may cost.
    assert 1 + 2 <= account.handler_calls().count("DescribeImageVersion") <= 1 + 2 + 2

    # WHEN its metadata changes
    code, output = account.deploy(tag="1.0.0", notes="Second")

    # THEN it is the same version
    assert code == 0, output
    assert account.versions() == {1: ("CREATED", ["latest", "stable"])}
    assert account.describe(1)["ReleaseNotes"] == "Second"
    assert account.describe(1)["CreationTime"] == first["CreationTime"]

    # WHEN its base image changes
    code, output = account.deploy(tag="1.1.0", notes="Second")

    # THEN there is a new version with the aliases, and the old one is gone
    assert code == 0, output
    assert account.versions() == {2: ("CREATED", ["latest", "stable"])}
    assert account.describe(2)["BaseImage"].endswith("/data-science:1.1.0")
    assert account.describe(2)["ContainerImage"] != first["ContainerImage"]

    # WHEN a deployment fails, because SageMaker does not take the manifest
    code, output = account.deploy(tag="oci", notes="Third")

    # THEN the CLI says why and what to do, and all is as before
    assert code != 0
    assert f"has the unsupported media type {OCI}" in output
    assert "docker buildx build --provenance=false" in output
    assert account.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert account.versions() == {2: ("CREATED", ["latest", "stable"])}
    assert account.describe(2)["ReleaseNotes"] == "Second"

    # WHEN the stack is destroyed
    code, output = account.cdk("destroy", "EndToEnd", "--force", "--app", "cdk.out")

    # THEN nothing is left
    assert code == 0, output
    with pytest.raises(ClientError, match="does not exist"):
        account.versions()
    assert account.lambda_.list_functions()["Functions"] == []


def test_a_first_deployment_that_fails_leaves_nothing(account):
    # WHEN
    code, output = account.deploy(tag="missing", notes="First")

    # THEN CloudFormation's Delete with the id of the FAILED answer has removed the failed version
    assert code != 0
    assert "does not exist in Amazon ECR" in output
    assert "push it, or correct base_image" in output
    assert account.status() == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        account.versions()
    assert account.deleted("Custom::SageMakerImageVersion") == [
        "arn:aws:sagemaker:eu-west-1:000000000000:image-version/data-science/1"
    ]
