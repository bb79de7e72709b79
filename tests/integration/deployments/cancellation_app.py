"""The app of test_cancellation.py: versions of an image that is not in the stack, and a resource that fails."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionRetention

IMAGE = "cancelled"

# Its creation fails at once, or while a version of an image is being created.
FAILING = """
import json, time, urllib.request
import boto3

def is_being_created(image):
    versions = boto3.client("sagemaker").list_image_versions(ImageName=image)["ImageVersions"]
    return any(version["ImageVersionStatus"] == "CREATING" for version in versions)

def handler(event, context):
    response = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    response |= {"PhysicalResourceId": "failing", "Status": "SUCCESS"}
    image = event["ResourceProperties"].get("WhileImageIsBeingCreated")
    if event["RequestType"] == "Create":
        while image and not is_being_created(image):
            time.sleep(0.2)
        response |= {"Status": "FAILED", "Reason": "as declared"}
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(response).encode(), method="PUT"))
"""

app = cdk.App()
stack = cdk.Stack(app, "Cancellation")
repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
image = Image.from_image_name(stack, "Image", IMAGE)
for number, tag in enumerate(app.node.try_get_context("tags").split(), 1):
    base_image = BaseImage.from_ecr_repository(repository, tag=tag)
    ImageVersion(stack, f"Version{number}", image=image, base_image=base_image, aliases=[f"alias-{number}"])

fails = app.node.try_get_context("fails")
if fails:
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(FAILING),
        timeout=cdk.Duration.minutes(1),
    )
    grant = iam.PolicyStatement(
        actions=["sagemaker:ListImageVersions"],
        resources=[stack.format_arn(service="sagemaker", resource="image", resource_name=IMAGE)],
    )
    function.add_to_role_policy(grant)
    properties = {"WhileImageIsBeingCreated": IMAGE} if fails == "during-creation" else {}
    failing = cdk.CustomResource(stack, "Failing", service_token=function.function_arn, properties=properties)
    failing.node.add_dependency(function)
    if fails == "after-retention":
        failing.node.add_dependency(ImageVersionRetention(stack, "Retention", image=image, max_version_count=1))
app.synth()
