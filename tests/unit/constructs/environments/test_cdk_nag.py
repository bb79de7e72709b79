"""The AwsSolutions rules of cdk-nag hold, except for the wildcards that are acknowledged here with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
from aws_cdk import aws_sqs as sqs
from cdk_release import needs_recent_cdk
from constructs import IConstruct

from imgver_constructs import ImageVersion, ImageVersionMonitoring, ImageVersionProvider

RULE = "AwsSolutions-IAM5"
ARN = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>"
LOGIN = "ecr:GetAuthorizationToken supports no resources"
NUMBERS = "SageMaker numbers versions when it creates them"
PATTERN = "The user asks for it with permitted_images"

# The reasons, by the path of the construct and the resource.
ACKNOWLEDGED = {
    ("Image/Role/DefaultPolicy", "*"): LOGIN,
    ("Unnamed/Role/DefaultPolicy", "*"): LOGIN,
    ("ImageVersionProvider/Image970677B8156D0AAD", f"{ARN}:image-version/data-science/*"): NUMBERS,
    ("ImageVersionProvider/Image51033223831356C5", f"{ARN}:image-version/Stack-Unnamed-5122E079/*"): NUMBERS,
    ("ImageVersionProvider/Image51033223831356C5", f"{ARN}:image-version/stack-unnamed-5122e079/*"): NUMBERS,
    ("Reader/DefaultPolicy", f"{ARN}:image-version/data-science/*"): NUMBERS,
    ("Provider/Images3D8D580CA77DDF9B", f"{ARN}:image/team-*"): PATTERN,
    ("Provider/Images3D8D580CA77DDF9B", f"{ARN}:image-version/team-*/*"): PATTERN,
    ("ImageVersionProvider/Network", "*"): "The network interfaces of a function are not known before",
    ("ImageVersionProvider/Role/DefaultPolicy", "*"): "AWS X-Ray supports no resources",
}


@needs_recent_cdk
def test_all_findings_are_acknowledged(app: cdk.App, declare_everything: Callable[[cdk.Stack], ImageVersion]) -> None:
    stack = cdk.Stack(app, "Stack")
    version = declare_everything(stack)
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:some")
    provider = ImageVersionProvider(stack, "Queued", dead_letter_queue=queue)
    ImageVersionMonitoring(stack, "Monitoring", provider=provider)
    version.image.on_version_state_change("Changes")
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    for (path, resource), reason in ACKNOWLEDGED.items():
        construct: IConstruct = stack
        for construct_id in path.split("/"):
            construct = construct.node.find_child(construct_id)
        acknowledgment = cdk.Acknowledgment(id=f"AwsSolutions::{RULE}[Resource::{resource}]", reason=reason)
        cdk.Validations.of(construct).acknowledge(acknowledgment)

    app.synth()

    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    assert not any(plugin["violations"] for plugin in report["pluginReports"])
    assert {
        (construct["constructPath"].removeprefix("Stack/").removesuffix("/Resource"), violation["ruleName"])
        for plugin in report["pluginReports"]
        for violation in plugin["suppressedViolations"]
        for construct in violation["violatingConstructs"]
    } == {(path, f"{RULE}[Resource::{resource}]") for path, resource in ACKNOWLEDGED}
