"""The function's entry point, as Lambda calls it."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import index
import pytest
from imgver_handler.aws import clients
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import RESPONSE_TIME_BUDGET, Deadline
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError


@pytest.fixture
def context():
    """Lambda's context with 900 s left."""
    return types.SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


@pytest.fixture
def function_clients(aws, monkeypatch):
    """The function's own clients, answered by the account; those that were asked for."""
    answered = {service: aws.handler_client(service) for service in ("sagemaker", "ecr")}
    made = []

    def create_client(service, *, region_name, config):
        made.append((service, region_name, config))
        return answered[service]

    monkeypatch.setattr(clients, "_session", lambda: types.SimpleNamespace(create_client=create_client))
    clients.client.cache_clear()
    yield made
    clients.client.cache_clear()


def test_an_event_is_handled_and_answered_and_logged(aws, event, context, function_clients, monkeypatch, capsys):
    # GIVEN the runtime's time and way to CloudFormation
    answers = []

    def put(url, body, deadline, log):
        answers.append((url, json.loads(body)))
        log.info("answered", in_time=deadline.wait(890))

    monkeypatch.setattr(index, "Deadline", lambda time_left: _deadline(aws, time_left))
    monkeypatch.setattr(index, "send", put)
    create = event("image_version_create")

    # WHEN
    index.handler(create, context)

    # THEN
    ((url, answer),) = answers
    assert url == create["ResponseURL"]
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}
    # Retries are the handler's own, and one client does for all calls.
    ((service, region, config),) = function_clients
    assert (service, region) == ("sagemaker", None)
    # A call that nobody answers, begun as late as may be, leaves time for the answer.
    assert RESPONSE_TIME_BUDGET - config.connect_timeout - config.read_timeout >= 3
    assert config.retries == {"total_max_attempts": 1}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # The answer may take the time that was kept for it.
    assert [line["message"] for line in lines[-2:]] == ["done", "answered"]
    assert lines[-1]["in_time"] is True
    assert {line["logical_resource_id"] for line in lines} == {"Version"}


def test_the_next_event_finds_the_clients_made(aws, event, context, function_clients, monkeypatch):
    # GIVEN an event handled
    monkeypatch.setattr(index, "Deadline", lambda time_left: _deadline(aws, time_left))
    monkeypatch.setattr(index, "send", lambda *_: None)
    index.handler(event("image_version_create"), context)

    # WHEN
    index.handler(event("image_version_create"), context)

    # THEN
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert len(function_clients) == 1


def test_the_next_event_remembers_that_it_is_crowded(aws, event, context, function_clients, monkeypatch):
    # GIVEN an event that was throttled once
    remaining = [ServiceError("ThrottlingException", "Rate exceeded")]
    calls = []

    def before_call(call):
        calls.append((call.operation, aws.clock.now()))
        if remaining:
            raise remaining.pop()

    aws.service.before_call = before_call
    monkeypatch.setattr(index, "throttle_state", ThrottleState())
    monkeypatch.setattr(index, "Deadline", lambda time_left: _deadline(aws, time_left))
    monkeypatch.setattr(index, "send", lambda *_: None)
    index.handler(event("image_version_create"), context)
    calls.clear()

    # WHEN
    index.handler(event("image_version_create"), context)

    # THEN it does not look at once
    (_, created), (_, looked), *_ = calls
    assert looked - created == 2.0


def test_ecr_is_called_in_the_registrys_region(aws, function_clients):
    # GIVEN
    gateway = AwsGateway(
        deadline=_deadline(aws, lambda: 900), log=JsonLogger(write=lambda _line: None), throttle_state=ThrottleState()
    )

    # WHEN
    gateway.describe_ecr_image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")

    # THEN
    assert [(service, region) for service, region, _ in function_clients] == [("ecr", "eu-west-1")]


START = """
import gc, json, sys
import index
from imgver_handler.aws import clients
print(json.dumps({
    "made": clients.client.cache_info().currsize,
    "collects": gc.isenabled(),
    "boto3": "boto3" in sys.modules,
}))
"""


@pytest.mark.parametrize(("region", "made"), [("eu-west-1", 1), ("", 0)])
def test_a_start_makes_the_client_that_events_need(region, made):
    # GIVEN Lambda's environment, or one that no client can be made in
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": region,
        "PYTHONPATH": str(Path(index.__file__).parent),
    }

    # WHEN
    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_outsend=True, text=True, check=True)

    # THEN
    assert json.loads(done.stdout.splitlines()[-1]) == {"made": made, "collects": True, "boto3": False}


def _deadline(aws, time_left):
    assert time_left() == 900
    end = aws.clock.now() + time_left()
    return Deadline(time_left=lambda: end - aws.clock.now(), now=aws.clock.now, sleep=aws.clock.advance)
