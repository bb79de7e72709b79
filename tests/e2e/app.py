"""The app that the end-to-end test deploys, changes and breaks through context values."""

import aws_cdk as cdk

from imgver_constructs import BaseImage, Image, ImageVersion

app = cdk.App()
stack = cdk.Stack(app, "EndToEnd")
tag = app.node.try_get_context("tag")
repository = cdk.aws_ecr.Repository.from_repository_name(stack, "Repository", "data-science")
version = ImageVersion(
    stack,
    "Version",
    image=Image(stack, "Image", image_name="data-science"),
    base_image=BaseImage.from_ecr_repository(repository, tag=tag),
    aliases=["latest", "stable"],
    release_notes=app.node.try_get_context("notes"),
)
cdk.CfnOutput(stack, "ImageVersionArn", value=version.image_version_arn)
app.synth()
