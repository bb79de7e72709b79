"""The Lambda function behind the custom resources, its role and its log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct, IDependable

from imgver_constructs._provider.dependencies import Prerequisites
from imgver_constructs._provider.inline_policy_quota import InlineLimit
from imgver_constructs._provider.policies import Permissions, check_permitted_images
from imgver_constructs._stack_registry import Declarations
from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.tokens import check_is_number, is_token
from imgver_constructs.base_image import BoundBaseImage
from imgver_constructs.image import ImageBase

_MAX_EVENT_AGE = 900
"""Seconds for which Lambda keeps an event that the function does not take."""

_SHORTEST_TIMEOUT = 180
"""Seconds: in an update the handler keeps 105 of them, to delete a new version that fails and to answer. A version
takes up to some tens."""

_LONGEST_TIMEOUT = 900
"""Seconds: Lambda's own limit."""

_ANSWER_RESERVE = 15
"""Seconds of the timeout that the handler keeps for its answer."""

_SMALLEST_MEMORY, _LARGEST_MEMORY = 128, 10_240
"""Megabytes: Lambda's own limits."""

_DESCRIPTION = "Creates, updates and deletes SageMaker image versions for CloudFormation"
_OWN_ID = "ImageVersionProvider"
# What a Python or an editor leaves behind must not change the asset's hash.
_NOT_IN_ASSET = ["__pycache__", "*.py[co]", "*.egg-info", ".*", "*~"]

# Lambda documents them for all resources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
_NETWORK_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


class ImageVersionProvider(Construct):
    """The custom resource provider of image versions, aliases and retentions: one Lambda function.

    A stack gets one of its own accord, with the first construct that names none. Its role may write to its own log
    group, ask for the state of its own stack, and do what the declared images need, nothing else.

    To choose its options make it before that, directly in the stack and with the id ``ImageVersionProvider``: then it
    is the stack's own. One with another id or elsewhere is used by the constructs that name it as their ``provider``.
    """

    _own: ClassVar[dict[cdk.Stack, ImageVersionProvider]] = {}
    """What each stack uses where none is named."""

    _named: ClassVar[dict[cdk.Stack, ImageVersionProvider]] = {}
    """The last one of each stack that has to be named."""

    _implicit: bool = False
    """Whether it was made of the stack's own accord."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        role: iam.IRole | None = None,
        log_group: logs.ILogGroup | None = None,
        log_retention: logs.RetentionDays | None = None,
        environment_encryption: kms.IKey | None = None,
        memory_size: int = 512,
        architecture: lambda_.Architecture | None = None,
        timeout: cdk.Duration | None = None,
        tracing: lambda_.Tracing | None = None,
        permitted_images: Sequence[str] | None = None,
    ) -> None:
        """Make a provider.

        CloudFormation refuses to move an existing custom resource to another function: the path of the provider has to
        stay what it was at the first deployment. Its options may change.

        https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html

        Args:
            scope: the parent construct, in the stack of the versions that will use this provider.
            construct_id: the id below it.
            vpc: the network that the function runs in. It has to reach SageMaker, CloudFormation, Amazon ECR, and
                Amazon S3, where CloudFormation takes the answers. Default: no network of yours.
            vpc_subnets: the private subnets of ``vpc``. Default: those that CDK selects for a function.
            security_groups: what guards the function in ``vpc``. Default: a new one that lets everything out.
            role: the role of the function, which Lambda must be able to assume. It is given inline policies with what
                the function needs. One that must not be changed is given nothing, and needs:
                logs:CreateLogStream and logs:PutLogEvents on the log group; cloudformation:DescribeStacks on the
                stack; sagemaker:CreateImageVersion on the images; sagemaker:DeleteImageVersion,
                sagemaker:DescribeImageVersion and sagemaker:UpdateImageVersion on their versions; ecr:DescribeImages on
                the repositories; with a retention sagemaker:ListImageVersions and sagemaker:ListAliases on the images
                and sagemaker:ListAliases on their versions; with ``vpc`` what Lambda's
                AWSLambdaVPCAccessExecutionRole allows. Default: a new one.
            log_group: where the function writes its log. Default: a new one that is deleted with the stack.
            log_retention: how long the new log group keeps what is written. Default: one month.
            environment_encryption: the key that Lambda encrypts the function's configuration with; whoever deploys
                must be allowed to use it. Default: a key of Lambda's.
            memory_size: the function's memory, 128 to 10,240 megabytes. Default: 512.
            architecture: the function's processor. Default: ARM_64.
            timeout: how long one event may take, 3 to 15 minutes in whole seconds. CloudFormation waits for 15 minutes
                more, for which Lambda may keep the event. Default: 15 minutes.
            tracing: whether AWS X-Ray traces the function. Default: it does not.
            permitted_images: names of images, with ``*`` for any characters, such as ``team-*``: the function may
                change all of them, and no others can be declared. It takes two policies, where one for each image is
                too much for the 10,240 characters that IAM allows a role. Default: what is declared is permitted.

        Raises:
            ValueError: an option is not what it must be, or does not go with another one, or the stack has made its own
                provider already. Nothing is left in the tree.
        """
        _check_options(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            role=role,
            log_group=log_group,
            log_retention=log_retention,
            environment_encryption=environment_encryption,
            memory_size=memory_size,
            architecture=architecture,
            timeout=timeout,
            tracing=tracing,
        )
        if permitted_images is not None:
            check_permitted_images(permitted_images)
        stack = Declarations.of(scope).stack
        if stack in ImageVersionProvider._own and ImageVersionProvider._own[stack]._implicit:
            raise ValueError(
                f"provider {shown(construct_id)} must be made before stack {shown(stack.node.path)} makes its own for "
                f"what names none: make it first, and with the id {shown(_OWN_ID)}, or name it everywhere"
            )

        super().__init__(scope, construct_id)
        self._stack = stack
        seconds = _LONGEST_TIMEOUT if timeout is None or timeout.is_unresolved() else int(timeout.to_seconds())
        # No event may run after CloudFormation stopped waiting for its answer.
        self._timeout_seconds = _MAX_EVENT_AGE + seconds
        self._service_timeout = cdk.Duration.seconds(self._timeout_seconds)
        self._working_seconds = None if timeout is not None and timeout.is_unresolved() else seconds - _ANSWER_RESERVE
        self._log_group = log_group = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=log_retention or logs.RetentionDays.ONE_MONTH,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        statements = {
            "Logs": iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            ),
            # An update may be a rollback, which no event says.
            "Stack": iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[cdk.Aws.STACK_ID]),
        }
        self._role = role or iam.Role(
            self,
            "Role",
            description=_DESCRIPTION,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                name: iam.PolicyDocument(statements=[statement]) for name, statement in statements.items()
            },
        )
        self._function = lambda_.Function(
            self,
            "Function",
            description=_DESCRIPTION,
            runtime=lambda_.Runtime("python3.14", lambda_.RuntimeFamily.PYTHON),
            architecture=architecture or lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(_handler_folder()), exclude=_NOT_IN_ASSET, ignore_mode=cdk.IgnoreMode.GIT),
            memory_size=memory_size,
            timeout=timeout or cdk.Duration.seconds(_LONGEST_TIMEOUT),
            role=self._role,
            log_group=log_group,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=None if security_groups is None else list(security_groups),
            environment_encryption=environment_encryption,
            tracing=tracing,
            max_event_age=cdk.Duration.seconds(_MAX_EVENT_AGE),
            retry_attempts=2,
        )
        # A rule of a group may be a resource of its own, and the function needs it as long as there are events.
        self._function.node.add_dependency(*(security_groups or ()))
        # The function's own would ask for its stack wherever it is written.
        self._service_token = cast("lambda_.CfnFunction", self._function.node.default_child).attr_arn

        # Stacks that share a role must not overwrite each other's policies.
        prefix = None if role is None else cdk.Names.unique_resource_name(self, max_length=96, separator="-")
        self._permissions = Permissions(self, self._role, policy_prefix=prefix, patterns=permitted_images)
        if role is not None:
            self._function.node.add_dependency(self._permissions.attach("Policy", list(statements.values())))
        if vpc is not None:
            # No part of the role, from which it would go before the function has left the network.
            network = iam.PolicyStatement(actions=_NETWORK_INTERFACES, resources=["*"])
            self._function.node.add_dependency(self._permissions.attach("Network", [network]))
        remedy = (
            f"before the versions, make ImageVersionProvider(…, {shown(construct_id)}, permitted_images=['team-*'])"
            if permitted_images is None
            else "declare the versions in several stacks"
        )
        scopes: list[IConstruct] = [self] if role is None else [self, role]
        self.node.add_validation(InlineLimit(self._role, scopes=scopes, remedy=remedy))
        self._prerequisites: dict[tuple[ImageBase, str | None, bool], Prerequisites] = {}
        of_stack = self._own if isinstance(scope, cdk.Stack) and construct_id == _OWN_ID else self._named
        of_stack[stack] = self

    @staticmethod
    def get_or_create(scope: Construct) -> ImageVersionProvider:
        """The provider that the stack of ``scope`` uses when none is named, made at the first call.

        Args:
            scope: the stack, or a construct in it.

        Raises:
            ValueError: something else has its id in the stack, or the stack has a provider to be named.
        """
        stack = Declarations.of(scope).stack
        if stack in ImageVersionProvider._own:
            return ImageVersionProvider._own[stack]
        if stack.node.try_find_child(_OWN_ID) is not None:
            raise ValueError(
                f"construct id {shown(_OWN_ID)} must be free in stack {shown(stack.node.path)}, or that of an "
                "ImageVersionProvider: rename the construct that has it"
            )
        if stack in ImageVersionProvider._named:
            raise ValueError(
                f"provider None must be one that is named, since stack {shown(stack.node.path)} has "
                f"{shown(ImageVersionProvider._named[stack].node.path)}: name it, or first make the stack's own with "
                f"ImageVersionProvider(stack, {shown(_OWN_ID)})"
            )
        provider = ImageVersionProvider(stack, _OWN_ID)
        provider._implicit = True
        return provider

    def metric(
        self, metric_name: str, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """A metric of the function, by its name. What else a metric can have is added by its ``with_(…)``.

        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

        Args:
            metric_name: such as ``ConcurrentExecutions``.
            statistic: what becomes of the values of a period, such as ``Maximum``. Default: Average.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._function.metric(metric_name, statistic=statistic, period=period)

    def metric_invocations(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How often the function was run: once for each event of CloudFormation, and once more for each retry.

        Args:
            statistic: what becomes of the values of a period. Default: Sum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._function.metric_invocations(statistic=statistic, period=period)

    def metric_errors(self, *, statistic: str | None = None, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """How often the function ended without an answer. An event that was answered with FAILED is none of them.

        Args:
            statistic: what becomes of the values of a period. Default: Sum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._function.metric_errors(statistic=statistic, period=period)

    def metric_throttles(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How often Lambda did not run the function for want of concurrency. It tries again for 15 minutes.

        Args:
            statistic: what becomes of the values of a period. Default: Sum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._function.metric_throttles(statistic=statistic, period=period)

    def metric_duration(self, *, statistic: str | None = None, period: cdk.Duration | None = None) -> cloudwatch.Metric:
        """How long the function ran, in milliseconds.

        Args:
            statistic: what becomes of the values of a period. Default: Average.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._function.metric_duration(statistic=statistic, period=period)

    def metric_async_events_dropped(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How many events Lambda gave up, so that CloudFormation gets no answer and waits for its timeout.

        Args:
            statistic: what becomes of the values of a period. Default: Sum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self.metric("AsyncEventsDropped", statistic=statistic or "Sum", period=period)

    def metric_async_event_age(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How long events waited in Lambda's queue, in milliseconds. It gives them up after 15 minutes.

        Args:
            statistic: what becomes of the values of a period. Default: Maximum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self.metric("AsyncEventAge", statistic=statistic or "Maximum", period=period)

    @staticmethod
    def _of(
        stack: cdk.Stack, provider: ImageVersionProvider | None, *, image: ImageBase | None
    ) -> ImageVersionProvider:
        """The provider that a construct uses: the one it was given, or else the stack's own.

        Args:
            stack: the stack of the construct.
            provider: the one it was given; None for none.
            image: the image it is going to change; None for none.

        Raises:
            ValueError: ``provider`` is none or one of another stack, or it does not permit the image.
        """
        if provider is None:
            provider = ImageVersionProvider.get_or_create(stack)
        elif not isinstance(provider, ImageVersionProvider):
            raise ValueError(
                f"provider {shown(provider)} must be an ImageVersionProvider: make one in this stack, or leave it out"
            )
        elif provider._stack is not stack:
            raise ValueError(
                f"provider {shown(provider.node.path)} must be in stack {shown(stack.node.path)}: "
                "make one there, or leave it out"
            )
        if image is not None:
            provider._permissions.check(image)
        return provider

    def _resource(
        self,
        scope: Construct,
        resource_type: str,
        *,
        image: ImageBase,
        properties: Mapping[str, object],
        lists_versions: bool = False,
    ) -> cdk.CfnResource:
        """Make the child ``Resource`` of ``scope``: what stands for its custom resource.

        Args:
            scope: the construct that the resource is the main child of.
            resource_type: its CloudFormation type.
            image: the image whose versions it reads and changes.
            properties: its properties as they go over the wire.
            lists_versions: whether it also lists the image's versions and their aliases.
        """
        needs = self._needs(image, lists_versions=lists_versions)
        # Made for every alias: each call into jsii counts, and CustomResource makes more of them.
        resource = cdk.CfnResource(
            scope,
            "Resource",
            type=resource_type,
            properties={
                "ServiceToken": self._service_token,
                "ServiceTimeout": str(self._timeout_seconds),
                "Prerequisites": needs.references,
                **properties,
            },
        )
        needs.order(resource)
        return resource

    def _needs(
        self, image: ImageBase, bound: BoundBaseImage | None = None, *, lists_versions: bool = False
    ) -> Prerequisites:
        """What has to exist before a custom resource and outlive it, made once for all that need the same.

        Args:
            image: the image whose versions it may create, read, change and delete.
            bound: the base image that it makes a version from. Default: none.
            lists_versions: whether it may also list the image's versions and their aliases.
        """
        repository_arn = None if bound is None else bound.repository_arn
        need = (image, repository_arn, lists_versions)
        if need not in self._prerequisites:
            policies = self._permissions.permit(image, repository_arn=repository_arn, lists_versions=lists_versions)
            needed: list[IDependable] = [self._function.node.find_child("EventInvokeConfig"), *policies]
            scopes: list[IConstruct | None] = []
            if bound is not None and image.role is not None:
                needed += [*image._prerequisites, *bound.pull_permission]
                scopes += [image, image.role, bound.repository]
            self._prerequisites[need] = Prerequisites(self._stack, needed, scopes=scopes)
        return self._prerequisites[need]


def _check_options(
    *,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
    role: iam.IRole | None,
    log_group: logs.ILogGroup | None,
    log_retention: logs.RetentionDays | None,
    environment_encryption: kms.IKey | None,
    memory_size: int,
    architecture: lambda_.Architecture | None,
    timeout: cdk.Duration | None,
    tracing: lambda_.Tracing | None,
) -> None:
    for parameter, value, fits, rule in (
        ("vpc", vpc, hasattr(vpc, "vpc_id"), "a vpc: for an id use ec2.Vpc.from_lookup(…)"),
        (
            "vpc_subnets",
            vpc_subnets,
            isinstance(vpc_subnets, ec2.SubnetSelection),
            "a SubnetSelection: write it like ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)",
        ),
        (
            "security_groups",
            security_groups,
            isinstance(security_groups, list | tuple)
            and all(hasattr(group, "security_group_id") for group in security_groups),
            "a list of security groups: for an id use ec2.SecurityGroup.from_security_group_id(…)",
        ),
        ("role", role, hasattr(role, "role_arn"), "a role: for an arn use iam.Role.from_role_arn(…)"),
        (
            "log_group",
            log_group,
            hasattr(log_group, "log_group_arn"),
            "a log group: for a name use logs.LogGroup.from_log_group_name(…)",
        ),
        (
            "log_retention",
            log_retention,
            isinstance(log_retention, logs.RetentionDays),
            "one of RetentionDays: write it like logs.RetentionDays.ONE_WEEK",
        ),
        (
            "environment_encryption",
            environment_encryption,
            hasattr(environment_encryption, "key_arn"),
            "a key: for an arn use kms.Key.from_key_arn(…)",
        ),
        (
            "architecture",
            architecture,
            isinstance(architecture, lambda_.Architecture),
            "an Architecture: write it like lambda_.Architecture.ARM_64",
        ),
        (
            "timeout",
            timeout,
            isinstance(timeout, cdk.Duration),
            "a Duration: write it like cdk.Duration.minutes(5)",
        ),
        (
            "tracing",
            tracing,
            isinstance(tracing, lambda_.Tracing),
            "one of Tracing: write it like lambda_.Tracing.ACTIVE",
        ),
    ):
        if value is not None and not fits:
            raise ValueError(f"{parameter} {shown(value)} must be {rule}")
    for parameter, value in (("vpc_subnets", vpc_subnets), ("security_groups", security_groups)):
        if value is not None and vpc is None:
            raise ValueError(f"{parameter} {shown(value)} must come with a vpc: name it with vpc, or leave it out")
    if log_group is not None and log_retention is not None:
        raise ValueError(
            f"log_retention {shown(log_retention)} must be left out with log_group {shown(log_group.node.path)}: "
            "set the retention of that log group"
        )
    _check_memory_size(memory_size)
    if timeout is not None and not timeout.is_unresolved():
        _check_timeout(timeout)


def _check_memory_size(memory_size: object) -> None:
    if is_token(memory_size):
        check_is_number("memory_size", memory_size)
        return
    # bool is a subclass of int.
    if (
        isinstance(memory_size, bool)
        or not isinstance(memory_size, int)
        or not _SMALLEST_MEMORY <= memory_size <= _LARGEST_MEMORY
    ):
        raise ValueError(
            f"memory_size {shown(memory_size)} must be a whole number of megabytes from {_SMALLEST_MEMORY} to "
            f"{_LARGEST_MEMORY}: leave it out to get 512"
        )


def _check_timeout(timeout: cdk.Duration) -> None:
    seconds = timeout.to_milliseconds() / 1000
    if seconds != int(seconds) or not _SHORTEST_TIMEOUT <= seconds <= _LONGEST_TIMEOUT:
        raise ValueError(
            f"timeout of {seconds:g} seconds must be whole seconds from {_SHORTEST_TIMEOUT} to "
            f"{_LONGEST_TIMEOUT}: leave it out to get the longest"
        )


def _handler_folder() -> Path:
    """The function's source: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "lambda"
    return inside if inside.is_dir() else package.parent / "lambda"
