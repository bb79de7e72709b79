"""One SageMaker image with one version."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion


class Minimal(cdk.Stack):
    """The SageMaker image notebook with a version that is created from the container image notebook:1.0.0."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        repository = ecr.Repository.from_repository_name(self, "Repository", "notebook")
        ImageVersion(
            self,
            "Version",
            image=Image(self, "Image", image_name="notebook"),
            base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"),
            aliases=["latest"],
        )


app = cdk.App()
Minimal(app, "Minimal")
app.synth()
