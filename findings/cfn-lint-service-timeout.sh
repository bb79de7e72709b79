#!/usr/bin/env bash
# Expected: cfn-lint rejects a ServiceTimeout of a custom resource outside of CloudFormation's range of 1 to 3600
# seconds, as it rejects a custom resource without a ServiceToken.
# Observed: it accepts 3601, for Custom:: types and for AWS::CloudFormation::CustomResource.
# Why it matters: the CDK checks the range only in its parameter service_timeout. In a template that was written by
# hand, for example for a provider of image versions in another stack, nobody does before the deployment.
# Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages cfn-lint==1.58.0

lint() { # Prints what cfn-lint finds in a custom resource of the type $2 with the properties $3.
  echo "{\"Resources\": {\"Version\": {\"Type\": \"$2\", \"Properties\": {$3}}}}" >template.json
  # cfn-lint returns a nonzero exit code when it finds an error.
  cfn-lint --regions eu-west-1 -- template.json >found.txt || true
  message=$(head -n 1 found.txt)
  echo "$1: ${message:-accepted}"
}

token='"ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:images"'
for type in Custom::ImageVersion AWS::CloudFormation::CustomResource; do
  lint "$type, no token" $type '"ServiceTimeout": 60'
  lint "$type, 3601 seconds" $type "$token, \"ServiceTimeout\": 3601"
done >output

expect "A missing token is found, a timeout that is too long is not:" <<'OUTPUT'
Custom::ImageVersion, no token: E3003 'ServiceToken' is a required property
Custom::ImageVersion, 3601 seconds: accepted
AWS::CloudFormation::CustomResource, no token: E3003 'ServiceToken' is a required property
AWS::CloudFormation::CustomResource, 3601 seconds: accepted
OUTPUT
