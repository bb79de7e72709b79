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
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import RESPONSE_TIME_BUDGET, Deadline
from imgver_sandbox.sagemaker.service import ServiceError

CONTEXT = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


@pytest.fixture
def created_clients(aws, monkeypatch):
    """The clients that the function creates, to which the account responds, as (service, region, config)."""
    client = aws.handler_client("sagemaker")
    created = []

    def create_client(service, *, region_name, config):
        created.append((service, region_name, config))
        return client

    monkeypatch.setattr(clients, "session", lambda: types.SimpleNamespace(create_client=create_client))
    clients.client.cache_clear()
    yield created
    clients.client.cache_clear()


@pytest.fixture
def responses(aws, monkeypatch):
    """The responses that the function sends, as (url, body), on the account's clock."""
    responses = []

    def deadline(time_left):
        assert time_left() == 900
        end = aws.clock.now() + time_left()
        return Deadline(time_left=lambda: end - aws.clock.now(), now=aws.clock.now, sleep=aws.clock.advance)

    def send(url, body, deadline, log):
        responses.append((url, json.loads(body)))
        log.info("sent", in_time=deadline.wait(890))

    monkeypatch.setattr(index, "Deadline", deadline)
    monkeypatch.setattr(index, "send", send)
    monkeypatch.setattr(index, "throttle_state", ThrottleState())
    return responses


def test_events_are_handled_with_one_client(aws, event, created_clients, responses, capsys):
    events = [event("image_version_create") for _ in range(2)]
    for each in events:
        index.handler(each, CONTEXT)

    assert [url for url, _ in responses] == [each["ResponseURL"] for each in events]
    assert [response["Status"] for _, response in responses] == ["SUCCESS", "SUCCESS"]
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    ((service, region, config),) = created_clients
    assert (service, region) == ("sagemaker", None)
    # The gateway retries, and a call that starts as late as possible leaves time for the function's own response.
    assert config.retries == {"total_max_attempts": 1}
    assert RESPONSE_TIME_BUDGET - config.connect_timeout - config.read_timeout >= 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Sending the response may use the time that was reserved for it.
    assert [line["message"] for line in lines[-2:]] == ["done", "sent"]
    assert lines[-1]["in_time"] is True
    assert {line["logical_resource_id"] for line in lines} == {"Version"}


def test_throttling_is_remembered_for_the_next_event(aws, event, created_clients, responses, monkeypatch):
    monkeypatch.setattr(index, "send", lambda *_: None)
    aws.refuse("CreateImageVersion", ServiceError("ThrottlingException", "Rate exceeded"))
    index.handler(event("image_version_create"), CONTEXT)
    times = []
    aws.service.before_call = lambda _call: times.append(aws.clock.now())

    index.handler(event("image_version_create"), CONTEXT)

    # THEN its first poll is not sent at once
    created, polled, *_ = times
    assert polled - created == 5.0


START = """
import json, sys
import index
from imgver_handler.aws import clients
print(json.dumps({"clients": clients.client.cache_info().currsize, "boto3": "boto3" in sys.modules}))
"""


@pytest.mark.parametrize(("region", "created"), [("eu-west-1", 1), ("", 0)])
def test_a_start_creates_the_client_that_every_event_needs(region, created):
    # GIVEN Lambda's environment, or one in which no client can be created
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": region,
        "PYTHONPATH": str(Path(index.__file__).parent),
    }

    done = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.splitlines()[-1]) == {"clients": created, "boto3": False}
