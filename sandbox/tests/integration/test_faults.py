"""Faults in a running sandbox: over HTTP, from Python and on the command line."""

import functools
import http.client
import json

import pytest
from botocore.exceptions import ConnectionClosedError
from imgver_sandbox.api.routes import send_request
from imgver_sandbox.runtime.sandbox import Sandbox

ROLE = "arn:aws:iam::000000000000:role/images"


@pytest.fixture
def faults(sandbox):
    """The faults of the sandbox, which has none at first."""
    yield sandbox.faults
    sandbox.faults.reset()


@pytest.fixture
def sagemaker(sandbox, monkeypatch):
    """A client without retries."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return sandbox.client("sagemaker")


@pytest.fixture
def images(sagemaker):
    """The names of all images."""
    return lambda: {image["ImageName"] for image in sagemaker.list_images(MaxResults=100)["Images"]}


class TestWire:
    @pytest.mark.parametrize(("when", "made"), [("before", False), ("after", True)])
    def test_the_connection_is_closed(self, faults, sagemaker, images, when, made):
        faults.drop(when, operation="CreateImage")
        images()

        with pytest.raises(ConnectionClosedError):
            sagemaker.create_image(ImageName=f"drop-{when}", RoleArn=ROLE)

        assert (f"drop-{when}" in images()) is made
        assert faults.left() == []

    def test_other_connections_stay_open(self, faults, sandbox, sagemaker, images):
        # GIVEN another connection
        other = http.client.HTTPConnection("127.0.0.1", sandbox.port)
        other.request("GET", "/_ministack/health")
        other.getresponse().read()
        faults.drop("after")

        # WHEN a connection is closed
        with pytest.raises(ConnectionClosedError):
            images()

        # THEN the other one stays open
        other.auto_open = 0
        other.request("GET", "/_ministack/health")
        assert other.getresponse().status == 200
        other.close()

    def test_other_services_have_no_faults(self, faults, sandbox):
        faults.error()

        sandbox.client("sts").get_caller_identity()

        assert [fault.left for fault in faults.left()] == ["once"]


class TestOverHttp:
    @pytest.fixture
    def send(self, faults, sandbox):
        return functools.partial(send_request, sandbox.port, token=sandbox.token)

    @pytest.fixture
    def post(self, send):
        return lambda body: json.loads(send("POST", "/_imgver/faults", body))

    def test_a_fault_is_added_listed_and_removed(self, post, send):
        added = post(b'{"kind": "drop", "when": "after"}')

        assert added == {"kind": "drop", "when": "after", "operation": None, "times": 1, "left": "once"} | {
            "id": added["id"]
        }
        assert json.loads(send("GET", "/_imgver/faults")) == [added]
        assert send("DELETE", f"/_imgver/faults?id={added['id']}") == b"[]"

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000],
        ids=["none", "half", "bytes", "list", "null", "deep"],
    )
    def test_an_invalid_fault_is_refused(self, post, body):
        with pytest.raises(ValueError, match=r'^a fault must be a JSON object like \{"kind": "fail", "reason": "no sp'):
            post(body)


class TestOnTheCommandLine:
    @pytest.fixture
    def started(self, state_folder):
        Sandbox.start_in_background()

    def test_faults_are_added_listed_and_removed(self, command, error_of, started):
        for arguments, said in [
            (["fault", "add", "slow", "7.5", "--times", "2"], "Fault 1: CreateImageVersion takes 7.5 s (2 times).\n"),
            (
                ["fault", "add", "throttle", "3", "--operation", "ListImages"],
                "Fault 2: ListImages above 3 a second is throttled (until removed).\n",
            ),
            (
                ["fault", "add", "in-service", "--domain", "d-1"],
                "Fault 3: an app runs in d-1 (until removed).\n",
            ),
            (["fault", "remove", "3"], ""),
            (["fault", "remove", "1"], ""),
            (["faults"], "  2  ListImages above 3 a second is throttled (until removed)\n"),
            (["fault", "reset"], ""),
            (["faults"], "No faults.\n"),
        ]:
            result = command(*arguments)
            assert (result.returncode, result.stdout, result.stderr) == (0, said, ""), arguments

        for arguments, said in [
            (["fault", "add", "deny", "0"], "seconds 0.0 must be a number above 0"),
            (["fault", "remove", "9"], "id 9 must be the id of an active fault: no fault is active"),
        ]:
            assert error_of(*arguments) == f"{said}\n"

    @pytest.mark.parametrize("arguments", [["faults"], ["fault", "reset"], ["fault", "add", "error"]])
    def test_without_a_sandbox(self, error_of, arguments):
        assert error_of(*arguments) == "no sandbox is running: start one with `imgver-sandbox start`\n"
