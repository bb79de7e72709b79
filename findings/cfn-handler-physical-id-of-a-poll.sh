#!/usr/bin/env bash
# Expected: the physical id that the function for Create sets is in the answer to CloudFormation, whether a function for
# polling follows or not.
# Observed: with polling, cfn-handler forgets the id and the attributes of the first function. The answer has a random
# id. The id is kept if the function writes it to the event.
# Why it matters: an image version is not ready at once, so a handler creates it and polls. The answer is SUCCESS, but
# CloudFormation then sends the Delete with an id that names no version, and the version stays.
# Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages cfn-handler==1.3.0

python - >output <<'PY'
import re

from cfn_handler import CustomResource
from cfn_handler.testing import make_event


def run(polls, writes_to_event):
    """Handles a Create until it is answered, and prints the answer."""
    resource = CustomResource()

    @resource.create
    def create(event, context):
        resource.physical_resource_id = "data-science/3"
        if writes_to_event:
            event["PhysicalResourceId"] = "data-science/3"
        return {"Version": "3"}

    if polls:

        @resource.poll_create
        def poll(event, context):
            return {"Status": "CREATED"}

    event = make_event("Create", logical_resource_id="Version")
    answer = resource.replay(event)
    if polls:
        answer = resource.replay(event)
    physical_id = re.sub(r"Version-[A-Z0-9]{8}-.*", "Version-(random)", answer.physical_resource_id)
    return f"{answer.status} {physical_id} {answer.data}"


print("without polling:", run(polls=False, writes_to_event=False))
print("with polling:", run(polls=True, writes_to_event=False))
print("with polling, id in the event:", run(polls=True, writes_to_event=True))
PY

expect "The answers to a Create that sets the physical id data-science/3:" <<'OUTPUT'
without polling: SUCCESS data-science/3 {'Version': '3'}
with polling: SUCCESS test-stack-Version-(random) {'Status': 'CREATED'}
with polling, id in the event: SUCCESS data-science/3 {'Status': 'CREATED'}
OUTPUT
