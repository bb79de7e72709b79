"""A SageMaker Studio domain whose JupyterLab offers an image version."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from imgver_constructs import AppImageConfig, BaseImage, Image, ImageVersion, StudioApp


class StudioDomain(cdk.Stack):
    """A domain with one custom image: a version that is created from studio-lab:<tag> in Amazon ECR."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        tag = self.node.try_get_context("tag") or "1.0.0"
        repository = ecr.Repository.from_repository_name(self, "Repository", "studio-lab")
        version = ImageVersion(
            self,
            "Version",
            image=Image(self, "Image", image_name="studio-lab", display_name="Studio Lab"),
            base_image=BaseImage.from_ecr_repository(repository, tag=tag),
            aliases=[tag],
        )
        lab = AppImageConfig(self, "JupyterLab", app=StudioApp.jupyter_lab())

        vpc = ec2.Vpc(self, "Vpc", max_azs=2, nat_gateways=0)
        role = iam.Role(
            self,
            "ExecutionRole",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSageMakerFullAccess")],
        )
        sagemaker.CfnDomain(
            self,
            "Domain",
            domain_name="studio-lab",
            auth_mode="IAM",
            vpc_id=vpc.vpc_id,
            subnet_ids=[subnet.subnet_id for subnet in vpc.public_subnets],
            default_user_settings=sagemaker.CfnDomain.UserSettingsProperty(
                execution_role=role.role_arn,
                jupyter_lab_app_settings=sagemaker.CfnDomain.JupyterLabAppSettingsProperty(
                    custom_images=[version.custom_image(app_image_config=lab)],
                ),
            ),
        )


app = cdk.App()
StudioDomain(app, "StudioDomain")
app.synth()
