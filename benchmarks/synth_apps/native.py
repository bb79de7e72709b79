"""An app with ``CfnImageVersion``, and what users declare most: python native.py VERSIONS FOLDER."""

import sys

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"


def declare(stack: cdk.Stack, count: int) -> None:
    """Declare versions."""
    for number in range(count):
        sagemaker.CfnImageVersion(
            stack,
            f"Version{number}",
            image_name="data-science",
            base_image=URI,
            job_type="NOTEBOOK_KERNEL",
            processor="GPU",
            ml_framework="PyTorch 2.5",
            programming_lang="Python 3.12",
            release_notes="First release",
            vendor_guidance="STABLE",
        )


if __name__ == "__main__":
    app = cdk.App(outdir=sys.argv[2])
    declare(cdk.Stack(app, "Stack"), int(sys.argv[1]))
    app.synth()
