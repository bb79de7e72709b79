"""A stack whose update replaces a custom resource, fails after it, and rolls back."""

import json
from collections.abc import Mapping
from typing import Any

from target import PREFIX, Target

_CODE = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    told = {name: event.get(name) for name in ("RequestType", "LogicalResourceId", "PhysicalResourceId")}
    print("REQUEST " + json.dumps(told))
    fails = event["RequestType"] == "Update" and properties.get("Fails") == "yes"
    answer = {"Status": "FAILED" if fails else "SUCCESS", "Reason": "as it was told", "StackId": event["StackId"],
              "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
              "PhysicalResourceId": properties["Id"]}
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}))
"""
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
    ],
}
_LOGGING = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
        }
    ],
}


class RollBack:
    """The requests that the replaced custom resource gets from CloudFormation after its replacement."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._cloudformation = target.client("cloudformation")
        self._name = target.name("rollback")

    def requests(self) -> list[Mapping[str, Any]]:
        """Make the stack, let an update roll back, and answer what came for the new physical id or after it.

        Raises RuntimeError when the stack does not do so, ClientError when that is not allowed.
        """
        parameters = {"StackName": self._name, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
        self._cloudformation.create_stack(**parameters, TemplateBody=self._template("old", fails="no"))
        self._expect("CREATE_COMPLETE")
        self._cloudformation.update_stack(**parameters, TemplateBody=self._template("new", fails="yes"))
        self._expect("UPDATE_ROLLBACK_COMPLETE")
        # Logs come late.
        logged = self._target.poll(self._logged, lambda found: any(one["RequestType"] == "Delete" for one in found))
        return [one for one in logged if one["PhysicalResourceId"] == "new"]

    def _expect(self, expected: str) -> None:
        def status() -> str:
            return str(self._cloudformation.describe_stacks(StackName=self._name)["Stacks"][0]["StackStatus"])

        found = self._target.poll(status, lambda found: not found.endswith("_IN_PROGRESS"))
        if found != expected:
            raise RuntimeError(f"the stack is {found} and not {expected}")

    def _logged(self) -> list[Mapping[str, Any]]:
        logs = self._target.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self._name}")
            events = sorted((one for page in pages for one in page["events"]), key=lambda one: int(one["timestamp"]))
        except logs.exceptions.ResourceNotFoundException:
            return []
        requests = [json.loads(e["message"].partition("REQUEST ")[2]) for e in events if "REQUEST " in e["message"]]
        return [one for one in requests if one["LogicalResourceId"] == "Replaced"]

    def _template(self, physical_id: str, *, fails: str) -> str:
        def custom(**properties: str) -> dict[str, Any]:
            token = {"Fn::GetAtt": ["Function", "Arn"]}
            return {"Type": "Custom::Conformance", "Properties": {"ServiceToken": token, **properties}}

        role = {
            "RoleName": f"{self._name}-role",
            "Path": f"/{PREFIX.rstrip('-')}/",
            "AssumeRolePolicyDocument": _TRUST,
            "Policies": [{"PolicyName": "logging", "PolicyDocument": _LOGGING}],
        }
        function = {
            "FunctionName": self._name,
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
