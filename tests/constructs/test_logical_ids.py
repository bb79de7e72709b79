"""R48: what must never change between two releases.

CloudFormation refuses a custom resource whose ServiceToken or type changes, and deletes and makes again what changes
its logical id: a version that notebooks use, an alias. A change in this file is a breaking release.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk.assertions import Template

from imgver_constructs import BaseImage, Image, ImageAlias, ImageVersion


def test_r48_logical_ids_and_types_and_the_service_token(stack: cdk.Stack) -> None:
    # GIVEN one of everything
    repository = cdk.aws_ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    image = Image(stack, "Image", image_name="data-science")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    version = ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest", "1.0.0"])
    ImageAlias(stack, "Stable", alias_name="stable", version=version)

    # WHEN
    resources = Template.from_stack(stack).to_json()["Resources"]

    # THEN
    assert {logical_id: resource["Type"] for logical_id, resource in resources.items()} == {
        "Image9D742C96": "AWS::SageMaker::Image",
        "ImageRole1BFBDE6E": "AWS::IAM::Role",
        "ImageRoleDefaultPolicyA10B2E65": "AWS::IAM::Policy",
        "ImageVersionProviderFunction124F3991": "AWS::Lambda::Function",
        "ImageVersionProviderFunctionEventInvokeConfig01879776": "AWS::Lambda::EventInvokeConfig",
        "ImageVersionProviderImage970677B8156D0AAD05FB505A": "AWS::IAM::Policy",
        "ImageVersionProviderLogs0DB3204C": "AWS::Logs::LogGroup",
        "ImageVersionProviderRole98366D34": "AWS::IAM::Role",
        "ImageAlias100C28FA9EFD6BEBE89": "Custom::SageMakerImageAlias",
        "ImageAliaslatest4E83551BDDEECEF9": "Custom::SageMakerImageAlias",
        "ImageAliasstable4DA6F7C1B5F1CC07": "Custom::SageMakerImageAlias",
        "Version6A868472": "Custom::SageMakerImageVersion",
    }
    tokens = [resource["Properties"]["ServiceToken"] for resource in resources.values() if "Custom" in resource["Type"]]
    assert tokens == [{"Fn::GetAtt": ["ImageVersionProviderFunction124F3991", "Arn"]}] * 4
