#!/usr/bin/env bash
# Expected: a tool that rewrites a template keeps the alias 1.10 of an image version, or both tools change it alike.
# Observed: `aws cloudformation package` and CfnInclude of the CDK read values without quotes as numbers: 1.10 becomes
# 1.1 in both. They even differ: 012 becomes 10 in one and 12 in the other, and 1e3 becomes 1000 in one of them.
# Why it matters: aliases and tags of images look like numbers. The version gets another alias than the template states,
# without a warning. In quotes, the values stay. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages awscli==1.46.3 aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

cat >template.yaml <<'YAML'
Resources:
  Version:
    Type: AWS::SageMaker::ImageVersion
    Properties:
      ImageName: data-science
      BaseImage: 012345678901.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.10
      Aliases: [1.10, 012, 1e3, 2026_11, "1.10"]
YAML

{
  echo aws cloudformation package
  aws cloudformation package --template-file template.yaml --s3-bucket example | sed -n '/Aliases:/,$ s/^ *- //p'
  echo CfnInclude
  python - <<'PY'
import aws_cdk as cdk
from aws_cdk.assertions import Template
from aws_cdk.cloudformation_include import CfnInclude

stack = cdk.Stack()
CfnInclude(stack, "Included", template_file="template.yaml")
print(*Template.from_stack(stack).to_json()["Resources"]["Version"]["Properties"]["Aliases"], sep="\n")
PY
} >output

expect "The aliases 1.10, 012, 1e3, 2026_11 and \"1.10\" of the template:" <<'OUTPUT'
aws cloudformation package
1.1
10
1e3
202611
'1.10'
CfnInclude
1.1
12
1000
2026_11
1.10
OUTPUT
