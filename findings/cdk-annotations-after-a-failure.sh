#!/usr/bin/env bash
# Expected: an assertion about the annotations of a stack does not change them, whether it passes or fails.
# Observed: has_warning that fails replaces the stack trace of each message by a word. In Python, find_warning of the
# same Annotations then raises an error about a type, since it expects a list.
# Why it matters: with Annotations in a fixture for the whole module, one test that fails makes others fail with an error
# that does not name the cause. Create Annotations in each test. Duration: 1 minute.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python_packages aws-cdk-lib==2.275.0 constructs==10.8.1 jsii==1.142.0
# See cdk-two-owners-of-a-module.sh.
install_again aws-cdk-lib==2.275.0

python - >output <<'PY'
import aws_cdk as cdk
from aws_cdk.assertions import Annotations, Match

stack = cdk.Stack()
cdk.CfnOutput(stack, "Version", value="1")
cdk.Annotations.of(stack).add_warning_v2("example:old", "the image is old")
annotations = Annotations.from_stack(stack)


def find(of):
    try:
        print(len(of.find_warning("*", Match.any_value())), "found")
    except RuntimeError as error:
        print("RuntimeError:", str(error).splitlines()[0])


find(annotations)
try:
    annotations.has_warning("*", Match.string_like_regexp("new"))
except RuntimeError as error:
    print("has_warning fails:", str(error).splitlines()[0])
find(annotations)
find(Annotations.from_stack(stack))
PY

expect "The same search before and after an assertion that fails, and with new Annotations:" <<'OUTPUT'
1 found
has_warning fails: AssertionError: Stack has 1 messages at path *, but none match as expected.
RuntimeError: Of property Object.trace: Unable to serialize value as array<string> | undefined
1 found
OUTPUT
