"""``CfnImageVersion``, with the most common properties and one alias."""

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

from synth_apps import URI


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
            aliases=[f"v{number}"],
        )
