"""A deployment creates a new version if another container image was pushed under the same tag."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionRetention, Superseded


class FollowedTag(cdk.Stack):
    """A version that is created from nightly:main, and a retention that keeps the last three versions."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        repository = ecr.Repository.from_repository_name(self, "Repository", "nightly")
        image = Image(self, "Image", image_name="nightly")
        ImageVersion(
            self,
            "Version",
            image=image,
            base_image=BaseImage.from_ecr_repository(repository, tag="main"),
            aliases=["latest"],
            follow_tag=self.node.try_get_context("build") or "none",
            superseded=Superseded.RETAIN,  # running notebooks continue to use the old version
        )
        ImageVersionRetention(self, "Retention", image=image, max_version_count=3)


app = cdk.App()
FollowedTag(app, "FollowedTag")
app.synth()
