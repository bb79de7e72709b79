"""The monitoring of a provider: alarms, a dashboard, and saved queries of its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs._validation.checks import check_flag, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs.metric_options import MetricOptions
from imgver_constructs.provider import ImageVersionProvider, binding_of, choose_provider


class ImageVersionMonitoring(Construct):
    """Alarms, a dashboard, and saved Logs Insights queries for a provider.

    An event that fails is not an error of the Lambda function, because the handler still responds to CloudFormation
    with FAILED. Therefore a metric filter counts the errors in the function's log. The log group must be of
    CloudWatch's Standard class. JSON log lines with the level ERROR from other writers are counted as well.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        provider: ImageVersionProvider | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        dashboard: bool = True,
    ) -> None:
        """Create the alarms, the queries and the dashboard of a provider.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            provider: the provider to monitor, declared in this stack. Default: the default provider of the stack.
            alarm_actions: the actions of every alarm, such as ``aws_cloudwatch_actions.SnsAction(topic)``.
                Default: none; the alarms only show their state.
            dashboard: whether to create a dashboard. Default: True.

        Raises:
            ValueError: an argument has the wrong type, the provider is in another stack, or its timeout is a token.
                The construct tree is unchanged.
        """
        if not isinstance(alarm_actions, list | tuple) or not all(hasattr(action, "bind") for action in alarm_actions):
            raise ValueError(
                f"alarm_actions {shown(alarm_actions)} must be a list of alarm actions: for a topic use "
                "[aws_cloudwatch_actions.SnsAction(topic)]"
            )
        check_flag("dashboard", dashboard)
        provider = choose_provider(StackRegistry.of(scope), provider)
        binding = binding_of(provider)
        if binding.working_seconds is None:
            raise ValueError(
                f"timeout of provider {shown(provider.node.path)} must be known at synth, since the threshold of an "
                "alarm derives from it: write it like cdk.Duration.minutes(5)"
            )

        super().__init__(scope, construct_id)
        log_group = binding.log_group
        # The names of metrics and queries must be unique in the account and region; the function's name is.
        name = binding.function.function_name
        self._failed_events = logs.MetricFilter(
            self,
            "FailedEvents",
            log_group=log_group,
            filter_pattern=logs.FilterPattern.string_value("$.level", "=", "ERROR"),
            metric_namespace=f"ImageVersions/{name}",
            metric_name="FailedEvents",
        )

        self._failed_events_alarm = self._alarm(
            "FailedEventsAlarm",
            self.metric_failed_events(),
            "An event failed, or a version was left behind: the function's log contains the cause.",
        )
        # The handler always responds, unless Lambda ended it or CloudFormation could not be reached.
        self._errors_alarm = self._alarm(
            "ErrorsAlarm",
            provider.metric_errors(),
            "The function ended without a response. Lambda retries the event twice. The log contains the cause.",
        )
        # Lambda retries throttled events. The events of a large deployment may wait for some minutes.
        self._throttles_alarm = self._alarm(
            "ThrottlesAlarm",
            provider.metric_throttles(),
            "Lambda has had no concurrency for the function for 10 minutes, and drops events that wait too long.",
            evaluation_periods=2,
        )
        # In milliseconds. The handler responds with FAILED at the end of its time; most events take a small part of it.
        self._duration_alarm = self._alarm(
            "DurationAlarm",
            provider.metric_duration(statistic="Maximum"),
            "An event took more than 80 % of its timeout: the function's log contains its calls.",
            threshold=binding.working_seconds * 800,
        )
        self._events_dropped_alarm = self._alarm(
            "EventsDroppedAlarm",
            provider.metric_async_events_dropped(),
            "Lambda dropped an event without a response: CloudFormation waits for up to "
            f"{binding.service_timeout / 60:g} minutes.",
        )
        self._dead_letter_queue_alarm = (
            None
            if binding.dead_letter_queue is None
            else self._alarm(
                "DeadLetterQueueAlarm",
                binding.dead_letter_queue.metric_approximate_number_of_messages_visible(),
                "The dead-letter queue has an event that Lambda dropped: its message contains the error.",
            )
        )
        for alarm in self._alarms:
            alarm.add_alarm_action(*alarm_actions)

        queries = _queries()
        for query_id, (title, query) in queries.items():
            logs.QueryDefinition(
                self,
                query_id,
                query_definition_name=f"ImageVersions/{name}/{title}",
                query_string=query,
                log_groups=[log_group],
            )
        self._dashboard = self._create_dashboard(provider, *queries["FailedEventsQuery"]) if dashboard else None

    @property
    def failed_events_alarm(self) -> cloudwatch.Alarm:
        """The alarm for errors in the log: an event failed, or a version could not be cleaned up."""
        return self._failed_events_alarm

    @property
    def errors_alarm(self) -> cloudwatch.Alarm:
        """The alarm for invocations of the function that ended without a response to CloudFormation."""
        return self._errors_alarm

    @property
    def throttles_alarm(self) -> cloudwatch.Alarm:
        """The alarm for 10 minutes in which Lambda had no concurrency for the function."""
        return self._throttles_alarm

    @property
    def duration_alarm(self) -> cloudwatch.Alarm:
        """The alarm for events that took more than 80 % of the time that the handler has."""
        return self._duration_alarm

    @property
    def events_dropped_alarm(self) -> cloudwatch.Alarm:
        """The alarm for events that Lambda dropped, so that CloudFormation gets no response."""
        return self._events_dropped_alarm

    @property
    def dead_letter_queue_alarm(self) -> cloudwatch.Alarm | None:
        """The alarm for messages in the dead-letter queue of the provider; None if the provider has no such queue."""
        return self._dead_letter_queue_alarm

    @property
    def dashboard(self) -> cloudwatch.Dashboard | None:
        """The dashboard; None if ``dashboard`` is False."""
        return self._dashboard

    def metric_failed_events(self, **options: Unpack[MetricOptions]) -> cloudwatch.Metric:
        """Return the number of errors in the function's log, most of which are events that failed.

        Args:
            options: see :class:`MetricOptions`. The default of ``statistic`` is Sum.
        """
        options.setdefault("statistic", "Sum")
        return self._failed_events.metric(**options)

    @property
    def _alarms(self) -> list[cloudwatch.Alarm]:
        alarms = [
            self._failed_events_alarm,
            self._errors_alarm,
            self._throttles_alarm,
            self._duration_alarm,
            self._events_dropped_alarm,
        ]
        return alarms if self._dead_letter_queue_alarm is None else [*alarms, self._dead_letter_queue_alarm]

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.Metric,
        description: str,
        *,
        threshold: float = 1,
        evaluation_periods: int = 1,
    ) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            construct_id,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=evaluation_periods,
            # Between deployments the function does not run, and the metrics have no values.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _create_dashboard(
        self, provider: ImageVersionProvider, title: str, query: logs.QueryString
    ) -> cloudwatch.Dashboard:
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=cdk.Duration.days(7))
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(alarms=self._alarms, width=24, height=2))
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title="Events",
                left=[provider.metric_invocations(), provider.metric_errors(), self.metric_failed_events()],
                width=8,
            ),
            cloudwatch.GraphWidget(
                title="Duration",
                left=[provider.metric_duration(), provider.metric_duration(statistic="Maximum")],
                left_annotations=[self._duration_alarm.to_annotation()],
                width=8,
            ),
            cloudwatch.GraphWidget(
                title="Events that wait",
                left=[provider.metric_throttles(), provider.metric_async_events_dropped()],
                right=[provider.metric_async_event_age()],
                width=8,
            ),
        )
        dashboard.add_widgets(
            cloudwatch.LogQueryWidget(
                title=title,
                log_group_names=[binding_of(provider).log_group.log_group_name],
                query_string=query.to_string(),
                width=24,
            )
        )
        return dashboard


def _queries() -> dict[str, tuple[str, logs.QueryString]]:
    """Return the titles and the queries of the log by the ID of their construct."""
    return {
        "FailedEventsQuery": (
            "Failed events",
            logs.QueryString(
                fields=[
                    *("@timestamp", "logical_resource_id", "request_type", "message", "reason", "error"),
                    *("physical_id", "stack_id"),
                ],
                filter_statements=['level = "ERROR"'],
                sort="@timestamp desc",
                limit=100,
            ),
        ),
        "RefusedCallsQuery": (
            "Calls that were throttled or refused",
            logs.QueryString(
                fields=["@timestamp", "operation", "outcome", "seconds", "logical_resource_id", "request_id"],
                # The handler expects that some resources do not exist, so this error is usually no problem.
                filter_statements=["ispresent(operation)", 'outcome not in ["OK", "ResourceNotFound"]'],
                sort="@timestamp desc",
                limit=1000,
            ),
        ),
        "SlowestEventsQuery": (
            "Slowest events",
            logs.QueryString(
                filter_statements=["ispresent(request_id)"],
                stats_statements=[
                    "max(@timestamp) - min(@timestamp) as milliseconds by request_id, logical_resource_id, request_type"
                ],
                sort="milliseconds desc",
                limit=50,
            ),
        ),
        "HistoryQuery": (
            "History of a resource",
            logs.QueryString(
                fields=[
                    *("@timestamp", "logical_resource_id", "request_type", "level", "message", "why", "reason"),
                    "physical_id",
                ],
                # The user writes a logical ID between the slashes; the dot matches every resource.
                filter_statements=["logical_resource_id like /./", "not ispresent(operation)"],
                sort="@timestamp asc",
                limit=1000,
            ),
        ),
    }
