"""The Lambda function behind the custom resources, its role and its log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from imgver_constructs._provider.binding import ProviderBinding
from imgver_constructs._provider.inline_policy_quota import InlinePolicyQuota
from imgver_constructs._provider.policies import Permissions, check_permitted_images
from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs._validation.checks import check_is_number, check_is_string, check_string, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs._validation.rules import (
    FUNCTION_VARIABLE_NAME,
    FUNCTION_VARIABLES_MAXIMUM,
    RESERVED_FUNCTION_VARIABLES,
)
from imgver_constructs._validation.tokens import is_token
from imgver_constructs.image import IImage, identity_of
from imgver_constructs.metric_options import MetricOptions

_SHORTEST_EVENT_AGE, _LONGEST_EVENT_AGE = 60, 900
"""Seconds for which Lambda may retain an event. The former is the minimum of Lambda."""

_SHORTEST_TIMEOUT = 180
"""Seconds. An update reserves 105 of them, to delete a new version that fails and to respond; creating a version takes
up to some tens of seconds."""

_LONGEST_TIMEOUT = 900
"""Seconds: the limit of Lambda."""

_RESPONSE_RESERVE = 15
"""Seconds of the timeout that the handler reserves for its response."""

_SMALLEST_MEMORY, _LARGEST_MEMORY = 128, 10_240
"""Megabytes: the limits of Lambda."""

_DESCRIPTION = "Creates, updates and deletes SageMaker image versions for CloudFormation"
_DEFAULT_PROVIDER_ID = "ImageVersionProvider"
# Files that Python or an editor leaves behind must not change the hash of the asset.
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

    A stack has one default provider, which the first construct without a ``provider`` creates. The role of the function
    may write to its own log group, describe its own stack, and change the declared images, nothing else.

    The function responds to every event within ``timeout``, even if the event fails or takes too long. If the function
    cannot run, CloudFormation gets no response. It then waits for ``timeout`` plus ``max_event_age``, which is 30
    minutes by default, and for as long again in the rollback.

    The new log group is retained when the stack is deleted, so that the log of a first deployment that rolls back can
    be read. Its name begins with the name of the stack, and its log events expire after ``log_retention``. To delete
    it, run ``aws logs delete-log-group``.

    To choose the options of the default provider, create a provider before those constructs, and pass it to
    :meth:`set_default`. Any other provider is used by the constructs that get it as their ``provider``.
    """

    _is_generated: bool = False
    """Whether a construct without a ``provider`` created this one."""

    @errors_name_path
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
        environment: Mapping[str, str] | None = None,
        environment_encryption: kms.IKey | None = None,
        memory_size: int = 512,
        architecture: lambda_.Architecture | None = None,
        timeout: cdk.Duration | None = None,
        max_event_age: cdk.Duration | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
        tracing: lambda_.Tracing | None = None,
        permitted_images: Sequence[str] | None = None,
    ) -> None:
        """Declare a provider.

        CloudFormation does not allow an existing custom resource to change its function. Therefore the path of the
        provider must not change after the first deployment. The options may change.

        https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html

        Args:
            scope: the parent construct, in the stack of the versions that will use this provider.
            construct_id: the ID of this construct in ``scope``.
            vpc: the VPC that the function runs in. SageMaker, CloudFormation, Amazon ECR, and Amazon S3, to which the
                function sends its responses, must be reachable from it. Default: the function is not attached
                to a VPC.
            vpc_subnets: the private subnets of ``vpc``. Default: the subnets that CDK selects for a function.
            security_groups: the security groups of the function in ``vpc``. Default: a new one that allows all outbound
                traffic.
            role: the role of the function, which Lambda must be able to assume. It gets inline policies with the
                permissions of the function. An immutable role gets none, and needs:
                logs:CreateLogStream and logs:PutLogEvents on the log group; cloudformation:DescribeStacks on the
                stack, and cloudformation:DescribeStackResource if a version has one policy ARCHIVE and the other
                DELETE; sagemaker:CreateImageVersion and
                sagemaker:ListImageVersions on the images; sagemaker:DeleteImageVersion,
                sagemaker:DescribeImageVersion and sagemaker:UpdateImageVersion on their versions; ecr:DescribeImages on
                the repositories; with a retention sagemaker:ListAliases on the images and their versions; with ``vpc``
                the permissions of Lambda's AWSLambdaVPCAccessExecutionRole; with ``dead_letter_queue`` sqs:SendMessage
                on the queue, and kms:Decrypt and kms:GenerateDataKey on its key if it has one. Default: a new role.
            log_group: the log group of the function. Default: a new one that is retained when the stack is deleted.
            log_retention: how long the new log group retains log events. Default: one month.
            environment: environment variables of the function by name, such as ``HTTPS_PROXY`` and ``NO_PROXY`` for a
                network in which the AWS APIs are reachable only through a proxy. A name consists of at least two
                letters, digits and underscores, and starts with a letter. Names and values may total 4,096 bytes.
                Default: none.
            environment_encryption: the key that Lambda encrypts the function's configuration with. The principal that
                deploys must be allowed to use it. Default: a key that Lambda manages.
            memory_size: the function's memory, 128 to 10,240 megabytes. Default: 512.
            architecture: the function's processor architecture. Default: ARM_64.
            timeout: how long the function may take for one event, 3 to 15 minutes in whole seconds. Default: 15
                minutes.
            max_event_age: how long Lambda retains an event that the function has not handled, 1 to 15 minutes in whole
                seconds. If the function ends without a response, Lambda delivers the event again one minute later, and
                once more two minutes after that. If the account has no concurrency left, Lambda delivers the event when
                it has. With a small value, a deployment fails sooner if the function cannot run, but Lambda drops
                events that it could have delivered later. Default: 15 minutes.
            dead_letter_queue: the standard queue that gets each event that Lambda drops, as a message with the event
                and the error. The event contains the signed URL of its response: encrypt the queue, restrict who may
                read it, and retain its messages for a short time. Default: the events are dropped.
            tracing: whether AWS X-Ray traces the function. Default: it does not.
            permitted_images: names of images, with ``*`` for any characters, such as ``team-*``. The function may
                change all images whose names match, and no others can be declared. Use it where one policy for each
                image would exceed the 10,240 characters that IAM allows a role: these are two policies. Default: the
                declared images are permitted.

        Raises:
            ValueError: an option is invalid, or conflicts with another one, or the default provider of the stack
                already exists. The construct tree is unchanged.
        """
        _check_options(
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=security_groups,
            role=role,
            log_group=log_group,
            log_retention=log_retention,
            environment=environment,
            environment_encryption=environment_encryption,
            memory_size=memory_size,
            architecture=architecture,
            timeout=timeout,
            max_event_age=max_event_age,
            dead_letter_queue=dead_letter_queue,
            tracing=tracing,
        )
        if permitted_images is not None:
            check_permitted_images(permitted_images)
        registry = StackRegistry.of(scope)
        if isinstance(registry.default_provider, ImageVersionProvider) and registry.default_provider._is_generated:
            raise ValueError(
                f"provider {shown(construct_id)} must be created before the default provider of stack "
                f"{shown(registry.stack.node.path)}: create it before all constructs without a provider, and call "
                "ImageVersionProvider.set_default(stack, provider), or pass it to each of them"
            )

        super().__init__(scope, construct_id)
        timeout = timeout or cdk.Duration.seconds(_LONGEST_TIMEOUT)
        max_event_age = max_event_age or cdk.Duration.seconds(_LONGEST_EVENT_AGE)
        seconds = None if timeout.is_unresolved() else int(timeout.to_seconds())
        event_age = None if max_event_age.is_unresolved() else int(max_event_age.to_seconds())
        log_group = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=log_retention or logs.RetentionDays.ONE_MONTH,
            # CloudFormation would delete it in the rollback of a first deployment, and the cause with it.
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        statements = {
            "Logs": iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            ),
            # An event does not contain whether CloudFormation still waits for it, and whether an update is a rollback.
            "Stack": iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[cdk.Aws.STACK_ID]),
        }
        function_role = role or iam.Role(
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
            timeout=timeout,
            role=function_role,
            log_group=log_group,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=None if security_groups is None else list(security_groups),
            environment=None if environment is None else dict(environment),
            environment_encryption=environment_encryption,
            tracing=tracing,
            max_event_age=max_event_age,
            retry_attempts=2,
        )
        # The rules of a group may be separate resources, and the function needs them for every event.
        self._function.node.add_dependency(*(security_groups or ()))

        # Stacks that share a role must not overwrite each other's policies.
        prefix = None if role is None else cdk.Names.unique_resource_name(self, max_length=96, separator="-")
        permissions = Permissions(
            self,
            function_role,
            policy_prefix=prefix,
            patterns=permitted_images,
            event_invoke_config=self._function.node.find_child("EventInvokeConfig"),
        )
        if role is not None:
            self._function.node.add_dependency(permissions.attach("Policy", list(statements.values())))
        if vpc is not None:
            # A separate policy: if the VPC is removed, CloudFormation updates the role before the function, but deletes
            # the policy after it.
            network = iam.PolicyStatement(actions=_NETWORK_INTERFACES, resources=["*"])
            self._function.node.add_dependency(permissions.attach("Network", [network]))
        if dead_letter_queue is not None:
            # The option of Function would add the permission to the role, which may be in another stack, and would not
            # permit the use of the queue's key. The policy is separate for the same reason as the one above.
            resource = cast("lambda_.CfnFunction", self._function.node.default_child)
            resource.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(
                target_arn=dead_letter_queue.queue_arn
            )
            self._function.node.add_dependency(permissions.attach("DeadLetterQueue", _sending_to(dead_letter_queue)))
        self._binding = ProviderBinding(
            registry=registry,
            function=self._function,
            log_group=log_group,
            permissions=permissions,
            dead_letter_queue=dead_letter_queue,
            # No event may run after CloudFormation has stopped waiting for its response.
            service_timeout=(event_age or _LONGEST_EVENT_AGE) + (seconds or _LONGEST_TIMEOUT),
            working_seconds=None if seconds is None else seconds - _RESPONSE_RESERVE,
        )
        remedy = (
            f"before the versions, create ImageVersionProvider(…, {shown(construct_id)}, permitted_images=['team-*'])"
            if permitted_images is None
            else "declare the versions in several stacks"
        )
        scopes: list[IConstruct] = [self] if role is None else [self, role]
        self.node.add_validation(InlinePolicyQuota(function_role, scopes=scopes, remedy=remedy))
        registry.named_provider = self

    @staticmethod
    @errors_name_path
    def set_default(scope: Construct, provider: ImageVersionProvider) -> None:
        """Set the default provider of the stack of ``scope``: the provider of all constructs that get none.

        Call it before the first of them. CloudFormation does not allow an existing custom resource to change its
        function, so the choice must not change after the first deployment.

        Args:
            scope: the stack, or a construct in it.
            provider: a provider in this stack.

        Raises:
            ValueError: ``provider`` is not a provider of this stack, or the stack has a default provider.
        """
        registry = StackRegistry.of(scope)
        check_provider(registry, provider)
        if registry.default_provider is not None:
            raise ValueError(
                f"default provider of stack {shown(registry.stack.node.path)} must be set once, and before the first "
                f"construct without a provider, but is {shown(registry.default_provider.node.path)}: call set_default "
                "earlier, or pass the provider to each construct"
            )
        registry.default_provider = provider

    @staticmethod
    @errors_name_path
    def get_or_create(scope: Construct) -> ImageVersionProvider:
        """Return the default provider of the stack of ``scope``; the first call creates it if none was set.

        Args:
            scope: the stack, or a construct in it.

        Raises:
            ValueError: another construct in the stack has the ID of the generated provider, ``ImageVersionProvider``,
                or the stack has a provider that is not the default provider.
        """
        return _default_provider(StackRegistry.of(scope))

    @errors_name_path
    def share(self, *, repositories: Sequence[ecr.IRepository] = ()) -> str:
        """Permit other stacks, templates and CDK apps of any language to use this provider.

        They declare the resource types of this library with the returned service token: export it, or put it into an
        SSM parameter. The function may then change all images that match ``permitted_images``, and describe all stacks
        of its account and region.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html

        Args:
            repositories: the repositories that the function may describe images in: to compare a followed tag, and to
                explain a failed creation. A name may contain ``*``, as in
                ``ecr.Repository.from_repository_name(self, "Repositories", "team-*")``. Default: none.

        Returns:
            The service token: the ARN of the function; a token.

        Raises:
            ValueError: the provider has no ``permitted_images``, or ``repositories`` is not a list of repositories.
        """
        if not isinstance(repositories, list | tuple) or not all(
            hasattr(repository, "repository_arn") for repository in repositories
        ):
            raise ValueError(
                f"repositories {shown(repositories)} must be a list of ECR repositories: write it like [repository]"
            )
        self._binding.permissions.share([repository.repository_arn for repository in repositories])
        return self._binding.service_token

    def metric(self, metric_name: str, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return a metric of the function by its name.

        https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

        Args:
            metric_name: the name, such as ``ConcurrentExecutions``.
            options: see :class:`MetricOptions`. The default of ``statistic`` is Average.
        """
        return self._function.metric(metric_name, **options)

    def metric_invocations(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of invocations: one for each event of CloudFormation, and one more for each retry.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Sum.
        """
        return self._function.metric_invocations(**options)

    def metric_errors(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return how often the function ended without a response; a FAILED response is a response.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Sum.
        """
        return self._function.metric_errors(**options)

    def metric_throttles(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return how often Lambda throttled the function for lack of concurrency; it retries for ``max_event_age``.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Sum.
        """
        return self._function.metric_throttles(**options)

    def metric_duration(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the duration of the invocations in milliseconds.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Average.
        """
        return self._function.metric_duration(**options)

    def metric_async_events_dropped(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of events that Lambda dropped: CloudFormation gets no response and waits for its timeout.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Sum.
        """
        options.setdefault("statistic", "Sum")
        return self.metric("AsyncEventsDropped", **options)

    def metric_async_event_age(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return how long events waited in Lambda's queue in milliseconds, at most ``max_event_age``.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Maximum.
        """
        options.setdefault("statistic", "Maximum")
        return self.metric("AsyncEventAge", **options)


def binding_of(provider: ImageVersionProvider) -> ProviderBinding:
    """Return the binding of a provider, which the other constructs of this package use."""
    return provider._binding


def choose_provider(
    registry: StackRegistry, provider: ImageVersionProvider | None, *, image: IImage | None = None
) -> ImageVersionProvider:
    """Return the provider that a construct uses: the given one, or else the default provider.

    Args:
        registry: the registry of the construct's stack.
        provider: the given provider; None for the default provider.
        image: the image that the construct changes. Default: none.

    Raises:
        ValueError: ``provider`` is not a provider, is in another stack, or does not permit the image.
    """
    if provider is None:
        provider = _default_provider(registry)
    else:
        check_provider(registry, provider)
    if image is not None:
        provider._binding.permissions.check(identity_of(image))
    return provider


def _default_provider(registry: StackRegistry) -> ImageVersionProvider:
    """Return the default provider of a stack; the first call creates it if none was set."""
    if isinstance(registry.default_provider, ImageVersionProvider):
        return registry.default_provider
    stack = registry.stack
    if registry.named_provider is not None:
        raise ValueError(
            f"provider None must be given, since stack {shown(stack.node.path)} has the provider "
            f"{shown(registry.named_provider.node.path)}: pass that one, or first call "
            "ImageVersionProvider.set_default(stack, provider)"
        )
    if stack.node.try_find_child(_DEFAULT_PROVIDER_ID) is not None:
        raise ValueError(
            f"construct id {shown(_DEFAULT_PROVIDER_ID)} must belong to the default provider in stack "
            f"{shown(stack.node.path)}: rename the construct that has it"
        )
    provider = ImageVersionProvider(stack, _DEFAULT_PROVIDER_ID)
    provider._is_generated = True
    registry.default_provider = provider
    return provider


def check_provider(registry: StackRegistry, provider: ImageVersionProvider) -> None:
    """Check that ``provider`` is a provider in the stack of ``registry``.

    Raises:
        ValueError: ``provider`` is not a provider, or is in another stack.
    """
    if not isinstance(provider, ImageVersionProvider):
        raise ValueError(
            f"provider {shown(provider)} must be an ImageVersionProvider: create one in this stack, or leave it out"
        )
    if provider._binding.registry is not registry:
        raise ValueError(
            f"provider {shown(provider.node.path)} must be in stack {shown(registry.stack.node.path)}: "
            "create one there, or leave it out"
        )


def _check_options(
    *,
    vpc: ec2.IVpc | None,
    vpc_subnets: ec2.SubnetSelection | None,
    security_groups: Sequence[ec2.ISecurityGroup] | None,
    role: iam.IRole | None,
    log_group: logs.ILogGroup | None,
    log_retention: logs.RetentionDays | None,
    environment: Mapping[str, str] | None,
    environment_encryption: kms.IKey | None,
    memory_size: int,
    architecture: lambda_.Architecture | None,
    timeout: cdk.Duration | None,
    max_event_age: cdk.Duration | None,
    dead_letter_queue: sqs.IQueue | None,
    tracing: lambda_.Tracing | None,
) -> None:
    for parameter, value, fits, rule in (
        ("vpc", vpc, hasattr(vpc, "vpc_id"), "a VPC: for an id use ec2.Vpc.from_lookup(…)"),
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
        ("role", role, hasattr(role, "role_arn"), "a role: for an ARN use iam.Role.from_role_arn(…)"),
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
            "a key: for an ARN use kms.Key.from_key_arn(…)",
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
            "max_event_age",
            max_event_age,
            isinstance(max_event_age, cdk.Duration),
            "a Duration: write it like cdk.Duration.minutes(5)",
        ),
        (
            "dead_letter_queue",
            dead_letter_queue,
            getattr(dead_letter_queue, "fifo", None) is False,
            "a standard queue of Amazon SQS: for an ARN use sqs.Queue.from_queue_arn(…)",
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
            raise ValueError(
                f"{parameter} {shown(value)} must come with a VPC: give vpc as well, or leave {parameter} out"
            )
    if log_group is not None and log_retention is not None:
        raise ValueError(
            f"log_retention {shown(log_retention)} must be left out with log_group {shown(log_group.node.path)}: "
            "set the retention of that log group"
        )
    if environment is not None:
        _check_environment(environment)
    _check_memory_size(memory_size)
    _check_duration("timeout", timeout, _SHORTEST_TIMEOUT, _LONGEST_TIMEOUT)
    _check_duration("max_event_age", max_event_age, _SHORTEST_EVENT_AGE, _LONGEST_EVENT_AGE)


def _check_environment(environment: Mapping[str, str]) -> None:
    if not isinstance(environment, Mapping):
        raise ValueError(
            f"environment {shown(environment)} must be a dict of values by names: "
            "write it like {'HTTPS_PROXY': 'http://proxy.example.com:3128'}"
        )
    for name, value in environment.items():
        check_string("environment", name, FUNCTION_VARIABLE_NAME)
        if name in RESERVED_FUNCTION_VARIABLES:
            raise ValueError(f"environment {shown(name)} must not be set, since Lambda reserves the name: leave it out")
        check_is_string(f"environment[{shown(name)}]", value)
    size = sum(len(f"{name}{value}".encode()) for name, value in environment.items() if not is_token(value))
    if size > FUNCTION_VARIABLES_MAXIMUM:
        raise ValueError(
            f"environment of {size} bytes must have at most {FUNCTION_VARIABLES_MAXIMUM}, names and values together: "
            "shorten the values"
        )


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


def _check_duration(parameter: str, value: cdk.Duration | None, shortest: int, longest: int) -> None:
    if value is None or value.is_unresolved():
        return
    seconds = value.to_milliseconds() / 1000
    if seconds != int(seconds) or not shortest <= seconds <= longest:
        raise ValueError(
            f"{parameter} of {seconds:g} seconds must be whole seconds from {shortest} to {longest}: "
            "leave it out to get 15 minutes"
        )


def _sending_to(queue: sqs.IQueue) -> list[iam.PolicyStatement]:
    """Return the permissions with which Lambda sends messages to a queue."""
    statements = [iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn])]
    key = queue.encryption_master_key
    if key is not None:
        statements.append(iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]))
    return statements


def _handler_folder() -> Path:
    """Return the folder of the handler: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "lambda"
    return inside if inside.is_dir() else package.parent / "lambda"
