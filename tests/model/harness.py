"""The handler as Lambda runs it, on a simulated clock, against the images service in the same process."""

import copy
import functools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from imgver_handler.aws import clients
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.dispatch import handle
from imgver_handler.logging import JsonLogger
from imgver_sandbox import in_process
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/data-science/1"
SECOND_ARN = ARN.replace("/1", "/2")
LOGICAL_ID = "Version"
ID = f"{ARN}#1700000060"
"""The physical id of version 1, if it is the first version that a test creates."""
SECOND_ID = f"{SECOND_ARN}#1700000065.5"
"""The physical id of version 2, if the handler creates both versions, one right after the other."""
UNCHANGED = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
"""The properties with which the Update in tests/events declares what the Create does."""
METADATA = {
    "Horovod": False,
    "JobType": "NOTEBOOK_KERNEL",
    "MLFramework": "PyTorch 2.5",
    "Processor": "GPU",
    "ProgrammingLang": "Python 3.12",
    "ReleaseNotes": "First release",
    "VendorGuidance": "STABLE",
}
"""The metadata that the Create in tests/events declares."""
EVENTS = Path(__file__).parent.parent / "events"
MAX_RESPONSE_BYTES = 4096
EVENT_FIELDS = ("request_type", "resource_type", "stack_id", "logical_resource_id", "request_id")
COMMON_FIELDS = ("level", "message", *EVENT_FIELDS)

Deliver = Callable[..., dict[str, Any]]
"""Delivers an event with the given properties, and returns the response."""


class _CurrentService:
    """The images service of the account that is calling: all tests share the botocore clients, which call it."""

    def __init__(self) -> None:
        self.service: ImagesService | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)


_CURRENT = _CurrentService()


class _Client:
    """One of the shared clients, used for one images service."""

    def __init__(self, shared: Any, service: ImagesService) -> None:
        self._shared = shared
        self._service = service

    def __getattr__(self, name: str) -> Any:
        _CURRENT.service = self._service
        attribute = getattr(self._shared, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **parameters: Any) -> Any:
            _CURRENT.service = self._service
            return attribute(*args, **parameters)

        return call


@functools.cache
def _shared_client(service_name: in_process.ServiceName) -> Any:
    return in_process.client(service_name, cast("ImagesService", _CURRENT), region=REGION, account=ACCOUNT)


@functools.cache
def _shared_handler_client(service_name: in_process.ServiceName) -> Any:
    created = clients.session().create_client(
        service_name,
        region_name=REGION,
        aws_access_key_id="function",
        aws_secret_access_key="function",
        config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
    )
    responding = _shared_client(service_name).meta.events

    def respond(event_name: str, request: Any, **_: Any) -> Any:
        return responding.emit_until_response(event_name, request=request)[1]

    created.meta.events.register(f"before-send.{service_name}", respond)
    return created


def account_client(service_name: in_process.ServiceName, service: ImagesService) -> Any:
    """A boto3 client to which ``service`` responds."""
    return _Client(_shared_client(service_name), service)


def handler_client(service_name: in_process.ServiceName, service: ImagesService) -> Any:
    """A client with the handler's own models, to which ``service`` responds."""
    return _Client(_shared_handler_client(service_name), service)


class Crash(BaseException):
    """The end of the process, which no exception handler catches."""


class CloudFormation:
    """The part of CloudFormation that the handler calls: the status of the stack, and when its operation began."""

    def __init__(self, clock: ManualClock) -> None:
        self.status = "UPDATE_IN_PROGRESS"
        self.reason: str | None = None
        self.began_at = clock.now()
        self.physical_ids: dict[str, str] = {}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        began_at = datetime.fromtimestamp(self.began_at, UTC)
        created_at = began_at - timedelta(days=1)
        stack = {"StackStatus": self.status, "CreationTime": created_at, "LastUpdatedTime": began_at}
        if self.reason is not None:
            stack["StackStatusReason"] = self.reason
        return {"Stacks": [stack]}

    def describe_stack_resource(self, *, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        return stack_resource(LogicalResourceId, self.physical_ids.get(LogicalResourceId))


def stack_resource(logical_id: str, physical_id: str | None) -> dict[str, Any]:
    """The response of DescribeStackResource, as far as the handler reads it."""
    if physical_id is None:
        message = f"Resource {logical_id} does not exist for stack DataScience"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStackResource")
    return {"StackResourceDetail": {"PhysicalResourceId": physical_id}}


class Aws:
    """An account with one repository and one image: ``data-science``."""

    def __init__(self, *, assumptions: Assumptions | None = None, **service_options: Any) -> None:
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        self.assumptions = assumptions or Assumptions()
        self.service = ImagesService(
            clock=self.clock, registry=self.registry, assumptions=self.assumptions, **service_options
        )
        self.sagemaker = account_client("sagemaker", self.service)
        self.cloudformation = CloudFormation(self.clock)
        for tag in ("1.0.0", "1.1.0"):
            self.registry.push(f"{REPOSITORY}:{tag}")
        self.create_image("data-science")

    def handler_client(self, service_name: Any, _region: str | None = None) -> Any:
        """A client as the handler has it."""
        return self.cloudformation if service_name == "cloudformation" else handler_client(service_name, self.service)

    def create_image(self, name: str) -> None:
        self.sagemaker.create_image(ImageName=name, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
        self.clock.advance(60)

    def create_version(self, image: str = "data-science", tag: str = "1.0.0", **parameters: Any) -> int:
        """Create a version without the handler."""
        created = self.sagemaker.create_image_version(
            ImageName=image, BaseImage=f"{REPOSITORY}:{tag}", ClientToken=str(uuid.uuid4()), **parameters
        )
        self.clock.advance(60)
        return int(created["ImageVersionArn"].rpartition("/")[2])

    def update_version(self, version: int, **changes: Any) -> None:
        """Change a version of data-science without the handler."""
        self.sagemaker.update_image_version(ImageName="data-science", Version=version, **changes)
        self.clock.advance(1)

    def delete_version(self, version: int) -> None:
        """Delete a version of data-science without the handler, and wait until it is gone."""
        self.sagemaker.delete_image_version(ImageName="data-science", Version=version)
        self.clock.advance(60)

    def versions(self, image: str = "data-science") -> dict[int, str]:
        """The statuses of all versions, by number."""
        pages = self.sagemaker.get_paginator("list_image_versions").paginate(ImageName=image)
        listed = [version for page in pages for version in page["ImageVersions"]]
        return {version["Version"]: version["ImageVersionStatus"] for version in listed}

    def describe(self, version: int, image: str = "data-science") -> dict[str, Any]:
        return cast("dict[str, Any]", self.sagemaker.describe_image_version(ImageName=image, Version=version))

    def physical_id(self, version: int, image: str = "data-science") -> str:
        """The physical id of the resource that owns a version."""
        described = self.describe(version, image)
        return f"{described['ImageVersionArn']}#{described['CreationTime'].timestamp()}".removesuffix(".0")

    def aliases(self, version: int, image: str = "data-science") -> list[str]:
        return sorted(self.sagemaker.list_aliases(ImageName=image, Version=version)["SageMakerImageVersionAliases"])

    def refuse(self, operation: str | None, *errors: Exception, forever: bool = False) -> list[str]:
        """Let the service refuse the next calls of an operation (None: of any) with these errors.

        With ``forever``, the last error is returned from then on. Returns the list of operations that are called.
        """
        remaining = list(errors)
        called: list[str] = []

        def before_call(call: Any) -> None:
            called.append(call.operation)
            if operation in (None, call.operation) and remaining:
                raise remaining[0] if forever and len(remaining) == 1 else remaining.pop(0)

        self.service.before_call = before_call
        return called

    def describe_as(self, *statuses: str) -> None:
        """Let the service return these statuses from the next calls of DescribeImageVersion."""
        remaining = list(statuses)
        call = self.service.call

        def changed(operation: str, parameters: Any, **where: Any) -> dict[str, Any]:
            response = call(operation, parameters, **where)
            if operation == "DescribeImageVersion" and remaining:
                response["ImageVersionStatus"] = remaining.pop(0)
            return response

        self.service.call = changed  # type: ignore[method-assign]


class InterceptedClient:
    """A client whose calls go through ``perform``, which gets the operation, the client's method and the parameters."""

    def __init__(self, client: Any, perform: Callable[[str, Callable[..., Any], dict[str, Any]], Any]) -> None:
        self._client = client
        self._perform = perform

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        operation = "".join(word.capitalize() for word in name.split("_"))
        return lambda **parameters: self._perform(operation, method, parameters)


def run_handler(
    event: dict[str, Any],
    *,
    clock: ManualClock,
    seconds: float,
    sleep: Callable[[float], None],
    random_fraction: Callable[[], float],
    create_client: Callable[[str, str | None], Any],
    throttle_state: ThrottleState,
    logs: list[dict[str, Any]],
    send: Callable[[dict[str, Any]], None],
) -> None:
    """Run one invocation, which must send a response of the allowed size within ``seconds``."""
    end = clock.now() + seconds
    deadline = Deadline(
        time_left=lambda: end - clock.now(), now=clock.now, sleep=sleep, random_fraction=random_fraction
    )
    log = JsonLogger(write=lambda line: logs.append(json.loads(line)))
    gateway = AwsGateway(deadline=deadline, log=log, throttle_state=throttle_state, create_client=create_client)

    def check_and_send(_url: str, body: bytes, _deadline: Deadline, _log: JsonLogger) -> None:
        assert len(body) <= MAX_RESPONSE_BYTES
        send(json.loads(body))

    handle(event, gateway=gateway, deadline=deadline, log=log, send=check_and_send)
    assert clock.now() <= end, "the function's time was up before it sent a response"


@dataclass
class Function:
    """The deployed function: delivers events to the handler, and keeps the calls and the log."""

    aws: Aws
    logs: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: float = 900
    before_call: Callable[[str, dict[str, Any]], None] | None = None
    sleep: Callable[[float], None] | None = None
    """Lets time pass. Default: the clock is advanced at once."""
    random_fraction: Callable[[], float] = lambda: 0.5
    throttle_state: ThrottleState = field(default_factory=ThrottleState)
    _first_line: int = 0

    def deliver(self, event: dict[str, Any]) -> dict[str, Any]:
        """Handle the event and return the response that CloudFormation gets."""
        self.calls.clear()
        self._first_line = len(self.logs)
        responses: list[dict[str, Any]] = []
        run_handler(
            event,
            clock=self.aws.clock,
            seconds=self.seconds,
            sleep=self.sleep or self.aws.clock.advance,
            random_fraction=self.random_fraction,
            create_client=self._client,
            throttle_state=self.throttle_state,
            logs=self.logs,
            send=responses.append,
        )
        (response,) = responses
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert response[name] == event.get(name, "")
        assert isinstance(response["PhysicalResourceId"], str)
        assert response["PhysicalResourceId"]
        return response

    def names(self) -> list[str]:
        """The operations that the last event called, in order."""
        return [name for name, _ in self.calls]

    def decisions(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The log of the last event as (level, message, fields), without calls, results and the event's own fields."""
        lines = [line for line in self.logs[self._first_line :] if "operation" not in line]
        return [
            (line["level"], line["message"], {name: line[name] for name in line if name not in COMMON_FIELDS})
            for line in lines
            if line["message"] not in ("done", "failed")
        ]

    def _client(self, service_name: str, region: str | None) -> InterceptedClient:
        return InterceptedClient(self.aws.handler_client(service_name, region), self._perform)

    def _perform(self, operation: str, method: Callable[..., Any], parameters: dict[str, Any]) -> Any:
        if self.before_call is not None:
            self.before_call(operation, parameters)
        self.calls.append((operation, dict(parameters)))
        return method(**parameters)


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def function(aws: Aws) -> Function:
    return Function(aws)


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Creates an event from a file in tests/events: ``event("image_version_create", BaseImage="…")``.

    A property that is None is left out. Every event has a RequestId of its own, as CloudFormation's events have. Its
    time is after that of the clock, unless ``sent_at`` is given, in seconds since the epoch.
    """

    def create(
        name: str,
        *,
        old: dict[str, str | None] | None = None,
        physical_id: str | None = None,
        sent_at: float | None = None,
        **properties: str | None,
    ) -> dict[str, Any]:
        event: dict[str, Any] = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
        event["RequestId"] = str(uuid.uuid4())
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if sent_at is not None:
            signed_at = datetime.fromtimestamp(sent_at, UTC)
            event["ResponseURL"] = f"https://example.invalid/response?X-Amz-Date={signed_at:%Y%m%dT%H%M%SZ}"
        for key, changes in (("ResourceProperties", properties), ("OldResourceProperties", old or {})):
            for property_name, value in changes.items():
                if value is None:
                    event[key].pop(property_name, None)
                else:
                    event[key][property_name] = value
        return event

    return create


@pytest.fixture
def crash_before_poll(function: Function) -> Callable[[dict[str, Any]], None]:
    """Delivers an event, and ends the process after CreateImageVersion."""

    def deliver(event: dict[str, Any]) -> None:
        def before_call(operation: str, _parameters: dict[str, Any]) -> None:
            if operation == "DescribeImageVersion" and "CreateImageVersion" in function.names():
                raise Crash

        function.before_call = before_call
        with pytest.raises(Crash):
            function.deliver(event)
        function.before_call = None

    return deliver


@pytest.fixture
def create(function: Function, event: Deliver) -> Deliver:
    """Delivers the Create of a version."""
    return lambda **properties: function.deliver(event("image_version_create", **properties))


@pytest.fixture
def update(function: Function, event: Deliver) -> Deliver:
    """Delivers an Update of a version, which changes nothing but what the properties say."""
    return lambda **changes: function.deliver(event("image_version_update", **UNCHANGED | changes))


@pytest.fixture
def delete(function: Function, event: Deliver) -> Deliver:
    """Delivers the Delete of a version."""
    return lambda **properties: function.deliver(event("image_version_delete", **properties))


@pytest.fixture
def alias(function: Function, event: Deliver) -> Deliver:
    """Delivers an event of an alias: ``alias("create", Version="2")``."""
    return lambda action, **properties: function.deliver(event(f"image_alias_{action}", **properties))


class Studio:
    """A Studio domain in an account, which offers nothing at first."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        for config in ("jupyter-lab", "other"):
            aws.sagemaker.create_app_image_config(AppImageConfigName=config)
        self.domain_id = aws.sagemaker.create_domain(
            DomainName="studio", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/x"}
        )["DomainId"]
        aws.clock.advance(60)
        self.place = f"{self.domain_id}/DefaultUserSettings/JupyterLab/data-science/jupyter-lab"
        """The physical id of the attachment in tests/events."""

    def run_space(self, number: int) -> None:
        """Run a space of a new user on a version of data-science."""
        where = {"DomainId": self.domain_id}
        self._aws.sagemaker.create_user_profile(**where, UserProfileName="ann")
        self._aws.clock.advance(60)
        self._aws.sagemaker.create_space(
            **where,
            SpaceName="lab",
            OwnershipSettings={"OwnerUserProfileName": "ann"},
            SpaceSharingSettings={"SharingType": "Private"},
            SpaceSettings={"AppType": "JupyterLab"},
        )
        self._aws.clock.advance(60)
        self._aws.sagemaker.create_app(
            **where,
            SpaceName="lab",
            AppType="JupyterLab",
            AppName="default",
            ResourceSpec={
                "InstanceType": "ml.t3.medium",
                "SageMakerImageVersionArn": self._aws.describe(number)["ImageVersionArn"],
            },
        )
        self._aws.clock.advance(60)

    def offer(self, *images: tuple[str, int, str], settings: str = "DefaultUserSettings", **members: Any) -> None:
        """Set the images of JupyterLab, as (image, version, app image config), and other members, by hand."""
        names = ("ImageName", "ImageVersionNumber", "AppImageConfigName")
        custom_images = [dict(zip(names, image, strict=True)) for image in images]
        app_settings = {"JupyterLabAppSettings": {**members, "CustomImages": custom_images}}
        self._aws.sagemaker.update_domain(DomainId=self.domain_id, **{settings: app_settings})
        self._aws.clock.advance(60)

    def settings(self) -> dict[str, Any]:
        """The settings of JupyterLab."""
        described = self._aws.sagemaker.describe_domain(DomainId=self.domain_id)
        return cast("dict[str, Any]", described["DefaultUserSettings"].get("JupyterLabAppSettings", {}))

    def offered(self) -> list[tuple[str, int, str]]:
        """The images of JupyterLab, as (image, version, app image config)."""
        names = ("ImageName", "ImageVersionNumber", "AppImageConfigName")
        return [tuple(image[name] for name in names) for image in self.settings().get("CustomImages", [])]


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws)


@pytest.fixture
def attachment(function: Function, event: Deliver, studio: Studio) -> Deliver:
    """Delivers an event of an attachment: ``attachment("create", Version="2")``."""

    def deliver(action: str, *, physical_id: str | None = None, **properties: Any) -> dict[str, Any]:
        given = {"DomainId": studio.domain_id} | properties
        if action != "create":
            given["physical_id"] = physical_id or studio.place
        if action == "update":
            given["old"] = {"DomainId": studio.domain_id} | properties.get("old", {})
        return function.deliver(event(f"image_attachment_{action}", **given))

    return deliver


@pytest.fixture
def retention(function: Function, event: Deliver) -> Deliver:
    """Delivers an event of a retention: ``retention("create", Keep="1")``."""
    return lambda action, **properties: function.deliver(event(f"image_retention_{action}", **properties))
