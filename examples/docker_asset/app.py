"""An image version whose container image the CDK CLI builds from a folder."""

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionPolicy


class DockerAsset(cdk.Stack):
    """A version whose container image is built from the folder docker. A change there creates a new version."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        ImageVersion(
            self,
            "Version",
            image=Image(self, "Image", image_name="lab"),
            base_image=BaseImage.from_asset("docker"),
            aliases=["latest"],
            # A retained version would lose its container image to `cdk gc`.
            update_replace_policy=ImageVersionPolicy.DELETE,
            deletion_policy=ImageVersionPolicy.DELETE,
        )


app = cdk.App()
DockerAsset(app, "DockerAsset")
app.synth()
