"""A sandbox for the stories of the pages, and a quick way to deploy to it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.runtime.sandbox import Sandbox
from story import BIN, Deploy, Synthesize


@pytest.fixture
def synthesize(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Synthesize:
    """Run the source of an app with context values; answer the folder of its assembly."""
    make = cdk.App.__init__

    def synthesize(source: str, context: Mapping[str, str]) -> Path:
        folder = tmp_path_factory.mktemp("cdk.out")

        def make_here(self: cdk.App, **props: Any) -> None:
            make(self, outdir=str(folder), context=dict(context), analytics_reporting=False, **props)

        with monkeypatch.context() as patch:
            patch.setattr(cdk.App, "__init__", make_here)
            exec(compile(source, "the app of the page", "exec"), {"__name__": "__main__"})
        return folder

    return synthesize


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """What ``imgver-sandbox start`` starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGVER_SANDBOX_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        subprocess.run([BIN / "imgver-sandbox", "start"], check=True, capture_output=True)
        sandbox = Sandbox.running()
        assert sandbox is not None
        yield sandbox
        subprocess.run([BIN / "imgver-sandbox", "stop"], check=True, capture_output=True)


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    """The same, with what ``cdk bootstrap`` brings and nothing else."""
    started.reset()
    # Versions that are ready at once: how long they take is not what the pages are about.
    started.faults.slow(0.2, times=100)
    started.client("s3").create_bucket(
        Bucket=f"cdk-hnb659fds-assets-{started.account}-{started.region}",
        CreateBucketConfiguration={"LocationConstraint": started.region},
    )
    started.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    return started


@pytest.fixture
def deploy(sandbox: Sandbox, synthesize: Synthesize) -> Deploy:
    """Do what ``cdk deploy`` does, without its polls of five seconds."""

    def deploy(source: str, context: Mapping[str, str]) -> int:
        folder = synthesize(source, context)
        templates = sorted(folder.glob("*.template.json"))
        for template in templates:
            stack = template.name.removesuffix(".template.json")
            _upload(sandbox, folder, stack)
            _deploy(sandbox, stack, template.read_text())
        return len(templates)

    return deploy


def _upload(sandbox: Sandbox, folder: Path, stack: str) -> None:
    assets = json.loads((folder / f"{stack}.assets.json").read_text())
    for asset in assets["files"].values():
        path = folder / asset["source"]["path"]
        if not path.is_dir():
            continue
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for member in sorted(path.rglob("*")):
                file.write(member, member.relative_to(path))
        (place,) = asset["destinations"].values()
        bucket = f"cdk-hnb659fds-assets-{sandbox.account}-{sandbox.region}"
        sandbox.client("s3").put_object(Bucket=bucket, Key=place["objectKey"], Body=archive.getvalue())


def _deploy(sandbox: Sandbox, stack: str, template: str) -> None:
    client = sandbox.client("cloudformation")
    known = [one["StackName"] for one in client.describe_stacks()["Stacks"]]
    change = client.update_stack if stack in known else client.create_stack
    try:
        change(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    except ClientError as refused:
        if "No updates are to be performed" not in str(refused):
            raise
        return  # the CDK CLI goes on, too
    end = time.monotonic() + 60
    while (status := client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith("IN_PROGRESS"):
        assert time.monotonic() < end, status
        time.sleep(0.1)
    reasons = [
        event.get("ResourceStatusReason", "") for event in client.describe_stack_events(StackName=stack)["StackEvents"]
    ]
    assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons


@pytest.fixture
def environment() -> dict[str, str]:
    """That of a reader's commands."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error", "VIRTUAL_ENV": sys.prefix}
