#!/usr/bin/env bash
# Expected: aws-cdk-lib and aws-cdk.cloud-assembly-schema, on which it depends, can be installed in any order.
# Observed: both wheels contain the file aws_cdk/cloud_assembly_schema/__init__.py, with different jsii types. If the
# file of aws-cdk.cloud-assembly-schema is written last, find_warning of aws_cdk.assertions fails when it finds
# something. Apps synthesize, has_warning passes, and find_warning returns an empty list if it finds nothing.
# Why it matters: the same happens to users of pip and uv who upgrade aws-cdk.cloud-assembly-schema alone. uv also
# writes both files at the same time when it installs both, and reports this as a race with its preview feature
# detect-module-conflicts. If aws-cdk-lib is installed again, the tests pass. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 aws-cdk.cloud-assembly-schema==55.4.0 constructs==10.8.1 jsii==1.142.0

cat >find.py <<'PY'
import aws_cdk as cdk
from aws_cdk.assertions import Annotations, Match

stack = cdk.Stack()
cdk.CfnOutput(stack, "Version", value="1")
cdk.Annotations.of(stack).add_warning_v2("example:old", "the image is old")
try:
    print(len(Annotations.from_stack(stack).find_warning("*", Match.any_value())), "found")
except ValueError as error:
    print("ValueError:", error)
PY

for last in aws-cdk.cloud-assembly-schema==55.4.0 aws-cdk-lib==2.275.0; do
  install_again "$last"
  echo "$last is written last"
  python find.py
done >output

expect "The file of the package that is installed last remains:" <<'OUTPUT'
aws-cdk.cloud-assembly-schema==55.4.0 is written last
ValueError: Unknown interface: aws-cdk-lib.cloud_assembly_schema.MetadataEntry
aws-cdk-lib==2.275.0 is written last
1 found
OUTPUT
