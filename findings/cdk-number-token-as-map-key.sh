#!/usr/bin/env bash
# Expected: a token that cannot be the key of a map is rejected. That is what happens to a string token.
# Observed: the number token of an image version's attribute, formatted into a key with an f-string, is written to the
# template as the internal number of the token. Synthesis succeeds. In a value, the same f-string is resolved.
# Why it matters: a map with one entry for each version number, such as the variables of a function, is deployed with
# keys that no version has. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

stack = cdk.Stack()
version = sagemaker.CfnImageVersion(stack, "Version", image_name="data-science", base_image="repository:1.0.0")
number = version.attr_version

print("number in a value:", stack.resolve({"key": f"v{number}"}))
(key,) = stack.resolve({f"v{number}": "value"})
print("number in a key: digits of the token" if key.startswith("v-1.888") and key.endswith("e+289") else key)
try:
    print("string as a key:", stack.resolve({version.ref: "value"}))
except RuntimeError as error:
    print("string as a key:", str(error).split(":")[0])
PY

expect "The key is written without an error:" <<'OUTPUT'
number in a value: {'key': {'Fn::Join': ['', ['v', {'Fn::GetAtt': ['Version', 'Version']}]]}}
number in a key: digits of the token
string as a key: KeyMustResolveToString
OUTPUT
