"""The function's entry point, as Lambda calls it."""

import contextlib
import http.server
import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import index
import pytest
import start_failure
from harness import ID
from imgver_handler.aws import clients
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import RESPONSE_TIME_BUDGET, Deadline
from imgver_sandbox.sagemaker.service import ServiceError

CONTEXT = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


@pytest.fixture
def created_clients(aws, monkeypatch):
    """The clients that the function creates, to which the account responds, as (service, region, config)."""
    account = {service: aws.handler_client(service) for service in ("sagemaker", "cloudformation")}
    created = []

    def create_client(service, *, region_name, config):
        created.append((service, region_name, config))
        return account[service]

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


def test_events_are_handled_with_one_client_of_each_service(aws, event, created_clients, responses, capsys):
    events = [event("image_version_create") for _ in range(2)]
    for each in events:
        index.handler(each, CONTEXT)

    assert [url for url, _ in responses] == [each["ResponseURL"] for each in events]
    assert [response["Status"] for _, response in responses] == ["SUCCESS", "SUCCESS"]
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert [(service, region) for service, region, _ in created_clients] == [
        ("sagemaker", None),
        ("cloudformation", None),
    ]
    config = created_clients[0][2]
    # The gateway retries, and a call that starts as late as possible leaves time for the function's own response.
    assert config.retries == {"total_max_attempts": 1}
    assert RESPONSE_TIME_BUDGET - config.connect_timeout - config.read_timeout >= 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # Sending the response may use the time that was reserved for it.
    assert [line["message"] for line in lines[-3:]] == ["done", "sent", "DescribeStacks: OK"]
    assert lines[-2]["in_time"] is True
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


LAMBDA = Path(index.__file__).parent
DELIVER = "import index, json, sys; index.handler(json.load(sys.stdin), None)"
SECRET = "X-Amz-Signature=0b1c2d3e"


@pytest.fixture
def bucket():
    """CloudFormation's bucket: a function that starts it with statuses, as (url, received responses)."""
    with contextlib.ExitStack() as stack:

        def start(*statuses):
            remaining, received = list(statuses), []

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_PUT(self):
                    assert self.headers["Content-Type"] == ""
                    received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                    self.send_response(remaining.pop(0) if remaining else 200)
                    self.end_headers()

                def log_message(self, *_):
                    pass

            server = stack.enter_context(http.server.HTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/response?{SECRET}", received

        yield start


BROKEN = {
    "imgver_handler/aws/gateway.py": ("import nonsense\n", "ModuleNotFoundError: No module named 'nonsense'"),
    "imgver_handler/__init__.py": ("1 +\n", "SyntaxError: invalid syntax (__init__.py, line 1)"),
    "imgver_handler/cloudformation/response.py": ("raise OSError('é' * 9999)\n", f"OSError: {'é' * 491}"),
    "botocore/__init__.py": ("", "ModuleNotFoundError: No module named 'botocore.config'"),
}


@pytest.mark.parametrize("module", BROKEN)
def test_r64_an_event_fails_with_the_cause_when_an_import_fails(event, bucket, tmp_path, module):
    source, cause = BROKEN[module]
    shutil.copytree(LAMBDA, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / module).parent.mkdir(exist_ok=True)
    (tmp_path / module).write_text(source)
    url, received = bucket()
    sent = event("image_version_create") | {"ResponseURL": url}

    done = subprocess.run(
        [sys.executable, "-c", DELIVER],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=True,
    )

    assert received == [
        {
            "Status": "FAILED",
            "Reason": f"the function could not start: {cause}. Deploy it again from a complete release of the library.",
            "PhysicalResourceId": f"not-created:{sent['RequestId']}",
            **{name: sent[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        }
    ]
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["request_id"] == sent["RequestId"]
    assert json.loads(line)["trace"].startswith("Traceback")
    assert "Signature" not in done.stdout + done.stderr


@pytest.fixture
def handler(monkeypatch):
    """The handler of a function that could not start. It does not really wait."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with monkeypatch.context() as broken:
        broken.setitem(sys.modules, "imgver_handler.dispatch", None)
        return runpy.run_path(index.__file__)["handler"]


@pytest.mark.parametrize(
    ("request_type", "physical_id", "status"),
    [
        ("Delete", "not-created:1", "SUCCESS"),
        ("Delete", "DataScience-Version-1A2B3C4D5E6F", "SUCCESS"),
        ("Delete", ID, "FAILED"),
        ("Delete", "data-science/latest", "FAILED"),
        ("Update", "not-created:1", "FAILED"),
    ],
)
def test_r64_only_what_was_not_created_is_deleted_without_the_handler(
    handler, event, bucket, request_type, physical_id, status
):
    url, received = bucket()
    changes = {"RequestType": request_type, "PhysicalResourceId": physical_id, "ResponseURL": url}

    handler(event("image_version_delete") | changes, CONTEXT)

    assert [(each["Status"], each["PhysicalResourceId"]) for each in received] == [(status, physical_id)]


@pytest.mark.parametrize(("statuses", "attempts"), [([500, 429], 3), ([403], 1)])
def test_r64_the_response_is_delivered_again_unless_its_url_has_expired(handler, event, bucket, statuses, attempts):
    url, received = bucket(*statuses)

    handler(event("image_version_create") | {"ResponseURL": url}, CONTEXT)

    assert len(received) == attempts


@pytest.mark.parametrize(("scheme", "outcome"), [("http", "URLError"), ("nonsense", "URLError"), ("", "ValueError")])
def test_r64_the_function_ends_with_an_error_when_the_response_cannot_be_delivered(
    handler, event, capsys, scheme, outcome
):
    with pytest.raises(ConnectionError) as raised:
        handler(event("image_version_create") | {"ResponseURL": f"{scheme}://127.0.0.1:9/?{SECRET}"}, CONTEXT)

    assert str(raised.value) == f"the response could not be delivered: {outcome}"
    lines = capsys.readouterr().out
    assert len(lines.splitlines()) == 1 + start_failure.ATTEMPTS
    assert "Signature" not in lines
