"""The app that the end-to-end tests deploy, change and break through context values."""

import aws_cdk as cdk

from imgver_constructs import BaseImage, Image, ImageVersion

app = cdk.App()
stack = cdk.Stack(app, "EndToEnd")
repository = cdk.aws_ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image(stack, "Image", image_name="notebooks")
version = ImageVersion(
    stack,
    "Version",
    image=image,
    base_image=BaseImage.from_ecr_repository(repository, tag=app.node.try_get_context("tag")),
    aliases=["latest", "stable"],
    release_notes=app.node.try_get_context("notes"),
)
version.node.find_child("Resource").node.default_child.add_property_override("FollowTag", "yes")
late = app.node.try_get_context("late")
if late:
    other = BaseImage.from_ecr_repository(repository, tag=late)
    ImageVersion(stack, "Late", image=image, base_image=other).node.add_dependency(version)
cdk.CfnOutput(stack, "ImageVersionArn", value=version.image_version_arn)
app.synth()
