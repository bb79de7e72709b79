"""What an engineer watches a provider with: alarms, a dashboard, and queries of its log."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs._validation.rules import check_flag, shown
from imgver_constructs.provider import ImageVersionProvider, binding_of, choose_provider


class ImageVersionMonitoring(Construct):
    """Alarms, a dashboard, and saved Logs Insights queries for a provider.

    An event that is answered with FAILED is no error of the function, so a metric filter counts the errors in its
    log. The log group has to be one of CloudWatch's Standard class; what others write into it as JSON with the level
    ERROR is counted, too.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        provider: ImageVersionProvider | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        dashboard: bool = True,
    ) -> None:
        """Watch a provider.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            provider: what to watch: one of this stack. Default: the stack's own.
            alarm_actions: what every alarm does when it goes off, such as
                ``aws_cloudwatch_actions.SnsAction(topic)``. Default: nothing; the alarms can still be looked at.
            dashboard: whether to make a dashboard. Default: True.

        Raises:
            ValueError: an option is not what it must be. Nothing is left in the tree.
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
                f"timeout of provider {shown(provider.node.path)} must be known here, since the threshold of an alarm "
                "derives from it: write it like cdk.Duration.minutes(5)"
            )

        super().__init__(scope, construct_id)
        log_group = binding.log_group
        # Unique in the account and region, as the names of metrics and queries have to be.
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
            "A resource could not be made what its stack declares, or is left over: the log says why.",
        )
        # The handler answers whatever happens: it was killed, or CloudFormation could not be reached.
        self._errors_alarm = self._alarm(
            "ErrorsAlarm",
            provider.metric_errors(),
            "The function ended without an answer; Lambda tries again twice. The end of its log says why.",
        )
        # Lambda tries again for 15 minutes: the events of a big deployment may wait for some of them, not for most.
        self._throttles_alarm = self._alarm(
            "ThrottlesAlarm",
            provider.metric_throttles(),
            "Lambda has had no concurrency for the function for 10 minutes, and gives events up after 15.",
            evaluation_periods=2,
        )
        # In milliseconds. At the end of its time the handler answers FAILED; most of it is many times what is usual.
        self._duration_alarm = self._alarm(
            "DurationAlarm",
            provider.metric_duration(statistic="Maximum"),
            "An event took more than 80 % of the time there is for it: the log says what it waited for.",
            threshold=binding.working_seconds * 800,
        )
        self._events_dropped_alarm = self._alarm(
            "EventsDroppedAlarm",
            provider.metric_async_events_dropped(),
            "An event was given up unanswered: CloudFormation waits for its timeout, up to 30 minutes.",
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
        self._dashboard = self._make_dashboard(provider, *queries["FailedEventsQuery"]) if dashboard else None

    @property
    def failed_events_alarm(self) -> cloudwatch.Alarm:
        """Goes off when there is an error in the log: an event was answered with FAILED, or something is left over."""
        return self._failed_events_alarm

    @property
    def errors_alarm(self) -> cloudwatch.Alarm:
        """Goes off when the function ended without an answer."""
        return self._errors_alarm

    @property
    def throttles_alarm(self) -> cloudwatch.Alarm:
        """Goes off when Lambda has had no concurrency for the function for 10 minutes."""
        return self._throttles_alarm

    @property
    def duration_alarm(self) -> cloudwatch.Alarm:
        """Goes off when an event took more than 80 % of the time in which the handler has to be done."""
        return self._duration_alarm

    @property
    def events_dropped_alarm(self) -> cloudwatch.Alarm:
        """Goes off when Lambda gave an event up, so that CloudFormation never gets its answer."""
        return self._events_dropped_alarm

    @property
    def dashboard(self) -> cloudwatch.Dashboard | None:
        """The dashboard; None without one."""
        return self._dashboard

    def metric_failed_events(
        self, *, statistic: str | None = None, period: cdk.Duration | None = None
    ) -> cloudwatch.Metric:
        """How many errors are in the function's log: mostly events that were answered with FAILED.

        Args:
            statistic: what becomes of the values of a period. Default: Sum.
            period: the time that one value is about. Default: 5 minutes.
        """
        return self._failed_events.metric(statistic=statistic or "Sum", period=period)

    @property
    def _alarms(self) -> list[cloudwatch.Alarm]:
        return [
            self._failed_events_alarm,
            self._errors_alarm,
            self._throttles_alarm,
            self._duration_alarm,
            self._events_dropped_alarm,
        ]

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
            # Between deployments the function does not run, and there is no value at all.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _make_dashboard(
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
    """Titles and queries of the log, by the ids of their constructs."""
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
                # That something is not there (any more) is what the handler asks about most.
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
                # Between the slashes: the logical id of the resource. As it stands it is every one.
                filter_statements=["logical_resource_id like /./", "not ispresent(operation)"],
                sort="@timestamp asc",
                limit=1000,
            ),
        ),
    }
