"""Several versions side by side, and two aliases that move between them."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion


class PromotedAliases(cdk.Stack):
    """The releases of the SageMaker image forecast. cdk.json defines the stable release and the candidate."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        repository = ecr.Repository.from_repository_name(self, "Repository", "forecast")
        image = Image(self, "Image", image_name="forecast")
        releases = {
            release: ImageVersion(
                self,
                release,
                image=image,
                base_image=BaseImage.from_ecr_repository(repository, tag=release),
                aliases=[release],
            )
            for release in self.node.get_context("releases")
        }
        for alias in ("stable", "candidate"):
            releases[self.node.get_context(alias)].add_alias(alias)


app = cdk.App()
PromotedAliases(app, "PromotedAliases")
app.synth()
