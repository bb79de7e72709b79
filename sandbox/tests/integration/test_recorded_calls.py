"""The API calls on the page."""

import contextlib
import http.client
import json
import time

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.api.routes import TOKEN_NAME

ACCOUNT, REGION = "000000000000", "eu-west-1"


@pytest.fixture
def recorded_call(sandbox):
    """Read the events until there is a call of an action, and return the call."""

    def read(action):
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/_imgver/events", headers={TOKEN_NAME: sandbox.token})
            response = connection.getresponse()
            assert response.headers["Content-Type"] == "text/event-stream"
            while line := response.readline():
                if line.startswith(b"data: "):
                    found = [call for call in json.loads(line[6:]) if call.get("action") == action]
                    if found:
                        return found[-1]
        raise AssertionError(f"there was no {action}")

    return read


def test_a_successful_call(sandbox, recorded_call):
    before = time.time()
    sandbox.client("ssm").put_parameter(Name="p", Value="v", Type="String")

    call = recorded_call("ssm:PutParameter")
    assert before - 1 < call["at"] < time.time()
    assert 0 <= call["milliseconds"] < 10_000
    assert {name: call[name] for name in ("caller", "resource", "decision", "error")} == {
        "caller": f"arn:aws:iam::{ACCOUNT}:root",
        "resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p",
        "decision": None,
        "error": None,
    }


@pytest.mark.parametrize(
    ("service", "action", "call", "error"),
    [
        ("sagemaker", "DescribeImage", lambda client: client.describe_image(ImageName="none"), "ResourceNotFound"),
        (
            "cloudformation",
            "GetTemplate",
            lambda client: client.get_template(StackName="none"),
            "ValidationError",
        ),
        ("s3", "ListBucket", lambda client: client.list_objects_v2(Bucket="no-such-bucket"), "NoSuchBucket"),
        ("s3", "GetObject", lambda client: client.head_object(Bucket="no-such-bucket", Key="k"), "HTTP 404"),
        (
            "lambda",
            "GetFunction",
            lambda client: client.get_function(FunctionName="none"),
            "ResourceNotFoundException",
        ),
    ],
)
def test_the_error_code_in_each_protocol(sandbox, recorded_call, service, action, call, error):
    with pytest.raises(ClientError):
        call(sandbox.client(service))

    assert recorded_call(f"{service}:{action}")["error"] == error
