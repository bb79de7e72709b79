"""The app that the tests deploy, change and break with context values."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam

from imgver_constructs import (
    BaseImage,
    Image,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
)

DELETE, DESTROY = ImageVersionPolicy.DELETE, cdk.RemovalPolicy.DESTROY

app = cdk.App()
tag, late = app.node.try_get_context("tag"), app.node.try_get_context("late")

stack = cdk.Stack(app, "EndToEnd")
repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image(stack, "Image", image_name="notebooks", removal_policy=DESTROY)
version = ImageVersion(
    stack,
    "Version",
    image=image,
    base_image=BaseImage.from_ecr_repository(repository, tag=tag),
    aliases=["latest", "stable"],
    release_notes=app.node.try_get_context("notes"),
    follow_tag=app.node.try_get_context("build"),
    update_replace_policy=ImageVersionPolicy[app.node.try_get_context("replacement") or "DELETE"],
    deletion_policy=ImageVersionPolicy[app.node.try_get_context("deletion") or "DELETE"],
)
ImageVersionRetention(stack, "Retention", image=image, max_version_count=1)
if late:
    base_image = BaseImage.from_ecr_repository(repository, tag=late)
    last = ImageVersion(stack, "Late", image=image, base_image=base_image, deletion_policy=DELETE)
    last.node.add_dependency(version)
cdk.CfnOutput(stack, "ImageVersionArn", value=version.image_version_arn)

networked = cdk.Stack(app, "Networked")
vpc = ec2.Vpc.from_vpc_attributes(
    networked,
    "Vpc",
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=["eu-west-1a"],
    private_subnet_ids=["subnet-0123456789abcdef0"],
)
role = iam.Role(networked, "ProviderRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
group = ec2.SecurityGroup.from_security_group_id(networked, "Group", "sg-0123456789abcdef0")
ImageVersion(
    networked,
    "Version",
    image=Image(networked, "Image", image_name="notebooks", removal_policy=DESTROY),
    base_image=BaseImage.from_ecr_repository(
        ecr.Repository.from_repository_name(networked, "Repository", "data-science"), tag=tag
    ),
    deletion_policy=DELETE,
    provider=ImageVersionProvider(networked, "Provider", vpc=vpc, security_groups=[group], role=role),
)
app.synth()
