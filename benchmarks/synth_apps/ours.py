"""An app with ``ImageVersion``, declared as the native one: python ours.py VERSIONS FOLDER."""

import sys

import aws_cdk as cdk

from imgver_constructs import BaseImage, Image, ImageVersion, JobType, Processor, VendorGuidance

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"


def declare(stack: cdk.Stack, count: int) -> None:
    """Declare versions."""
    image, base_image = Image.from_image_name(stack, "Image", "data-science"), BaseImage.from_uri(URI)
    for number in range(count):
        ImageVersion(
            stack,
            f"Version{number}",
            image=image,
            base_image=base_image,
            job_type=JobType.NOTEBOOK_KERNEL,
            processor=Processor.GPU,
            ml_framework="PyTorch 2.5",
            programming_lang="Python 3.12",
            release_notes="First release",
            vendor_guidance=VendorGuidance.STABLE,
        )


if __name__ == "__main__":
    app = cdk.App(outdir=sys.argv[2])
    declare(cdk.Stack(app, "Stack"), int(sys.argv[1]))
    app.synth()
