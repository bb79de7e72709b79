"""A stack adopts a version that was created by hand, and creates no new version."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion


class Adoption(cdk.Stack):
    """A version of the SageMaker image legacy. The image itself does not belong to the stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        number = self.node.try_get_context("adopt_version")
        repository = ecr.Repository.from_repository_name(self, "Repository", "legacy")
        ImageVersion(
            self,
            "Version",
            image=Image.from_image_name(self, "Image", "legacy"),
            base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"),
            adopt_version=int(number) if number else None,
        )


app = cdk.App()
Adoption(app, "Adoption")
app.synth()
