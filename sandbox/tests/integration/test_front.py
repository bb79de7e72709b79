"""The front of a running sandbox with plain clients. `test_page.py` has the tests with a browser."""

import contextlib
import http.client
import json
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.api.routes import TOKEN_NAME, send_request
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import Sandbox


@pytest.fixture(params=["sandbox", "iam_sandbox"])
def any_sandbox(request):
    """A sandbox without IAM, and one that enforces IAM."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def status(sandbox):
    """Send a request, and return the status and the headers of the response."""

    def send(method, path, **headers):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            response.read()
            return response.status, {name.lower() for name in response.headers}

    return send


def test_another_host_or_origin_is_refused(sandbox, status):
    assert status("GET", "/_ministack/health")[0] == 200
    assert status("GET", "/_ministack/health", Host=f"localhost:{sandbox.port}")[0] == 200
    for headers in (
        {"Host": f"example.com:{sandbox.port}"},
        {"Origin": "https://example.com"},
        {"Sec_Fetch_Site": "cross-site"},
    ):
        assert status("GET", "/_ministack/health", **headers)[0] == 403
        # A preflight request of a browser.
        assert status("OPTIONS", "/", **headers)[0] == 403


def test_responses_have_no_cors_headers(sandbox, status):
    _, names = status("GET", "/_ministack/health")
    listed = sandbox.client("s3").list_buckets()["ResponseMetadata"]["HTTPHeaders"]

    assert not [name for name in {*names, *listed} if name.startswith("access-control-")]


def test_control_paths_need_the_token(sandbox, status):
    for method, path in (("POST", "/_ministack/reset"), ("GET", "/_imgver/calls"), ("DELETE", "/_imgver/faults")):
        assert status(method, path)[0] == 403
        assert status(method, path, X_Amz_Security_Token=f"{sandbox.token}x")[0] == 403
    assert status("GET", "/_imgver/calls", X_Amz_Security_Token=sandbox.token)[0] == 200
    with pytest.raises(ValueError, match=f"the header {TOKEN_NAME} must have the token of the sandbox"):
        send_request(sandbox.port, "GET", "/_imgver/faults", token="of-another-sandbox")


class TestCredentials:
    @pytest.fixture
    def call(self, any_sandbox):
        """Call one operation of a service with credentials."""

        def run(service="sts", operation="get_caller_identity", **credentials):
            given = {f"aws_{name}": value for name, value in credentials.items()}
            client = boto3.client(
                service,
                endpoint_url=any_sandbox.url,
                region_name=any_sandbox.region,
                **{name: value for name, value in {**any_sandbox.credentials, **given}.items() if value},
            )
            return getattr(client, operation)()

        return run

    @pytest.fixture
    def make_role(self, any_sandbox):
        """Create a role that everybody may assume, and return its ARN."""

        def create(name):
            trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            iam = any_sandbox.client("iam")
            return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]

        return create

    @pytest.mark.parametrize(
        "credentials",
        [
            # MiniStack takes these for the root user.
            {"access_key_id": "000000000000"},
            {"access_key_id": "000000000000", "session_token": None},
            {"access_key_id": "test", "session_token": None},
            # Those of an earlier sandbox, or without a part.
            {"access_key_id": "AKIA0123456789ABCDEF"},
            {"session_token": "another"},
            {"session_token": None},
        ],
    )
    @pytest.mark.parametrize(
        ("service", "operation"),
        # One for each protocol: query, JSON, REST with JSON, REST with XML, and that of EC2.
        [
            ("sts", "get_caller_identity"),
            ("sagemaker", "list_images"),
            ("lambda", "list_functions"),
            ("s3", "list_buckets"),
            ("ec2", "describe_vpcs"),
        ],
    )
    def test_other_credentials_are_refused(self, call, service, operation, credentials):
        call(service, operation)

        with pytest.raises(ClientError) as refused:
            call(service, operation, **credentials)

        error = refused.value.response["Error"]
        assert error["Code"] == "InvalidClientTokenId"
        assert error["Message"].startswith("The security token included in the request is invalid: the sandbox has new")

    def test_a_request_without_credentials_is_refused(self, status):
        assert status("GET", "/")[0] == 403
        assert status("POST", "/", Content_Type="application/x-www-form-urlencoded")[0] == 403

    def test_users_and_sessions_of_the_sandbox_are_accepted(self, any_sandbox, call, make_role, name):
        # GIVEN a user with an access key, and a session of a role
        iam = any_sandbox.client("iam")
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        sts = any_sandbox.client("sts")
        session = sts.assume_role(RoleArn=make_role(name), RoleSessionName="session")["Credentials"]
        pair = {"access_key_id": session["AccessKeyId"], "secret_access_key": session["SecretAccessKey"]}

        # THEN both are accepted, the session with its token only
        as_user = call(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"], session_token=None)
        as_role = call(**pair, session_token=session["SessionToken"])
        assert as_user["Arn"].endswith(f":user/{name}")
        assert as_role["Arn"].endswith(f":assumed-role/{name}/session")
        for token in (None, "another"):
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                call(**pair, session_token=token)

        # AND the key is refused when it is deleted
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            call(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"], session_token=None)

    def test_a_presigned_url_is_accepted(self, any_sandbox):
        s3, bucket = any_sandbox.client("s3"), f"front-{any_sandbox.port}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": any_sandbox.region})
        s3.put_object(Bucket=bucket, Key="k", Body=b"content")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})

        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", any_sandbox.port, timeout=10)) as connection:
            for target, body in ((url, b"content"), (url.partition("?")[0], None)):
                connection.request("GET", target.removeprefix(any_sandbox.url))
                response = connection.getresponse()
                content = response.read()
                assert (response.status, content) == (200, body) if body else response.status == 403

    def test_a_function_has_the_session_of_its_role(self, any_sandbox, make_function_in, make_role, name):
        # GIVEN a role and a function that returns its credentials and its identity
        role = make_role(name)
        source = """
import boto3, os

def handler(event, context):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return {"Arn": boto3.client("sts").get_caller_identity()["Arn"], "Keys": [os.environ[name] for name in names]}
"""
        first, second = (make_function_in(any_sandbox, source, role=role) for _ in range(2))
        client = any_sandbox.client("lambda")
        seen = [json.load(client.invoke(FunctionName=arn)["Payload"]) for arn in (first, second, first)]

        # THEN each function has its own, which are not the root user's
        assert seen[0]["Arn"] == f"arn:aws:sts::{any_sandbox.account}:assumed-role/{name}/{first.split(':')[6]}"
        assert seen[0] == seen[2]
        assert not set(seen[0]["Keys"]) & {*seen[1]["Keys"], *any_sandbox.credentials.values()}


def test_the_keys_are_new_after_each_start_and_only_the_user_can_read_them(state_folder):
    # GIVEN a state file of an earlier release
    state_folder.mkdir()
    state.state_file("sandbox").touch(0o644)

    keys = []
    for _ in range(2):
        sandbox = Sandbox.start_in_background()
        keys.append(sandbox.credentials)

        # THEN another process of the user has the same keys
        assert Sandbox.running().credentials == sandbox.credentials
        assert state.state_file("sandbox").stat().st_mode & 0o777 == 0o600
        sandbox.stop()

    assert not set(keys[0].values()) & set(keys[1].values())


def test_no_command_line_contains_a_key(sandbox):
    listed = subprocess.run(["ps", "-A", "-o", "args", "-ww"], capture_output=True, text=True, check=True).stdout

    assert sys.executable in listed
    assert not [key for key in sandbox.credentials.values() if key in listed]
