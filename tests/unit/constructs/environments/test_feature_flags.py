"""Feature flags: with all flags that the CDK recommends and with none, a stack has the same resources."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import aws_cdk as cdk
from cdk_release import needs_recent_cdk

from imgver_constructs import ImageVersion


def recommended_flags() -> dict[str, Any]:
    """The flags that ``cdk init`` writes to cdk.json, read from the installed CDK."""
    (archive,) = (path for path in files("aws_cdk._jsii").iterdir() if path.name.endswith(".tgz"))
    with archive.open("rb") as packed, tarfile.open(fileobj=packed) as package:
        found = package.extractfile("package/recommended-feature-flags.json")
        assert found is not None
        return dict(json.load(found))


def permissions(value: Any) -> Any:
    """A resource in which each policy document is the set of its single permissions, however they are grouped."""
    match value:
        case {"Statement": statements}:
            return {
                json.dumps([{**statement, "Action": action, "Resource": resource}], sort_keys=True)
                for statement in statements
                for action in listed(statement["Action"])
                for resource in listed(statement.get("Resource"))
            }
        case list():
            return [permissions(item) for item in value]
        case dict():
            return {key: permissions(item) for key, item in value.items()}
    return value


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@needs_recent_cdk
def test_flags_change_only_the_grouping_of_permissions(
    new_app: Callable[..., cdk.App],
    declare_everything: Callable[[cdk.Stack], ImageVersion],
    resources_of: Callable[..., dict[str, Any]],
) -> None:
    flags = recommended_flags()
    # With one of the flags, synthesis fails on a finding in a template.
    assert flags["@aws-cdk/core:validateAgainstDefaultRules"] is True
    stacks = [cdk.Stack(new_app(**context), "Stack") for context in ({}, flags)]
    for stack in stacks:
        declare_everything(stack)

    without, with_all = map(resources_of, stacks)

    assert without.keys() == with_all.keys()
    assert [key for key in without if permissions(without[key]) != permissions(with_all[key])] == []
