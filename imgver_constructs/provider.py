"""The Lambda function behind the custom resources, its role, its log group and its permissions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from imgver_constructs.constraints import shown
from imgver_constructs.image import ImageBase
from imgver_constructs.tokens import is_known

_SERVICE_TIMEOUT = cdk.Duration.minutes(30)
"""How long CloudFormation waits for an answer: the function's 15 minutes after up to 15 in Lambda's event queue."""

_FUNCTION_TIMEOUT = cdk.Duration.minutes(15)
_MAX_EVENT_AGE = cdk.Duration.minutes(15)
_DEFAULT_ID = "ImageVersionProvider"
# What a Python or an editor leaves behind must not change the asset's hash.
_NOT_IN_ASSET = ["__pycache__", "*.py[co]", "*.egg-info", ".*", "*~"]


class ImageVersionProvider(Construct):
    """The custom resource provider of image versions and aliases: one Lambda function.

    A stack gets one of its own accord, with its first :class:`ImageVersion`. Its role may write to its own log group,
    ask for the state of its own stack, and do what the declared images need, nothing else.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Make a provider.

        CloudFormation refuses to move an existing custom resource to another function: the path of the provider has to
        stay what it was at the first deployment.

        Args:
            scope: the parent construct, in the stack of the versions that will use this provider.
            construct_id: the id below it.
        """
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        self._role = iam.Role(
            self,
            "Role",
            description="Creates, updates and deletes SageMaker image versions for CloudFormation",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Logs": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            resources=[log_group.log_group_arn],
                        )
                    ]
                ),
                # An update may be a rollback, which no event says.
                "Stack": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[cdk.Aws.STACK_ID])
                    ]
                ),
            },
        )
        self._function = lambda_.Function(
            self,
            "Function",
            description="Creates, updates and deletes SageMaker image versions for CloudFormation",
            runtime=lambda_.Runtime("python3.14", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(_handler_folder()), exclude=_NOT_IN_ASSET, ignore_mode=cdk.IgnoreMode.GIT),
            memory_size=512,
            timeout=_FUNCTION_TIMEOUT,
            role=self._role,
            log_group=log_group,
            # No event may run after CloudFormation stopped waiting for its answer.
            max_event_age=_MAX_EVENT_AGE,
            retry_attempts=2,
        )
        self._policies: dict[str, iam.Policy] = {}

    @staticmethod
    def get_or_create(scope: Construct) -> ImageVersionProvider:
        """The provider that the stack of ``scope`` uses when none is named, made at the first call.

        Raises:
            ValueError: something else has its id in the stack.
        """
        stack = cdk.Stack.of(scope)
        found = stack.node.try_find_child(_DEFAULT_ID)
        if found is None:
            return ImageVersionProvider(stack, _DEFAULT_ID)
        if not isinstance(found, ImageVersionProvider):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"construct id {shown(_DEFAULT_ID)} must be free in stack {shown(stack.node.path)}, or that of an "
                "ImageVersionProvider: rename the construct that has it"
            )
        return found

    @staticmethod
    def of(scope: Construct, provider: ImageVersionProvider | None) -> ImageVersionProvider:
        """The provider that a construct in ``scope`` uses: the one it was given, or else the stack's own.

        Raises:
            ValueError: ``provider`` is none, or one of another stack.
        """
        if provider is None:
            return ImageVersionProvider.get_or_create(scope)
        if not isinstance(provider, ImageVersionProvider):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"provider {shown(provider)} must be an ImageVersionProvider: make one in this stack, or leave it out"
            )
        stack = cdk.Stack.of(scope)
        if cdk.Stack.of(provider) is not stack:
            raise ValueError(
                f"provider {shown(provider.node.path)} must be in stack {shown(stack.node.path)}: "
                "make one there, or leave it out"
            )
        return provider

    def custom_resource(
        self,
        scope: Construct,
        *,
        resource_type: str,
        properties: Mapping[str, object],
        image: ImageBase,
        repository_arn: str | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> cdk.CfnResource:
        """Make the child ``Resource`` of ``scope``, with all that has to exist before it and outlive it.

        Args:
            scope: the construct that the resource is the main child of.
            resource_type: its CloudFormation type.
            properties: its properties as they go over the wire.
            image: the image whose versions it may create, read, change and delete.
            repository_arn: the ECR repository that it may look into. Default: none.
            removal_policy: what becomes of it when it leaves the stack. Default: it is deleted.
        """
        resource = cdk.CustomResource(
            scope,
            "Resource",
            service_token=self._function.function_arn,
            resource_type=resource_type,
            service_timeout=_SERVICE_TIMEOUT,
            properties=properties,
            removal_policy=removal_policy,
        )
        # The function's children include how long Lambda keeps an event.
        resource.node.add_dependency(image, self._function, self._permit(image, repository_arn))
        return cast("cdk.CfnResource", resource.node.default_child)

    def _permit(self, image: ImageBase, repository_arn: str | None) -> iam.Policy:
        """The one policy of an image: what its versions need, and a look at each repository they come from."""
        policy = self._policies.get(image.identity)
        if policy is None:
            names = _spellings(image.declared_name)
            policy = iam.Policy(
                self,
                f"Image{fingerprint(image.identity)}",
                roles=[self._role],
                statements=[
                    iam.PolicyStatement(
                        actions=["sagemaker:CreateImageVersion"],
                        resources=[self._arn("image", name) for name in names],
                    ),
                    iam.PolicyStatement(
                        actions=[
                            "sagemaker:DeleteImageVersion",
                            "sagemaker:DescribeImageVersion",
                            "sagemaker:UpdateImageVersion",
                        ],
                        resources=[self._arn("image-version", f"{name}/*") for name in names],
                    ),
                ],
            )
            self._policies[image.identity] = policy
        if repository_arn is not None:
            # A statement that is there already is written once.
            policy.add_statements(iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[repository_arn]))
        return policy

    def _arn(self, resource: str, name: str) -> str:
        return cdk.Stack.of(self).format_arn(service="sagemaker", resource=resource, resource_name=name)


def fingerprint(text: str) -> str:
    """A short hash of ``text`` for logical ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:16].upper()


def _spellings(name: str) -> list[str]:
    # Which case SageMaker authorises a name with capitals in is not documented; its ARNs are lower-case only.
    return [name, name.lower()] if is_known(name) and name != name.lower() else [name]


def _handler_folder() -> Path:
    """The function's source: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "lambda"
    return inside if inside.is_dir() else package.parent / "lambda"
