"""Saved queries of CloudWatch Logs Insights: the operations and the CloudFormation type."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(sandbox):
    return sandbox.client("logs")


@pytest.fixture
def saved(logs, name):
    """The saved queries whose names begin with that of the test."""
    return lambda: logs.describe_query_definitions(queryDefinitionNamePrefix=name)["queryDefinitions"]


def query(name, text):
    return {
        "Type": "AWS::Logs::QueryDefinition",
        "Properties": {"Name": name, "QueryString": text, "LogGroupNames": ["group"]},
    }


def test_the_lifecycle_of_a_query(logs, name, saved):
    created = logs.put_query_definition(name=name, queryString="fields level")["queryDefinitionId"]
    logs.put_query_definition(name=f"{name}/other", queryString="fields reason", logGroupNames=["group"])

    assert [(each["name"], each["queryString"], each.get("logGroupNames")) for each in saved()] == [
        (name, "fields level", None),
        (f"{name}/other", "fields reason", ["group"]),
    ]

    again = logs.put_query_definition(name=name, queryString="fields why", queryDefinitionId=created)

    assert again["queryDefinitionId"] == created
    assert [each["queryString"] for each in saved()] == ["fields why", "fields reason"]

    response = logs.delete_query_definition(queryDefinitionId=created)

    assert response["success"] is True
    assert [each["name"] for each in saved()] == [f"{name}/other"]


def test_a_missing_query_cannot_be_changed_or_deleted(logs, name):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.put_query_definition(name=name, queryString="fields level", queryDefinitionId="none")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        logs.delete_query_definition(queryDefinitionId="none")


def test_in_a_stack(stack, name, saved):
    assert stack.create({"Query": query(name, "fields level")}) == "CREATE_COMPLETE"

    (created,) = saved()
    assert created["logGroupNames"] == ["group"]
    assert stack.resources()["Query"] == created["queryDefinitionId"]

    # WHEN it changes
    assert stack.update({"Query": query(name, "fields why")}) == "UPDATE_COMPLETE"

    # THEN it is the same one
    assert saved() == [created | {"queryString": "fields why"}]

    stack.delete()

    assert saved() == []


def test_an_unsupported_property_is_refused(stack, name):
    resource = query(name, "fields level")
    resource["Properties"]["QueryLanguage"] = "CWLI"

    assert stack.create({"Query": resource}) == "ROLLBACK_COMPLETE"
    assert "QueryLanguage must be left out, since the sandbox lacks it" in stack.reasons()
