"""ImageVersionProvider: its function, role and log group, its options, and the default provider of a stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from constructs import Construct
from imgver_handler.deadline import RESPONSE_TIME_BUDGET
from imgver_handler.resources.image_version import CLEANUP_TIME_BUDGET

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionProvider

VERSION = "Custom::SageMakerImageVersion"
POLICY = "AWS::IAM::Policy"
# CloudFormation refuses a custom resource whose function changes: these ids hold for every release.
FUNCTION = "ImageVersionProviderFunction124F3991"
ROLE = "ImageVersionProviderRole98366D34"
LOGS = "ImageVersionProviderLogs0DB3204C"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]
WaitsFor = Callable[[dict[str, Any]], set[str]]


def statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


def ids(stack: cdk.Stack, resource_type: str) -> list[str]:
    return list(Template.from_stack(stack).find_resources(resource_type))


def test_function(declare: Declare, resources: Resources) -> None:
    declare()

    ((logical_id, function),) = resources("AWS::Lambda::Function").items()
    assert logical_id == FUNCTION
    assert function["DependsOn"] == [ROLE]
    del function["Properties"]["Code"]
    assert function["Properties"] == {
        "Architectures": ["arm64"],
        "Description": "Creates, updates and deletes SageMaker image versions for CloudFormation",
        "Handler": "index.handler",
        "LoggingConfig": {"LogGroup": {"Ref": LOGS}},
        "MemorySize": 512,
        "Role": {"Fn::GetAtt": [ROLE, "Arn"]},
        "Runtime": "python3.14",
        "Timeout": 900,
    }


def test_invocation_and_log_group(declare: Declare, only: Only, resources: Resources) -> None:
    declare()

    assert only("AWS::Lambda::EventInvokeConfig")["Properties"] == {
        "FunctionName": {"Ref": FUNCTION},
        "MaximumEventAgeInSeconds": 900,
        "MaximumRetryAttempts": 2,
        "Qualifier": "$LATEST",
    }
    assert resources("AWS::Logs::LogGroup") == {
        LOGS: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"RetentionInDays": 30},
            # The log of a first deployment survives its rollback.
            "UpdateReplacePolicy": "Retain",
            "DeletionPolicy": "Retain",
        }
    }


STACK = {"Action": "cloudformation:DescribeStacks", "Effect": "Allow", "Resource": {"Ref": "AWS::StackId"}}


def logs_to(arn: Any) -> dict[str, Any]:
    return {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Effect": "Allow", "Resource": arn}


def test_default_role(declare: Declare, only: Only) -> None:
    declare()

    role = only("AWS::IAM::Role")["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    ]
    assert "ManagedPolicyArns" not in role
    policies = {policy["PolicyName"]: policy["PolicyDocument"]["Statement"] for policy in role["Policies"]}
    assert policies == {"Logs": [logs_to({"Fn::GetAtt": [LOGS, "Arn"]})], "Stack": [STACK]}


# Options.


def function_with(stack: cdk.Stack, **options: Any) -> dict[str, Any]:
    """The function of the provider ``Named`` with the options."""
    ImageVersionProvider(stack, "Named", **options)
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    return dict(function)


@pytest.fixture
def vpc(stack: cdk.Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc", max_azs=1)


@pytest.fixture
def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


NETWORK = {
    "Action": [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ],
    "Effect": "Allow",
    "Resource": "*",
}


def test_vpc(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    function = function_with(stack, vpc=vpc)

    # THEN the function is in the private subnet, with a new security group
    (group,) = ids(stack, "AWS::EC2::SecurityGroup")
    (subnet,) = [each for each in ids(stack, "AWS::EC2::Subnet") if "Private" in each]
    assert function["Properties"]["VpcConfig"] == {
        "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
        "SubnetIds": [{"Ref": subnet}],
    }

    # THEN the permission on network interfaces and the route out of the VPC outlive the function
    ((policy_id, policy),) = Template.from_stack(stack).find_resources(POLICY).items()
    (route,) = [each for each in ids(stack, "AWS::EC2::Route") if "Private" in each]
    assert statements(policy) == [NETWORK]
    assert {policy_id, route} <= set(function["DependsOn"])


def test_vpc_subnets(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    subnets = [ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-1")]

    function = function_with(stack, vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets))

    assert function["Properties"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]


def test_security_groups(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    # GIVEN a security group with a rule that is a resource of its own
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)
    endpoints = ec2.SecurityGroup(stack, "Endpoints", vpc=vpc)
    group.connections.allow_to(endpoints, ec2.Port.HTTPS)

    function = function_with(stack, vpc=vpc, security_groups=(group,))

    # THEN the function has only this group, and the rule outlives it
    assert function["Properties"]["VpcConfig"]["SecurityGroupIds"] == [stack.resolve(group.security_group_id)]
    (rule,) = ids(stack, "AWS::EC2::SecurityGroupEgress")
    assert rule in function["DependsOn"]


def test_role(stack: cdk.Stack, role: iam.Role, vpc: ec2.Vpc, declare: Declare) -> None:
    declare(provider=ImageVersionProvider(stack, "Named", role=role, vpc=vpc))

    # THEN it is the only role
    (role_id,) = ids(stack, "AWS::IAM::Role")
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["Role"] == {"Fn::GetAtt": [role_id, "Arn"]}

    # THEN it gets all permissions, and those that every event needs outlive the function
    policies = Template.from_stack(stack).find_resources(POLICY)
    (log_group,) = ids(stack, "AWS::Logs::LogGroup")
    image, network, every_event = sorted(policies)
    assert [policy["Properties"]["Roles"] for policy in policies.values()] == [[{"Ref": role_id}]] * 3
    assert "sagemaker:CreateImageVersion" in statements(policies[image])[0]["Action"]
    assert statements(policies[network]) == [NETWORK]
    assert statements(policies[every_event]) == [logs_to({"Fn::GetAtt": [log_group, "Arn"]}), STACK]
    assert {network, every_event} <= set(function["DependsOn"])


def test_role_of_two_stacks(app: cdk.App) -> None:
    """Both stacks give it policies, which must not overwrite each other."""
    stacks = [cdk.Stack(app, "One"), cdk.Stack(app, "Other")]
    for stack in stacks:
        role = iam.Role.from_role_name(stack, "Shared", "shared")
        ImageVersionProvider.set_default(stack, ImageVersionProvider(stack, "Provider", role=role))
        image = Image.from_image_name(stack, "Image", "data-science")
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri("public.ecr.aws/x/y:1"))

    policies = [policy for stack in stacks for policy in Template.from_stack(stack).find_resources(POLICY).values()]
    assert [policy["Properties"]["Roles"] for policy in policies] == [["shared"]] * 4
    names = {policy["Properties"]["PolicyName"] for policy in policies}
    assert len(names) == 4
    assert all(len(name) <= 128 for name in names)


def test_role_of_another_stack(app: cdk.App, stack: cdk.Stack) -> None:
    """The policies are in the stack of the provider: otherwise the two stacks would depend on each other."""
    elsewhere = cdk.Stack(app, "Elsewhere")
    role = iam.Role(elsewhere, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    function_with(stack, role=role, dead_letter_queue=sqs.Queue(stack, "Queue"))

    assert (len(ids(stack, POLICY)), ids(elsewhere, POLICY)) == (2, [])


def test_an_immutable_role_gets_no_policy(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    arn = "arn:aws:iam::123456789012:role/Theirs"
    role = iam.Role.from_role_arn(stack, "Theirs", arn, mutable=False)

    declare(provider=ImageVersionProvider(stack, "Named", role=role))

    assert ids(stack, POLICY) == ids(stack, "AWS::IAM::Role") == []
    assert only("AWS::Lambda::Function")["Properties"]["Role"] == arn
    assert only(VERSION)["DependsOn"] == ids(stack, "AWS::Lambda::EventInvokeConfig")


def test_log_group_of_the_user(stack: cdk.Stack) -> None:
    log_group = logs.LogGroup.from_log_group_name(stack, "Theirs", "/team/log")

    function = function_with(stack, log_group=log_group)

    assert function["Properties"]["LoggingConfig"] == {"LogGroup": "/team/log"}
    assert ids(stack, "AWS::Logs::LogGroup") == []
    (role,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    document = role["Properties"]["Policies"][0]["PolicyDocument"]
    assert document["Statement"] == [logs_to(stack.resolve(log_group.log_group_arn))]


def test_log_retention(stack: cdk.Stack, only: Only) -> None:
    ImageVersionProvider(stack, "Named", log_retention=logs.RetentionDays.ONE_WEEK)

    assert only("AWS::Logs::LogGroup")["Properties"] == {"RetentionInDays": 7}


def test_properties_of_the_function(stack: cdk.Stack) -> None:
    arn = "arn:aws:kms:eu-west-1:123456789012:key/0"

    function = function_with(
        stack,
        environment_encryption=kms.Key.from_key_arn(stack, "Key", arn),
        memory_size=128,
        architecture=lambda_.Architecture.X86_64,
    )

    properties = function["Properties"]
    assert (properties["KmsKeyArn"], properties["MemorySize"], properties["Architectures"]) == (arn, 128, ["x86_64"])


def test_environment(stack: cdk.Stack) -> None:
    token = cdk.CfnParameter(stack, "Proxy").value_as_string

    function = function_with(stack, environment={"HTTPS_PROXY": token, "NO_PROXY": "", "AWS_ENDPOINT_URL": "https://x"})

    variables = {"HTTPS_PROXY": {"Ref": "Proxy"}, "NO_PROXY": "", "AWS_ENDPOINT_URL": "https://x"}
    assert function["Properties"]["Environment"] == {"Variables": variables}


def test_tracing(stack: cdk.Stack) -> None:
    function = function_with(stack, tracing=lambda_.Tracing.ACTIVE)

    assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
    ((policy_id, policy),) = Template.from_stack(stack).find_resources(POLICY).items()
    assert statements(policy) == [
        {"Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Effect": "Allow", "Resource": "*"}
    ]
    assert policy_id in function["DependsOn"]


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (cdk.Duration.minutes(3), 180),
        (cdk.Duration.seconds(200), 200),
        (cdk.Duration.millis(190_000), 190),
        (cdk.Duration.minutes(15), 900),
    ],
)
def test_timeout(stack: cdk.Stack, declare: Declare, only: Only, timeout: cdk.Duration, seconds: int) -> None:
    declare(provider=ImageVersionProvider(stack, "Named", timeout=timeout))

    # CloudFormation waits as long as Lambda may queue the event and the function may take.
    assert only("AWS::Lambda::Function")["Properties"]["Timeout"] == seconds
    assert only("AWS::Lambda::EventInvokeConfig")["Properties"]["MaximumEventAgeInSeconds"] == 900
    assert only(VERSION)["Properties"]["ServiceTimeout"] == str(900 + seconds)


def test_the_shortest_timeout_is_enough_to_replace_a_version(stack: cdk.Stack, refused: Refused) -> None:
    message = refused(lambda: ImageVersionProvider(stack, "Named", timeout=cdk.Duration.seconds(1)))

    (shortest,) = re.findall(r"from (\d+) to", message)
    assert int(shortest) - RESPONSE_TIME_BUDGET - CLEANUP_TIME_BUDGET >= 60


@pytest.mark.parametrize("seconds", [60, 61, 900])
def test_max_event_age(stack: cdk.Stack, declare: Declare, only: Only, seconds: int) -> None:
    provider = ImageVersionProvider(
        stack, "Named", timeout=cdk.Duration.minutes(5), max_event_age=cdk.Duration.seconds(seconds)
    )
    declare(provider=provider)

    assert only("AWS::Lambda::EventInvokeConfig")["Properties"]["MaximumEventAgeInSeconds"] == seconds
    assert only(VERSION)["Properties"]["ServiceTimeout"] == str(300 + seconds)


@pytest.mark.parametrize("own_key", [True, False])
def test_dead_letter_queue(stack: cdk.Stack, own_key: bool) -> None:
    key = kms.Key(stack, "Key")
    queue = sqs.Queue(stack, "Queue", encryption_master_key=key if own_key else None)

    function = function_with(stack, dead_letter_queue=queue)

    # THEN Lambda may send messages to it before the function has it, and for as long as the function has it
    queue_arn = stack.resolve(queue.queue_arn)
    assert function["Properties"]["DeadLetterConfig"] == {"TargetArn": queue_arn}
    ((policy_id, policy),) = Template.from_stack(stack).find_resources(POLICY).items()
    assert policy_id in function["DependsOn"]
    sending = {"Action": "sqs:SendMessage", "Effect": "Allow", "Resource": queue_arn}
    encrypting = {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Effect": "Allow",
        "Resource": stack.resolve(key.key_arn),
    }
    assert statements(policy) == ([sending, encrypting] if own_key else [sending])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vpc": "vpc-1"}, "vpc 'vpc-1' must be a VPC: for an id use ec2.Vpc.from_lookup(…)"),
        ({"vpc_subnets": ["x"]}, "vpc_subnets ['x'] must be a SubnetSelection: write it like ec2.SubnetSelection("),
        ({"security_groups": "sg-1"}, "security_groups 'sg-1' must be a list of security groups: for an id use ec2."),
        ({"security_groups": ["sg-1"]}, "security_groups ['sg-1'] must be a list of security groups"),
        ({"role": "arn:x"}, "role 'arn:x' must be a role: for an ARN use iam.Role.from_role_arn(…)"),
        (
            {"log_group": "/log"},
            "log_group '/log' must be a log group: for a name use logs.LogGroup.",
        ),
        (
            {"log_retention": 7},
            "log_retention 7 must be one of RetentionDays: write it like logs.RetentionDays.ONE_WEEK",
        ),
        ({"environment": "A=b"}, "environment 'A=b' must be a dict of values by names: write it like {'HTTPS_PROXY': "),
        *[
            (
                {"environment": {name: "x"}},
                f"environment {name!r} must be a name of at least two letters, digits and underscores, which starts",
            )
            for name in ("", "A", "_HANDLER", "NO-PROXY", "1A", "Ä1")
        ],
        *[
            ({"environment": {name: "x"}}, f"environment {name!r} must not be set, since Lambda reserves the name: ")
            for name in ("AWS_REGION", "AWS_SECRET_ACCESS_KEY", "LAMBDA_TASK_ROOT")
        ],
        ({"environment": {"NO_PROXY": 1}}, "environment['NO_PROXY'] 1 must be a string: write it in quotes"),
        (
            {"environment": {"NO_PROXY": "ä" * 2045}},
            "environment of 4098 bytes must have at most 4096, names and values together: shorten the values",
        ),
        ({"environment_encryption": "arn:x"}, "environment_encryption 'arn:x' must be a key: for an ARN use kms.Key."),
        (
            {"architecture": "arm64"},
            "architecture 'arm64' must be an Architecture: write it like lambda_.",
        ),
        ({"timeout": 300}, "timeout 300 must be a Duration: write it like cdk.Duration.minutes(5)"),
        ({"max_event_age": 300}, "max_event_age 300 must be a Duration: write it like cdk.Duration.minutes(5)"),
        (
            {"dead_letter_queue": "arn:x"},
            "dead_letter_queue 'arn:x' must be a standard queue of Amazon SQS: for an ARN use sqs.Queue.from_queue_",
        ),
        ({"tracing": "Active"}, "tracing 'Active' must be one of Tracing: write it like lambda_.Tracing.ACTIVE"),
        *(
            (
                {"memory_size": size},
                f"memory_size {size!r} must be a whole number of megabytes from 128 to 10240: leave it out to get 512",
            )
            for size in (None, 127, 10_241, 512.5, True, "512")
        ),
        *(
            (
                {"timeout": cdk.Duration.millis(milliseconds)},
                f"timeout of {milliseconds / 1000:g} seconds must be whole seconds from 180 to 900: leave it out",
            )
            for milliseconds in (179_000, 901_000, 190_500)
        ),
        *(
            (
                {"max_event_age": cdk.Duration.millis(milliseconds)},
                f"max_event_age of {milliseconds / 1000:g} seconds must be whole seconds from 60 to 900: leave it out",
            )
            for milliseconds in (59_000, 901_000, 90_500)
        ),
        (
            {"vpc_subnets": ec2.SubnetSelection(one_per_az=True)},
            (
                "vpc_subnets SubnetSelection(one_per_az=True) must come with a VPC: give vpc as well, or leave "
                "vpc_subnets out"
            ),
        ),
        (
            {"security_groups": []},
            "security_groups [] must come with a VPC: give vpc as well, or leave security_groups out",
        ),
    ],
)
def test_an_option_is_refused(stack: cdk.Stack, refused: Refused, options: dict[str, Any], message: str) -> None:
    assert refused(lambda: ImageVersionProvider(stack, "Named", **options)).startswith(message)


def test_a_fifo_queue_is_refused(stack: cdk.Stack, refused: Refused) -> None:
    queue = sqs.Queue(stack, "Queue", fifo=True)

    assert " must be a standard queue of Amazon SQS: " in refused(
        lambda: ImageVersionProvider(stack, "Named", dead_letter_queue=queue)
    )


def test_log_retention_with_a_log_group_is_refused(stack: cdk.Stack, refused: Refused) -> None:
    log_group, one_week = logs.LogGroup(stack, "Theirs"), logs.RetentionDays.ONE_WEEK

    assert refused(lambda: ImageVersionProvider(stack, "Named", log_group=log_group, log_retention=one_week)) == (
        "log_retention <RetentionDays.ONE_WEEK: 'ONE_WEEK'> must be left out with log_group 'Stack/Theirs': "
        "set the retention of that log group"
    )


# The default provider, and named providers.


def test_one_default_provider_for_each_stack(app: cdk.App, stack: cdk.Stack) -> None:
    deep, other = Construct(Construct(stack, "Outer"), "Inner"), cdk.Stack(app, "Other")
    nested = cdk.NestedStack(stack, "Nested")
    ImageVersionProvider(nested, "Named")

    default = ImageVersionProvider.get_or_create(deep)
    assert default.node.path == "Stack/ImageVersionProvider"
    assert ImageVersionProvider.get_or_create(stack) is default
    assert ImageVersionProvider.get_or_create(other) is not default


def test_named_provider(stack: cdk.Stack, declare: Declare, only: Only, waits_for: WaitsFor) -> None:
    declare(provider=ImageVersionProvider(stack, "Named"), aliases=["latest"])

    (function,) = ids(stack, "AWS::Lambda::Function")
    for resource in (only(VERSION), only("Custom::SageMakerImageAlias")):
        assert resource["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
        assert set(ids(stack, "AWS::Lambda::EventInvokeConfig")) < waits_for(resource)


def test_the_default_provider_is_set(stack: cdk.Stack, declare: Declare) -> None:
    scope = Construct(stack, "Scope")
    default, named = ImageVersionProvider(scope, "Own", memory_size=1024), ImageVersionProvider(stack, "Named")

    ImageVersionProvider.set_default(scope, default)

    assert declare("One").provider is default is ImageVersionProvider.get_or_create(stack)
    assert declare("Two", provider=named).provider is named
    assert len(ids(stack, "AWS::Lambda::Function")) == 2


@pytest.mark.parametrize("construct_id", ["Named", "ImageVersionProvider"])
def test_leaving_out_a_named_provider_is_refused(
    stack: cdk.Stack, declare: Declare, refused: Refused, construct_id: str
) -> None:
    """A version could never move from the default function to the one with the chosen options."""
    named = ImageVersionProvider(Construct(stack, "Scope"), construct_id)
    declare("One", provider=named)

    assert refused(lambda: declare("Two")) == (
        f"provider None must be given, since stack 'Stack' has the provider 'Stack/Scope/{construct_id}': pass that "
        "one, or first call ImageVersionProvider.set_default(stack, provider)"
    )


@pytest.mark.parametrize("is_generated", [True, False])
def test_a_second_default_provider_is_refused(stack: cdk.Stack, declare: Declare, is_generated: bool) -> None:
    named = ImageVersionProvider(stack, "Named")
    if is_generated:
        stack = cdk.Stack(cdk.App(), "Stack")
        first = ImageVersionProvider.get_or_create(stack)
        named = first
    else:
        first = ImageVersionProvider(stack, "First")
        ImageVersionProvider.set_default(stack, first)

    with pytest.raises(ValueError, match="must be set once") as refusal:
        ImageVersionProvider.set_default(stack, named)

    assert str(refusal.value) == (
        "Stack: default provider of stack 'Stack' must be set once, and before the first construct without a provider, "
        f"but is '{first.node.path}': call set_default earlier, or pass the provider to each construct"
    )


def test_a_default_provider_of_another_stack_is_refused(app: cdk.App, stack: cdk.Stack) -> None:
    elsewhere = ImageVersionProvider(cdk.Stack(app, "Other"), "Provider")

    with pytest.raises(ValueError, match=r"^Stack: provider 'Other/Provider' must be in stack 'Stack': create one "):
        ImageVersionProvider.set_default(stack, elsewhere)


@pytest.mark.parametrize("construct_id", ["Named", "ImageVersionProvider"])
def test_a_provider_after_the_default_provider_is_refused(
    stack: cdk.Stack, declare: Declare, refused: Refused, construct_id: str
) -> None:
    declare()

    assert refused(lambda: ImageVersionProvider(stack, construct_id, memory_size=1024)) == (
        f"provider '{construct_id}' must be created before the default provider of stack 'Stack': create it before all "
        "constructs without a provider, and call ImageVersionProvider.set_default(stack, provider), or pass it to each "
        "of them"
    )


def test_another_construct_with_the_id_of_the_default_provider_is_refused(
    stack: cdk.Stack, declare: Declare, refused: Refused
) -> None:
    Construct(stack, "ImageVersionProvider")
    image = Image.from_image_name(stack, "Image", "data-science")

    assert refused(lambda: declare(image=image)) == (
        "construct id 'ImageVersionProvider' must belong to the default provider in stack 'Stack': "
        "rename the construct that has it"
    )
