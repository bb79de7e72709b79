"""The app that the tests deploy, change and break with context values."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAttachment,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

DELETE, DESTROY = ImageVersionPolicy.DELETE, cdk.RemovalPolicy.DESTROY

app = cdk.App()
tag, late = app.node.try_get_context("tag"), app.node.try_get_context("late")
replacement = ImageVersionPolicy[app.node.try_get_context("replacement") or "DELETE"]

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
    update_replace_policy=replacement,
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

attached = cdk.Stack(app, "Attached")
existing_domain = app.node.try_get_context("domain")
domain = existing_domain or sagemaker.CfnDomain(
    attached,
    "Domain",
    domain_name="notebooks",
    auth_mode="IAM",
    default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
        execution_role=f"arn:{cdk.Aws.PARTITION}:iam::{cdk.Aws.ACCOUNT_ID}:role/users"
    ),
)
version = ImageVersion(
    attached,
    "Version",
    image=Image(attached, "Image", image_name="notebooks", removal_policy=DESTROY),
    base_image=BaseImage.from_ecr_repository(
        ecr.Repository.from_repository_name(attached, "Repository", "data-science"), tag=tag
    ),
    update_replace_policy=replacement,
    deletion_policy=DELETE,
)
lab = AppImageConfig(attached, "Lab", app_image_config_name="notebooks", app=StudioApp.jupyter_lab())
ImageAttachment(attached, "ToDomain", version=version, app_image_config=lab, domain=domain)
to_ann = ImageAttachment(
    attached, "ToAnn", version=version, app_image_config=lab, domain=domain, user_profile_name="ann"
)
if existing_domain is None:
    ann = sagemaker.CfnUserProfile(attached, "Ann", domain_id=domain.attr_domain_id, user_profile_name="ann")
    to_ann.node.add_dependency(ann)
app.synth()
