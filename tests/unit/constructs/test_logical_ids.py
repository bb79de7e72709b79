"""R48: the logical ids and types of resources, and service tokens, never change between two releases.

CloudFormation refuses another ServiceToken or type of a custom resource, and replaces a resource with another logical
id: a version that notebooks use, an alias. A change in this file is a breaking release.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)


def types(stack: cdk.Stack) -> dict[str, str]:
    return {logical_id: resource["Type"] for logical_id, resource in resources(stack).items()}


def resources(stack: cdk.Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json()["Resources"])


def service_tokens(stack: cdk.Stack) -> list[Any]:
    return [
        resource["Properties"]["ServiceToken"] for resource in resources(stack).values() if "Custom" in resource["Type"]
    ]


def test_r48_logical_ids_and_types_and_the_service_token(stack: cdk.Stack, tmp_path: Path) -> None:
    # GIVEN one of everything
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    image = Image(stack, "Image", image_name="data-science")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    version = ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest", "1.0.0"])
    version.add_alias("nightly")
    ImageAlias(stack, "Stable", alias_name="stable", version=version)
    ImageAlias(stack, "Token", alias_name=cdk.Fn.ref("AWS::StackName"), version=version)
    ImageVersion(stack, "Tokens", image=image, base_image=base_image, aliases=[cdk.Fn.ref("AWS::Region")])
    ImageVersion(stack, "Built", image=image, base_image=BaseImage.from_asset(tmp_path))
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    ImageVersion(stack, "OfUnnamed", image=Image(stack, "Unnamed"), base_image=base_image, aliases=["latest"])
    imported = ImageVersion.from_image_version_attributes(
        stack, "Old", image=Image.from_image_name(stack, "Imported", "Team.A"), version=7
    )
    imported.add_alias("latest")

    assert types(stack) == {
        "Built79DB96CD": "Custom::SageMakerImageVersion",
        "ConfigJupyterLab2D0CA5F2": "AWS::SageMaker::AppImageConfig",
        "Image9D742C96": "AWS::SageMaker::Image",
        "ImageAlias100C28FA9EFD6BEBE89": "Custom::SageMakerImageAlias",
        "ImageAliaslatest26DCD6742771240E": "Custom::SageMakerImageAlias",
        "ImageAliaslatest0361EEBEC8BD2340": "Custom::SageMakerImageAlias",
        "ImageAliaslatest4E83551BDDEECEF9": "Custom::SageMakerImageAlias",
        "ImageAliasnightly169057B716EDDA6C": "Custom::SageMakerImageAlias",
        "ImageAliasstable4DA6F7C1B5F1CC07": "Custom::SageMakerImageAlias",
        "ImageRole1BFBDE6E": "AWS::IAM::Role",
        "ImageRoleDefaultPolicyA10B2E65": "AWS::IAM::Policy",
        "ImageVersionProviderFunction124F3991": "AWS::Lambda::Function",
        "ImageVersionProviderFunctionEventInvokeConfig01879776": "AWS::Lambda::EventInvokeConfig",
        "ImageVersionProviderImage51033223831356C5CCE10468": "AWS::IAM::Policy",
        "ImageVersionProviderImage970677B8156D0AAD05FB505A": "AWS::IAM::Policy",
        "ImageVersionProviderImageDC6273296FB8ABE9CF6F4ED9": "AWS::IAM::Policy",
        "ImageVersionProviderLogs0DB3204C": "AWS::Logs::LogGroup",
        "ImageVersionProviderRole98366D34": "AWS::IAM::Role",
        "OfUnnamedE3A2FA38": "Custom::SageMakerImageVersion",
        "Retention8BFB5E80": "Custom::SageMakerImageRetention",
        "TokenCB33349F": "Custom::SageMakerImageAlias",
        "Tokens1180AAEA": "Custom::SageMakerImageVersion",
        "TokensAlias055FA2D4F": "Custom::SageMakerImageAlias",
        "Unnamed056898D7": "AWS::SageMaker::Image",
        "UnnamedRoleBD487988": "AWS::IAM::Role",
        "UnnamedRoleDefaultPolicy2B66C38E": "AWS::IAM::Policy",
        "Version6A868472": "Custom::SageMakerImageVersion",
    }
    assert service_tokens(stack) == [{"Fn::GetAtt": ["ImageVersionProviderFunction124F3991", "Arn"]}] * 13
    # Another generated name would replace the image or the configuration.
    assert resources(stack)["Unnamed056898D7"]["Properties"]["ImageName"] == "Stack-Unnamed-5122E079"
    assert resources(stack)["ConfigJupyterLab2D0CA5F2"]["Properties"]["AppImageConfigName"] == (
        "Stack-Config-6E0E1CE2-JupyterLab"
    )


def test_r48_logical_ids_of_a_provider_with_options(stack: cdk.Stack) -> None:
    # GIVEN a provider with every option that creates a resource
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"], private_subnet_ids=["subnet-12345678"]
    )
    provider = ImageVersionProvider(
        stack,
        "ImageVersionProvider",
        vpc=vpc,
        log_retention=logs.RetentionDays.ONE_WEEK,
        environment_encryption=kms.Key(stack, "Key"),
        dead_letter_queue=sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:some"),
        permitted_images=["team-*", "data-science"],
    )
    ImageVersionProvider.set_default(stack, provider)
    image = Image.from_image_name(stack, "Image", "team-a")
    base_image = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0")
    ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"])
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)

    assert types(stack) == {
        "ImageAliaslatest0F5A54C157B40E4B": "Custom::SageMakerImageAlias",
        "ImageVersionProviderDeadLetterQueueB729E9DB": "AWS::IAM::Policy",
        "ImageVersionProviderFunction124F3991": "AWS::Lambda::Function",
        "ImageVersionProviderFunctionEventInvokeConfig01879776": "AWS::Lambda::EventInvokeConfig",
        "ImageVersionProviderFunctionSecurityGroup8A51A46E": "AWS::EC2::SecurityGroup",
        "ImageVersionProviderImagesBBF08D7E06C3786765D2F7BB": "AWS::IAM::Policy",
        "ImageVersionProviderLogs0DB3204C": "AWS::Logs::LogGroup",
        "ImageVersionProviderNetwork59E81FE4": "AWS::IAM::Policy",
        "ImageVersionProviderRepositories81C2DFBE": "AWS::IAM::Policy",
        "ImageVersionProviderRole98366D34": "AWS::IAM::Role",
        "Key961B73FD": "AWS::KMS::Key",
        "Retention8BFB5E80": "Custom::SageMakerImageRetention",
        "Version6A868472": "Custom::SageMakerImageVersion",
    }
    assert service_tokens(stack) == [{"Fn::GetAtt": ["ImageVersionProviderFunction124F3991", "Arn"]}] * 3


def test_r48_logical_ids_of_a_named_provider_with_a_role(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group = logs.LogGroup(stack, "Logs")
    provider = ImageVersionProvider(stack, "Provider", role=role, log_group=log_group)
    image = Image.from_image_name(stack, "Image", "team-a")
    base_image = BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0")
    ImageVersion(stack, "Version", image=image, base_image=base_image, provider=provider)

    assert types(stack) == {
        "Logs6819BB44": "AWS::Logs::LogGroup",
        "ProviderFunction30350776": "AWS::Lambda::Function",
        "ProviderFunctionEventInvokeConfig584963E8": "AWS::Lambda::EventInvokeConfig",
        "ProviderImage96C2886C51D1DFB4255DB6E6": "AWS::IAM::Policy",
        "ProviderPolicy73D9A088": "AWS::IAM::Policy",
        "Role1ABCC5F0": "AWS::IAM::Role",
        "Version6A868472": "Custom::SageMakerImageVersion",
    }
    # Stacks that share a role must not overwrite each other's policies.
    policies = [found for found in resources(stack).values() if found["Type"] == "AWS::IAM::Policy"]
    assert [policy["Properties"]["PolicyName"] for policy in policies] == [
        "Stack-Provider-342BA82A-Policy",
        "Stack-Provider-342BA82A-Image96C2886C51D1DFB4",
    ]
