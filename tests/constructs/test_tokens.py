"""Tokens are told from values without a call into the CDK, and as the CDK tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import jsii
import pytest

from imgver_constructs.options import JobType
from imgver_constructs.tokens import is_known, is_token

VALUES = [
    "",
    "latest",
    "${Token[",
    "${Token[]}",
    "${Token[Ä]}",
    "$ {Token[TOKEN.1]}",
    "#{Token[TOKEN.1]}",
    "${AWS::Region}",
    "-1.88e+289",
    0,
    7,
    -1,
    True,
    2.5,
    -1.8e289,
    -2e289,
    1.8881545897087626e289,
    -(10**400),
    10**400,
    [],
    ["x"],
    [7],
    ["${Token[TOKEN.1]}"],
    ["#{Token[TOKEN.1]}", "x"],
    ("#{Token[TOKEN.1]}",),
    JobType.TRAINING,
    cdk.RemovalPolicy.DESTROY,
    {},
    Ellipsis,
]


@jsii.implements(cdk.IStableStringProducer)
class Later:
    def produce(self) -> str:
        return "x"


@pytest.mark.parametrize(
    "make",
    [
        lambda _: cdk.Fn.get_att("Resource", "Arn").to_string(),
        lambda _: f"arn:{cdk.Aws.PARTITION}:s3:::bucket",
        lambda _: cdk.Lazy.string(Later()),
        lambda stack: cdk.CfnParameter(stack, "P", type="Number").value_as_number,
        lambda stack: int(cdk.CfnParameter(stack, "P", type="Number").value_as_number),
        lambda stack: cdk.CfnParameter(stack, "P", type="CommaDelimitedList").value_as_list,
        lambda _: cdk.Fn.get_att("Resource", "Arn"),
    ],
    ids=["text", "part of a text", "lazy text", "number", "number made whole", "list", "object"],
)
def test_tokens(stack: cdk.Stack, make: Callable[[cdk.Stack], Any]) -> None:
    token = make(stack)

    assert is_token(token)
    assert not is_known(token)
    assert cdk.Token.is_unresolved(token)


def test_number_that_python_wrote_into_a_text_is_resolved_and_thus_a_token(stack: cdk.Stack) -> None:
    number = cdk.CfnParameter(stack, "P", type="Number").value_as_number

    assert is_token(f"v{number}")
    assert stack.resolve(f"v{number}") == {"Fn::Join": ["", ["v", {"Ref": "P"}]]}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values(value: Any) -> None:
    assert not is_token(value)
    assert is_known(value)


@pytest.mark.parametrize("value", [value for value in VALUES if isinstance(value, str | float | list)], ids=repr)
def test_values_are_none_to_the_cdk(value: Any) -> None:
    assert not cdk.Token.is_unresolved(value)


def test_nothing_is_neither_known_nor_a_token() -> None:
    assert not is_token(None)
    assert not is_known(None)


def test_texts_numbers_and_lists_are_told_without_the_cdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cdk.Token, "is_unresolved")

    assert [is_token(value) for value in ("x", 7, 2.5, ["x"], None)] == [False] * 5
