"""ImageVersionProvider: one function, and the permissions of its role down to the last statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageAlias, ImageVersion, ImageVersionProvider

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
VERSION = "Custom::SageMakerImageVersion"
POLICY = "AWS::IAM::Policy"
# CloudFormation refuses a custom resource whose function changes: these ids hold for every release.
FUNCTION = "ImageVersionProviderFunction124F3991"
ROLE = "ImageVersionProviderRole98366D34"
LOGS = "ImageVersionProviderLogs0DB3204C"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]


def sagemaker_arn(rest: Any) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, *([f":{rest}"] if isinstance(rest, str) else rest)]]}


def ecr_arn(repository: str) -> dict[str, Any]:
    return {
        "Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":ecr:eu-west-1:123456789012:repository/{repository}"]]
    }


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


def test_policy_of_an_image(declare: Declare, resources: Resources) -> None:
    declare(base_image=BaseImage.from_uri(f"{REGISTRY}/team/data-science:1.0.0"))

    assert resources(POLICY) == {
        "ImageVersionProviderImage970677B8156D0AAD05FB505A": {
            "Type": POLICY,
            "Properties": {
                "PolicyName": "ImageVersionProviderImage970677B8156D0AAD05FB505A",
                "Roles": [{"Ref": ROLE}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Action": "sagemaker:CreateImageVersion",
                            "Effect": "Allow",
                            "Resource": sagemaker_arn("image/data-science"),
                        },
                        {
                            "Action": [
                                "sagemaker:DeleteImageVersion",
                                "sagemaker:DescribeImageVersion",
                                "sagemaker:UpdateImageVersion",
                            ],
                            "Effect": "Allow",
                            "Resource": sagemaker_arn("image-version/data-science/*"),
                        },
                        {
                            "Action": "ecr:DescribeImages",
                            "Effect": "Allow",
                            "Resource": ecr_arn("team/data-science"),
                        },
                    ],
                },
            },
        }
    }


def test_versions_of_one_image_share_its_policy(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN three versions from two repositories, and an alias that needs nothing of its own
    declare("One", base_image=BaseImage.from_uri(f"{REGISTRY}/one:1"))
    declare("Two", base_image=BaseImage.from_uri(f"{REGISTRY}/one:2"))
    three = declare("Three", base_image=BaseImage.from_uri(f"{REGISTRY}/two:1"))
    ImageAlias(stack, "Alias", alias_name="latest", version=three)

    # THEN each repository is named once
    found = [statement for statement in statements(only(POLICY)) if statement["Action"] == "ecr:DescribeImages"]
    assert [statement["Resource"] for statement in found] == [ecr_arn("one"), ecr_arn("two")]


def test_each_image_has_a_policy_that_its_versions_depend_on(
    stack: cdk.Stack, declare: Declare, resources: Resources
) -> None:
    declare("One", image=Image.from_image_name(stack, "ImageOne", "one"))
    declare("Two", image=Image.from_image_name(stack, "ImageTwo", "two"))

    policies = resources(POLICY)
    versions = {version["Properties"]["ImageName"]: version for version in resources(VERSION).values()}
    assert len(policies) == 2
    for logical_id, policy in policies.items():
        (name,) = [name for name in versions if sagemaker_arn(f"image/{name}") == statements(policy)[0]["Resource"]]
        assert [other for other in versions[name]["DependsOn"] if other in policies] == [logical_id]


def test_r41_what_a_delete_needs_outlives_it() -> None:
    """A deployment that removes a version may narrow its image's policy, or remove it."""

    def template(*construct_ids: str) -> dict[str, Any]:
        stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
        image = Image.from_image_name(stack, "Image", "data-science")
        for number, construct_id in enumerate(construct_ids):
            base_image = BaseImage.from_uri(f"{REGISTRY}/{construct_id.lower()}:{number}")
            ImageVersion(stack, construct_id, image=image, base_image=base_image, aliases=[construct_id])
        return dict(Template.from_stack(stack).to_json()["Resources"])

    # WHEN one of two versions goes
    before, after = template("One", "Two"), template("One")

    # THEN the policy loses its repository only
    (policy_id,) = [logical_id for logical_id, resource in before.items() if resource["Type"] == POLICY]
    assert statements(before[policy_id])[:2] == statements(after[policy_id])[:2]
    assert len(statements(after[policy_id])) == len(statements(before[policy_id])) - 1

    # THEN CloudFormation deletes whatever needs the policy before it deletes the policy
    custom = [resource for resource in before.values() if resource["Type"].startswith("Custom::")]
    assert len(custom) == 4
    assert all(policy_id in resource["DependsOn"] for resource in custom)


def test_name_with_capitals_is_permitted_in_both_spellings(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    declare(image=Image(stack, "Made", image_name="Data-Science"), base_image=BaseImage.from_uri(f"{REGISTRY}/x:1"))

    (policy,) = [
        policy
        for policy in Template.from_stack(stack).find_resources(POLICY).values()
        if policy["Properties"]["Roles"] == [{"Ref": ROLE}]
    ]
    create, others, _ = statements(policy)
    assert create["Resource"] == [sagemaker_arn("image/Data-Science"), sagemaker_arn("image/data-science")]
    assert others["Resource"] == [
        sagemaker_arn("image-version/Data-Science/*"),
        sagemaker_arn("image-version/data-science/*"),
    ]


def test_name_that_is_a_token(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    name = cdk.CfnParameter(stack, "Name").value_as_string

    declare(image=Image.from_image_name(stack, "Named", name))

    create, others, _ = statements(only(POLICY))
    assert create["Resource"] == sagemaker_arn([":image/", {"Ref": "Name"}])
    assert others["Resource"] == sagemaker_arn([":image-version/", {"Ref": "Name"}, "/*"])


def test_logical_ids_do_not_depend_on_the_order(app: cdk.App) -> None:
    def stack(stack_id: str, names: list[str]) -> cdk.Stack:
        stack = cdk.Stack(app, stack_id)
        for name in names:
            image = Image.from_image_name(stack, f"Image-{name}", name)
            base_image = BaseImage.from_uri(f"{REGISTRY}/{name}:1")
            ImageVersion(stack, f"Version-{name}", image=image, base_image=base_image, aliases=["latest"])
        return stack

    there, back = stack("There", ["a", "b", "c"]), stack("Back", ["c", "b", "a"])

    assert Template.from_stack(there).to_json()["Resources"] == Template.from_stack(back).to_json()["Resources"]


# Which provider.


def test_one_per_stack(app: cdk.App, stack: cdk.Stack) -> None:
    # GIVEN a construct deep in the stack, and another stack
    deep = Construct(Construct(stack, "Outer"), "Inner")
    other = cdk.Stack(app, "Other")

    # THEN
    assert ImageVersionProvider.get_or_create(deep) is ImageVersionProvider.get_or_create(stack)
    assert ImageVersionProvider.get_or_create(other) is not ImageVersionProvider.get_or_create(stack)
    assert ImageVersionProvider.get_or_create(deep).node.path == "Stack/ImageVersionProvider"


def test_explicit_provider(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    provider = ImageVersionProvider(stack, "Mine")

    declare(provider=provider, aliases=["latest"])

    (function,) = resources("AWS::Lambda::Function")
    for resource_type in (VERSION, "Custom::SageMakerImageAlias"):
        (resource,) = resources(resource_type).values()
        assert resource["Properties"]["ServiceToken"] == {"Fn::GetAtt": [function, "Arn"]}
        assert function in resource["DependsOn"]


def test_id_taken_by_something_else_is_refused(stack: cdk.Stack, declare: Declare) -> None:
    Construct(stack, "ImageVersionProvider")

    with pytest.raises(ValueError, match="construct id") as refusal:
        declare()

    assert str(refusal.value) == (
        "construct id 'ImageVersionProvider' must be free in stack 'Stack', or that of an ImageVersionProvider: "
        "rename the construct that has it"
    )
