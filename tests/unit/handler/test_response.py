"""The answer's way to CloudFormation, over real HTTP."""

import contextlib
import http.server
import json
import threading
import urllib.request

import pytest
from imgver_handler.cloudformation.response import MAX_BYTES, Result, failed, send, success
from imgver_handler.deadline import Deadline
from imgver_handler.logging import JsonLogger

SECRET = "X-Amz-Signature=0b1c2d3e"
EVENT = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Version"}


class Bucket:
    """A stand-in for CloudFormation's bucket: answers with ``statuses`` in turn and keeps what came."""

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
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answer?{SECRET}"


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
def sent(aws):
    """Sends a body through ``put`` with 60 s of time; keeps the log."""
    lines = []

    def send(url, seconds=60):
        end = aws.clock.now() + seconds
        deadline = Deadline(
            time_left=lambda: end - aws.clock.now(), now=aws.clock.now, sleep=aws.clock.advance, time_budget=0
        )
        put(url, b"{}", deadline, JsonLogger(write=lines.append))

    send.lines = lines
    return send


def test_the_answer_is_put_with_an_empty_content_type(bucket, sent):
    # WHEN
    sent(bucket.url)

    # THEN
    ((path, headers, body),) = bucket.requests
    assert path == f"/answer?{SECRET}"
    assert headers["Content-Type"] == ""
    assert body == b"{}"


@pytest.mark.parametrize("trouble", [500, 503, None], ids=str)
def test_r33_temporary_trouble_is_retried_and_the_query_is_not_logged(bucket, sent, trouble):
    # GIVEN
    bucket.statuses = [trouble, trouble]

    # WHEN
    sent(bucket.url)

    # THEN
    assert len(bucket.requests) == 3
    result = f"HTTP {trouble}" if trouble else "RemoteDisconnected"
    undelivered = {"level": "WARNING", "message": "the response was not delivered", "outcome": result}
    assert [json.loads(line) for line in sent.lines] == [undelivered, undelivered]
    assert "Signature" not in "".join(sent.lines)


def test_an_attempt_to_answer_may_take_ten_seconds(sent, monkeypatch):
    # GIVEN
    timeouts = []

    def urlopen(_message, timeout=None):
        timeouts.append(timeout)
        return contextlib.nullcontext()

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)

    # WHEN
    sent("https://example.invalid/answer")

    # THEN
    assert timeouts == [10]


def test_r34_a_refused_answer_is_given_up_and_logged_without_the_address(bucket, sent):
    # GIVEN
    bucket.statuses = [403]

    # WHEN
    sent(bucket.url)

    # THEN
    assert len(bucket.requests) == 1
    (line,) = sent.lines
    assert json.loads(line) == {
        "level": "ERROR",
        "message": "CloudFormation refused the response",
        "outcome": "HTTP 403",
    }


def test_an_answer_that_cannot_be_delivered_is_left_to_lambdas_retry(bucket, sent):
    # GIVEN
    bucket.statuses = [500] * 100

    # WHEN
    with pytest.raises(ConnectionError, match="the response could not be delivered: HTTP 500") as raised:
        sent(bucket.url)

    # THEN
    assert len(bucket.requests) > 3
    assert "Signature" not in str(raised.value)


def test_nobody_listens(sent):
    with pytest.raises(ConnectionError, match="the response could not be delivered: URLError"):
        sent(f"http://127.0.0.1:9/answer?{SECRET}", seconds=5)

    assert "Signature" not in "".join(sent.lines)


@pytest.mark.parametrize("letter", ["a", "é", "界", "😀", '"', "\n"])
def test_a_long_reason_is_shortened_to_the_limit(letter):
    # WHEN
    body = failed(EVENT, "id", letter * 10_000)

    # THEN no more is lost than needed
    answer = json.loads(body)
    assert MAX_BYTES - 8 < len(body) <= MAX_BYTES
    assert answer["Reason"].startswith(letter * 100)
    assert answer["Reason"].endswith("…")


def test_a_reason_is_shortened_only_beyond_the_limit_and_by_no_letter_too_many():
    # GIVEN a reason that fits to the byte
    fitting = "a" * (MAX_BYTES - len(failed(EVENT, "id", "")))

    # WHEN
    kept, shortened = failed(EVENT, "id", fitting), failed(EVENT, "id", fitting + "a")

    # THEN the ellipsis takes three bytes
    assert len(kept) == len(shortened) == MAX_BYTES
    assert json.loads(kept)["Reason"] == fitting
    assert json.loads(shortened)["Reason"] == f"{fitting[:-3]}…"


def test_a_reason_for_which_there_is_no_room_is_left_out():
    # GIVEN an id that takes all the room
    physical_id = "a" * (MAX_BYTES - len(failed(EVENT, "", "")))

    # WHEN
    body = failed(EVENT, physical_id, "why")

    # THEN
    assert len(body) == MAX_BYTES
    assert json.loads(body)["Reason"] == ""


def test_letters_are_not_escaped_so_that_more_of_them_fit():
    assert "é界😀".encode() in failed(EVENT, "id", "é界😀")


def test_half_a_surrogate_pair_is_answered_as_a_question_mark():
    assert json.loads(failed(EVENT, "id", "cut in \ud83d"))["Reason"] == "cut in ?"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (
            lambda: success(EVENT, Result(physical_id="id", data={"Version": "1"})),
            {"Status": "SUCCESS", "Reason": "", "Data": {"Version": "1"}},
        ),
        (lambda: failed(EVENT, "id", "why"), {"Status": "FAILED", "Reason": "why", "Data": {}}),
    ],
    ids=["success", "failed"],
)
def test_the_shape_of_an_answer(answer, content):
    assert json.loads(answer()) == {
        "PhysicalResourceId": "id",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Version",
        **content,
    }
