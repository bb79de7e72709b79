"""The newest clients of AWS on a sandbox: their calls of image versions, their waiters and their paginators.

Each client is installed once a day into the folder for temporary files.
"""

import datetime
import fcntl
import getpass
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from imgver_sandbox.runtime import cdk_cli

ROLE = "arn:aws:iam::000000000000:role/images"

JAVASCRIPT = """
const sagemaker = require("@aws-sdk/client-sagemaker");
const client = new sagemaker.SageMakerClient();
const soon = {client, maxWaitTime: 20, minDelay: 1, maxDelay: 1};

async function main([ImageName, BaseImage, RoleArn]) {
  await client.send(new sagemaker.CreateImageCommand({ImageName, RoleArn, Tags: [{Key: "team", Value: "science"}]}));
  const image = await sagemaker.waitUntilImageCreated(soon, {ImageName});
  const {ImageVersionArn} = await client.send(
    new sagemaker.CreateImageVersionCommand({ImageName, BaseImage, ClientToken: "first", Aliases: ["latest"]}));
  const version = await sagemaker.waitUntilImageVersionCreated(soon, {ImageName, Alias: "latest"});
  await client.send(new sagemaker.UpdateImageVersionCommand(
    {ImageName, Version: 1, AliasesToAdd: ["a", "b"], AliasesToDelete: ["latest"]}));
  const aliases = [], versions = [];
  for await (const page of sagemaker.paginateListAliases({client, pageSize: 1}, {ImageName, Version: 1}))
    aliases.push(page.SageMakerImageVersionAliases);
  for await (const page of sagemaker.paginateListImageVersions({client, pageSize: 1}, {ImageName}))
    versions.push(page.ImageVersions.map(each => each.Version));
  await client.send(new sagemaker.DeleteImageVersionCommand({ImageName, Version: 1}));
  let deleted;
  try {
    deleted = (await sagemaker.waitUntilImageVersionDeleted({...soon, maxWaitTime: 4}, {ImageName, Version: 1})).state;
  } catch (error) {
    deleted = error.message;
  }
  const {Tags} = await client.send(new sagemaker.ListTagsCommand({ResourceArn: image.reason.ImageArn}));
  console.log(JSON.stringify(
    {arn: ImageVersionArn, waited: [image.state, version.state], aliases, versions, deleted, tags: Tags}));
}
main(process.argv.slice(2)).catch(error => { console.error(error); process.exit(1); });
"""

PYTHON = """
import json, sys
import boto3

name, base_image, role = sys.argv[1:]
sagemaker = boto3.client("sagemaker")
image, version, soon = {"ImageName": name}, {"ImageName": name, "Version": 1}, {"Delay": 0.2, "MaxAttempts": 50}
tags = [{"Key": "team", "Value": "science"}]
arn = sagemaker.create_image(**image, RoleArn=role, Tags=tags)["ImageArn"]
sagemaker.get_waiter("image_created").wait(**image, WaiterConfig=soon)
created = sagemaker.create_image_version(**image, BaseImage=base_image, Aliases=["latest"])
sagemaker.get_waiter("image_version_created").wait(**image, Alias="latest", WaiterConfig=soon)
sagemaker.update_image_version(**version, AliasesToAdd=["a", "b"], AliasesToDelete=["latest"])
paged = {"PaginationConfig": {"PageSize": 1}}
aliases = [page["SageMakerImageVersionAliases"] for page in sagemaker.get_paginator("list_aliases").paginate(
    **version, **paged)]
versions = [[each["Version"] for each in page["ImageVersions"]]
            for page in sagemaker.get_paginator("list_image_versions").paginate(**image, **paged)]
sagemaker.delete_image_version(**version)
sagemaker.get_waiter("image_version_deleted").wait(**version, WaiterConfig=soon)
tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
print(json.dumps({"arn": created["ImageVersionArn"], "waited": ["SUCCESS", "SUCCESS"], "aliases": aliases,
                  "versions": versions, "deleted": "SUCCESS", "tags": tags}))
"""


@pytest.fixture(scope="session")
def installed():
    """Install a client once a day, and return its folder. Without a network, the test is skipped, except in CI."""

    def install(name, *commands):
        day = datetime.datetime.now(tz=datetime.UTC).date()
        folder = Path(tempfile.gettempdir()) / f"imgver-clients-{getpass.getuser()}" / f"{name}-{day}"
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with folder.with_name(f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "complete").exists():
                for old in folder.parent.glob(f"{name}-20*/"):
                    shutil.rmtree(old)
                folder.mkdir()
                for command in commands:
                    done = subprocess.run(
                        [str(part).replace("FOLDER", str(folder)) for part in command],
                        cwd=folder,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        text=True,
                        check=False,
                    )
                    if done.returncode and "REQUIRE_CLIENTS" not in os.environ:
                        pytest.skip(f"{name} cannot be installed: {done.stdout}{done.stderr}")
                    assert done.returncode == 0, done.stdout + done.stderr
                (folder / "complete").touch()
        return folder

    return install


@pytest.fixture(scope="session")
def python_with(installed):
    """The Python of a new environment with a requirement."""

    def install(name, requirement):
        python = "FOLDER/bin/python"
        search = os.pathsep.join([sys.prefix, f"{sys.prefix}/bin", os.environ["PATH"]])
        if uv := shutil.which("uv", path=search):
            commands = (
                (uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, "FOLDER"),
                (uv, "pip", "install", "--quiet", "--python", python, requirement),
            )
        else:
            commands = ((sys.executable, "-m", "venv", "FOLDER"), (python, "-m", "pip", "install", requirement))
        return installed(name, *commands) / "bin" / "python"

    return install


@pytest.fixture
def run(sandbox, push, name):
    """Run a program that uses an image, and return its result and that of every client."""

    def run(*command, cwd=None):
        base_image, _ = push(sandbox)
        done = subprocess.run(
            [*command, name, base_image, ROLE],
            cwd=cwd,
            env={**sandbox.environment(), "AWS_MAX_ATTEMPTS": "10"},  # a write can meet the lock of the one before
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout), {
            "arn": f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:image-version/{name}/1",
            "waited": ["SUCCESS", "SUCCESS"],
            "aliases": [["a"], ["b"]],
            "versions": [[1]],
            "deleted": "SUCCESS",
            "tags": [{"Key": "team", "Value": "science"}],
        }

    return run


@pytest.mark.parametrize(("name_of_client", "requirement"), [("boto3", "boto3"), ("boto3-1.43", "boto3==1.43.*")])
def test_boto3(python_with, run, name_of_client, requirement):
    result, expected = run(python_with(name_of_client, requirement), "-c", PYTHON)

    assert result == expected


def test_the_javascript_sdk(installed, run):
    node = cdk_cli.installed().node_folder / "node"
    npm = cdk_cli._npm(node)
    arguments = ("install", "--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--prefix", "FOLDER")
    folder = installed("javascript", (*npm, *arguments, "@aws-sdk/client-sagemaker"))
    package = json.loads((folder / "node_modules/@aws-sdk/client-sagemaker/package.json").read_text())
    (folder / "client.js").write_text(JAVASCRIPT)

    result, expected = run(node, "client.js", cwd=folder)

    # The waiter of 3.1142.0 waits for the error ResourceNotFoundException, which SageMaker does not return, until its
    # time is over.
    if "TIMEOUT" in result["deleted"]:
        assert "does not exist" in result["deleted"], package["version"]
        expected["deleted"] = result["deleted"]
    assert result == expected
