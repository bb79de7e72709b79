"""The same image versions, declared with this library and with the three alternatives of the CDK.

Each function declares one version of each image in ``images``. The images differ, because SageMaker does not write two
versions of one image at once; with the alternatives, such versions have to depend on each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

warnings.simplefilter("ignore")

import aws_cdk as cdk  # noqa: E402 (the import warns about the version of Node.js)
import jsii  # noqa: E402
from aws_cdk import aws_iam as iam  # noqa: E402
from aws_cdk import aws_lambda as lambda_  # noqa: E402
from aws_cdk import aws_sagemaker as sagemaker  # noqa: E402
from aws_cdk import custom_resources as cr  # noqa: E402
from constructs import IConstruct  # noqa: E402

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionProvider  # noqa: E402

RUNTIME = "python3.14"
"""The runtime of this library's function, which the handlers for the Provider framework use as well."""

MAX_POLICIES = 10
"""The largest number of images with one policy each. The policies of 20 images exceed the quota of the role."""

Declare = Callable[[cdk.Stack, Sequence[str], str], None]


def ours(stack: cdk.Stack, images: Sequence[str], uri: str) -> None:
    """``ImageVersion``."""
    if len(images) > MAX_POLICIES:
        ImageVersionProvider(stack, "ImageVersionProvider", permitted_images=["bench-*"])
    for number, name in enumerate(images):
        image = Image.from_image_name(stack, f"Image{number}", name)
        ImageVersion(stack, f"Version{number}", image=image, base_image=BaseImage.from_uri(uri))


def native(stack: cdk.Stack, images: Sequence[str], uri: str) -> None:
    """``CfnImageVersion``."""
    for number, name in enumerate(images):
        sagemaker.CfnImageVersion(stack, f"Version{number}", image_name=name, base_image=uri)


def framework(stack: cdk.Stack, images: Sequence[str], uri: str) -> None:
    """``custom_resources.Provider`` with ``onEvent`` and ``isComplete`` and with its default options."""
    permissions = iam.PolicyStatement(
        actions=[
            "sagemaker:CreateImageVersion",
            "sagemaker:DeleteImageVersion",
            "sagemaker:DescribeImageVersion",
        ],
        resources=[
            stack.format_arn(service="sagemaker", resource=resource, resource_name="bench-*")
            for resource in ("image", "image-version")
        ],
    )
    code = lambda_.Code.from_asset(str(Path(__file__).with_name("framework_handlers")), exclude=["__pycache__"])
    handlers = {
        name: lambda_.Function(
            stack,
            name,
            runtime=lambda_.Runtime(RUNTIME, lambda_.RuntimeFamily.PYTHON),
            handler=f"handlers.{name}",
            code=code,
            timeout=cdk.Duration.minutes(1),
            initial_policy=[permissions],
        )
        for name in ("on_event", "is_complete")
    }
    provider = cr.Provider(
        stack, "Provider", on_event_handler=handlers["on_event"], is_complete_handler=handlers["is_complete"]
    )
    for number, name in enumerate(images):
        cdk.CustomResource(
            stack,
            f"Version{number}",
            service_token=provider.service_token,
            resource_type="Custom::FrameworkImageVersion",
            properties={"ImageName": name, "BaseImage": uri},
        )


def sdk_call(stack: cdk.Stack, images: Sequence[str], uri: str) -> None:
    """``AwsCustomResource``, which calls CreateImageVersion and DeleteImageVersion.

    It cannot extract the number from the ARN in the response of CreateImageVersion, and DeleteImageVersion without a
    number deletes the latest version. Therefore each version has an alias, which differs for each base image.
    """
    policy = cr.AwsCustomResourcePolicy.from_sdk_calls(
        resources=[
            stack.format_arn(service="sagemaker", resource=resource, resource_name="bench-*")
            for resource in ("image", "image-version")
        ]
    )
    for number, name in enumerate(images):
        alias = f"v{number}-{uri.rpartition(':')[2]}"
        create = cr.AwsSdkCall(
            service="SageMaker",
            action="createImageVersion",
            parameters={"ImageName": name, "BaseImage": uri, "ClientToken": f"{name}-{alias}", "Aliases": [alias]},
            physical_resource_id=cr.PhysicalResourceId.from_response("ImageVersionArn"),
        )
        cr.AwsCustomResource(
            stack,
            f"Version{number}",
            resource_type="Custom::SdkImageVersion",
            on_create=create,
            on_update=create,
            on_delete=cr.AwsSdkCall(
                service="SageMaker",
                action="deleteImageVersion",
                parameters={"ImageName": name, "Alias": alias},
            ),
            policy=policy,
            install_latest_aws_sdk=False,
        )


PEERS: Mapping[str, tuple[str, str, Declare]] = {
    "ours": ("this library", "Custom::SageMakerImageVersion", ours),
    "native": ("native resource", "AWS::SageMaker::ImageVersion", native),
    "framework": ("Provider framework", "Custom::FrameworkImageVersion", framework),
    "sdk_call": ("AwsCustomResource", "Custom::SdkImageVersion", sdk_call),
}
"""The title, the resource type and the declaring function of each peer, by its short name."""


@jsii.implements(cdk.IAspect)
class _LikeLambda:
    """Changes functions so that the sandbox runs them as Lambda does.

    Lambda's Node.js includes the AWS SDK, the Node.js of the sandbox does not. The sandbox forks the processes of
    functions in Python, unless they have a setting of Python; Lambda starts Python for each process.
    """

    def __init__(self, node_path: str) -> None:
        self._node_path = node_path

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, lambda_.CfnFunction):
            is_node = str(node.runtime).startswith("nodejs")
            name, value = ("NODE_PATH", self._node_path) if is_node else ("PYTHONNOUSERSITE", "1")
            node.add_property_override(f"Environment.Variables.{name}", value)


def synthesize(folder: Path, *, peer: str, stack_name: str, images: Sequence[str], uri: str, node_path: Path) -> None:
    """Synthesize an app with one stack into ``folder``."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    stack = cdk.Stack(app, stack_name)
    PEERS[peer][2](stack, images, uri)
    cdk.Aspects.of(app).add(_LikeLambda(str(node_path)))
    app.synth()
