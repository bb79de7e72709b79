"""An app with the same versions as custom resources of somebody's own function: python custom_resource.py VERSIONS
FOLDER."""

import sys

import aws_cdk as cdk

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"


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


if __name__ == "__main__":
    app = cdk.App(outdir=sys.argv[2])
    declare(cdk.Stack(app, "Stack"), int(sys.argv[1]))
    app.synth()
