"""``ImageVersion``, with the same properties and one alias, which is a resource of its own."""

import aws_cdk as cdk

from imgver_constructs import BaseImage, Image, ImageVersion, JobType, Processor, VendorGuidance
from synth_apps import URI


def declare(stack: cdk.Stack, count: int) -> None:
    """Declare versions."""
    image, base_image = Image.from_image_name(stack, "Image", "data-science"), BaseImage.from_uri(URI)
    for number in range(count):
        ImageVersion(
            stack,
            f"Version{number}",
            image=image,
            base_image=base_image,
            aliases=[f"v{number}"],
            job_type=JobType.NOTEBOOK_KERNEL,
            processor=Processor.GPU,
            ml_framework="PyTorch 2.5",
            programming_lang="Python 3.12",
            release_notes="First release",
            vendor_guidance=VendorGuidance.STABLE,
        )
