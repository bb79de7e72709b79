"""Declares an image for each team that a YAML file lists."""

from pathlib import Path

import aws_cdk as cdk
import yaml
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionProvider, Processor


class ImageFactory(cdk.Stack):
    """The images of images.yaml."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        repository = ecr.Repository.from_repository_name(self, "Repository", "platform")
        # One pattern permits the images of all teams. One policy for each image could exceed IAM's limit for a role.
        provider = ImageVersionProvider(self, "Provider", permitted_images=["team-*"])
        for name, team in yaml.safe_load(Path("images.yaml").read_text()).items():
            image = Image(self, name, image_name=name, display_name=team["display_name"])
            ImageVersion(
                image,
                "Version",
                image=image,
                base_image=BaseImage.from_ecr_repository(repository, tag=team["tag"]),
                aliases=["latest"],
                processor=Processor(team["processor"]),
                programming_lang=team["programming_lang"],
                provider=provider,
            )


app = cdk.App()
ImageFactory(app, "ImageFactory")
app.synth()
