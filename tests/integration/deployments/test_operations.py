"""Monitoring and the rules for state changes, deployed: saved queries, the log and the events."""

import json
import time
from pathlib import Path

import pytest

APP = Path(__file__).with_name("operations_app.py")
STACK = "Operations"
VERSION = "arn:aws:sagemaker:eu-west-1:000000000000:image-version/watched"


@pytest.fixture(scope="module")
def deployed(account):
    """The account after a deployment that succeeded and one that failed."""
    # The sandbox sends an event only about a status that lasts for a while.
    account.sandbox.faults.reset()
    account.sandbox.faults.slow(1, operation="DeleteImageVersion", times=10)
    assert account.deploy(STACK, APP, tag="1.0.0") == "CREATE_COMPLETE"
    assert account.deploy(STACK, APP, tag="missing") == "UPDATE_ROLLBACK_COMPLETE"
    yield account
    account.sandbox.faults.reset()
    account.hurry()


@pytest.fixture(scope="module")
def client(account):
    return account.sandbox.client


def test_queries_are_saved_under_the_name_of_the_function(deployed, client):
    function = deployed.physical_id(STACK, "AWS::Lambda::Function")

    queries = client("logs").describe_query_definitions(queryDefinitionNamePrefix=f"ImageVersions/{function}/")

    assert len(queries["queryDefinitions"]) == 4
    group = deployed.physical_id(STACK, "AWS::Logs::LogGroup")
    assert {tuple(query["logGroupNames"]) for query in queries["queryDefinitions"]} == {(group,)}


def test_the_failed_event_is_in_the_log_that_the_metric_filter_reads(deployed, client):
    (filtered,) = client("logs").describe_metric_filters()["metricFilters"]
    assert filtered["logGroupName"] == deployed.physical_id(STACK, "AWS::Logs::LogGroup")
    assert filtered["filterPattern"] == '{ $.level = "ERROR" }'

    errors = [line for line in deployed.log(STACK) if line["level"] == "ERROR"]
    assert [line["message"] for line in errors] == ["failed"]
    assert "does not exist in Amazon ECR" in errors[0]["reason"]


def test_the_queue_receives_the_state_changes_of_each_version(deployed, client):
    queue = deployed.physical_id(STACK, "AWS::SQS::Queue")

    changes = []
    end = time.monotonic() + 20
    while len(changes) < 5 and time.monotonic() < end:
        received = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in received.get("Messages", []):
            event = json.loads(message["Body"])
            assert (event["source"], event["detail-type"]) == ("aws.sagemaker", "SageMaker Image Version State Change")
            changes.append((event["detail"]["ImageVersionArn"], event["detail"]["ImageVersionStatus"]))
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    assert [status for arn, status in changes if arn == f"{VERSION}/1"] == ["CREATING", "CREATED"]
    assert [status for arn, status in changes if arn == f"{VERSION}/2"] == ["CREATING", "CREATE_FAILED", "DELETING"]
