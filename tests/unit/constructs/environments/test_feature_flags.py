"""Feature flags: with all that the CDK recommends, and with none, a stack has the same resources."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import aws_cdk as cdk
import pytest

from imgver_constructs import ImageVersion

ResourcesOf = Callable[..., dict[str, Any]]
Declare = Callable[[cdk.Stack], ImageVersion]


@pytest.fixture(scope="module")
def recommended() -> dict[str, Any]:
    """What ``cdk init`` writes into cdk.json, from the installed CDK itself."""
    (archive,) = (path for path in files("aws_cdk._jsii").iterdir() if path.name.endswith(".tgz"))
    with archive.open("rb") as packed, tarfile.open(fileobj=packed) as package:
        # It is near the end; a stream is read no longer than needed.
        found = package.extractfile("package/recommended-feature-flags.json")
        assert found is not None
        return dict(json.load(found))


@pytest.fixture(scope="module")
def stacks(
    recommended: dict[str, Any], new_app: Callable[..., cdk.App], declare_everything: Declare
) -> list[cdk.Stack]:
    """The same stack with no flag and with all of them."""
    stacks = [cdk.Stack(new_app(**flags), "Stack") for flags in ({}, recommended)]
    for stack in stacks:
        declare_everything(stack)
    return stacks


def unordered(value: Any) -> Any:
    """A policy document with its statements taken apart, so that only what it permits is left."""
    match value:
        case {"Statement": statements}:
            return {
                json.dumps([effect, action, resource, rest], sort_keys=True)
                for effect, actions, resources, rest in map(taken_apart, statements)
                for action in actions
                for resource in resources
            }
        case list():
            return [unordered(item) for item in value]
        case dict():
            return {key: unordered(item) for key, item in value.items()}
    return value


def taken_apart(statement: dict[str, Any]) -> tuple[str, list[Any], list[Any], dict[str, Any]]:
    rest = {key: value for key, value in statement.items() if key not in ("Effect", "Action", "Resource")}
    return statement["Effect"], listed(statement["Action"]), listed(statement.get("Resource")), rest


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_flags_change_no_logical_id(stacks: list[cdk.Stack], resources_of: ResourcesOf) -> None:
    none, all_of_them = map(resources_of, stacks)

    assert none.keys() == all_of_them.keys()


def test_flags_change_nothing_but_how_policies_are_written(stacks: list[cdk.Stack], resources_of: ResourcesOf) -> None:
    none, all_of_them = map(resources_of, stacks)

    assert [key for key in none if unordered(none[key]) != unordered(all_of_them[key])] == []


def test_flags_include_that_templates_are_validated(
    recommended: dict[str, Any], stacks: list[cdk.Stack], resources_of: ResourcesOf
) -> None:
    # GIVEN a flag by which a synth fails that CloudFormation's own rules find a mistake in
    assert recommended["@aws-cdk/core:validateAgainstDefaultRules"] is True

    # THEN it does not
    assert resources_of(stacks[1])
