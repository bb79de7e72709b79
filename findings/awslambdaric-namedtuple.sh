#!/usr/bin/env bash
# Expected: Lambda encodes what a Python handler returns as json.dumps does.
# Observed: AWS's runtime client encodes a named tuple as an object, bytes as a string and a Decimal as a number.
# json.dumps encodes the named tuple as an array and rejects the other two.
# Why it matters: a handler of the CDK's provider framework that returns a named tuple of version and alias gives
# CloudFormation an object, while a test of that handler with json.dumps sees an array. Duration: 10 to 30 seconds.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages awslambdaric==4.2.2

python - >output <<'PY'
import collections
import decimal
import json

from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

Version = collections.namedtuple("Version", "number alias")
for value in (Version(3, "latest"), b"latest", decimal.Decimal("1.50")):
    in_lambda, _ = LambdaMarshaller().marshal_response({"Data": value})
    try:
        local = json.dumps({"Data": value})
    except TypeError as error:
        local = str(error)
    print(f"{type(value).__name__}: Lambda {in_lambda}, json.dumps {local}")
PY

expect "The runtime client encodes three types in another way:" <<'OUTPUT'
Version: Lambda {"Data": {"number": 3, "alias": "latest"}}, json.dumps {"Data": [3, "latest"]}
bytes: Lambda {"Data": "latest"}, json.dumps Object of type bytes is not JSON serializable
Decimal: Lambda {"Data": 1.50}, json.dumps Object of type Decimal is not JSON serializable
OUTPUT
