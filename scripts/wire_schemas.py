"""Write docs/reference/schemas: a JSON schema of the properties of each resource type, from the rules of the checks.

The root of each schema describes the properties, as a template declares them and as the function receives them;
``definitions/Attributes`` the attributes that a template reads with Fn::GetAtt, and ``definitions/PhysicalId`` the
value of Ref.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from enum import Enum
from pathlib import Path
from typing import Any

from imgver_handler.cloudformation.properties import APPS, ARCHIVE, DEFAULT_SETTINGS, DELETE

from imgver_constructs import JobType, Processor, VendorGuidance
from imgver_constructs._validation import rules
from imgver_constructs._validation.rules import StringRule

FOLDER = Path(__file__).parents[1] / "docs" / "reference" / "schemas"
Schema = dict[str, Any]

_NUMBER = r"0*[1-9][0-9]*"
_ARN = r"arn:[^:]+:sagemaker:[^:]+:[0-9]{12}:image-version/[^/]+/[0-9]+"
_PHYSICAL_ID = rf"{_ARN}(#[0-9]+(\.[0-9]+)?)?"


def _string(rule: StringRule, description: str) -> Schema:
    return {
        "type": "string",
        "minLength": rule.minimum,
        "maxLength": rule.maximum,
        "pattern": _whole(_ascii(rule.pattern)),
        "description": f"{description} {rule.rule[0].upper()}{rule.rule[1:]}.",
    }


def _choice(choices: type[Enum], description: str) -> Schema:
    return {"enum": [choice.value for choice in choices], "description": description}


def _number(description: str) -> Schema:
    """A number, which a template may also write as a string, as CloudFormation sends it."""
    return {**_NUMBER_RULE, "description": description}


def _flag(description: str) -> Schema:
    return {"type": ["boolean", "string"], "pattern": "^(true|false)$", "description": description}


def _whole(pattern: str) -> str:
    """A pattern for the whole string; JSON schemas search for a pattern anywhere in it."""
    return f"^(?:{pattern})$"


def _ascii(pattern: str) -> str:
    r"""A pattern that does not depend on the validator: some read ``\d`` as the digits of all scripts."""
    return re.sub(r"\\d", "[0-9]", pattern).replace("[a-zA-Z0-9-_.]", "[a-zA-Z0-9_.-]").replace(r"\/", "/")


_FUNCTION: Schema = {"$ref": "#/definitions/Function"}
_NUMBER_RULE: Schema = {"type": ["integer", "string"], "minimum": 1, "pattern": _whole(_NUMBER)}
_OF_ALL_TYPES: Mapping[str, Schema] = {
    "ServiceToken": {
        "type": "string",
        "pattern": "^arn:[^:]+:lambda:[^:]+:[0-9]{12}:function:.+$",
        "description": "The ARN of the provider's function, in the account and region of the stack.",
    },
    "ServiceTimeout": {
        "type": ["integer", "string"],
        "minimum": 1,
        "maximum": 3600,
        "pattern": "^[0-9]+$",
        "description": (
            "The seconds for which CloudFormation waits for a response: the provider's timeout plus its "
            "max_event_age, 1800 by default."
        ),
    },
    "ConstructPath": {
        "type": "string",
        "minLength": 1,
        "description": "A name for the resource, with which the reason of a failure begins.",
    },
}
_VERSION: Schema = {
    "type": ["integer", "string"],
    "minimum": 1,
    "pattern": _whole(rf"{_NUMBER}|{_PHYSICAL_ID}"),
    "description": "Ref of the Custom::SageMakerImageVersion; for a version of another stack, its number.",
}
_IMAGE_NAME = _string(rules.IMAGE_NAME, "The name of the image.")


def _schema(
    name: str, description: str, properties: Mapping[str, Schema], *, required: list[str], **definitions: Schema
) -> Schema:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Custom::{name}",
        "description": description,
        "type": "object",
        "properties": {
            property_name: {"description": rule.pop("description"), "anyOf": [rule, _FUNCTION]}
            for property_name, rule in ({**deepcopy(_OF_ALL_TYPES), **deepcopy(properties)}).items()
        },
        "required": ["ServiceToken", *required],
        "additionalProperties": False,
        "definitions": {
            **definitions,
            "Function": {
                "type": "object",
                "propertyNames": {"pattern": "^(Ref|Fn::[A-Za-z]+)$"},
                "minProperties": 1,
                "maxProperties": 1,
                "description": "A function of CloudFormation, whose value is not known yet.",
            },
        },
    }


def _attributes(**descriptions: str) -> Schema:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": text} for name, text in descriptions.items()},
        "required": list(descriptions),
        "additionalProperties": False,
        "description": "The attributes that Fn::GetAtt returns.",
    }


def schemas() -> dict[str, Schema]:
    """Return the schema of each resource type."""
    version = _schema(
        "SageMakerImageVersion",
        "A version of a SageMaker image.",
        {
            "ImageName": _IMAGE_NAME,
            "BaseImage": _string(
                rules.BASE_IMAGE, "The address of a container image in Amazon ECR. Another one creates a new version."
            ),
            "Horovod": _flag("Whether the version is compatible with Horovod."),
            "JobType": _choice(JobType, "The SageMaker job type that the version is compatible with."),
            "MLFramework": _string(rules.ML_FRAMEWORK, "The framework and its version."),
            "Processor": _choice(Processor, "The processor that the version is compatible with."),
            "ProgrammingLang": _string(rules.PROGRAMMING_LANG, "The language and its version."),
            "ReleaseNotes": _string(rules.RELEASE_NOTES, "The maintainer's description."),
            "VendorGuidance": _choice(VendorGuidance, "The stability that the maintainer states."),
            "FollowTag": _string(
                rules.FOLLOW_TAG,
                "If present, each update compares the digest of the tag of BaseImage with that of the version.",
            ),
            "AdoptVersion": _number(
                "The number of an existing version with this BaseImage, which Create adopts. While it is given, the "
                "version is not deleted."
            ),
            "OnReplace": {
                "enum": [DELETE, ARCHIVE],
                "description": f"What the Delete of a replaced version does. Default: {DELETE}.",
            },
            "OnDelete": {
                "enum": [DELETE, ARCHIVE],
                "description": f"What the Delete of a version that leaves the stack does. Default: {DELETE}.",
            },
            "DeletedWithImage": _flag(
                "Whether the stack deletes the image after the version. A version in use is then left for the deletion "
                "of the image. Default: false."
            ),
        },
        required=["ImageName", "BaseImage"],
        Attributes=_attributes(
            ImageVersionArn="The ARN of the version.",
            ImageArn="The ARN of the image.",
            ImageName="The name of the image, as declared.",
            Version="The number of the version.",
            BaseImage="The address that the version was created from.",
            ContainerImage="The address with the digest.",
        ),
        PhysicalId={
            "type": "string",
            "pattern": _whole(rf"{_PHYSICAL_ID}|not-created:.+"),
            "description": "The ARN of the version, '#' and its creation time in seconds since 1970.",
        },
    )
    alias = _schema(
        "SageMakerImageAlias",
        "An alias of a version of a SageMaker image.",
        {
            "ImageName": _IMAGE_NAME,
            "Alias": _string(rules.ALIAS, "The alias."),
            "Version": _VERSION,
        },
        required=["ImageName", "Alias", "Version"],
        Attributes=_attributes(Alias="The alias.", Version="The number of the version."),
        PhysicalId={
            "type": "string",
            "pattern": r"^[^/]+/[^/]+(/[0-9]+(#[0-9]+(\.[0-9]+)?)?)?$",
            "description": (
                "The image, the alias, and the number and the creation time of the version that had the alias before, "
                "if any."
            ),
        },
    )
    retention = _schema(
        "SageMakerImageRetention",
        "The deletion of old versions of a SageMaker image.",
        {
            "ImageName": _IMAGE_NAME,
            "Keep": _number("The number of newest versions to keep."),
            "Versions": {
                "type": "array",
                "items": {"anyOf": [_NUMBER_RULE, _FUNCTION]},
                "description": (
                    "The numbers of all versions of the image that the stack declares, and of others to protect."
                ),
            },
        },
        required=["ImageName", "Keep"],
        Attributes=_attributes(),
        PhysicalId={
            "type": "string",
            "pattern": "^[^/]+/retention$",
            "description": "The image followed by /retention.",
        },
    )
    attachment = _schema(
        "SageMakerImageAttachment",
        "The custom image of a Studio domain or of a user profile.",
        {
            "DomainId": _string(rules.DOMAIN_ID, "The id of the domain."),
            "UserProfileName": _string(
                rules.USER_PROFILE_NAME, "The user profile. If it is absent, the settings of the domain are changed."
            ),
            "Settings": {
                "enum": list(DEFAULT_SETTINGS),
                "description": f"The settings of the domain. Default: {DEFAULT_SETTINGS[0]}.",
            },
            "App": {"enum": list(APPS), "description": "The application."},
            "ImageName": _IMAGE_NAME,
            "AppImageConfigName": _string(rules.APP_IMAGE_CONFIG_NAME, "The name of the AppImageConfig."),
            "Version": _VERSION,
            "Superseded": {
                "enum": ["REPLACE", "KEEP"],
                "description": "Whether older versions stay beside the declared one. Default: REPLACE.",
            },
            "Keep": _number("With KEEP, the number of older versions that stay."),
        },
        required=["DomainId", "App", "ImageName", "AppImageConfigName", "Version"],
        Attributes=_attributes(Version="The number of the version."),
        PhysicalId={
            "type": "string",
            "pattern": "^[^/]+/[^/]+/[^/]+/[^/]+/[^/]+(/[0-9]+)?$",
            "description": (
                "The domain, the settings or the user profile, the application, the image and the AppImageConfig, and "
                "the number of the version that was offered before, if any."
            ),
        },
    )
    return {schema["title"]: schema for schema in (version, alias, attachment, retention)}


def path_of(resource_type: str) -> Path:
    """Return the path of the file of a resource type."""
    return FOLDER / f"{resource_type.removeprefix('Custom::')}.json"


def formatted(schema: Schema) -> str:
    """Return the content of a file."""
    return json.dumps(schema, indent=2) + "\n"


def main() -> None:
    """Write the files."""
    for resource_type, schema in schemas().items():
        path_of(resource_type).write_text(formatted(schema))


if __name__ == "__main__":
    main()
