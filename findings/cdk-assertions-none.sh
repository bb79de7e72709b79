#!/usr/bin/env bash
# Expected: has_resource_properties with the value None requires that the property is absent, as Match.absent() does.
# Observed: None requires nothing. The assertion passes although the property has a value.
# Why it matters: a test in Python that is meant to prove that a version has no release notes or no aliases proves
# nothing. Match.absent() does. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.assertions import Match, Template

stack = cdk.Stack()
sagemaker.CfnImageVersion(
    stack, "Version", image_name="data-science", base_image="repository:1.0.0", release_notes="A new kernel"
)
template = Template.from_stack(stack)

for name, expected in {"None": None, "Match.absent()": Match.absent(), "another text": "Other notes"}.items():
    try:
        template.has_resource_properties("AWS::SageMaker::ImageVersion", {"ReleaseNotes": expected})
        print(name, "passes")
    except RuntimeError:
        print(name, "fails")
PY

expect "The property has a value, and the assertion that it is None passes:" <<'OUTPUT'
None passes
Match.absent() fails
another text fails
OUTPUT
