#!/usr/bin/env bash
# Expected: a request for which no function is registered fails.
# Observed: crhelper answers SUCCESS and keeps the physical id.
# Why it matters: a custom resource for image versions without a function for Delete leaves every version behind, and
# without one for Update it ignores each new base image. All deployments succeed. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages crhelper==2.0.12 boto3==1.43.106

AWS_REGION=eu-west-1 python - 2>/dev/null >output <<'PY'
import json
import types
from unittest import mock

import crhelper

helper = crhelper.CfnResource()
event = {
    "RequestId": "request-1", "LogicalResourceId": "Version", "PhysicalResourceId": "data-science/3",
    "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/images/1",
    "ResponseURL": "https://example.com/answer",
}
# With less than two minutes left, crhelper does not wait before it answers a Delete.
context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


@helper.create
def create(event, context):
    return "data-science/3"


for request_type in ("Update", "Delete"):
    with mock.patch("crhelper.utils.HTTPSConnection") as connection:
        helper({**event, "RequestType": request_type}, context)
    answer = json.loads(connection.return_value.request.call_args.kwargs["body"])
    print(request_type, answer["Status"], answer["PhysicalResourceId"])
PY

expect "Requests without a function succeed:" <<'OUTPUT'
Update SUCCESS data-science/3
Delete SUCCESS data-science/3
OUTPUT
