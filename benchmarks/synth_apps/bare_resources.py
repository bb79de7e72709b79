"""Bare ``CfnResource`` objects: the cheapest declaration of the two resources that a version with one alias needs.

It does what CloudFormation requires and no more: there is no L2 construct, no check and no permission. Its cost is a
lower limit for this library.
"""

import aws_cdk as cdk

from synth_apps import URI


def declare(stack: cdk.Stack, count: int) -> None:
    """Declare versions and their aliases."""
    policy = cdk.CfnResource(stack, "Policy", type="AWS::SNS::Topic")
    function = cdk.CfnResource(stack, "Function", type="AWS::SNS::Topic")
    token = function.get_att("TopicArn").to_string()
    for number in range(count):
        version = cdk.CfnResource(
            stack,
            f"Version{number}",
            type="Custom::SageMakerImageVersion",
            properties={
                "ServiceToken": token,
                "ServiceTimeout": "1800",
                "ConstructPath": f"Stack/Version{number}",
                "ImageName": "data-science",
                "BaseImage": URI,
                "JobType": "NOTEBOOK_KERNEL",
                "Processor": "GPU",
                "MLFramework": "PyTorch 2.5",
                "ProgrammingLang": "Python 3.12",
                "ReleaseNotes": "First release",
                "VendorGuidance": "STABLE",
            },
        )
        version.add_resource_dependency(policy)
        version.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        alias = cdk.CfnResource(
            stack,
            f"Alias{number}",
            type="Custom::SageMakerImageAlias",
            properties={
                "ServiceToken": token,
                "ServiceTimeout": "1800",
                "ConstructPath": f"Stack/Version{number}/Alias-v{number}",
                "ImageName": "data-science",
                "Alias": f"v{number}",
                "Version": version.ref,
            },
        )
        alias.override_logical_id(f"ImageAliasv{number}")
