#!/usr/bin/env bash
# Expected: botocore's Stubber compares what would be sent. create_image_version sends a ClientToken that botocore
# generates, so the expected parameters must contain `ClientToken: ANY`.
# Observed: the Stubber compares the parameters before botocore adds the token. ANY for the token fails, and the call
# without it passes.
# Why it matters: a test with the Stubber cannot prove that a retried call carries a token, which is what prevents a
# second version. It sees a token only if the caller passes one. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages boto3==1.43.106 botocore==1.43.106

python - >output <<'PY'
import types

import boto3
from botocore.stub import ANY, StubAssertionError, Stubber

parameters = {"ImageName": "data-science", "BaseImage": "repository:1.0.0"}


def answer(params, **_):
    """Stands for the service."""
    print("the request contains a token:", b"ClientToken" in params["body"])
    return types.SimpleNamespace(status_code=200), {}


client = boto3.client("sagemaker")
client.meta.events.register("before-call.sagemaker.CreateImageVersion", answer)
client.create_image_version(**parameters)

for name, expected in {"no token": parameters, "a token": {**parameters, "ClientToken": ANY}}.items():
    with Stubber(client) as stubber:
        stubber.add_response("create_image_version", {}, expected)
        try:
            client.create_image_version(**parameters)
            print(f"a Stubber that expects {name}: passes")
        except StubAssertionError:
            print(f"a Stubber that expects {name}: fails")
PY

expect "The token is in the request, and the Stubber does not see it:" <<'OUTPUT'
the request contains a token: True
a Stubber that expects no token: passes
a Stubber that expects a token: fails
OUTPUT
