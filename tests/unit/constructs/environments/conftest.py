"""Every construct of the library, to be declared in all kinds of stacks, and readers of their templates.

cfn-lint checks every template that is synthesized here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from lint import linter

from imgver_constructs import (
    AppImageConfig,
    BaseImage,
    Image,
    ImageAlias,
    ImageVersion,
    ImageVersionPolicy,
    ImageVersionProvider,
    ImageVersionRetention,
    StudioApp,
)

Declare = Callable[[cdk.Stack], ImageVersion]


@pytest.fixture(scope="session")
def cfn_lint() -> Callable[[Path], list[str]]:
    """Lint the templates in a folder, those of nested stacks and stages too; each template once."""
    return linter()


@pytest.fixture(scope="module", autouse=True)
def linted_templates(outdirs: set[Path], cfn_lint: Callable[[Path], list[str]]) -> Iterator[None]:
    """Fail if cfn-lint has a finding in a template of the module."""
    outdirs.clear()
    yield
    findings = [finding for folder in sorted(outdirs) for finding in cfn_lint(folder)]
    assert not findings, "\n".join(findings)


@pytest.fixture(scope="session")
def docker_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a container image can be built from."""
    folder = tmp_path_factory.mktemp("docker")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


@pytest.fixture(scope="session")
def new_app() -> Callable[..., cdk.App]:
    """Create an app with context values, for all tests of a module."""
    return lambda **context: cdk.App(analytics_reporting=False, context=context)


@pytest.fixture(scope="session")
def declare_some() -> Declare:
    """Declare what most stacks have: an image, a version with an alias, a retention, and an AppImageConfig."""

    def declare_some(stack: cdk.Stack) -> ImageVersion:
        image = Image(stack, "Image", image_name="data-science")
        repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
        base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
        version = ImageVersion(stack, "Version", image=image, base_image=base_image, aliases=["latest"])
        ImageVersionRetention(stack, "Retention", image=image, max_version_count=5)
        AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
        return version

    return declare_some


@pytest.fixture(scope="session")
def declare_everything(declare_some: Declare, docker_folder: Path) -> Declare:
    """Declare constructs so that the template has every kind of resource and of permission of the library."""

    def declare_everything(stack: cdk.Stack) -> ImageVersion:
        vpc = ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-12345678",
            availability_zones=["a"],
            private_subnet_ids=["subnet-12345678"],
            private_subnet_route_table_ids=["rtb-12345678"],
        )
        provider = ImageVersionProvider(
            stack,
            "ImageVersionProvider",
            vpc=vpc,
            environment_encryption=kms.Key(stack, "Key", enable_key_rotation=True),
            tracing=lambda_.Tracing.ACTIVE,
        )
        ImageVersionProvider.set_default(stack, provider)
        version = declare_some(stack)
        version.add_alias("1.0.0")
        old = ImageVersion.from_image_version_attributes(stack, "Old", image=version.image, version=7)
        ImageAlias(stack, "Stable", alias_name="stable", version=old)
        reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        for readable in (version.image, version, old):
            readable.grant_read(reader)

        unnamed = Image(stack, "Unnamed")
        declared = BaseImage.from_ecr_repository(ecr.Repository(stack, "Declared"), tag="1.0.0")
        ImageVersion(stack, "OfUnnamed", image=unnamed, base_image=declared)

        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        provider = ImageVersionProvider(stack, "Provider", role=role, permitted_images=["team-*"])
        imported = Image.from_image_name(stack, "Imported", "team-a")
        built = BaseImage.from_asset(docker_folder)
        ImageVersion(
            stack,
            "Built",
            image=imported,
            base_image=built,
            follow_tag="1",
            provider=provider,
            update_replace_policy=ImageVersionPolicy.DELETE,
            deletion_policy=ImageVersionPolicy.DELETE,
        )
        return version

    return declare_everything


@pytest.fixture(scope="session")
def resources_of() -> Callable[..., dict[str, Any]]:
    """The resources of a stack's template by logical id: all of them, or those of a type."""

    def resources_of(stack: cdk.Stack, resource_type: str = "") -> dict[str, Any]:
        # This also fails on circular dependencies.
        resources = Template.from_stack(stack).to_json()["Resources"]
        return {key: found for key, found in resources.items() if resource_type in ("", found["Type"])}

    return resources_of


@pytest.fixture(scope="session")
def only_of(resources_of: Callable[..., dict[str, Any]]) -> Callable[[cdk.Stack, str], dict[str, Any]]:
    """The one resource of a type in a stack's template."""

    def only_of(stack: cdk.Stack, resource_type: str) -> dict[str, Any]:
        (found,) = resources_of(stack, resource_type).values()
        return dict(found)

    return only_of


@pytest.fixture(scope="session")
def deployed() -> Callable[..., Any]:
    """Resolve a part of a template as CloudFormation does in a region, with invented attributes of other resources."""

    def deployed(value: object, *, region: str, partition: str = "aws", suffix: str = "amazonaws.com") -> Any:
        known = {
            "AWS::AccountId": "123456789012",
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::URLSuffix": suffix,
        }

        def read(value: object) -> Any:
            match value:
                case {"Ref": name}:
                    return known.get(name, name)
                case {"Fn::GetAtt": [name, attribute]}:
                    return f"arn:{partition}:made-up:{region}:{known['AWS::AccountId']}:{name}/{attribute}"
                case {"Fn::Join": [separator, parts]}:
                    return separator.join(map(read, parts))
                case {"Fn::Select": [position, {"Fn::Split": [separator, text]}]}:
                    return read(text).split(separator)[int(position)]
                case {"Fn::Sub": str(text)}:
                    return re.sub(r"\$\{(AWS::\w+)\}", lambda found: known[found[1]], text)
                case list():
                    return [read(item) for item in value]
                case dict():
                    return {key: read(item) for key, item in value.items()}
            return value

        return read(value)

    return deployed
