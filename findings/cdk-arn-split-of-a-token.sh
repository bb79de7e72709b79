#!/usr/bin/env bash
# Expected: Arn.split returns the same parts of an ARN, whether the ARN is a literal or a token.
# Observed: the resource name of an image version's ARN is "data-science/3" for a literal, with both formats that have
# slashes. For a token it is "data-science" with one format and "3" with the other.
# Why it matters: code that derives the image name or the version number from an ARN passes its tests with a literal and
# deploys something else with the ARN of a version in the same app. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import aws_cdk as cdk

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:image-version/data-science/3"
stack = cdk.Stack()


def at_deployment(value):
    """Evaluates Fn::Select and Fn::Split as CloudFormation does."""
    if not isinstance(value, dict):
        return value
    if "Fn::Select" in value:
        index, parts = value["Fn::Select"]
        return at_deployment(parts)[index]
    if "Fn::Split" in value:
        separator, text = value["Fn::Split"]
        return at_deployment(text).split(separator)
    return ARN


for arn_format in (cdk.ArnFormat.SLASH_RESOURCE_NAME, cdk.ArnFormat.SLASH_RESOURCE_SLASH_RESOURCE_NAME):
    token = cdk.Fn.get_att("Version", "ImageVersionArn").to_string()
    of_literal = cdk.Arn.split(ARN, arn_format).resource_name
    of_token = at_deployment(stack.resolve(cdk.Arn.split(token, arn_format).resource_name))
    print(f"{arn_format.name}: literal {of_literal}, token {of_token}")
PY

expect "The resource name differs between the literal and the token:" <<'OUTPUT'
SLASH_RESOURCE_NAME: literal data-science/3, token data-science
SLASH_RESOURCE_SLASH_RESOURCE_NAME: literal data-science/3, token 3
OUTPUT
