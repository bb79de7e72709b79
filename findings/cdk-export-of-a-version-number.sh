#!/usr/bin/env bash
# Expected: a reference from one stack to the version number in another stack passes the validation of synthesis,
# because the CDK itself writes the output and the import.
# Observed: the CDK's own validation objects to the output that the CDK generated: the number is an integer and not a
# string. It is a warning by default, and an error with the feature flag for validation.
# Why it matters: a user profile in one stack cannot refer to the native image version of another stack once the flag is
# on. The physical id or an attribute of a custom resource has no such type. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

cat >app.py <<'PY'
import sys

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

FLAG = "@aws-cdk/core:validateAgainstDefaultRules"
app = cdk.App(analytics_reporting=False, outdir="cdk.out", context={FLAG: sys.argv[1] == "on"})
images, users = cdk.Stack(app, "Images"), cdk.Stack(app, "Users")
version = sagemaker.CfnImageVersion(
    images, "Version", image_name="data-science", base_image="111122223333.dkr.ecr.eu-west-1.amazonaws.com/ds:1.0.0"
)
custom_image = {
    "imageName": "data-science", "appImageConfigName": "science", "imageVersionNumber": version.attr_version
}
sagemaker.CfnUserProfile(
    users, "User", domain_id="d-example", user_profile_name="user",
    user_settings={"jupyterLabAppSettings": {"customImages": [custom_image]}},
)
try:
    app.synth()
    print("synthesis succeeds")
except RuntimeError as error:
    print(str(error).split(".")[0])
PY
for flag in off on; do
  python app.py $flag >synth.out 2>&1
  echo "flag $flag: $(tail -n 1 synth.out)"
  sed -n "s/.*\(WARNING\|ERROR\).*GetAtt '[^']*Version' /\1: version number /p" synth.out
done >output

expect "The CDK objects to an output that the CDK generated:" <<'OUTPUT'
flag off: synthesis succeeds
WARNING: version number returns type 'integer', not 'string' (CloudFormation Validate)
flag on: ValidationFailed: Validation failed
ERROR: version number returns type 'integer', not 'string' (CloudFormation Validate)
OUTPUT
