"""The response to CloudFormation: its fields and size, and its delivery over real HTTP."""

import contextlib
import http.server
import json
import socket
import threading
import time
import traceback

import pytest
import start_failure
from imgver_handler.cloudformation import response
from imgver_handler.cloudformation.response import MAX_BYTES, Result, failed, send, success
from imgver_handler.deadline import Deadline
from imgver_handler.logging import JsonLogger

SECRET = "X-Amz-Signature=0b1c2d3e"
EVENT = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Version"}


class Bucket:
    """CloudFormation's bucket: responds with ``statuses`` in turn, and keeps the requests."""

    def __init__(self):
        self.statuses = []
        self.requests = []
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bucket.requests.append((self.path, self.headers, body))
                status = bucket.statuses.pop(0) if bucket.statuses else 200
                if status is None:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("Location", f"{bucket.url}&redirected")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/response?{SECRET}"


@pytest.fixture
def bucket():
    bucket = Bucket()
    thread = threading.Thread(target=bucket.server.serve_forever, args=(0.01,))
    thread.start()
    yield bucket
    bucket.server.shutdown()
    thread.join()
    bucket.server.server_close()


@pytest.fixture
def log():
    """The lines that are logged."""
    return []


@pytest.fixture
def deliver(aws, log):
    """Sends a response within a number of seconds."""

    def deliver(url, seconds=60):
        end = aws.clock.now() + seconds
        deadline = Deadline(
            time_left=lambda: end - aws.clock.now(), now=aws.clock.now, sleep=aws.clock.advance, time_budget=0
        )
        send(url, b"{}", deadline, JsonLogger(write=lambda line: log.append(json.loads(line))))

    return deliver


def test_the_response_is_sent_with_an_empty_content_type(bucket, deliver):
    deliver(bucket.url)

    ((path, headers, body),) = bucket.requests
    assert path == f"/response?{SECRET}"
    assert headers["Content-Type"] == ""
    assert body == b"{}"


@pytest.mark.parametrize("trouble", [500, 503, None], ids=str)
def test_r33_temporary_errors_are_retried_and_the_query_is_not_logged(bucket, deliver, log, trouble):
    bucket.statuses = [trouble, trouble]

    deliver(bucket.url)

    assert len(bucket.requests) == 3
    outcome = f"HTTP {trouble}" if trouble else "RemoteDisconnected"
    assert log == [{"level": "WARNING", "message": "the response was not delivered", "outcome": outcome}] * 2


@pytest.mark.parametrize("status", [204, 301, 303, 304, 307, 308, 400, 404, 408, 409, 411, 429])
def test_r63_every_status_but_success_and_403_is_retried_and_no_redirect_is_followed(bucket, deliver, log, status):
    bucket.statuses = [status]

    deliver(bucket.url)

    assert len(bucket.requests) == len(log) + 1 == (1 if status == 204 else 2)
    assert {path for path, _, _ in bucket.requests} == {f"/response?{SECRET}"}


def test_r34_a_refused_response_is_not_retried_and_logged_without_the_url(bucket, deliver, log):
    bucket.statuses = [403]

    deliver(bucket.url)

    assert len(bucket.requests) == 1
    assert log == [{"level": "ERROR", "message": "CloudFormation refused the response", "outcome": "HTTP 403"}]


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        (None, "HTTP 500"),
        (f"http://127.0.0.1:9/response?{SECRET}", "URLError"),
        (f"nonsense?{SECRET}", "ValueError"),
        (f"http://127.0.0.1:9/with space?{SECRET}", "InvalidURL"),
    ],
)
def test_r33_lambda_retries_when_the_response_cannot_be_delivered(aws, bucket, deliver, log, url, outcome):
    bucket.statuses = [500] * 1000
    start = aws.clock.now()

    with pytest.raises(ConnectionError) as raised:
        deliver(url or bucket.url, seconds=900)

    # THEN Lambda has time left to deliver the event again
    assert 270 < aws.clock.now() - start <= 300
    assert "".join(traceback.format_exception(raised.value)).endswith(
        f"ConnectionError: the response could not be delivered: {outcome}\n"
    )
    assert "Signature" not in f"{log} {''.join(traceback.format_exception(raised.value))}"


@pytest.fixture
def hanging():
    """Set at the end of a test, so that what hangs until then ends."""
    ended = threading.Event()
    yield ended
    ended.set()


@pytest.fixture
def slow_server(hanging):
    """The URL of a server that sends a single byte now and then."""

    def respond():
        # The end of the test shuts the listener down.
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                while not hanging.wait(0.05):
                    connection.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=respond)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        hanging.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("hangs", ["server", "dns"])
def test_r63_attempts_end_in_time_when_the_server_or_dns_hangs(slow_server, hanging, log, monkeypatch, hangs):
    # GIVEN attempts of 2 s, and 2.5 s in all
    monkeypatch.setattr(response, "SEND_TIMEOUT", 2.0)
    start = time.monotonic()
    deadline = Deadline(time_left=lambda: start + 2.5 - time.monotonic(), random_fraction=lambda: 0, time_budget=0)
    if hangs == "dns":
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.wait())

    with pytest.raises(ConnectionError, match="the response could not be delivered: no response in time"):
        send(slow_server, b"{}", deadline, JsonLogger(write=log.append))

    # THEN the last attempt takes what is left
    assert len(log) >= 2
    assert time.monotonic() - start < 4


def test_r64_an_attempt_without_the_handler_ends_in_time_when_the_server_hangs(slow_server, monkeypatch):
    monkeypatch.setattr(start_failure, "TIMEOUT", 0.5)
    monkeypatch.setattr(start_failure, "ATTEMPTS", 1)
    start = time.monotonic()

    with pytest.raises(ConnectionError, match="the response could not be delivered: no response in time"):
        start_failure.respond(EVENT | {"ResponseURL": slow_server}, ImportError("no"))

    assert time.monotonic() - start < 4


def test_an_attempt_to_deliver_the_response_may_take_ten_seconds():
    assert response.SEND_TIMEOUT == start_failure.TIMEOUT == 10


@pytest.mark.parametrize("letter", ["a", "é", "界", "😀", '"', "\n"])
def test_r32_a_long_reason_is_shortened_to_the_limit(letter):
    body = failed(EVENT, "id", letter * 10_000)

    response = json.loads(body)
    assert MAX_BYTES - 8 < len(body) <= MAX_BYTES
    assert response["Reason"].startswith(letter * 100)
    assert response["Reason"].endswith("…")


def test_r32_a_reason_is_shortened_only_beyond_the_limit_and_by_as_little_as_possible():
    # GIVEN a reason that fits to the byte
    fitting = "a" * (MAX_BYTES - len(failed(EVENT, "id", "")))

    complete, shortened = failed(EVENT, "id", fitting), failed(EVENT, "id", fitting + "a")

    # THEN the ellipsis takes three bytes
    assert len(complete) == len(shortened) == MAX_BYTES
    assert json.loads(complete)["Reason"] == fitting
    assert json.loads(shortened)["Reason"] == f"{fitting[:-3]}…"


def test_r32_a_reason_is_left_out_when_there_is_no_room_for_it():
    physical_id = "a" * (MAX_BYTES - len(failed(EVENT, "", "")))

    body = failed(EVENT, physical_id, "why")

    assert len(body) == MAX_BYTES
    assert json.loads(body)["Reason"] == ""


def test_characters_are_not_escaped_so_that_more_of_them_fit():
    assert "é界😀".encode() in failed(EVENT, "id", "é界😀")


def test_half_a_surrogate_pair_becomes_a_question_mark():
    assert json.loads(failed(EVENT, "id", "cut in \ud83d"))["Reason"] == "cut in ?"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            lambda: success(EVENT, Result(physical_id="id", data={"Version": "1"})),
            {"Status": "SUCCESS", "Reason": "", "Data": {"Version": "1"}},
        ),
        (lambda: failed(EVENT, "id", "why"), {"Status": "FAILED", "Reason": "why", "Data": {}}),
    ],
    ids=["success", "failed"],
)
def test_the_fields_of_a_response(body, fields):
    assert json.loads(body()) == {
        "PhysicalResourceId": "id",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Version",
        **fields,
    }
