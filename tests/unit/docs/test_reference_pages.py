"""The pages of reference agree with the code: permissions, properties, attributes, warnings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from cfnlint.jsonschema import StandardValidator
from harness import EVENTS, Aws, Function, Studio
from pages import ROOT, schema_of, text
from test_errors_page import fits, messages, nodes

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAttachment,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
    JobType,
    Processor,
    StudioApp,
    VendorGuidance,
)
from imgver_constructs._validation import warnings

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"
TYPES = {
    "Custom::SageMakerImageVersion": "image_version",
    "Custom::SageMakerImageAlias": "image_alias",
    "Custom::SageMakerImageRetention": "image_retention",
    "Custom::SageMakerImageAttachment": "image_attachment",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stack with every property and every permission that the library can declare for an image."""
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")), analytics_reporting=False), "Stack")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a"], private_subnet_ids=["subnet-1"]
    )
    queue = sqs.Queue(stack, "Queue", encryption_master_key=kms.Key(stack, "Key"))
    provider = ImageVersionProvider(
        stack, "ImageVersionProvider", vpc=vpc, tracing=lambda_.Tracing.ACTIVE, dead_letter_queue=queue
    )
    ImageVersionProvider.set_default(stack, provider)
    image = Image(stack, "Image", image_name="NAME", removal_policy=cdk.RemovalPolicy.DESTROY)
    version = ImageVersion(
        stack,
        "Version",
        image=image,
        base_image=BaseImage.from_uri(URI),
        aliases=["latest"],
        horovod=False,
        job_type=JobType.NOTEBOOK_KERNEL,
        ml_framework="PyTorch 2.5",
        processor=Processor.GPU,
        programming_lang="Python 3.12",
        release_notes="First release",
        vendor_guidance=VendorGuidance.STABLE,
        follow_tag="build 7",
        adopt_version=7,
        update_replace_policy=ImageVersionPolicy.ARCHIVE,
        deletion_policy=ImageVersionPolicy.DELETE,
    )
    ImageVersion(
        stack,
        "Archived",
        image=image,
        base_image=BaseImage.from_uri(URI),
        deletion_policy=ImageVersionPolicy.ARCHIVE,
    )
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)
    for user, count in ((None, 1), ("ann", 0)):
        ImageAttachment(
            stack,
            f"Attachment{user}",
            version=version,
            app_image_config=AppImageConfig(stack, f"Lab{user}", app=StudioApp.jupyter_lab()),
            domain="d-example",
            user_profile_name=user,
            superseded_version_count=count,
        )
    return dict(Template.from_stack(stack).to_json()["Resources"])


def section(page: str, heading: str) -> str:
    """The text below a heading of the second level."""
    return text(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(table: str) -> list[list[str]]:
    """The rows of all tables without their heads."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in line] for line in lines]


def resource_of(value: Any) -> str:
    """A resource of a policy as the page writes it."""
    match value:
        case str():
            return value
        case {"Ref": "AWS::StackId"}:
            return "its own stack"
        case {"Fn::GetAtt": [str(logical_id), "Arn"]} if "Logs" in logical_id:
            return "the function's log group"
        case {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return {"Queue": "the queue", "Key": "its key"}[logical_id[:-8]]
        case {"Fn::Join": [_, [*parts]]}:
            arn = "".join(part for part in parts if isinstance(part, str))
            return "the repository" if ":repository/" in arn else arn.rpartition(":")[2]
    raise AssertionError(value)


def granted(template: dict[str, Any], role: str) -> Iterator[tuple[str, str]]:
    """The actions and resources of a role, without the lower-case spellings of the image's name."""
    documents = []
    for logical_id, resource in template.items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role" and logical_id.startswith(role):
            documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            assert "ManagedPolicyArns" not in properties
        elif resource["Type"] == "AWS::IAM::Policy" and properties["Roles"][0]["Ref"].startswith(role):
            documents.append(properties["PolicyDocument"])
    for statement in (statement for document in documents for statement in document["Statement"]):
        actions, resources = (
            value if isinstance(value, list) else [value] for value in (statement["Action"], statement["Resource"])
        )
        names = [name for name in map(resource_of, resources) if not name.endswith(("/name", "/name/*"))]
        yield from ((action, name) for action in actions for name in names)


@pytest.mark.parametrize(
    ("heading", "role", "service"),
    [
        ("The function", "ImageVersionProvider", "lambda.amazonaws.com"),
        ("The role of an Image", "ImageRole", "sagemaker.amazonaws.com"),
    ],
)
def test_permissions(template: dict[str, Any], heading: str, role: str, service: str) -> None:
    page = section("reference/iam.md", heading)

    assert sorted(granted(template, role)) == sorted((action, resource) for action, resource, *_ in rows(page))
    (trust,) = [
        resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        for logical_id, resource in template.items()
        if resource["Type"] == "AWS::IAM::Role" and logical_id.startswith(role)
    ]
    assert [statement["Principal"]["Service"] for statement in trust] == [service]
    assert f"trusts `{service}`" in page


@pytest.mark.parametrize("resource_type", TYPES)
def test_properties_and_attributes(template: dict[str, Any], resource_type: str) -> None:
    properties, _, attributes = section("reference/wire-contract.md", resource_type).partition("| attribute |")
    declared = [resource["Properties"] for resource in template.values() if resource["Type"] == resource_type]
    aws = Aws()
    domain_id = Studio(aws).domain_id
    for event in ("image_version", TYPES[resource_type]):
        text_of_event = (EVENTS / f"{event}_create.json").read_text().replace("d-studio", domain_id)
        response = Function(aws).deliver(json.loads(text_of_event))

    assert sorted(name for name, _ in rows(properties)) == sorted(
        set().union(*declared) - {"ServiceToken", "ServiceTimeout"}
    )
    assert response["Status"] == "SUCCESS", response["Reason"]
    assert {name for name, _ in rows(attributes)} == response["Data"].keys()
    # The JSON schema describes the same.
    schema = schema_of(resource_type)
    assert sorted(schema["properties"]) == sorted(set().union(*declared))
    for properties_of_one in declared:
        assert [error.message for error in StandardValidator(schema).iter_errors(properties_of_one)] == []
    of_response = {"Attributes": response["Data"], "PhysicalId": response["PhysicalResourceId"]}
    for name, value in of_response.items():
        assert list(StandardValidator(schema["definitions"][name]).iter_errors(value)) == []


def test_warnings() -> None:
    page = text("reference/warnings.md")
    quotes = [" ".join(quote.replace("\n>", "").split()) for quote in re.findall(r"^> (.*?)\n\n", page, re.M | re.S)]
    of_code = {
        message
        for node in nodes("imgver_constructs")
        for message in messages(node)
        if "; " in message or ": " in message
    }

    ids = {value for name, value in vars(warnings).items() if name.isupper()}
    assert set(re.findall(r"^## (imgver-constructs:\w+)$", page, re.MULTILINE)) == ids
    assert len(quotes) == len(ids)
    assert [quote for quote in quotes if not any(fits(message, quote) for message in of_code)] == []


def test_log_messages() -> None:
    source = "".join(path.read_text() for path in (ROOT / "lambda").rglob("*.py"))
    lines = [line.split(" | ")[2] for line in section("operations.md", "The log's fields").splitlines() if "`" in line]
    quoted = {message for line in lines if line.startswith("`") for message in re.findall(r"`([^`]+)`", line)}

    assert len(quoted) > 10
    assert [message for message in sorted(quoted) if f'"{message}"' not in source] == []
