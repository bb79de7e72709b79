"""Takes the same image version to many accounts and regions: by a pipeline with a stage for each, or by a stack set."""

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import pipelines
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion

TOOLS = "111111111111"
"""The account of the container images, which Amazon ECR replicates to every region."""

REGIONS = ["eu-west-1", "us-east-1"]
ACCOUNTS = ["222222222222", "333333333333"]
UNIT = "ou-abcd-12345678"
"""The organizational unit whose accounts get the stack set."""

CONNECTION = f"arn:aws:codeconnections:eu-west-1:{TOOLS}:connection/00000000-0000-0000-0000-000000000000"
BUCKET = "data-science-images-${AWS::Region}"
"""The bucket with the code of the function for the stack set; every account of the organization may read it."""


class Images(cdk.Stack):
    """The stack of one account and region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: cdk.Environment | None = None,
        synthesizer: cdk.IStackSynthesizer | None = None,
    ) -> None:
        super().__init__(scope, construct_id, env=env, synthesizer=synthesizer)
        name = "data-science"
        account = self.node.try_get_context("tools") or TOOLS
        arn = self.format_arn(service="ecr", account=account, resource="repository", resource_name=name)
        repository = ecr.Repository.from_repository_attributes(
            self, "Repository", repository_arn=arn, repository_name=name
        )
        ImageVersion(
            self,
            "Version",
            image=Image(self, "Image", image_name=name),
            base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"),
            aliases=["latest"],
        )


class ByPipeline(cdk.Stack):
    """A pipeline that deploys to all accounts of a region at once, and to one region after the other."""

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
            enable_key_rotation=True,
            pipeline_type=codepipeline.PipelineType.V2,
        )
        for region in REGIONS:
            wave = pipeline.add_wave(region)
            for account in ACCOUNTS:
                stage = cdk.Stage(self, f"In-{account}-{region}", env=cdk.Environment(account=account, region=region))
                Images(stage, "Images")
                wave.add_stage(stage)


class ByStackSet(cdk.Stack):
    """A stack set that deploys to all accounts of an organizational unit, also to those that join it later."""

    def __init__(self, scope: Construct, construct_id: str, *, env: cdk.Environment) -> None:
        super().__init__(scope, construct_id, env=env)
        per_account = cdk.Stage(self, "PerAccount")
        # CloudFormation deploys the stacks, and not the CDK CLI: they use no roles and no bucket of a bootstrap stack.
        Images(per_account, "Images", synthesizer=cdk.CliCredentialsStackSynthesizer(file_assets_bucket_name=BUCKET))
        (images,) = per_account.synth().stacks
        cdk.CfnStackSet(
            self,
            "StackSet",
            stack_set_name="data-science-images",
            template_url=s3_assets.Asset(self, "Template", path=images.template_full_path).http_url,
            capabilities=["CAPABILITY_IAM"],
            permission_model="SERVICE_MANAGED",
            auto_deployment=cdk.CfnStackSet.AutoDeploymentProperty(enabled=True, retain_stacks_on_account_removal=True),
            operation_preferences=cdk.CfnStackSet.OperationPreferencesProperty(
                region_concurrency_type="SEQUENTIAL", max_concurrent_percentage=25, failure_tolerance_percentage=0
            ),
            stack_instances_group=[
                cdk.CfnStackSet.StackInstancesProperty(
                    deployment_targets=cdk.CfnStackSet.DeploymentTargetsProperty(organizational_unit_ids=[UNIT]),
                    regions=REGIONS,
                )
            ],
        )


app = cdk.App()
tools = cdk.Environment(account=TOOLS, region=REGIONS[0])
ByPipeline(app, "ByPipeline", env=tools)
ByStackSet(app, "ByStackSet", env=tools)
app.synth()
