"""The app of test_operations.py: a version with monitoring, and a queue that receives its state changes."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionMonitoring, ImageVersionPolicy

app = cdk.App()
stack = cdk.Stack(app, "Operations")
repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image(stack, "Image", image_name="Watched", removal_policy=cdk.RemovalPolicy.DESTROY)
queue = sqs.Queue(stack, "Queue")
changes = image.on_version_state_change("Changes", target=targets.SqsQueue(queue))
version = ImageVersion(
    stack,
    "Version",
    image=image,
    base_image=BaseImage.from_ecr_repository(repository, tag=app.node.try_get_context("tag")),
    update_replace_policy=ImageVersionPolicy.DELETE,
    deletion_policy=ImageVersionPolicy.DELETE,
)
version.node.add_dependency(changes)
ImageVersionMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(sns.Topic(stack, "OnCall"))])
cdk.CfnOutput(stack, "QueueUrl", value=queue.queue_url)
app.synth()
