"""The handler as Lambda runs it, on a clock of its own, against the images service without a server."""

import copy
import json
import types
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter
from imgver_handler.aws import clients
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.dispatch import handle
from imgver_handler.logging import JsonLogger
from imgver_sandbox.in_process import client
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science"
EVENTS = Path(__file__).parent.parent / "events"
MAX_ANSWER_BYTES = 4096


class CloudFormation:
    """What the handler asks of CloudFormation: the status of the stack."""

    def __init__(self) -> None:
        self.status = "UPDATE_IN_PROGRESS"
        self.meta = types.SimpleNamespace(events=HierarchicalEmitter())

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        self.meta.events.emit(
            "provide-client-params.cloudformation.DescribeStacks",
            params={"StackName": StackName},
            model=types.SimpleNamespace(name="DescribeStacks"),
        )
        return {"Stacks": [{"StackStatus": self.status}]}


class Aws:
    """An account with one repository and one image: ``data-science``."""

    def __init__(self, *, assumptions: Assumptions | None = None, **service_options: Any) -> None:
        self.clock = ManualClock()
        self.registry = InMemoryRegistry()
        self.assumptions = assumptions or Assumptions()
        self.service = ImagesService(
            clock=self.clock, registry=self.registry, assumptions=self.assumptions, **service_options
        )
        self.sagemaker = self.client("sagemaker")
        self.cloudformation = CloudFormation()
        for tag in ("1.0.0", "1.1.0"):
            self.registry.push(f"{REPOSITORY}:{tag}")
        self.create_image("data-science")

    def client(self, service: str, _region: str | None = None) -> Any:
        if service == "cloudformation":
            return self.cloudformation
        return client(service, self.service, region=REGION, account=ACCOUNT)

    def function_client(self, service: str, _region: str | None = None) -> Any:
        """A client with what the function knows of AWS, answered as every other."""
        if service == "cloudformation":
            return self.cloudformation
        return function_client(self.client(service))

    def create_image(self, name: str) -> None:
        self.sagemaker.create_image(ImageName=name, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/image")
        self.clock.advance(60)

    def versions(self, image: str = "data-science") -> dict[int, str]:
        """Every version's status, by number."""
        pages = self.sagemaker.get_paginator("list_image_versions").paginate(ImageName=image)
        listed = [version for page in pages for version in page["ImageVersions"]]
        return {version["Version"]: version["ImageVersionStatus"] for version in listed}

    def describe(self, version: int, image: str = "data-science") -> dict[str, Any]:
        return self.sagemaker.describe_image_version(ImageName=image, Version=version)

    def aliases(self, version: int, image: str = "data-science") -> list[str]:
        return sorted(self.sagemaker.list_aliases(ImageName=image, Version=version)["SageMakerImageVersionAliases"])

    def create_version(self, image: str = "data-science", tag: str = "1.0.0", **parameters: Any) -> int:
        """A version that somebody made by other means than the handler."""
        answer = self.sagemaker.create_image_version(
            ImageName=image, BaseImage=f"{REPOSITORY}:{tag}", ClientToken=str(uuid.uuid4()), **parameters
        )
        self.clock.advance(60)
        return int(answer["ImageVersionArn"].rpartition("/")[2])


def function_client(answering: Any) -> Any:
    """A client with what the function knows of AWS, whose every call the client ``answering`` answers."""
    service = answering.meta.service_model.service_name
    made = clients._session().create_client(
        service,
        region_name=REGION,
        aws_access_key_id="function",
        aws_secret_access_key="function",
        config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
    )

    def answer(event_name: str, request: Any, **_: Any) -> Any:
        return answering.meta.events.emit_until_response(event_name, request=request)[1]

    made.meta.events.register(f"before-send.{service}", answer)
    return made


@dataclass
class Function:
    """The deployed function: delivers events to the handler and keeps what came of them."""

    aws: Aws
    logs: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: float = 900
    chance: float = 0.5
    before_call: Callable[[str, dict[str, Any]], None] | None = None
    throttle_state: ThrottleState = field(default_factory=ThrottleState)

    def deliver(self, event: dict[str, Any]) -> dict[str, Any]:
        """Handle the event; answers what CloudFormation got."""
        end = self.aws.clock.now() + self.seconds
        deadline = Deadline(
            time_left=lambda: end - self.aws.clock.now(),
            now=self.aws.clock.now,
            sleep=self.aws.clock.advance,
            random_fraction=lambda: self.chance,
        )
        log = JsonLogger(write=lambda line: self.logs.append(json.loads(line)))
        answers: list[bytes] = []
        self.calls.clear()
        handle(
            event,
            gateway=AwsGateway(
                deadline=deadline, log=log, throttle_state=self.throttle_state, create_client=self._client
            ),
            deadline=deadline,
            log=log,
            send=lambda _url, body, _deadline, _log: answers.append(body),
        )
        assert self.aws.clock.now() <= end, "the function's time was up before it answered"
        (body,) = answers
        assert len(body) <= MAX_ANSWER_BYTES
        answer = json.loads(body)
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert answer[name] == event.get(name, "")
        assert isinstance(answer["PhysicalResourceId"], str)
        assert answer["PhysicalResourceId"]
        return answer

    def names(self) -> list[str]:
        """The operations that the last event called, in order."""
        return [name for name, _ in self.calls]

    def _client(self, service: str, region: str | None) -> Any:
        made = self.aws.function_client(service, region)
        made.meta.events.register("provide-client-params.*", self._record)
        return made

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.before_call is not None:
            self.before_call(model.name, params)
        self.calls.append((model.name, dict(params)))


@pytest.fixture
def make_aws() -> Callable[..., Aws]:
    return Aws


@pytest.fixture
def function_of() -> Callable[[Aws], Function]:
    return Function


@pytest.fixture
def aws(make_aws: Callable[..., Aws]) -> Aws:
    return make_aws()


@pytest.fixture
def function(aws: Aws, function_of: Callable[[Aws], Function]) -> Function:
    return function_of(aws)


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Makes an event from a file of tests/events: ``event("image_version_create", BaseImage="…")``.

    A property that is None is left out. ``request_id`` defaults to a new one, as CloudFormation has it.
    """

    def make(
        name: str,
        *,
        old: dict[str, str | None] | None = None,
        physical_id: str | None = None,
        request_id: str | None = None,
        **properties: str | None,
    ) -> dict[str, Any]:
        event = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
        event["RequestId"] = request_id or str(uuid.uuid4())
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        for key, changes in (("ResourceProperties", properties), ("OldResourceProperties", old or {})):
            for property_name, value in changes.items():
                if value is None:
                    event[key].pop(property_name, None)
                else:
                    event[key][property_name] = value
        return event

    return make
