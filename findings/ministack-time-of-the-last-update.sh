#!/usr/bin/env bash
# Expected: DescribeStacks of a stack that was never updated has no LastUpdatedTime, as CloudFormation's API reference
# says.
# Observed: MiniStack returns a LastUpdatedTime that is the time of the creation.
# Why it matters: a custom resource that tells a creation from an update by this field, for example to find out what a
# rollback has to restore, passes its tests on MiniStack in a state that AWS does not have. Duration: half a minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages ministack==1.5.33 boto3==1.43.106

port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME=$folder BIND_HOST=127.0.0.1 GATEWAY_PORT=$port python -m ministack >server.log 2>&1 &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$folder"' EXIT

PORT=$port python - >output <<'PY'
import json
import os
import time
import urllib.request

import boto3

endpoint = f"http://127.0.0.1:{os.environ['PORT']}"
for _ in range(60):
    try:
        urllib.request.urlopen(f"{endpoint}/_ministack/health")
        break
    except OSError:
        time.sleep(0.5)
cloudformation = boto3.client("cloudformation", endpoint_url=endpoint)
template = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
cloudformation.create_stack(StackName="images", TemplateBody=json.dumps(template))
cloudformation.get_waiter("stack_create_complete").wait(StackName="images", WaiterConfig={"Delay": 1})
(stack,) = cloudformation.describe_stacks(StackName="images")["Stacks"]
print(stack["StackStatus"])
time_of_update = stack.get("LastUpdatedTime")
print("LastUpdatedTime:", "the time of creation" if time_of_update == stack["CreationTime"] else time_of_update)
PY

expect "The stack has a time of an update that did not happen:" <<'OUTPUT'
CREATE_COMPLETE
LastUpdatedTime: the time of creation
OUTPUT
