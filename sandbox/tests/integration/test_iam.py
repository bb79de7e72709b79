"""IAM: the permissions of roles, the error messages, and the record of decisions."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.api import iam_decisions
from imgver_sandbox.api.iam_decisions import IamDecision
from imgver_sandbox.runtime.sandbox import ACCOUNT, REGION, Sandbox

IMAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image/data-science"
VERSION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/data-science"


@pytest.fixture(scope="module")
def sandbox(iam_sandbox):
    iam_sandbox.reset()
    iam_sandbox.client("sagemaker").create_image(ImageName="data-science", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
    return iam_sandbox


class Role:
    """A role with one policy, and a session of it."""

    def __init__(self, sandbox, statements, service="sagemaker"):
        self._sandbox = sandbox
        self.name = f"role-{uuid.uuid4().hex[:8]}"
        self.session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/session"
        iam = sandbox.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}}
        self.arn = iam.create_role(
            RoleName=self.name, AssumeRolePolicyDocument=document({**trust, "Action": "sts:AssumeRole"})
        )["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=self.name, PolicyName="p", PolicyDocument=document(*statements))

    def client(self, service):
        assumed = self._sandbox.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="session")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self._sandbox.url,
            region_name=REGION,
            aws_access_key_id=assumed["AccessKeyId"],
            aws_secret_access_key=assumed["SecretAccessKey"],
            aws_session_token=assumed["SessionToken"],
        )

    def calls(self):
        """The decisions on the calls of the role."""
        mine = [call for call in self._sandbox.calls() if f"/{self.name}/" in call.caller]
        return [(call.action, call.resource, call.decision) for call in mine]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions, *resources):
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


@pytest.fixture
def make_role(sandbox):
    return lambda *statements: Role(sandbox, statements)


def test_a_role_is_allowed_what_its_policy_allows(sandbox, make_role):
    role = make_role(allow("sagemaker:DescribeImage", IMAGE))
    sagemaker = role.client("sagemaker")

    # WHEN it performs an allowed and a denied call
    assert sagemaker.describe_image(ImageName="data-science")["ImageArn"] == IMAGE
    with pytest.raises(ClientError) as refused:
        sagemaker.delete_image_version(ImageName="data-science", Version=7)

    # THEN the error names caller, action and resource, as on AWS
    error = refused.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    assert error["Error"]["Message"] == (
        f"User: {role.session} is not authorized to perform: sagemaker:DeleteImageVersion on resource: {VERSION}/7 "
        "because no identity-based policy allows the sagemaker:DeleteImageVersion action"
    )

    # AND both are recorded
    assert sandbox.calls()[-1].caller == role.session
    assert role.calls() == [
        ("sagemaker:DescribeImage", IMAGE, "allowed"),
        ("sagemaker:DeleteImageVersion", f"{VERSION}/7", "implicitDeny"),
    ]


@pytest.mark.parametrize(
    ("service", "call", "resource"),
    [
        (
            "ecr",
            lambda ecr: ecr.describe_images(repositoryName="none"),
            f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/none",
        ),
        (
            "cloudformation",
            lambda cloudformation: cloudformation.describe_stacks(StackName="none"),
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/none/*",
        ),
    ],
)
def test_errors_of_other_services_name_the_resource(make_role, service, call, resource):
    with pytest.raises(ClientError, match=rf"{service}:\w+ on resource: ") as refused:
        call(make_role().client(service))

    assert f" on resource: {resource} because no identity-based policy allows " in str(refused.value)


def test_an_explicit_deny_is_reported_and_recorded(make_role):
    everything = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    role = make_role(allow("sagemaker:*", "*"), everything)

    with pytest.raises(ClientError, match=f"on resource: {IMAGE} with an explicit deny in an identity-based policy"):
        role.client("sagemaker").describe_image(ImageName="data-science")

    assert role.calls() == [("sagemaker:DescribeImage", IMAGE, "explicitDeny")]


def test_all_resources_of_a_call_are_evaluated(make_role):
    # GIVEN a role that may list the aliases of the image, but not those of one version
    role = make_role(allow("sagemaker:ListAliases", IMAGE))

    with pytest.raises(ClientError, match=rf"sagemaker:ListAliases on resource: {VERSION}/1 because no identity"):
        role.client("sagemaker").list_aliases(ImageName="data-science", Version=1)

    assert role.calls() == [
        ("sagemaker:ListAliases", IMAGE, "allowed"),
        ("sagemaker:ListAliases", f"{VERSION}/1", "implicitDeny"),
    ]


def test_a_bucket_that_requires_tls_accepts_the_sandbox(sandbox, make_role):
    # GIVEN a bucket like that of `cdk bootstrap`
    sandbox.client("s3").create_bucket(
        Bucket="tls-only",
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectOwnership="BucketOwnerEnforced",
    )
    plain = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tls-only/*"}
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    sandbox.client("s3").put_bucket_policy(Bucket="tls-only", Policy=document({**plain, **condition}))

    # WHEN a role with the permission uploads an object
    role = make_role(allow("s3:PutObject", "arn:aws:s3:::tls-only/*"))
    role.client("s3").put_object(Bucket="tls-only", Key="k", Body=b"")

    # THEN the call is allowed
    assert role.calls() == [("s3:PutObject", "arn:aws:s3:::tls-only/k", "allowed")]


class TestLambdaLogs:
    """Lambda writes the log of a function with the role of the function."""

    GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda"

    @pytest.fixture
    def lines(self, sandbox, make_function_in):
        """Invoke a function with a role, and return its name and its log."""

        def invoke(role):
            name = make_function_in(sandbox, "def handler(*_):\n    print('hello')\n", role=role.arn).rpartition(":")[2]
            sandbox.client("lambda").invoke(FunctionName=name)
            logs = sandbox.client("logs")
            groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
            if f"/aws/lambda/{name}" not in groups:
                return name, []
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
            return name, [event["message"] for event in events]

        return invoke

    def test_a_role_with_all_permissions(self, make_role, lines):
        role = make_role(allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{self.GROUP}/*"))

        name, said = lines(role)

        assert "hello" in said
        assert role.calls() == [
            ("logs:CreateLogStream", f"{self.GROUP}/{name}:log-stream:", "allowed"),
            ("logs:PutLogEvents", f"{self.GROUP}/{name}:log-stream:*", "allowed"),
        ]

    @pytest.mark.parametrize(
        ("allowed", "denied", "stream"),
        [("logs:PutLogEvents", "logs:CreateLogStream", ""), ("logs:CreateLogStream", "logs:PutLogEvents", "*")],
    )
    def test_a_role_with_a_missing_permission(self, make_role, lines, allowed, denied, stream):
        role = make_role(allow(allowed, f"{self.GROUP}/*"))

        name, said = lines(role)

        assert said == []
        assert role.calls()[-1] == (denied, f"{self.GROUP}/{name}:log-stream:{stream}", "implicitDeny")


class TestPull:
    """SageMaker pulls the container image with the role of the image."""

    REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository"
    ACTIONS = ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")

    @pytest.fixture
    def create(self, sandbox, make_role, push, wait_until_stable):
        """Create a version of an image whose role allows the actions; return the role, the URI and the version."""

        def call(*actions):
            uri, _ = push(sandbox)
            role = make_role(allow(list(actions), "*"))
            sagemaker, name = sandbox.client("sagemaker"), role.name
            sagemaker.create_image(ImageName=name, RoleArn=role.arn)
            wait_until_stable(lambda: sagemaker.describe_image(ImageName=name)["ImageStatus"])
            sagemaker.create_image_version(ImageName=name, BaseImage=uri)

            def described():
                return sagemaker.describe_image_version(ImageName=name, Version=1)

            wait_until_stable(lambda: described()["ImageVersionStatus"])
            return role, uri, described()

        return call

    def test_a_role_with_all_permissions(self, create):
        role, uri, version = create(*self.ACTIONS)

        repository = f"{self.REPOSITORY}/{uri.partition('/')[2].partition(':')[0]}"
        assert version["ImageVersionStatus"] == "CREATED"
        assert role.calls() == [
            (self.ACTIONS[0], "*", "allowed"),
            (self.ACTIONS[1], repository, "allowed"),
            (self.ACTIONS[2], repository, "allowed"),
        ]

    @pytest.mark.parametrize("missing", ACTIONS)
    def test_a_role_with_a_missing_permission(self, create, missing):
        role, uri, version = create(*(action for action in self.ACTIONS if action != missing))

        repository = f"{self.REPOSITORY}/{uri.partition('/')[2].partition(':')[0]}"
        assert (version["ImageVersionStatus"], version["FailureReason"]) == (
            "CREATE_FAILED",
            (
                f"The base image {uri} could not be pulled. User: arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/"
                f"SageMaker is not authorized to perform: {missing} on resource: "
                f"{'*' if missing == 'ecr:GetAuthorizationToken' else repository} "
                f"because no identity-based policy allows the {missing} action."
            ),
        )


class TestNetwork:
    """Lambda connects a function to a VPC with the role of the function."""

    ACTIONS = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")

    @pytest.fixture
    def make_stack(self, sandbox, make_role, stack_in):
        """Deploy a function whose role allows the actions."""

        def create(*actions, **properties):
            role = make_role(allow(list(actions), "*"))
            stack = stack_in(sandbox)
            code = {"ZipFile": "def handler(event, context):\n    pass\n"}
            function = {"Handler": "index.handler", "Runtime": "python3.13", "Role": role.arn, "Code": code}
            resource = {"Type": "AWS::Lambda::Function", "Properties": function | properties}
            assert stack.create({"Function": resource}) in {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}
            return stack, resource, role

        return create

    VPC = {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}  # noqa: RUF012

    def test_a_role_with_all_permissions(self, make_stack):
        stack, _, role = make_stack(*self.ACTIONS, **self.VPC)

        assert stack.describe()["StackStatus"] == "CREATE_COMPLETE"
        assert role.calls() == [(action, "*", "allowed") for action in self.ACTIONS]

    @pytest.mark.parametrize("missing", ACTIONS)
    def test_a_role_with_a_missing_permission(self, make_stack, missing):
        stack, _, role = make_stack(*(action for action in self.ACTIONS if action != missing), **self.VPC)

        operation = missing.partition(":")[2]
        assert stack.describe()["StackStatus"] == "ROLLBACK_COMPLETE"
        assert (
            f"The provided execution role does not have permissions to call {operation} on EC2 "
            "(Service: Lambda, Status Code: 400)"
        ) in stack.reasons()
        assert role.calls()[-1] == (missing, "*", "implicitDeny")

    def test_a_function_without_a_vpc_needs_no_permission(self, make_stack):
        stack, _, role = make_stack("sts:GetCallerIdentity")

        assert stack.describe()["StackStatus"] == "CREATE_COMPLETE"
        assert role.calls() == []

    def test_a_function_that_gets_a_vpc_later(self, make_stack):
        stack, resource, role = make_stack("sts:GetCallerIdentity")

        resource["Properties"] |= self.VPC
        status = stack.update({"Function": resource})

        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert "does not have permissions to call CreateNetworkInterface on EC2" in stack.reasons()
        assert role.calls() == [("ec2:CreateNetworkInterface", "*", "implicitDeny")]


def test_without_iam_every_call_is_allowed_and_not_recorded(sandbox_without_iam):
    role = Role(sandbox_without_iam, [])

    assert role.client("sagemaker").list_images()["Images"] == []

    assert sandbox_without_iam.calls() == []


@pytest.fixture
def sandbox_without_iam():
    with Sandbox.start() as sandbox:
        yield sandbox


def test_a_sandbox_that_has_ended_has_no_record(sandbox_without_iam):
    sandbox_without_iam.stop()

    with pytest.raises(OSError, match="refused"):
        sandbox_without_iam.calls()


def test_the_command_line_starts_it_with_iam(command, state_folder):
    started = command("start", "--enforce-iam")

    # THEN a role without a policy may do nothing
    assert started.returncode == 0, started.stderr
    with pytest.raises(ClientError, match="AccessDenied"):
        Role(Sandbox.running(), []).client("sagemaker").list_images()


def test_the_record_has_the_last_20000_decisions():
    record = iam_decisions.record()

    # WHEN one call more than the maximum is recorded
    for number in range(iam_decisions.MAX_DECISIONS + 1):
        record.append(IamDecision(caller="arn:…:root", action="s3:GetObject", resource=str(number), decision="allowed"))

    # THEN the first one is gone, and the others read as they were written
    read = iam_decisions.decode(iam_decisions.encode(record))
    assert read == list(record)
    assert (len(read), read[0].resource, read[-1].resource) == (20_000, "1", "20000")
