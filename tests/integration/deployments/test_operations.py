"""Monitoring and the rules for state changes, deployed: the alarms, the queries, the log, and the events that come."""

import json
import shlex
import sys
import time
from pathlib import Path

import pytest

APP = Path(__file__).with_name("operations_app.py")
STACK = "Operations"
VERSION = "arn:aws:sagemaker:eu-west-1:000000000000:image-version/watched"


def deploy(account, tag):
    # Nothing may be quoted at the end: of a value in quotes the CLI drops the first and the last one.
    app = f"{shlex.quote(sys.executable)} {shlex.quote(str(APP))} operations"
    options = ("--require-approval", "never", "--progress", "events", f"--context=tag={tag}")
    return account.cdk("deploy", STACK, "--app", app, *options)


@pytest.fixture(scope="module")
def deployed(account):
    """A deployment that went well, and one that failed after it."""
    code, output = deploy(account, "1.0.0")
    assert code == 0, output
    code, output = deploy(account, "missing")
    assert code != 0
    assert account.status(STACK) == "UPDATE_ROLLBACK_COMPLETE", output


@pytest.fixture(scope="module")
def client(account):
    return account.sandbox.client


def test_every_alarm_is_there_and_does_what_it_is_to_do(deployed, client):
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]

    assert {alarm["MetricName"] for alarm in alarms} == {
        "FailedEvents",
        "Errors",
        "Throttles",
        "Duration",
        "AsyncEventsDropped",
    }
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} == {
        topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]
    }


def test_the_dashboard_is_one_that_cloudwatch_can_read(deployed, account, client):
    name = account.physical_id("AWS::CloudWatch::Dashboard", STACK)

    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])

    assert [widget["type"] for widget in body["widgets"]] == ["alarm", "metric", "metric", "metric", "log"]


def test_queries_are_saved_under_the_functions_name(deployed, account, client):
    function = account.physical_id("AWS::Lambda::Function", STACK)

    queries = client("logs").describe_query_definitions(queryDefinitionNamePrefix=f"ImageVersions/{function}/")

    assert len(queries["queryDefinitions"]) == 4
    group = account.physical_id("AWS::Logs::LogGroup", STACK)
    assert {tuple(query["logGroupNames"]) for query in queries["queryDefinitions"]} == {(group,)}


def test_the_failed_event_is_in_the_log_that_the_metric_filter_reads(deployed, account, client):
    (filtered,) = client("logs").describe_metric_filters()["metricFilters"]
    assert filtered["logGroupName"] == account.physical_id("AWS::Logs::LogGroup", STACK)
    assert filtered["filterPattern"] == '{ $.level = "ERROR" }'

    errors = [line for line in account.log(STACK) if line["level"] == "ERROR"]
    assert [line["message"] for line in errors] == ["failed"]
    assert "does not exist in Amazon ECR" in errors[0]["reason"]


def test_the_queue_has_what_became_of_each_version(deployed, account, client):
    # GIVEN
    queue = account.physical_id("AWS::SQS::Queue", STACK)

    # WHEN
    seen = []
    end = time.monotonic() + 20
    while len(seen) < 5 and time.monotonic() < end:
        answer = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            event = json.loads(message["Body"])
            assert (event["source"], event["detail-type"]) == ("aws.sagemaker", "SageMaker Image Version State Change")
            seen.append((event["detail"]["ImageVersionArn"], event["detail"]["ImageVersionStatus"]))
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    # THEN
    assert [status for arn, status in seen if arn == f"{VERSION}/1"] == ["CREATING", "CREATED"]
    assert [status for arn, status in seen if arn == f"{VERSION}/2"] == ["CREATING", "CREATE_FAILED", "DELETING"]
