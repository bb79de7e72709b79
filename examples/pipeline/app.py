"""A pipeline that deploys an image version to development and, after an approval, to production."""

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import pipelines
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion

TOOLS = cdk.Environment(account="111111111111", region="eu-west-1")
DEVELOPMENT = cdk.Environment(account="222222222222", region="eu-west-1")
PRODUCTION = cdk.Environment(account="333333333333", region="eu-west-1")

REPOSITORY = f"arn:aws:ecr:{TOOLS.region}:{TOOLS.account}:repository/data-science"
CONNECTION = f"arn:aws:codeconnections:{TOOLS.region}:{TOOLS.account}:connection/00000000-0000-0000-0000-000000000000"


class DataScience(cdk.Stack):
    """An image version. Every account creates it from the same container image in the account of the pipeline."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        ImageVersion(
            self,
            "Version",
            image=Image(self, "Image", image_name="data-science"),
            base_image=BaseImage.from_ecr_repository(
                ecr.Repository.from_repository_arn(self, "Repository", REPOSITORY), tag="1.0.0"
            ),
            aliases=["latest"],
        )


class Deployment(cdk.Stage):
    """The deployment to one account."""

    def __init__(self, scope: Construct, construct_id: str, *, env: cdk.Environment) -> None:
        super().__init__(scope, construct_id, env=env)
        DataScience(self, "DataScience")


class Pipeline(cdk.Stack):
    """The pipeline. When this file changes, the pipeline first updates itself."""

    def __init__(self, scope: Construct, construct_id: str, *, env: cdk.Environment) -> None:
        super().__init__(scope, construct_id, env=env)
        source = pipelines.CodePipelineSource.connection(
            "example/data-science-images", "main", connection_arn=CONNECTION
        )
        pipeline = pipelines.CodePipeline(
            self,
            "Pipeline",
            synth=pipelines.ShellStep(
                "Synth", input=source, commands=["pip install -r requirements.txt", "npx aws-cdk@2 synth"]
            ),
            cross_account_keys=True,
            pipeline_type=codepipeline.PipelineType.V2,
        )
        pipeline.add_stage(Deployment(self, "Development", env=DEVELOPMENT))
        pipeline.add_stage(
            Deployment(self, "Production", env=PRODUCTION), pre=[pipelines.ManualApprovalStep("Approve")]
        )


app = cdk.App()
Pipeline(app, "Pipeline", env=TOOLS)
app.synth()
