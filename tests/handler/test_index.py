"""The function's entry point, as Lambda calls it."""

import json
import types

import boto3
import index
import pytest
from imgver_handler.gateway import AwsGateway
from imgver_handler.log import Log
from imgver_handler.timing import Timing


@pytest.fixture
def context():
    """Lambda's context with 900 s left."""
    return types.SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


def test_an_event_is_handled_and_answered_and_logged(aws, event, context, monkeypatch, capsys):
    # GIVEN the runtime's boto3, time and way to CloudFormation
    configs = []
    answers = []

    def client(service, *, region_name, config):
        configs.append((service, region_name, config))
        return aws.client(service)

    def put(url, body, timing, log):
        answers.append((url, json.loads(body)))
        log.info("answered", in_time=timing.wait(890))

    monkeypatch.setattr(boto3, "client", client)
    monkeypatch.setattr(index, "Timing", lambda time_left: _timing(aws, time_left))
    monkeypatch.setattr(index, "put", put)
    create = event("image_version_create")

    # WHEN
    index.handler(create, context)

    # THEN
    ((url, answer),) = answers
    assert url == create["ResponseURL"]
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}
    # Retries are the handler's own, and one client does for all calls.
    ((service, region, config),) = configs
    assert (service, region) == ("sagemaker", None)
    assert (config.connect_timeout, config.read_timeout) == (5, 30)
    assert config.retries == {"total_max_attempts": 1}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # The answer may take the time that was kept for it.
    assert [line["message"] for line in lines[-2:]] == ["done", "answered"]
    assert lines[-1]["in_time"] is True
    assert {line["logical_resource_id"] for line in lines} == {"Version"}


def test_ecr_is_called_in_the_registrys_region(aws, monkeypatch):
    # GIVEN
    made = []

    def client(service, *, region_name, config):
        made.append((service, region_name))
        return aws.client(service)

    monkeypatch.setattr(boto3, "client", client)
    gateway = AwsGateway(timing=_timing(aws, lambda: 900), log=Log(write=lambda _line: None))

    # WHEN
    gateway.container_image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0")

    # THEN
    assert made == [("ecr", "eu-west-1")]


def _timing(aws, time_left):
    assert time_left() == 900
    end = aws.clock.now() + time_left()
    return Timing(time_left=lambda: end - aws.clock.now(), now=aws.clock.now, sleep=aws.clock.advance)
