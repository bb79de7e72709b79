"""The pages of reference say what the code says: permissions, properties, attributes, warnings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from harness import Aws, Function
from pages import ROOT, text

from imgver_constructs import (
    BaseImage,
    Image,
    ImageRetention,
    ImageVersion,
    ImageVersionProvider,
    JobType,
    Processor,
    Superseded,
    VendorGuidance,
    annotations,
)

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"
TYPES = ("Custom::SageMakerImageVersion", "Custom::SageMakerImageAlias", "Custom::SageMakerImageRetention")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stack with all that the library can declare of an image."""
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")), analytics_reporting=False)
    stack = cdk.Stack(app, "Stack")
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["eu-west-1a"], private_subnet_ids=["subnet-1"]
    )
    ImageVersionProvider(stack, "ImageVersionProvider", vpc=vpc, tracing=lambda_.Tracing.ACTIVE)
    image = Image(stack, "Image", image_name="NAME")
    ImageVersion(
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
        superseded=Superseded.ARCHIVE,
    )
    ImageRetention(stack, "Retention", image=image, keep=5)
    return dict(Template.from_stack(stack).to_json()["Resources"])


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return text(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(table: str) -> list[list[str]]:
    """The rows of all tables, without their heads."""
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in line] for line in lines]


def flat(value: Any) -> str:
    """A resource in a policy as the page writes it."""
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": "AWS::StackId"}:
            return "its own stack"
        case {"Fn::GetAtt": [str(logical_id), "Arn"]} if "Logs" in logical_id:
            return "the function's log group"
        case {"Fn::Join": [_, [*parts]]}:
            arn = "".join(part for part in parts if isinstance(part, str))
            return "the repository" if ":repository/" in arn else arn.rpartition(":")[2]
    raise AssertionError(value)


def granted(template: dict[str, Any], role_of: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """What the roles whose logical id fits may do: actions and resources."""
    documents = []
    for logical_id, resource in template.items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role" and role_of(logical_id):
            documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            assert "ManagedPolicyArns" not in properties
        elif resource["Type"] == "AWS::IAM::Policy" and any(role_of(role["Ref"]) for role in properties["Roles"]):
            documents.append(properties["PolicyDocument"])
    for statement in (statement for document in documents for statement in document["Statement"]):
        actions, resources = (
            value if isinstance(value, list) else [value] for value in (statement["Action"], statement["Resource"])
        )
        yield from (
            (action, flat(resource))
            for action in actions
            for resource in resources
            # The same in lower case, as the page says.
            if not flat(resource).endswith(("/name", "/name/*"))
        )


def test_the_function_may_do_what_the_page_says(template: dict[str, Any]) -> None:
    shown = [(action, resource) for action, resource, *_ in rows(section("reference/iam.md", "The function"))]

    assert sorted(granted(template, lambda role: role.startswith("ImageVersionProvider"))) == sorted(shown)


def test_the_role_of_an_image_may_do_what_the_page_says(template: dict[str, Any]) -> None:
    shown = [(action, resource) for action, resource, *_ in rows(section("reference/iam.md", "The role of an Image"))]

    assert sorted(granted(template, lambda role: role.startswith("ImageRole"))) == sorted(shown)


def test_who_may_take_the_roles(template: dict[str, Any]) -> None:
    trusted = {
        logical_id: statement["Principal"]["Service"]
        for logical_id, resource in template.items()
        if resource["Type"] == "AWS::IAM::Role"
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    }

    assert sorted(trusted.values()) == ["lambda.amazonaws.com", "sagemaker.amazonaws.com"]
    assert "trusts `lambda.amazonaws.com`" in section("reference/iam.md", "The function")
    assert "trusts `sagemaker.amazonaws.com`" in section("reference/iam.md", "The role of an Image")


@pytest.mark.parametrize("resource_type", TYPES)
def test_the_properties_are_those_of_the_page(template: dict[str, Any], resource_type: str) -> None:
    (resource,) = [resource for resource in template.values() if resource["Type"] == resource_type]
    properties, *_ = section("reference/wire-contract.md", resource_type).split("| attribute |")

    assert sorted(name for name, _ in rows(properties)) == sorted(
        resource["Properties"].keys() - {"ServiceToken", "ServiceTimeout"}
    )


@pytest.mark.parametrize(
    ("resource_type", "event"), [*zip(TYPES, ("image_version", "image_alias", "image_retention"), strict=True)]
)
def test_the_attributes_are_those_of_the_page(resource_type: str, event: str) -> None:
    # GIVEN an image with a version
    function = Function(Aws())
    events = ROOT / "tests" / "events"
    made = function.deliver(json.loads((events / "image_version_create.json").read_text()))

    # WHEN
    created = json.loads((events / f"{event}_create.json").read_text())
    answer = made if event == "image_version" else function.deliver(created)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    _, _, attributes = section("reference/wire-contract.md", resource_type).partition("| attribute |")
    assert {name for name, _ in rows(attributes)} == answer["Data"].keys()


def test_every_warning_is_on_its_page_with_its_words() -> None:
    # GIVEN ids and words as the code has them
    ids = {value for name, value in vars(annotations).items() if name.isupper()}
    page = text("reference/warnings.md")

    # THEN
    assert set(re.findall(r"^## (imgver-constructs:\w+)$", page, re.MULTILINE)) == ids
    quoted = [" ".join(quote.replace("\n>", "").split()) for quote in re.findall(r"^> (.*?)\n\n", page, re.M | re.S)]
    assert len(quoted) == len(ids)
    tested = " ".join(
        (ROOT / "tests" / "constructs" / name).read_text() for name in ("test_annotations.py", "test_studio.py")
    )
    # Python joins texts that follow each other; each part of a quote is one of them.
    tested = re.sub(r'"\s+f?"', "", tested)
    for quote in quoted:
        parts = [part for part in quote.split("…") if len(part) > 3]
        assert [part for part in parts if part not in tested] == []
