"""ImageVersionMonitoring: its alarms, its dashboard, its queries, and the metrics of the provider that it uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from imgver_handler.deadline import RESPONSE_TIME_BUDGET

from imgver_constructs import ImageVersion, ImageVersionMonitoring, ImageVersionProvider

ALARM = "AWS::CloudWatch::Alarm"
DASHBOARD = "AWS::CloudWatch::Dashboard"
FILTER = "AWS::Logs::MetricFilter"
QUERY = "AWS::Logs::QueryDefinition"
FUNCTION = {"Ref": "ImageVersionProviderFunction124F3991"}
LOGS = {"Ref": "ImageVersionProviderLogs0DB3204C"}

QUERIES = {
    "Failed events": [
        "fields @timestamp, logical_resource_id, request_type, message, reason, error, physical_id, stack_id",
        'filter level = "ERROR"',
        "sort @timestamp desc",
        "limit 100",
    ],
    "Calls that were throttled or refused": [
        "fields @timestamp, operation, result, seconds, logical_resource_id, request_id",
        "filter ispresent(operation)",
        'filter result not in ["OK", "ResourceNotFound"]',
        "sort @timestamp desc",
        "limit 1000",
    ],
    "Slowest events": [
        "filter ispresent(request_id)",
        "stats max(@timestamp) - min(@timestamp) as milliseconds by request_id, logical_resource_id, request_type",
        "sort milliseconds desc",
        "limit 50",
    ],
    "History of a resource": [
        "fields @timestamp, logical_resource_id, request_type, level, message, why, reason, physical_id",
        "filter logical_resource_id like /./",
        "filter not ispresent(operation)",
        "sort @timestamp asc",
        "limit 1000",
    ],
}

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]


def joined(*parts: object) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


def alarm(name: str, description: str, **others: Any) -> dict[str, Any]:
    """What an alarm on a metric of the function is to be."""
    return {
        "AlarmDescription": description,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "FunctionName", "Value": FUNCTION}],
        "EvaluationPeriods": 1,
        "MetricName": name,
        "Namespace": "AWS/Lambda",
        "Period": 300,
        "Statistic": "Sum",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    } | others


def test_alarms(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    # GIVEN
    declare()

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring")

    # THEN
    failed_events = alarm(
        "FailedEvents",
        "A resource could not be made what its stack declares, or is left over: the log says why.",
        Namespace=joined("ImageVersions/", FUNCTION),
    )
    del failed_events["Dimensions"]
    assert [resource["Properties"] for resource in resources(ALARM).values()] == [
        failed_events,
        alarm("Errors", "The function ended without an answer; Lambda tries again twice. The end of its log says why."),
        alarm(
            "Throttles",
            "Lambda has had no concurrency for the function for 10 minutes, and gives events up after 15.",
            EvaluationPeriods=2,
        ),
        alarm(
            "Duration",
            "An event took more than 80 % of the time there is for it: the log says what it waited for.",
            Statistic="Maximum",
            Threshold=708_000,
        ),
        alarm(
            "AsyncEventsDropped",
            "An event was given up unanswered: CloudFormation waits for its timeout, up to 30 minutes.",
        ),
    ]


def test_errors_in_the_log_are_counted(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN
    declare()

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring")

    # THEN in a namespace that no other function shares
    assert only(FILTER)["Properties"] == {
        "FilterPattern": '{ $.level = "ERROR" }',
        "LogGroupName": LOGS,
        "MetricTransformations": [
            {
                "MetricName": "FailedEvents",
                "MetricNamespace": joined("ImageVersions/", FUNCTION),
                "MetricValue": "1",
            }
        ],
    }


def test_queries(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    # GIVEN
    declare()

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring")

    # THEN
    assert [resource["Properties"] for resource in resources(QUERY).values()] == [
        {
            "LogGroupNames": [LOGS],
            "Name": joined("ImageVersions/", FUNCTION, f"/{title}"),
            "QueryString": "\n| ".join(commands),
        }
        for title, commands in QUERIES.items()
    ]


def test_dashboard(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    # GIVEN
    declare()

    # WHEN
    monitoring = ImageVersionMonitoring(stack, "Monitoring")

    # THEN
    assert monitoring.dashboard is not None
    parts = only(DASHBOARD)["Properties"]["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else next(iter(part.values()))[0] for part in parts))
    status, events, duration, waiting, failed = [widget["properties"] for widget in body["widgets"]]
    assert body["start"] == "-P7D"
    assert len(status["alarms"]) == 5
    shown = {graph["title"]: [metric[1] for metric in graph["metrics"]] for graph in (events, duration, waiting)}
    assert shown == {
        "Events": ["Invocations", "Errors", "FailedEvents"],
        "Duration": ["Duration", "Duration"],
        "Events that wait": ["Throttles", "AsyncEventsDropped", "AsyncEventAge"],
    }
    assert [metric[-1].get("stat", "Average") for metric in duration["metrics"] if isinstance(metric[-1], dict)] == [
        "Maximum"
    ]
    assert duration["annotations"]["horizontal"][0]["value"] == 708_000
    assert failed["title"] == "Failed events"
    assert '| filter level = "ERROR"' in failed["query"]


def test_without_a_dashboard(stack: cdk.Stack, resources: Resources) -> None:
    monitoring = ImageVersionMonitoring(stack, "Monitoring", dashboard=False)

    assert monitoring.dashboard is None
    assert resources(DASHBOARD) == {}
    assert len(resources(ALARM)) == 5


def test_every_alarm_does_what_all_are_to_do(stack: cdk.Stack, resources: Resources) -> None:
    # GIVEN
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:on-call")

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring", alarm_actions=[actions.SnsAction(topic)])

    # THEN
    assert [each["Properties"]["AlarmActions"] for each in resources(ALARM).values()] == [[topic.topic_arn]] * 5


def test_one_alarm_does_more(stack: cdk.Stack, resources: Resources) -> None:
    # GIVEN
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:on-call")
    monitoring = ImageVersionMonitoring(stack, "Monitoring")

    # WHEN each alarm is asked for by what it is about
    by_name = {
        "FailedEvents": monitoring.failed_events_alarm,
        "Errors": monitoring.errors_alarm,
        "Throttles": monitoring.throttles_alarm,
        "Duration": monitoring.duration_alarm,
        "AsyncEventsDropped": monitoring.events_dropped_alarm,
    }
    monitoring.failed_events_alarm.add_alarm_action(actions.SnsAction(topic))

    # THEN
    metrics = {stack.get_logical_id(each.node.default_child): name for name, each in by_name.items()}  # type: ignore[arg-type]
    assert {name: each["Properties"]["MetricName"] for name, each in resources(ALARM).items()} == metrics
    assert [
        each["Properties"]["MetricName"] for each in resources(ALARM).values() if "AlarmActions" in each["Properties"]
    ] == ["FailedEvents"]


@pytest.mark.parametrize("seconds", [180, 300, 900])
def test_the_duration_alarm_goes_off_before_the_handler_gives_up(
    stack: cdk.Stack, resources: Resources, seconds: int
) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Provider", timeout=cdk.Duration.seconds(seconds))

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring", provider=provider)

    # THEN
    (threshold,) = [
        each["Properties"]["Threshold"]
        for each in resources(ALARM).values()
        if each["Properties"]["MetricName"] == "Duration"
    ]
    assert threshold == 0.8 * (seconds - RESPONSE_TIME_BUDGET) * 1000


def test_log_group_of_ones_own(stack: cdk.Stack, only: Only, resources: Resources) -> None:
    # GIVEN
    imported = logs.LogGroup.from_log_group_name(stack, "Logs", "/platform/image-versions")
    provider = ImageVersionProvider(stack, "Provider", log_group=imported)

    # WHEN
    ImageVersionMonitoring(stack, "Monitoring", provider=provider)

    # THEN
    assert only(FILTER)["Properties"]["LogGroupName"] == "/platform/image-versions"
    assert [each["Properties"]["LogGroupNames"] for each in resources(QUERY).values()] == [
        ["/platform/image-versions"]
    ] * 4
    assert "SOURCE '/platform/image-versions' | fields" in json.dumps(only(DASHBOARD)["Properties"])


def test_two_providers_in_a_stack(stack: cdk.Stack, resources: Resources) -> None:
    # WHEN
    for name in ("One", "Two"):
        ImageVersionMonitoring(stack, f"Monitoring{name}", provider=ImageVersionProvider(stack, name))

    # THEN neither counts what the other does
    namespaces = [
        json.dumps(each["Properties"]["MetricTransformations"][0]["MetricNamespace"])
        for each in resources(FILTER).values()
    ]
    names = [json.dumps(each["Properties"]["Name"]) for each in resources(QUERY).values()]
    assert len(set(namespaces)) == 2
    assert len(set(names)) == 8


def test_metric_of_failed_events(stack: cdk.Stack) -> None:
    # GIVEN
    monitoring = ImageVersionMonitoring(stack, "Monitoring")

    # WHEN
    default, chosen = (
        monitoring.metric_failed_events(),
        monitoring.metric_failed_events(statistic="SampleCount", period=cdk.Duration.hours(1)),
    )

    # THEN
    assert (default.statistic, default.period.to_minutes()) == ("Sum", 5)
    assert (chosen.statistic, chosen.period.to_minutes()) == ("SampleCount", 60)


METRICS: dict[str, tuple[Callable[..., cloudwatch.Metric], str, str]] = {
    "metric_invocations": (ImageVersionProvider.metric_invocations, "Invocations", "Sum"),
    "metric_errors": (ImageVersionProvider.metric_errors, "Errors", "Sum"),
    "metric_throttles": (ImageVersionProvider.metric_throttles, "Throttles", "Sum"),
    "metric_duration": (ImageVersionProvider.metric_duration, "Duration", "Average"),
    "metric_async_events_dropped": (ImageVersionProvider.metric_async_events_dropped, "AsyncEventsDropped", "Sum"),
    "metric_async_event_age": (ImageVersionProvider.metric_async_event_age, "AsyncEventAge", "Maximum"),
    "metric": (
        lambda provider, **options: provider.metric("ConcurrentExecutions", **options),
        "ConcurrentExecutions",
        "Average",
    ),
}


@pytest.mark.parametrize("method", METRICS)
def test_metrics_of_the_provider(stack: cdk.Stack, method: str) -> None:
    # GIVEN
    metric, name, statistic = METRICS[method]
    provider = ImageVersionProvider(stack, "ImageVersionProvider")

    # WHEN
    default, chosen = metric(provider), metric(provider, statistic="p99", period=cdk.Duration.minutes(1))

    # THEN
    assert (default.namespace, default.metric_name) == ("AWS/Lambda", name)
    assert stack.resolve(default.dimensions) == {"FunctionName": FUNCTION}
    assert (default.statistic, default.period.to_minutes()) == (statistic, 5)
    assert (chosen.statistic, chosen.period.to_minutes()) == ("p99", 1)


def test_every_metric_is_tested() -> None:
    assert METRICS.keys() == {name for name in vars(ImageVersionProvider) if name.startswith("metric")}


def test_provider_of_another_stack_is_refused(app: cdk.App, stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    # GIVEN
    elsewhere = ImageVersionProvider(cdk.Stack(app, "Elsewhere"), "Provider")
    before = tree()

    # WHEN / THEN
    with pytest.raises(ValueError, match="provider") as refusal:
        ImageVersionMonitoring(stack, "Monitoring", provider=elsewhere)
    assert str(refusal.value) == (
        "provider 'Elsewhere/Provider' must be in stack 'Stack': make one there, or leave it out"
    )
    assert tree() == before


@pytest.mark.parametrize("wrong", ["arn:aws:sns:eu-west-1:123456789012:on-call", [7], None])
def test_what_are_no_alarm_actions_are_refused(stack: cdk.Stack, tree: Callable[[], list[str]], wrong: Any) -> None:
    with pytest.raises(ValueError, match="alarm_actions") as refusal:
        ImageVersionMonitoring(stack, "Monitoring", alarm_actions=wrong)

    assert str(refusal.value) == (
        f"alarm_actions {wrong!r} must be a list of alarm actions: for a topic use "
        "[aws_cloudwatch_actions.SnsAction(topic)]"
    )
    assert tree() == ["", "Stack"]


def test_dashboard_that_is_no_bool_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    with pytest.raises(ValueError, match=r"^dashboard 'yes' must be a bool: write True or False, or leave it out$"):
        ImageVersionMonitoring(stack, "Monitoring", dashboard="yes")  # type: ignore[arg-type]

    assert tree() == ["", "Stack"]


def test_timeout_as_a_token_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    # GIVEN
    timeout = cdk.CfnParameter(stack, "Timeout", type="Number").value_as_number
    provider = ImageVersionProvider(stack, "Provider", timeout=cdk.Duration.seconds(timeout))
    before = tree()

    # WHEN / THEN
    with pytest.raises(ValueError, match="timeout") as refusal:
        ImageVersionMonitoring(stack, "Monitoring", provider=provider)
    assert str(refusal.value) == (
        "timeout of provider 'Stack/Provider' must be known here, since the threshold of an alarm derives from it: "
        "write it like cdk.Duration.minutes(5)"
    )
    assert tree() == before
