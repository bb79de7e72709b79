"""A pipeline that deploys an image version to development and, after an approval, to production."""

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import pipelines
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion

TOOLS = cdk.Environment(account="111111111111", region="eu-west-1")
DEVELOPMENT = cdk.Environment(account="222222222222", region="eu-west-1")
PRODUCTION = cdk.Environment(account="333333333333", region="eu-west-1")

REPOSITORY = f"arn:aws:ecr:{TOOLS.region}:{TOOLS.account}:repository/data-science"
CONNECTION = f"arn:aws:codeconnections:{TOOLS.region}:{TOOLS.account}:connection/00000000-0000-0000-0000-000000000000"

# The private index that has imgver-constructs, and the packages of PyPI: docs/how-to/share-in-your-company.md
LOGIN = "aws codeartifact login --tool pip --domain my-company --repository python"
INDEX = [
    f"arn:aws:codeartifact:{TOOLS.region}:{TOOLS.account}:domain/my-company",
    f"arn:aws:codeartifact:{TOOLS.region}:{TOOLS.account}:repository/my-company/python",
]
RUNTIMES = {"python": "3.13", "nodejs": "22"}


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


def login_permissions() -> list[iam.PolicyStatement]:
    """The permissions to read from the private index."""
    return [
        iam.PolicyStatement(
            actions=[
                "codeartifact:GetAuthorizationToken",
                "codeartifact:GetRepositoryEndpoint",
                "codeartifact:ReadFromRepository",
            ],
            resources=INDEX,
        ),
        iam.PolicyStatement(
            actions=["sts:GetServiceBearerToken"],
            resources=["*"],
            conditions={"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}},
        ),
    ]


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
            synth=pipelines.CodeBuildStep(
                "Synth",
                input=source,
                install_commands=[LOGIN, "pip install -r requirements.txt"],
                commands=["npx aws-cdk@2 synth"],
                role_policy_statements=login_permissions(),
            ),
            # Without versions, CodeBuild selects them, and its Node.js may be too old for the CDK.
            code_build_defaults=pipelines.CodeBuildOptions(
                build_environment=codebuild.BuildEnvironment(build_image=codebuild.LinuxBuildImage.STANDARD_7_0),
                partial_build_spec=codebuild.BuildSpec.from_object(
                    {"phases": {"install": {"runtime-versions": RUNTIMES}}}
                ),
            ),
            cross_account_keys=True,
            enable_key_rotation=True,
            pipeline_type=codepipeline.PipelineType.V2,
        )
        pipeline.add_stage(Deployment(self, "Development", env=DEVELOPMENT))
        pipeline.add_stage(
            Deployment(self, "Production", env=PRODUCTION), pre=[pipelines.ManualApprovalStep("Approve")]
        )


app = cdk.App()
Pipeline(app, "Pipeline", env=TOOLS)
app.synth()
