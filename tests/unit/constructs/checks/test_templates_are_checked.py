"""Mistakes in a template are found, by CDK's own validation and by cfn-lint, wherever the template comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

Lint = Callable[[Path], list[str]]

COLOUR = "E3002 Additional properties are not allowed ('Colour' was unexpected) at Resources/Topic/Properties/Colour"


def declare_a_mistake(scope: cdk.Stack) -> None:
    cdk.CfnResource(scope, "Topic", type="AWS::SNS::Topic", properties={"Colour": "red"})


def test_cdk_refuses_errors(app: cdk.App, stack: cdk.Stack, cfn_lint: Lint) -> None:
    declare_a_mistake(stack)

    with pytest.raises(RuntimeError, match="Additional properties are not allowed"):
        Template.from_stack(stack)

    assert cfn_lint(Path(app.outdir)) == [f"Stack.template.json: {COLOUR}"]


def test_cdk_refuses_what_it_warns_of(app: cdk.App, stack: cdk.Stack) -> None:
    cdk.CfnResource(stack, "Topic", type="AWS::SNS::Topic", properties={"DisplayName": 7})

    with pytest.raises(RuntimeError, match="WARNING DisplayName: 7 is not of type 'string'"):
        app.synth()


def test_cdk_knows_what_a_region_has(app: cdk.App, cfn_lint: Lint) -> None:
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(region="cn-north-1"))
    properties = {"DomainId": "d-123456789012", "SpaceName": "shared"}
    cdk.CfnResource(stack, "Space", type="AWS::SageMaker::Space", properties=properties)
    missing = "Resource type 'AWS::SageMaker::Space' does not exist in 'cn-north-1'"

    with pytest.raises(RuntimeError, match=missing):
        app.synth()

    # And so does cfn-lint.
    assert cfn_lint(Path(app.outdir)) == [f"Stack.template.json: E3006 {missing} at Resources/Space/Type"]


def test_cfn_lint_looks_into_nested_stacks_and_stages(app: cdk.App, cfn_lint: Lint) -> None:
    stack = cdk.Stack(cdk.Stage(app, "Stage"), "Stack")
    declare_a_mistake(cdk.NestedStack(stack, "Nested"))
    Template.from_stack(stack)

    (said,) = cfn_lint(Path(app.outdir))

    assert said.endswith(f".nested.template.json: {COLOUR}")
