"""A provider for stacks that are not written in Python: each team's images start with team-."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from imgver_constructs import ImageVersionProvider


class SharedProvider(cdk.Stack):
    """A provider, whose service token is exported and in an SSM parameter."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        provider = ImageVersionProvider(self, "Provider", permitted_images=["team-*"])
        repositories = ecr.Repository.from_repository_name(self, "Repositories", "team-*")
        service_token = provider.share(repositories=[repositories])

        cdk.CfnOutput(self, "ServiceToken", value=service_token, export_name="ImageVersionProvider")
        parameter = ssm.StringParameter(
            self, "Parameter", parameter_name="/image-version-provider", string_value=service_token
        )
        # The function has its permissions before another stack can find it.
        parameter.node.add_dependency(provider)


app = cdk.App()
SharedProvider(app, "SharedProvider")
app.synth()
