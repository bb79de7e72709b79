"""ImageVersionProvider: one function, its role, its log group, and what can be chosen of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
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
WaitsFor = Callable[[dict[str, Any]], set[str]]


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return list(policy["Properties"]["PolicyDocument"]["Statement"])


@pytest.mark.parametrize("made", [True, False], ids=["made image", "imported image"])
def test_one_version_with_two_aliases(stack: cdk.Stack, declare: Declare, made: bool) -> None:
    # GIVEN
    image = Image(stack, "Made") if made else Image.from_image_name(stack, "Imported", "data-science")

    # WHEN
    declare(image=image, aliases=["latest", "1.4.0"])

    # THEN one function, one role beside the image's own, one log group, no state machine
    of_the_image = {"AWS::SageMaker::Image": 1, "AWS::IAM::Role": 1, "AWS::IAM::Policy": 1} if made else {}
    types = Counter(resource["Type"] for resource in Template.from_stack(stack).to_json()["Resources"].values())
    assert types == Counter(of_the_image) + Counter(
        {
            "AWS::Lambda::Function": 1,
            "AWS::Lambda::EventInvokeConfig": 1,
            "AWS::Logs::LogGroup": 1,
            "AWS::IAM::Role": 1,
            "AWS::IAM::Policy": 1,
            "Custom::SageMakerImageVersion": 1,
            "Custom::SageMakerImageAlias": 2,
        }
    )


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


def test_no_event_outlives_cloudformations_patience(declare: Declare, only: Only) -> None:
    declare()

    invocation, version = only("AWS::Lambda::EventInvokeConfig"), only(VERSION)
    assert invocation["Properties"] == {
        "FunctionName": {"Ref": FUNCTION},
        "MaximumEventAgeInSeconds": 900,
        "MaximumRetryAttempts": 2,
        "Qualifier": "$LATEST",
    }
    timeout = only("AWS::Lambda::Function")["Properties"]["Timeout"]
    patience = int(version["Properties"]["ServiceTimeout"])
    assert invocation["Properties"]["MaximumEventAgeInSeconds"] + timeout <= patience


def test_log_group(declare: Declare, resources: Resources) -> None:
    declare()

    assert resources("AWS::Logs::LogGroup") == {
        LOGS: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"RetentionInDays": 30},
            "UpdateReplacePolicy": "Delete",
            "DeletionPolicy": "Delete",
        }
    }


def test_role_may_write_to_its_own_logs_only(declare: Declare, resources: Resources) -> None:
    declare()

    assert resources("AWS::IAM::Role") == {
        ROLE: {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Action": "sts:AssumeRole",
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ],
                },
                "Description": "Creates, updates and deletes SageMaker image versions for CloudFormation",
                "Policies": [
                    {
                        "PolicyName": "Logs",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                    "Effect": "Allow",
                                    "Resource": {"Fn::GetAtt": [LOGS, "Arn"]},
                                }
                            ],
                        },
                    },
                    {
                        "PolicyName": "Stack",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Action": "cloudformation:DescribeStacks",
                                    "Effect": "Allow",
                                    "Resource": {"Ref": "AWS::StackId"},
                                }
                            ],
                        },
                    },
                ],
            },
        }
    }


# Its options.


def function_with(stack: cdk.Stack, **options: Any) -> dict[str, Any]:
    """The function of the provider ``Mine`` that is made with the options."""
    ImageVersionProvider(stack, "Mine", **options)
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    return dict(function)


def ids(stack: cdk.Stack, resource_type: str) -> list[str]:
    return list(Template.from_stack(stack).find_resources(resource_type))


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
STACK = {"Action": "cloudformation:DescribeStacks", "Effect": "Allow", "Resource": {"Ref": "AWS::StackId"}}


def logs_to(arn: Any) -> dict[str, Any]:
    return {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Effect": "Allow", "Resource": arn}


def test_vpc(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    function = function_with(stack, vpc=vpc)

    # THEN the function is in the private subnet, in a group of its own
    (group,) = ids(stack, "AWS::EC2::SecurityGroup")
    (subnet,) = [each for each in ids(stack, "AWS::EC2::Subnet") if "Private" in each]
    assert function["Properties"]["VpcConfig"] == {
        "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
        "SubnetIds": [{"Ref": subnet}],
    }

    # THEN its role may do what Lambda does in a network before the function is made, and until it is gone or has left
    ((policy_id, policy),) = Template.from_stack(stack).find_resources(POLICY).items()
    (made,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    assert statements(policy) == [NETWORK]
    assert policy_id in function["DependsOn"]
    assert "ManagedPolicyArns" not in made["Properties"]

    # THEN the way out of the network is there before the function, and outlives it
    (route,) = [each for each in ids(stack, "AWS::EC2::Route") if "Private" in each]
    assert route in function["DependsOn"]


def test_vpc_subnets(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    subnets = [ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-1")]

    function = function_with(stack, vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=subnets))

    assert function["Properties"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]


def test_security_groups(stack: cdk.Stack, vpc: ec2.Vpc) -> None:
    # GIVEN a group whose rule is a resource of its own
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)
    endpoints = ec2.SecurityGroup(stack, "Endpoints", vpc=vpc)
    group.connections.allow_to(endpoints, ec2.Port.HTTPS)

    # WHEN
    function = function_with(stack, vpc=vpc, security_groups=(group,))

    # THEN the function has the group only, and the rule as long as it is there
    assert function["Properties"]["VpcConfig"]["SecurityGroupIds"] == [stack.resolve(group.security_group_id)]
    (rule,) = ids(stack, "AWS::EC2::SecurityGroupEgress")
    assert rule in function["DependsOn"]


def test_role(stack: cdk.Stack, role: iam.Role, vpc: ec2.Vpc) -> None:
    function = function_with(stack, role=role, vpc=vpc)

    # THEN there is no other role
    (role_id,) = ids(stack, "AWS::IAM::Role")
    assert function["Properties"]["Role"] == {"Fn::GetAtt": [role_id, "Arn"]}

    # THEN what the function needs is attached to it, before the function is made
    network, needs = sorted(Template.from_stack(stack).find_resources(POLICY).items())
    (log_group,) = ids(stack, "AWS::Logs::LogGroup")
    assert statements(needs[1]) == [logs_to({"Fn::GetAtt": [log_group, "Arn"]}), STACK]
    assert statements(network[1]) == [NETWORK]
    for policy_id, policy in (needs, network):
        assert policy["Properties"]["Roles"] == [{"Ref": role_id}]
        assert policy_id in function["DependsOn"]


def test_role_is_granted_what_images_need(
    stack: cdk.Stack, role: iam.Role, declare: Declare, resources: Resources
) -> None:
    declare(provider=ImageVersionProvider(stack, "Mine", role=role))

    (role_id,) = resources("AWS::IAM::Role")
    (policy,) = [one for one in resources(POLICY).values() if "CreateImageVersion" in str(one)]
    assert policy["Properties"]["Roles"] == [{"Ref": role_id}]


def test_role_of_two_stacks(app: cdk.App) -> None:
    """Both stacks give it policies, which must not overwrite each other."""
    # GIVEN
    stacks = [cdk.Stack(app, "One"), cdk.Stack(app, "Other")]
    for stack in stacks:
        role = iam.Role.from_role_name(stack, "Shared", "shared")
        ImageVersionProvider(stack, "ImageVersionProvider", role=role)
        image = Image.from_image_name(stack, "Image", "data-science")
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri("public.ecr.aws/x/y:1"))

    # THEN
    policies = [policy for stack in stacks for policy in Template.from_stack(stack).find_resources(POLICY).values()]
    assert [policy["Properties"]["Roles"] for policy in policies] == [["shared"]] * 4
    names = {policy["Properties"]["PolicyName"] for policy in policies}
    assert len(names) == 4
    assert all(len(name) <= 128 for name in names)


def test_role_of_another_stack(app: cdk.App, stack: cdk.Stack) -> None:
    """The policies are where the log group is: in the role's stack each stack would need the other one."""
    elsewhere = cdk.Stack(app, "Elsewhere")
    role = iam.Role(elsewhere, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    function_with(stack, role=role)

    assert len(ids(stack, POLICY)) == 1
    assert ids(elsewhere, POLICY) == []


def test_role_that_must_not_be_changed_is_given_nothing(stack: cdk.Stack, declare: Declare) -> None:
    # GIVEN
    arn = "arn:aws:iam::123456789012:role/Theirs"
    role = iam.Role.from_role_arn(stack, "Theirs", arn, mutable=False)

    # WHEN
    declare(provider=ImageVersionProvider(stack, "Mine", role=role))

    # THEN
    assert ids(stack, POLICY) == ids(stack, "AWS::IAM::Role") == []
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["Role"] == arn


def test_log_group_of_the_user(stack: cdk.Stack) -> None:
    # GIVEN
    log_group = logs.LogGroup.from_log_group_name(stack, "Theirs", "/team/log")

    # WHEN
    function = function_with(stack, log_group=log_group)

    # THEN no other one is made, and the role may write to it
    assert function["Properties"]["LoggingConfig"] == {"LogGroup": "/team/log"}
    assert ids(stack, "AWS::Logs::LogGroup") == []
    (made,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    document = made["Properties"]["Policies"][0]["PolicyDocument"]
    assert document["Statement"] == [logs_to(stack.resolve(log_group.log_group_arn))]


def test_log_retention(stack: cdk.Stack) -> None:
    function_with(stack, log_retention=logs.RetentionDays.ONE_WEEK)

    (log_group,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    assert log_group["Properties"] == {"RetentionInDays": 7}


def test_environment_encryption(stack: cdk.Stack) -> None:
    arn = "arn:aws:kms:eu-west-1:123456789012:key/0"

    function = function_with(stack, environment_encryption=kms.Key.from_key_arn(stack, "Key", arn))

    assert function["Properties"]["KmsKeyArn"] == arn


def test_memory_size(stack: cdk.Stack) -> None:
    assert function_with(stack, memory_size=128)["Properties"]["MemorySize"] == 128


def test_memory_size_that_is_a_token(stack: cdk.Stack) -> None:
    memory_size = cdk.CfnParameter(stack, "Memory", type="Number").value_as_number

    assert function_with(stack, memory_size=memory_size)["Properties"]["MemorySize"] == {"Ref": "Memory"}


def test_architecture(stack: cdk.Stack) -> None:
    assert function_with(stack, architecture=lambda_.Architecture.X86_64)["Properties"]["Architectures"] == ["x86_64"]


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
    declare(provider=ImageVersionProvider(stack, "Mine", timeout=timeout))

    # THEN CloudFormation waits as long as an event may stay and the function may take
    assert only("AWS::Lambda::Function")["Properties"]["Timeout"] == seconds
    assert only("AWS::Lambda::EventInvokeConfig")["Properties"]["MaximumEventAgeInSeconds"] == 900
    assert only(VERSION)["Properties"]["ServiceTimeout"] == str(900 + seconds)


def test_the_shortest_timeout_leaves_a_replacement_the_time_of_a_version(stack: cdk.Stack) -> None:
    with pytest.raises(ValueError, match="timeout") as refusal:
        ImageVersionProvider(stack, "Mine", timeout=cdk.Duration.seconds(1))

    (shortest,) = re.findall(r"from (\d+) to", str(refusal.value))
    assert int(shortest) - RESPONSE_TIME_BUDGET - CLEANUP_TIME_BUDGET >= 60


def test_timeout_that_is_a_token(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    seconds = cdk.CfnParameter(stack, "Seconds", type="Number").value_as_number

    declare(provider=ImageVersionProvider(stack, "Mine", timeout=cdk.Duration.seconds(seconds)))

    # THEN CloudFormation waits for the longest one
    assert only("AWS::Lambda::Function")["Properties"]["Timeout"] == {"Ref": "Seconds"}
    assert only(VERSION)["Properties"]["ServiceTimeout"] == "1800"


def test_permission_boundary_of_the_provider(stack: cdk.Stack, only: Only) -> None:
    provider = ImageVersionProvider(stack, "Mine")
    boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary")

    iam.PermissionsBoundary.of(provider).apply(boundary)

    assert only("AWS::IAM::Role")["Properties"]["PermissionsBoundary"] == stack.resolve(boundary.managed_policy_arn)


def test_permission_boundary_of_the_stack(app: cdk.App) -> None:
    stack = cdk.Stack(app, "Bound", permissions_boundary=cdk.PermissionsBoundary.from_name("boundary"))

    function_with(stack)

    (made,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    assert made["Properties"]["PermissionsBoundary"] == stack.resolve(
        f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:policy/boundary"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vpc": "vpc-1"}, "vpc 'vpc-1' must be a vpc: for an id use ec2.Vpc.from_lookup(…)"),
        (
            {"vpc_subnets": ["subnet-1"]},
            (
                "vpc_subnets ['subnet-1'] must be a SubnetSelection: "
                "write it like ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)"
            ),
        ),
        (
            {"security_groups": "sg-1"},
            (
                "security_groups 'sg-1' must be a list of security groups: "
                "for an id use ec2.SecurityGroup.from_security_group_id(…)"
            ),
        ),
        (
            {"security_groups": ["sg-1"]},
            (
                "security_groups ['sg-1'] must be a list of security groups: "
                "for an id use ec2.SecurityGroup.from_security_group_id(…)"
            ),
        ),
        ({"role": "arn:x"}, "role 'arn:x' must be a role: for an arn use iam.Role.from_role_arn(…)"),
        (
            {"log_group": "/team/log"},
            "log_group '/team/log' must be a log group: for a name use logs.LogGroup.from_log_group_name(…)",
        ),
        (
            {"log_retention": 7},
            "log_retention 7 must be one of RetentionDays: write it like logs.RetentionDays.ONE_WEEK",
        ),
        (
            {"environment_encryption": "arn:x"},
            "environment_encryption 'arn:x' must be a key: for an arn use kms.Key.from_key_arn(…)",
        ),
        (
            {"architecture": "arm64"},
            "architecture 'arm64' must be an Architecture: write it like lambda_.Architecture.ARM_64",
        ),
        ({"timeout": 300}, "timeout 300 must be a Duration: write it like cdk.Duration.minutes(5)"),
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
                {"timeout": timeout},
                f"timeout of {shown} seconds must be whole seconds from 180 to 900: leave it out to get the longest",
            )
            for timeout, shown in (
                (cdk.Duration.seconds(179), "179"),
                (cdk.Duration.minutes(16), "960"),
                (cdk.Duration.millis(190_500), "190.5"),
            )
        ),
        (
            {"vpc_subnets": ec2.SubnetSelection(one_per_az=True)},
            "vpc_subnets SubnetSelection(one_per_az=True) must come with a vpc: name it with vpc, or leave it out",
        ),
        ({"security_groups": []}, "security_groups [] must come with a vpc: name it with vpc, or leave it out"),
    ],
)
def test_an_option_that_would_be_wrong_is_refused(
    stack: cdk.Stack, tree: Callable[[], list[str]], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=next(iter(options))) as refusal:
        ImageVersionProvider(stack, "Mine", **options)

    assert str(refusal.value) == message
    assert "Stack/Mine" not in tree()


def test_retention_of_the_users_log_group_is_refused(stack: cdk.Stack) -> None:
    log_group = logs.LogGroup(stack, "Theirs")

    with pytest.raises(ValueError, match="log_retention") as refusal:
        ImageVersionProvider(stack, "Mine", log_group=log_group, log_retention=logs.RetentionDays.ONE_WEEK)

    assert str(refusal.value) == (
        "log_retention <RetentionDays.ONE_WEEK: 'ONE_WEEK'> must be left out with log_group 'Stack/Theirs': "
        "set the retention of that log group"
    )


# What it makes for the other constructs.


def test_prerequisites_of_a_version(
    stack: cdk.Stack, declare: Declare, resources: Resources, only: Only, waits_for: WaitsFor
) -> None:
    # WHEN
    declare(image=Image(stack, "Made", image_name="data-science"), provider=ImageVersionProvider(stack, "Mine"))

    # THEN it comes after the image, its role and what that may do, what the function may do, and how it is invoked
    version = only(VERSION)
    needed = [
        *ids(stack, POLICY),
        *ids(stack, "AWS::Lambda::EventInvokeConfig"),
        *[role for role in ids(stack, "AWS::IAM::Role") if role.startswith("Made")],
        *ids(stack, "AWS::SageMaker::Image"),
    ]
    assert sorted(found["Ref"] for found in version["Properties"]["Prerequisites"]) == sorted(needed)
    assert waits_for(version) == {*needed, *ids(stack, "AWS::Lambda::Function")}
    assert len(needed) == 5


def test_prerequisites_that_the_template_leaves_out(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    """CDK writes no policy of a role that must not be changed."""
    role = iam.Role.from_role_name(stack, "Theirs", "theirs", mutable=False)

    declare(provider=ImageVersionProvider(stack, "Mine", role=role))

    assert ids(stack, POLICY) == []
    (invocation,) = ids(stack, "AWS::Lambda::EventInvokeConfig")
    assert only(VERSION)["Properties"]["Prerequisites"] == [{"Ref": invocation}]


def test_what_the_user_adds_to_a_resource_is_kept(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    before = cdk.CfnResource(stack, "Before", type="AWS::CloudFormation::WaitConditionHandle")

    version = declare()
    version.node.add_dependency(before)
    version.node.default_child.add_property_override("Some", "thing")

    assert "Before" in only(VERSION)["DependsOn"]
    assert only(VERSION)["Properties"]["Some"] == "thing"


# Which provider.


def test_one_per_stack(app: cdk.App, stack: cdk.Stack) -> None:
    # GIVEN a construct deep in the stack, and another stack
    deep = Construct(Construct(stack, "Outer"), "Inner")
    other = cdk.Stack(app, "Other")

    # THEN
    assert ImageVersionProvider.get_or_create(deep) is ImageVersionProvider.get_or_create(stack)
    assert ImageVersionProvider.get_or_create(other) is not ImageVersionProvider.get_or_create(stack)
    assert ImageVersionProvider.get_or_create(deep).node.path == "Stack/ImageVersionProvider"


def test_explicit_provider(stack: cdk.Stack, declare: Declare, resources: Resources, waits_for: WaitsFor) -> None:
    provider = ImageVersionProvider(stack, "Mine")

    declare(provider=provider, aliases=["latest"])

    (function,) = resources("AWS::Lambda::Function")
    for resource_type in (VERSION, "Custom::SageMakerImageAlias"):
        (resource,) = resources(resource_type).values()
        assert resource["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
        assert set(ids(stack, "AWS::Lambda::EventInvokeConfig")) < waits_for(resource)


def test_its_path_makes_a_provider_the_stacks_own(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "ImageVersionProvider", memory_size=1024)

    # WHEN
    version = declare()

    # THEN
    assert version.provider is provider is ImageVersionProvider.get_or_create(stack)
    assert only("AWS::Lambda::Function")["Properties"]["MemorySize"] == 1024


def test_the_stacks_own_and_named_ones_side_by_side(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    # GIVEN
    own = ImageVersionProvider(stack, "ImageVersionProvider")
    named = ImageVersionProvider(stack, "Named")

    # THEN
    assert declare("One").provider is own
    assert declare("Two", provider=named).provider is named
    assert len(resources("AWS::Lambda::Function")) == 2


def test_of_another_kind_below_the_stack_is_not_its_own(stack: cdk.Stack, declare: Declare) -> None:
    ImageVersionProvider(Construct(stack, "Scope"), "ImageVersionProvider")

    with pytest.raises(ValueError, match="provider None"):
        declare()


def test_nested_stack_has_its_own(stack: cdk.Stack) -> None:
    nested = cdk.NestedStack(stack, "Nested")
    ImageVersionProvider(nested, "Named")

    assert ImageVersionProvider.get_or_create(stack).node.path == "Stack/ImageVersionProvider"


def test_naming_none_where_there_is_one_to_be_named_is_refused(
    stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]]
) -> None:
    """A version would be bound for good to a function without the options that were chosen."""
    # GIVEN
    named = ImageVersionProvider(stack, "Named")
    declare("One", provider=named)
    before = tree()

    # WHEN
    with pytest.raises(ValueError, match="provider None") as refusal:
        declare("Two")

    # THEN
    assert str(refusal.value) == (
        "provider None must be one that is named, since stack 'Stack' has 'Stack/Named': name it, or first make the "
        "stack's own with ImageVersionProvider(stack, 'ImageVersionProvider')"
    )
    assert tree() == before


@pytest.mark.parametrize("construct_id", ["Named", "ImageVersionProvider"])
def test_made_too_late_is_refused(
    stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]], construct_id: str
) -> None:
    # GIVEN
    declare()
    before = tree()

    # WHEN
    with pytest.raises(ValueError, match="provider") as refusal:
        ImageVersionProvider(stack, construct_id, memory_size=1024)

    # THEN
    assert str(refusal.value) == (
        f"provider '{construct_id}' must be made before stack 'Stack' makes its own for what names none: make it "
        "first, and with the id 'ImageVersionProvider', or name it everywhere"
    )
    assert tree() == before


def test_id_taken_by_something_else_is_refused(stack: cdk.Stack, declare: Declare) -> None:
    Construct(stack, "ImageVersionProvider")

    with pytest.raises(ValueError, match="construct id") as refusal:
        declare()

    assert str(refusal.value) == (
        "construct id 'ImageVersionProvider' must be free in stack 'Stack', or that of an ImageVersionProvider: "
        "rename the construct that has it"
    )
