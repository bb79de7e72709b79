#!/usr/bin/env bash
# Expected: Fn.select with the index -1 is rejected at synthesis, or returns the last part, as in Python.
# Observed: for a token, the template contains Fn::Select with the index -1. CloudFormation has no such index, and
# cfn-lint says so. Synthesis succeeds. For a literal, the error names neither the index nor the list.
# Why it matters: the version number is the last part of an image version's ARN, so -1 is the obvious index. The number
# of parts is fixed: the index is 2. Duration: 1 to 2 minutes.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0 cfn-lint==1.58.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker

app = cdk.App(analytics_reporting=False, outdir="cdk.out")
stack = cdk.Stack(app, "Images", synthesizer=cdk.LegacyStackSynthesizer())
version = sagemaker.CfnImageVersion(stack, "Version", image_name="data-science", base_image="repository:1.0.0")
cdk.CfnOutput(stack, "Number", value=cdk.Fn.select(-1, cdk.Fn.split("/", version.attr_image_version_arn)))
template = app.synth().get_stack_by_name("Images").template
print("token: index", template["Outputs"]["Number"]["Value"]["Fn::Select"][0])
try:
    print("literal:", cdk.Fn.select(-1, cdk.Fn.split("/", "image-version/data-science/3")))
except RuntimeError as error:
    print("literal:", str(error).splitlines()[0].split(": ")[1])
PY
# cfn-lint returns a nonzero exit code because it finds the error.
(cfn-lint cdk.out/Images.template.json || true) | sed -n 's/^E[0-9]* -1/cfn-lint: -1/p' >>output

expect "The index -1 reaches the template:" <<'OUTPUT'
token: index -1
literal: Unable to serialize value as string
cfn-lint: -1 is less than the minimum of 0
OUTPUT
