"""``CustomResource``, with the same properties and another function."""

import aws_cdk as cdk

from synth_apps import URI


def declare(stack: cdk.Stack, count: int) -> None:
    """Declare versions."""
    for number in range(count):
        cdk.CustomResource(
            stack,
            f"Version{number}",
            service_token="arn:aws:lambda:eu-west-1:123456789012:function:handler",  # noqa: S106 (an ARN)
            resource_type="Custom::ImageVersion",
            properties={
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
