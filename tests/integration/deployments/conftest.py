"""A sandbox that evaluates IAM, used as an AWS account is: with the CDK CLI and boto3."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imgver_sandbox import Assumptions, Sandbox

APP = Path(__file__).with_name("app.py")
REPOSITORY = "data-science"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
SLOW_OPERATIONS = ("CreateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion")


class Account:
    """The account of the sandbox."""

    def __init__(self, sandbox, folder, deployment, run_app):
        self.sandbox = sandbox
        self.deployment = deployment
        self.sagemaker = sandbox.client("sagemaker")
        self.cloudformation = sandbox.client("cloudformation")
        self.lambda_ = sandbox.client("lambda")
        self._logs = sandbox.client("logs")
        self._iam = sandbox.client("iam")
        self._ecr = sandbox.client("ecr")
        self._ecr.create_repository(repositoryName=REPOSITORY)
        self.environment = {**sandbox.environment(), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._folder = folder
        self._run_app = run_app

    def hurry(self):
        """Let SageMaker take no time."""
        for operation in SLOW_OPERATIONS:
            self.sandbox.faults.slow(0.001, operation=operation, times=10_000)

    def push(self, tag, *, media_type=DOCKER, build=""):
        """Push a container image under a tag; each build has its own digest."""
        config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": f"sha256:{tag + build:0>64}"}
        manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
        self._ecr.put_image(
            repositoryName=REPOSITORY,
            imageTag=tag,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=media_type,
        )

    def cdk(self, *arguments, folder=None):
        """Run the CDK CLI and return its exit code and output."""
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

    def cdk_deploy(self, stack, app_file=APP, **context):
        """Deploy a stack of an app with the CDK CLI, and return its exit code and output."""
        shutil.copy(app_file, self._folder)
        # The CLI drops the first and the last quote of this value, so nothing may be quoted at its end.
        app = f"{shlex.quote(sys.executable)} {app_file.name}"
        values = [f"--context={name}={value}" for name, value in context.items()]
        options = ("--method=direct", "--require-approval=never", "--progress=events")
        return self.cdk("deploy", stack, "--app", app, *options, *values)

    def synthesize(self, app=APP, **context):
        """Run an app with context values and return the folder of the assembly."""
        return self._run_app(app, context)

    def deploy(self, stack, app=APP, **context):
        """Deploy a stack of an app without the CDK CLI, and return the status of the stack."""
        return self.deployment.deploy(self.synthesize(app, **context), stack)

    def register(self, image, tag):
        """Create an image version outside any stack."""
        base_image = f"{self.sandbox.account}.dkr.ecr.{self.sandbox.region}.amazonaws.com/{REPOSITORY}:{tag}"
        end = time.monotonic() + 10
        while True:
            try:
                created = self.sagemaker.create_image_version(ImageName=image, BaseImage=base_image)
                break
            except self.sagemaker.exceptions.ResourceInUse:  # by the write before
                assert time.monotonic() < end
                time.sleep(0.1)
        version = int(created["ImageVersionArn"].rpartition("/")[2])
        while self.describe(image, version)["ImageVersionStatus"] != "CREATED":
            assert time.monotonic() < end
            time.sleep(0.1)

    def versions(self, image):
        """Status and aliases of every version, by number."""
        return {
            version["Version"]: (version["ImageVersionStatus"], self.aliases(image, version["Version"]))
            for version in self.sagemaker.list_image_versions(ImageName=image)["ImageVersions"]
        }

    def aliases(self, image, version):
        return sorted(self.sagemaker.list_aliases(ImageName=image, Version=version)["SageMakerImageVersionAliases"])

    def describe(self, image, version):
        return self.sagemaker.describe_image_version(ImageName=image, Version=version)

    def events(self, stack):
        return self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]

    def reasons(self, stack, status):
        """The reasons of the resources that reached a status."""
        return {
            event.get("ResourceStatusReason", "") for event in self.events(stack) if event["ResourceStatus"] == status
        }

    def physical_id(self, stack, resource_type, logical_id=""):
        """The physical id of the one resource of a type whose logical id contains a string."""
        (found,) = {
            event["PhysicalResourceId"]
            for event in self.events(stack)
            if event["ResourceType"] == resource_type and logical_id in event["LogicalResourceId"]
        } - {""}
        return found

    def role(self, stack):
        """The name of the role of the stack's function."""
        return self.physical_id(stack, "AWS::IAM::Role", "Provider")

    def granted(self, stack):
        """The pairs of action and resource that the role of the stack's function allows."""
        role = self.role(stack)
        names = self._iam.list_role_policies(RoleName=role)["PolicyNames"]
        policies = [self._iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        return {
            (action, resource)
            for policy in policies
            for statement in as_list(policy["Statement"])
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }

    def calls(self, role_prefix):
        """The IAM decisions about the roles whose name starts so."""
        return [call for call in self.sandbox.calls() if f":assumed-role/{role_prefix}" in call.caller]

    def log(self, stack):
        """The lines that the stack's function has logged."""
        group = self.physical_id(stack, "AWS::Logs::LogGroup")
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [line for page in pages for event in page["events"] for line in event["message"].splitlines()]
        return [json.loads(line) for line in lines if line.startswith('{"level"')]


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def account(tmp_path_factory, direct_deployment, run_app):
    """One account for all tests of a process; each module has images and stacks of its own."""
    # With the other value, which ``faults.in_service`` stands for, no domain with a running space can be changed.
    assumptions = Assumptions(update_with_running_apps="allowed")
    with Sandbox.start(enforce_iam=True, fast=True, assumptions=assumptions) as sandbox:
        deployment = direct_deployment(sandbox)
        deployment.bootstrap()
        account = Account(sandbox, tmp_path_factory.mktemp("cdk"), deployment, run_app)
        for tag in ("1.0.0", "1.1.0", "1.2.0"):
            account.push(tag)
        account.push("oci", media_type=OCI)
        account.hurry()
        yield account
