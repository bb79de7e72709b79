"""A sandbox that evaluates IAM, as an account looks to a user with the CDK CLI and boto3."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import Sandbox

APP = Path(__file__).parent / "app.py"
STACK = "EndToEnd"
IMAGE = "notebooks"
REPOSITORY = "data-science"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"


class Account:
    """The sandbox's account."""

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.sagemaker = sandbox.client("sagemaker")
        self.cloudformation = sandbox.client("cloudformation")
        self.lambda_ = sandbox.client("lambda")
        self._logs = sandbox.client("logs")
        self._iam = sandbox.client("iam")
        self._ecr = sandbox.client("ecr")
        self._ecr.create_repository(repositoryName=REPOSITORY)
        self.environment = {**sandbox.environment(), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._folder = folder
        shutil.copy(APP, folder)

    def push(self, tag, *, media_type=DOCKER, build=""):
        """Push a container image under a tag, another one for every build."""
        config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{tag + build:0>64}"}
        manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
        self._ecr.put_image(
            repositoryName=REPOSITORY,
            imageTag=tag,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=media_type,
        )

    def cdk(self, *arguments, folder=None):
        """Run the CLI, in the app's folder or in another one; answers its exit code and all that it printed."""
        done = subprocess.run(
            ["cdk", *arguments],
            cwd=folder or self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def deploy(self, *options, **context):
        # Nothing may be quoted at the end: of a value in quotes the CLI drops the first and the last one.
        app = f"{shlex.quote(sys.executable)} {APP.name}"
        values = [f"--context={name}={value}" for name, value in context.items()]
        progress = ("--require-approval", "never", "--progress", "events")
        return self.cdk("deploy", STACK, "--app", app, *progress, *options, *values)

    def template(self, stack=STACK):
        """What was synthesized last."""
        return json.loads((self._folder / "cdk.out" / f"{stack}.template.json").read_text())

    def register(self, tag, image=IMAGE):
        """Make an image version by hand, as somebody does who does not use the stack."""
        base_image = f"{self.sandbox.account}.dkr.ecr.{self.sandbox.region}.amazonaws.com/{REPOSITORY}:{tag}"
        end = time.monotonic() + 10
        while True:
            try:
                answer = self.sagemaker.create_image_version(ImageName=image, BaseImage=base_image)
                break
            except self.sagemaker.exceptions.ResourceInUse:  # by the version before
                assert time.monotonic() < end
                time.sleep(0.1)
        version = int(answer["ImageVersionArn"].rpartition("/")[2])
        while self.describe(version, image)["ImageVersionStatus"] != "CREATED":
            assert time.monotonic() < end
            time.sleep(0.1)

    def versions(self):
        """Status and aliases of every version, by number."""
        listed = self.sagemaker.list_image_versions(ImageName=IMAGE)["ImageVersions"]
        return {
            version["Version"]: (
                version["ImageVersionStatus"],
                sorted(
                    self.sagemaker.list_aliases(ImageName=IMAGE, Version=version["Version"])[
                        "SageMakerImageVersionAliases"
                    ]
                ),
            )
            for version in listed
        }

    def describe(self, version, image=IMAGE):
        return self.sagemaker.describe_image_version(ImageName=image, Version=version)

    def status(self, stack=STACK):
        return self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]

    def events(self, resource_type, status, stack=STACK):
        """The stack's events about resources of a type that came into a status, the last one first."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [
            event for event in events if (event["ResourceType"], event["ResourceStatus"]) == (resource_type, status)
        ]

    def physical_id(self, resource_type, stack=STACK, logical_id=""):
        """That of the one resource of a type in the stack whose logical id holds a text, also when it is gone."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        (found,) = {
            event["PhysicalResourceId"]
            for event in events
            if event["ResourceType"] == resource_type and logical_id in event["LogicalResourceId"]
        } - {""}
        return found

    def role(self, stack=STACK):
        """The name of the function's role."""
        return self.physical_id("AWS::IAM::Role", stack, "Provider")

    def granted(self):
        """What the function's role may do, as pairs of action and resource."""
        role = self.role()
        names = self._iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        return {
            (action, resource)
            for policy in policies
            for statement in listed(policy["Statement"])
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    def calls(self, role):
        """What the sessions of a role asked for, and what IAM said."""
        return [call for call in self.sandbox.calls() if f":assumed-role/{role}/" in call.caller]

    def log(self, stack=STACK):
        """What the function of a stack wrote, its own lines only."""
        group = self.physical_id("AWS::Logs::LogGroup", stack)
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
        return [json.loads(line) for line in lines if line.startswith('{"level"')]


def listed(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Sandbox.start(enforce_iam=True) as sandbox:
        account = Account(sandbox, tmp_path_factory.mktemp("cdk"))
        for tag in ("1.0.0", "1.1.0", "1.2.0"):
            account.push(tag)
        account.push("oci", media_type=OCI)
        code, output = account.cdk("bootstrap", f"aws://{sandbox.account}/{sandbox.region}")
        assert code == 0, output
        yield account
