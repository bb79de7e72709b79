"""The provider's Python is written by hand: the CDK's own latest Python is older, and AwsSolutions-L1 objects to it."""

import re

from aws_cdk import aws_lambda as lambda_

WHAT_TO_TRY = """aws-cdk-lib knows python3.{newest}, and provider.py has {current}. Before you take the newer one:
- run tests/unit/handler, tests/model and tests/replays with that Python;
- run benchmarks/cold_start.py with both, and compare the times;
- check that AWS Lambda offers it for ARM in all regions that users deploy to, with a boto3 that the tests cover;
- check that the oldest supported aws-cdk-lib and cfn-lint accept its name in a template."""


def test_the_cdk_knows_no_newer_python(declare, only):
    declare()

    current = only("AWS::Lambda::Function")["Properties"]["Runtime"]
    minors = [re.fullmatch(r"PYTHON_3_(\d+)", name) for name in dir(lambda_.Runtime)]
    newest = max(int(found[1]) for found in minors if found)
    assert newest <= int(current.removeprefix("python3.")), WHAT_TO_TRY.format(newest=newest, current=current)
