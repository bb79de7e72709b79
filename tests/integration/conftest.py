"""Deployments without the CDK CLI, which needs at least five seconds for each."""

import io
import json
import runpy
import time
import zipfile
from functools import partial
from pathlib import Path

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError

DEADLINE = 180
"""Seconds that an operation on a stack may take."""


class DirectDeployment:
    """Deploys synthesized stacks to a sandbox with boto3."""

    def __init__(self, sandbox):
        self._bucket = f"cdk-hnb659fds-assets-{sandbox.account}-{sandbox.region}"
        self._location = {"LocationConstraint": sandbox.region}
        self._cloudformation = sandbox.client("cloudformation")
        self._s3 = sandbox.client("s3")
        self._ssm = sandbox.client("ssm")

    def bootstrap(self):
        """Create what a template and the CDK CLI need of `cdk bootstrap`. Without its roles the CLI acts as root."""
        self._s3.create_bucket(Bucket=self._bucket, CreateBucketConfiguration=self._location)
        self._ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")

    def publish(self, assembly, stack):
        """Upload the code of the stack's functions, unless the bucket already has it."""
        published = {found["Key"] for found in self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])}
        for asset in json.loads((assembly / f"{stack}.assets.json").read_text())["files"].values():
            folder = assembly / asset["source"]["path"]
            (destination,) = asset["destinations"].values()
            if asset["source"]["packaging"] == "zip" and destination["objectKey"] not in published:
                archive = io.BytesIO()
                with zipfile.ZipFile(archive, "w") as file:
                    for path in sorted(folder.rglob("*")):
                        file.write(path, path.relative_to(folder))
                self._s3.put_object(Bucket=self._bucket, Key=destination["objectKey"], Body=archive.getvalue())

    def deploy(self, assembly, stack):
        """Create or update a stack, wait until it is done or rolled back, and return its status."""
        self.publish(assembly, stack)
        # CloudFormation accepts at most 51,200 characters in a request.
        key = f"{stack}.template.json"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=(assembly / key).read_bytes())
        template = f"https://s3.amazonaws.com/{self._bucket}/{key}"
        try:
            self._cloudformation.describe_stacks(StackName=stack)
        except ClientError:
            operation = self._cloudformation.create_stack
        else:
            operation = self._cloudformation.update_stack
        operation(StackName=stack, TemplateURL=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        return self.wait(stack)

    def destroy(self, stack):
        """Delete a stack, wait for it, and return its status."""
        stack_id = self._cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        self._cloudformation.delete_stack(StackName=stack)
        return self.wait(stack_id)

    def wait(self, stack):
        """Wait until no operation on a stack is under way, and return its status."""
        end = time.monotonic() + DEADLINE
        while (status := self.status(stack)).endswith("_IN_PROGRESS"):
            assert time.monotonic() < end, status
            time.sleep(0.1)
        return status

    def status(self, stack):
        return self._cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


@pytest.fixture(scope="session")
def direct_deployment():
    """Deployments to a sandbox."""
    return DirectDeployment


@pytest.fixture(scope="session")
def run_app(tmp_path_factory):
    """Run an app in its folder with context values, in this process, and return the folder of the assembly."""

    def run_app(app: Path, context):
        assembly = tmp_path_factory.mktemp(app.stem)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(app.parent)
            patch.setattr(cdk, "App", partial(cdk.App, outdir=str(assembly), context=dict(context)))
            runpy.run_path(str(app))
        return assembly

    return run_app
