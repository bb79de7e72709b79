#!/usr/bin/env bash
# Expected: when a custom resource returns attributes that JSON cannot express, crhelper answers FAILED for the request.
# Observed: the answer is FAILED, but it has lost the request's identifiers: CloudFormation requires StackId, RequestId,
# LogicalResourceId and PhysicalResourceId in every answer.
# Why it matters: boto3 returns the creation time of an image version as a datetime. A handler that returns the whole
# description of a version sends an answer that belongs to no request, after it has created the version.
# Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages crhelper==2.0.12 boto3==1.43.106

AWS_REGION=eu-west-1 python - 2>/dev/null >output <<'PY'
import datetime
import json
import types
from unittest import mock

import crhelper

helper = crhelper.CfnResource()
REQUIRED = ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
event = {
    "RequestType": "Create", "RequestId": "request-1", "LogicalResourceId": "Version",
    "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/images/1",
    "ResponseURL": "https://example.com/answer",
}
context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


@helper.create
def create(event, context):
    helper.Data["CreationTime"] = creation_time
    return "data-science/3"


for creation_time in ("2026-01-01T00:00:00Z", datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)):
    with mock.patch("crhelper.utils.HTTPSConnection") as connection:
        helper(event, context)
    answer = json.loads(connection.return_value.request.call_args.kwargs["body"])
    missing = [key for key in REQUIRED if key not in answer]
    print(f"{type(creation_time).__name__}: {answer['Status']}, missing: {', '.join(missing) or 'nothing'}")
PY

expect "The answer FAILED does not say which request it is for:" <<'OUTPUT'
str: SUCCESS, missing: nothing
datetime: FAILED, missing: StackId, RequestId, LogicalResourceId, PhysicalResourceId
OUTPUT
