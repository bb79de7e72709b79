#!/usr/bin/env bash
# Expected: a Duration among the properties of a custom resource is written as a number of seconds, or is rejected as
# other objects are.
# Observed: its internal fields are written to the template. CloudFormation then sends them to the function.
# Why it matters: an own custom resource for images that takes a timeout or a retention period receives the fields of
# a JavaScript object, which another version of the library may name differently. Write the number yourself, for
# example with to_seconds(). Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import datetime
import json

import aws_cdk as cdk
from aws_cdk.assertions import Template

values = {"Duration": cdk.Duration.minutes(3), "timedelta": datetime.timedelta(minutes=3), "number": 180}
for name, value in values.items():
    stack = cdk.Stack()
    try:
        cdk.CustomResource(
            stack, "Resource", resource_type="Custom::Image", properties={"Value": value},
            service_token="arn:aws:lambda:eu-west-1:111122223333:function:images",
        )
        (resource,) = Template.from_stack(stack).find_resources("Custom::Image").values()
        print(name, json.dumps(resource["Properties"]["Value"]))
    except Exception as error:
        print(name, type(error).__name__)
PY

expect "The internal fields of the Duration are in the template:" <<'OUTPUT'
Duration {"amount": 3, "unit": {"label": "minutes", "isoLabel": "M", "inMillis": 60000}}
timedelta AttributeError
number 180
OUTPUT
