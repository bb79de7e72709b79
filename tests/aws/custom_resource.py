"""A stack whose update replaces a custom resource, fails after that, and rolls back."""

import json
from collections.abc import Mapping
from typing import Any

from target import PREFIX, Target, policy

_CODE = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    names = ("RequestType", "PhysicalResourceId", "LogicalResourceId")
    print("REQUEST " + json.dumps({name: event.get(name) for name in names}))
    fails = event["RequestType"] == "Update" and properties.get("Fails") == "yes"
    response = {"Status": "FAILED" if fails else "SUCCESS", "Reason": "as declared", "StackId": event["StackId"],
                "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
                "PhysicalResourceId": properties["Id"]}
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(response).encode(), method="PUT", headers={"Content-Type": ""}))
"""


def events_of_a_rollback(target: Target) -> list[Mapping[str, Any]]:
    """The events that the custom resource gets for its new physical id, in order.

    Raises RuntimeError when the stack does not roll back, and ClientError when the caller may not create it.
    """
    cloudformation, name = target.client("cloudformation"), target.name("rollback")

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def logged() -> list[Mapping[str, Any]]:
        logs = target.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
            lines = sorted((line for page in pages for line in page["events"]), key=lambda line: int(line["timestamp"]))
        except logs.exceptions.ResourceNotFoundException:
            return []
        events = [
            json.loads(line["message"].partition("REQUEST ")[2]) for line in lines if "REQUEST " in line["message"]
        ]
        return [event for event in events if event["LogicalResourceId"] == "Replaced"]

    for operation, template, expected in (
        (cloudformation.create_stack, _template(name, "old", fails="no"), "CREATE_COMPLETE"),
        (cloudformation.update_stack, _template(name, "new", fails="yes"), "UPDATE_ROLLBACK_COMPLETE"),
    ):
        operation(StackName=name, Capabilities=["CAPABILITY_NAMED_IAM"], TemplateBody=template)
        found = target.poll(status, lambda found: not found.endswith("_IN_PROGRESS"))
        if found != expected:
            raise RuntimeError(f"the stack is {found} and not {expected}")
    # Logs arrive late.
    events = target.poll(logged, lambda found: any(event["RequestType"] == "Delete" for event in found))
    return [event for event in events if event["PhysicalResourceId"] == "new"]


def _template(name: str, physical_id: str, *, fails: str) -> str:
    def custom(**properties: str) -> dict[str, Any]:
        token = {"Fn::GetAtt": ["Function", "Arn"]}
        return {"Type": "Custom::Conformance", "Properties": {"ServiceToken": token, **properties}}

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
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Replaced": custom(Id=physical_id),
        "Failing": {**custom(Id="failing", Fails=fails), "DependsOn": "Replaced"},
    }
    return json.dumps({"Resources": resources})
