"""Stacks with custom resources that fail and roll back, to see which events CloudFormation sends and which responses it
uses."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from target import PREFIX, Target, policy

# Waits and fails as the properties say. A Delete keeps its physical id.
_CODE = """
import json, time, urllib.request

def handler(event, context):
    properties, kind = event["ResourceProperties"], event["RequestType"]
    names = ("RequestType", "PhysicalResourceId", "LogicalResourceId")
    print("REQUEST " + json.dumps({name: event.get(name) for name in names}))
    time.sleep(int(properties.get(f"{kind}Seconds", 0)))
    status = "FAILED" if properties.get("Fails") == kind else "SUCCESS"
    response = {"Status": status, "Reason": "as declared", "StackId": event["StackId"],
                "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
                "PhysicalResourceId": event["PhysicalResourceId"] if kind == "Delete" else properties["Id"]}
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(response).encode(), method="PUT", headers={"Content-Type": ""}))
"""

_LATE, _LATER = "20", "25"
"""Seconds after which a function responds: long enough that another resource fails before, and longer than that."""

Event = Mapping[str, Any]


def events_of_a_rollback(target: Target) -> list[Event]:
    """The events that a custom resource gets for its new physical id, in order.

    Raises RuntimeError when the stack does not roll back, and ClientError when the caller may not create it.
    """
    stack = _Stack(target, "rollback")
    stack.create(_of(Probe={"Id": "old"}, Failing={"Id": "failing"}), "CREATE_COMPLETE")
    failing = {"Id": "failing", "Fails": "Update"}
    # The other resource fails when this one has been replaced.
    stack.update(_of("Probe", Probe={"Id": "new"}, Failing=failing), "UPDATE_ROLLBACK_COMPLETE")
    events = stack.events(lambda found: any(event["RequestType"] == "Delete" for event in found))
    return [event for event in events if event["PhysicalResourceId"] == "new"]


def events_after_a_cancelled_creation(target: Target) -> list[Event]:
    """The events after the Create of a resource that CloudFormation cancels. The late response has the id `late`.

    Raises RuntimeError when the stack does not roll back, and ClientError when the caller may not create it.
    """
    stack = _Stack(target, "cancelled-create")
    slow = {"Id": "late", "CreateSeconds": _LATE, "DeleteSeconds": _LATER}
    stack.create(_of(Probe=slow, Failing={"Id": "failing", "Fails": "Create"}), "ROLLBACK_COMPLETE")
    return stack.events(lambda found: len(found) > 1)[1:]


def events_after_a_cancelled_update(target: Target) -> list[Event]:
    """The events after the Update of a resource that CloudFormation cancels. The late response has the id `late`.

    Raises RuntimeError when the stack does not roll back, and ClientError when the caller may not create it.
    """
    stack = _Stack(target, "cancelled-update")
    stack.create(_of(Probe={"Id": "early", "UpdateSeconds": _LATER}, Failing={"Id": "failing"}), "CREATE_COMPLETE")
    slow = {"Id": "late", "UpdateSeconds": _LATE}
    failing = {"Id": "failing", "Fails": "Update"}
    stack.update(_of(Probe=slow, Failing=failing), "UPDATE_ROLLBACK_COMPLETE")
    return stack.events(lambda found: len(found) > 2)[2:]


class _Stack:
    """A stack with a Lambda function and custom resources."""

    def __init__(self, target: Target, stem: str) -> None:
        self._target = target
        self._name = target.name(stem)
        self._client = target.client("cloudformation")

    def create(self, resources: Mapping[str, Any], expected: str) -> None:
        self._run(self._client.create_stack, resources, expected)

    def update(self, resources: Mapping[str, Any], expected: str) -> None:
        self._run(self._client.update_stack, resources, expected)

    def _run(self, operation: Callable[..., object], resources: Mapping[str, Any], expected: str) -> None:
        template = json.dumps({"Resources": {**_function(self._name), **resources}})
        operation(StackName=self._name, Capabilities=["CAPABILITY_NAMED_IAM"], TemplateBody=template)
        found = self._target.poll(self._status, lambda found: not found.endswith("_IN_PROGRESS"))
        if found != expected:
            raise RuntimeError(f"the stack is {found} and not {expected}")

    def _status(self) -> str:
        return str(self._client.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"])

    def events(self, complete: Callable[[list[Event]], bool]) -> list[Event]:
        """The events of the resource Probe in order. Logs arrive late: wait until they are complete."""
        return self._target.poll(self._logged, complete)

    def _logged(self) -> list[Event]:
        logs = self._target.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self._name}")
            lines = sorted((line for page in pages for line in page["events"]), key=lambda line: int(line["timestamp"]))
        except logs.exceptions.ResourceNotFoundException:
            return []
        events = [
            json.loads(line["message"].partition("REQUEST ")[2]) for line in lines if "REQUEST " in line["message"]
        ]
        return [event for event in events if event["LogicalResourceId"] == "Probe"]


def _of(failing_depends_on: str = "", **properties: Mapping[str, str]) -> dict[str, Any]:
    """Custom resources by their logical ids."""
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    resources: dict[str, Any] = {
        logical_id: {"Type": "Custom::Conformance", "Properties": {"ServiceToken": token, **own}}
        for logical_id, own in properties.items()
    }
    if failing_depends_on:
        resources["Failing"]["DependsOn"] = failing_depends_on
    return resources


def _function(name: str) -> dict[str, Any]:
    logging = policy("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", Resource="*")
    role = {
        "RoleName": f"{name}-role",
        "Path": f"/{PREFIX.rstrip('-')}/",
        "AssumeRolePolicyDocument": policy("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}),
        "Policies": [{"PolicyName": "logging", "PolicyDocument": logging}],
    }
    function = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Timeout": 60,
        "Code": {"ZipFile": _CODE},
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
    }
