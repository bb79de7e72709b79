"""ImageVersionMonitoring: its alarms, its dashboard and its queries, and the metrics of the provider."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from imgver_handler.deadline import RESPONSE_TIME_BUDGET

from imgver_constructs import ImageVersion, ImageVersionMonitoring, ImageVersionProvider, MetricOptions

ALARM = "AWS::CloudWatch::Alarm"
DASHBOARD = "AWS::CloudWatch::Dashboard"
FILTER = "AWS::Logs::MetricFilter"
QUERY = "AWS::Logs::QueryDefinition"
FUNCTION = {"Ref": "ImageVersionProviderFunction124F3991"}
LOGS = {"Ref": "ImageVersionProviderLogs0DB3204C"}
NAMESPACE = {"Fn::Join": ["", ["ImageVersions/", FUNCTION]]}

Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]


@pytest.fixture
def monitoring(stack: cdk.Stack, declare: Callable[..., ImageVersion]) -> ImageVersionMonitoring:
    """The monitoring of a stack's default provider."""
    declare()
    return ImageVersionMonitoring(stack, "Monitoring")


def without_actions(alarm: dict[str, Any]) -> dict[str, Any]:
    """The properties of an alarm that has no actions. Older releases of the CDK write an empty list."""
    properties = dict(alarm["Properties"])
    assert properties.pop("AlarmActions", []) == []
    return properties


def test_alarms(monitoring: ImageVersionMonitoring, resources: Resources) -> None:
    alarms = {each["Properties"].pop("MetricName"): without_actions(each) for each in resources(ALARM).values()}
    descriptions = {name: alarm.pop("AlarmDescription") for name, alarm in alarms.items()}

    of_function = {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}],
        "EvaluationPeriods": 1,
        "Namespace": "AWS/Lambda",
        "Period": 300,
        "Statistic": "Sum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }
    of_log = of_function | {"Namespace": NAMESPACE}
    del of_log["Dimensions"]
    assert alarms == {
        "FailedEvents": of_log,
        "Errors": of_function,
        "Throttles": of_function | {"EvaluationPeriods": 2},
        "Duration": of_function | {"Statistic": "Maximum", "Threshold": 708_000},
        "AsyncEventsDropped": of_function,
    }
    assert descriptions == {
        "FailedEvents": "An event failed, or a version was left behind: the function's log contains the cause.",
        "Errors": "The function ended without a response. Lambda retries the event twice. The log contains the cause.",
        "Throttles": (
            "Lambda has had no concurrency for the function for 10 minutes, and drops events that wait too long."
        ),
        "Duration": "An event took more than 80 % of its timeout: the function's log contains its calls.",
        "AsyncEventsDropped": "Lambda dropped an event without a response: CloudFormation waits for up to 30 minutes.",
    }
    assert monitoring.dead_letter_queue_alarm is None


def test_alarm_of_a_dead_letter_queue(stack: cdk.Stack, resources: Resources, only: Only) -> None:
    queue = sqs.Queue(stack, "Queue")
    minutes = cdk.Duration.minutes(5)
    provider = ImageVersionProvider(stack, "Provider", timeout=minutes, max_event_age=minutes, dead_letter_queue=queue)

    monitoring = ImageVersionMonitoring(stack, "Monitoring", provider=provider)

    assert monitoring.dead_letter_queue_alarm is not None
    alarms = {each["Properties"]["MetricName"]: without_actions(each) for each in resources(ALARM).values()}
    alarm = alarms.pop("ApproximateNumberOfMessagesVisible")
    del alarm["MetricName"]
    assert "its message contains the error" in alarm.pop("AlarmDescription")
    assert alarm == {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "QueueName", "Value": stack.resolve(queue.queue_name)}],
        "EvaluationPeriods": 1,
        "Namespace": "AWS/SQS",
        "Period": 300,
        "Statistic": "Maximum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }
    assert alarms["AsyncEventsDropped"]["AlarmDescription"].endswith(" up to 10 minutes.")
    assert len(alarms) == 5
    assert "DeadLetterQueueAlarm" in json.dumps(only(DASHBOARD)["Properties"])


def test_errors_in_the_log_are_counted_in_a_namespace_of_the_function(
    monitoring: ImageVersionMonitoring, only: Only
) -> None:
    assert only(FILTER)["Properties"] == {
        "FilterPattern": '{ $.level = "ERROR" }',
        "LogGroupName": LOGS,
        "MetricTransformations": [
            {"MetricName": "FailedEvents", "MetricNamespace": NAMESPACE, "MetricValue": "1"},
        ],
    }


def test_queries(monitoring: ImageVersionMonitoring, resources: Resources) -> None:
    queries = [resource["Properties"] for resource in resources(QUERY).values()]

    assert [query["LogGroupNames"] for query in queries] == [[LOGS]] * 4
    assert {query["Name"]["Fn::Join"][1][-1]: query["QueryString"].split("\n| ") for query in queries} == {
        "/Failed events": [
            "fields @timestamp, logical_resource_id, request_type, message, reason, error, physical_id, stack_id",
            'filter level = "ERROR"',
            "sort @timestamp desc",
            "limit 100",
        ],
        "/Calls that were throttled or refused": [
            "fields @timestamp, operation, outcome, seconds, logical_resource_id, request_id",
            "filter ispresent(operation)",
            'filter outcome not in ["OK", "ResourceNotFound"]',
            "sort @timestamp desc",
            "limit 1000",
        ],
        "/Slowest events": [
            "filter ispresent(request_id)",
            "stats max(@timestamp) - min(@timestamp) as milliseconds by request_id, logical_resource_id, request_type",
            "sort milliseconds desc",
            "limit 50",
        ],
        "/History of a resource": [
            "fields @timestamp, logical_resource_id, request_type, level, message, why, reason, physical_id",
            "filter logical_resource_id like /./",
            "filter not ispresent(operation)",
            "sort @timestamp asc",
            "limit 1000",
        ],
    }


def test_dashboard(monitoring: ImageVersionMonitoring, only: Only) -> None:
    parts = only(DASHBOARD)["Properties"]["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else next(iter(part.values()))[0] for part in parts))
    status, events, duration, waiting, failed = [widget["properties"] for widget in body["widgets"]]

    assert body["start"] == "-P7D"
    assert len(status["alarms"]) == 5
    assert {graph["title"]: [metric[1] for metric in graph["metrics"]] for graph in (events, duration, waiting)} == {
        "Events": ["Invocations", "Errors", "FailedEvents"],
        "Duration": ["Duration", "Duration"],
        "Events that wait": ["Throttles", "AsyncEventsDropped", "AsyncEventAge"],
    }
    assert duration["metrics"][1][-1]["stat"] == "Maximum"
    assert duration["annotations"]["horizontal"][0]["value"] == 708_000
    assert failed["title"] == "Failed events"
    assert '| filter level = "ERROR"' in failed["query"]


def test_without_a_dashboard(stack: cdk.Stack, resources: Resources) -> None:
    monitoring = ImageVersionMonitoring(stack, "Monitoring", dashboard=False)

    assert monitoring.dashboard is None
    assert (len(resources(DASHBOARD)), len(resources(ALARM))) == (0, 5)


def test_actions_of_alarms(stack: cdk.Stack, resources: Resources) -> None:
    # GIVEN an action for every alarm, and one more for one of them
    of_all, of_one = (
        sns.Topic.from_topic_arn(stack, name, f"arn:aws:sns:eu-west-1:123456789012:{name}") for name in ("All", "One")
    )
    monitoring = ImageVersionMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(of_all)])
    monitoring.events_dropped_alarm.add_alarm_action(actions.SnsAction(of_one))

    found = {each["Properties"]["MetricName"]: each["Properties"]["AlarmActions"] for each in resources(ALARM).values()}
    both = [of_all.topic_arn, of_one.topic_arn]
    assert found.pop("AsyncEventsDropped") == both
    assert [*found.values()] == [both[:1]] * 4


def test_every_alarm_is_an_attribute(
    stack: cdk.Stack, monitoring: ImageVersionMonitoring, resources: Resources
) -> None:
    by_metric = {
        "FailedEvents": monitoring.failed_events_alarm,
        "Errors": monitoring.errors_alarm,
        "Throttles": monitoring.throttles_alarm,
        "Duration": monitoring.duration_alarm,
        "AsyncEventsDropped": monitoring.events_dropped_alarm,
    }

    names = {each["Properties"]["MetricName"]: logical_id for logical_id, each in resources(ALARM).items()}
    assert {name: stack.resolve(alarm.alarm_name) for name, alarm in by_metric.items()} == {
        name: {"Ref": logical_id} for name, logical_id in names.items()
    }


@pytest.mark.parametrize("seconds", [180, 900])
def test_the_duration_alarm_goes_off_before_the_handler_gives_up(
    stack: cdk.Stack, resources: Resources, seconds: int
) -> None:
    provider = ImageVersionProvider(stack, "Provider", timeout=cdk.Duration.seconds(seconds))

    ImageVersionMonitoring(stack, "Monitoring", provider=provider)

    alarms = {each["Properties"]["MetricName"]: each["Properties"] for each in resources(ALARM).values()}
    assert alarms["Duration"]["Threshold"] == 0.8 * (seconds - RESPONSE_TIME_BUDGET) * 1000


def test_an_imported_log_group(stack: cdk.Stack, only: Only, resources: Resources) -> None:
    imported = logs.LogGroup.from_log_group_name(stack, "Logs", "/platform/image-versions")
    provider = ImageVersionProvider(stack, "Provider", log_group=imported)

    ImageVersionMonitoring(stack, "Monitoring", provider=provider)

    assert only(FILTER)["Properties"]["LogGroupName"] == imported.log_group_name
    assert [each["Properties"]["LogGroupNames"] for each in resources(QUERY).values()] == [
        [imported.log_group_name]
    ] * 4
    assert "SOURCE '/platform/image-versions' | fields" in json.dumps(only(DASHBOARD)["Properties"])


def test_two_providers_of_a_stack_share_no_metric_and_no_query(stack: cdk.Stack, resources: Resources) -> None:
    for name in ("One", "Two"):
        ImageVersionMonitoring(stack, f"Monitoring{name}", provider=ImageVersionProvider(stack, name))

    filters = [each["Properties"]["MetricTransformations"][0] for each in resources(FILTER).values()]
    names = [json.dumps(each["Properties"]["Name"]) for each in resources(QUERY).values()]
    assert len({json.dumps(each["MetricNamespace"]) for each in filters}) == 2
    assert len(set(names)) == 8


def test_metric_of_failed_events(stack: cdk.Stack, monitoring: ImageVersionMonitoring) -> None:
    default = monitoring.metric_failed_events()
    chosen = monitoring.metric_failed_events(statistic="SampleCount", period=cdk.Duration.hours(1))

    assert (default.statistic, default.period.to_minutes()) == ("Sum", 5)
    assert (chosen.statistic, chosen.period.to_minutes()) == ("SampleCount", 60)


METRICS = {
    "metric_invocations": ("Invocations", "Sum"),
    "metric_errors": ("Errors", "Sum"),
    "metric_throttles": ("Throttles", "Sum"),
    "metric_duration": ("Duration", "Average"),
    "metric_async_events_dropped": ("AsyncEventsDropped", "Sum"),
    "metric_async_event_age": ("AsyncEventAge", "Maximum"),
    "metric": ("ConcurrentExecutions", "Average"),
}


def test_metrics_of_the_provider(stack: cdk.Stack) -> None:
    provider = ImageVersionProvider(stack, "ImageVersionProvider")

    assert METRICS.keys() == {name for name in vars(ImageVersionProvider) if name.startswith("metric")}
    for method, (name, statistic) in METRICS.items():
        arguments = [name] if method == "metric" else []
        default = getattr(provider, method)(*arguments)
        chosen = getattr(provider, method)(*arguments, statistic="p99", period=cdk.Duration.minutes(1))
        assert (default.namespace, default.metric_name) == ("AWS/Lambda", name)
        assert stack.resolve(default.dimensions) == {"FunctionName": FUNCTION}
        assert (default.statistic, default.period.to_minutes()) == (statistic, 5)
        assert (chosen.statistic, chosen.period.to_minutes()) == ("p99", 1)


def test_the_metric_options_are_those_of_the_cdk(stack: cdk.Stack) -> None:
    given = set(MetricOptions.__annotations__)
    assert given == set(inspect.signature(lambda_.Function.metric_errors).parameters) - {"self"}

    metric = ImageVersionProvider(stack, "Provider").metric_async_event_age(label="Age", account="123456789012")
    assert (metric.label, metric.account, metric.statistic) == ("Age", "123456789012", "Maximum")


def elsewhere(stack: cdk.Stack) -> ImageVersionProvider:
    return ImageVersionProvider(cdk.Stack(cdk.App(), "Elsewhere"), "Provider")


def with_a_timeout_that_is_a_token(stack: cdk.Stack) -> ImageVersionProvider:
    timeout = cdk.CfnParameter(stack, "Timeout", type="Number").value_as_number
    return ImageVersionProvider(stack, "Provider", timeout=cdk.Duration.seconds(timeout))


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        *[
            (
                "alarm_actions",
                value,
                (
                    f"alarm_actions {value!r} must be a list of alarm actions: for a topic use "
                    "[aws_cloudwatch_actions.SnsAction(topic)]"
                ),
            )
            for value in ("arn:aws:sns:eu-west-1:123456789012:on-call", [7], None)
        ],
        ("dashboard", "yes", "dashboard 'yes' must be a bool: write True or False, or leave it out"),
        (
            "provider",
            elsewhere,
            "provider 'Elsewhere/Provider' must be in stack 'Stack': create one there, or leave it out",
        ),
        (
            "provider",
            with_a_timeout_that_is_a_token,
            (
                "timeout of provider 'Stack/Provider' must be known at synth, since the threshold of an alarm derives "
                "from it: write it like cdk.Duration.minutes(5)"
            ),
        ),
    ],
)
def test_a_refused_declaration(stack: cdk.Stack, refused: Refused, keyword: str, value: Any, message: str) -> None:
    given = value(stack) if callable(value) else value

    assert refused(lambda: ImageVersionMonitoring(stack, "Monitoring", **{keyword: given})) == message
