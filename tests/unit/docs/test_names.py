"""Every name in code font exists: names of AWS APIs, IAM actions, names of the CDK and of this library, files."""

from __future__ import annotations

import ast
import builtins
import os
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ServiceModel
from pages import PAGES, ROOT, blocks, spans, text

SERVICES = (
    *("sagemaker", "ecr", "cloudformation", "lambda", "logs", "ec2"),
    *("iam", "xray", "sts", "ssm", "s3", "sqs", "kms"),
)
CDK = (
    *("aws_cdk", "aws_cdk.aws_cloudwatch", "aws_cdk.aws_cloudwatch_actions", "aws_cdk.aws_ec2", "aws_cdk.aws_ecr"),
    *("aws_cdk.aws_ecr_assets", "aws_cdk.aws_events", "aws_cdk.aws_iam", "aws_cdk.aws_kms", "aws_cdk.aws_lambda"),
    *("aws_cdk.aws_logs", "aws_cdk.aws_sagemaker", "aws_cdk.aws_sqs", "aws_cdk.aws_ssm"),
)
SOURCES = ("imgver_constructs", "sandbox/imgver_sandbox", "lambda", "tests/aws", "benchmarks", "examples")
OF_OTHERS = {
    *("aws_sagemaker_image", "aws_sagemaker_image_version", "create_before_destroy"),  # Terraform
    *("ServiceTimeout", "ServiceToken"),  # CloudFormation
    *("AWS_PROFILE", "AWS_REGION", "HTTPS_PROXY", "NO_PROXY"),  # the AWS SDKs
    *("LOG_LEVEL", "PyTorch"),  # examples of values
    *("DescribeImageVersionCommand", "get_waiter", "image_version_created", "image_version_deleted"),  # the AWS SDKs
    *("AwsSolutions", "AmazonSageMakerFullAccess", "GetBucket"),  # rules, policies and prefixes that findings name
    *("PassRole", "InvokeFunction"),  # actions of IAM that are no operations
}

# An upper-case letter after a lower-case one, or an underscore: no word of ordinary English.
NAME = re.compile(r"\b(?:[A-Z]+[a-z0-9]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*|[a-z]+(?:_[a-z0-9]+)+|[A-Z]+(?:_[A-Z]+)+)\b")
ACTION = re.compile(r"\b(?:sagemaker|ecr|cloudformation|logs|ec2|iam|xray):[A-Z]\w+")
FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|json|toml|md|txt)|(?:[\w.-]+/)+")
OF_READERS = {"requirements.txt", "node_modules/"}


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@cache
def known() -> frozenset[str]:
    names = {*dir(builtins), *OF_OTHERS}
    for service in SERVICES:
        names |= set(of_service(model(service)))
    for module in CDK:
        names |= set(of_module(import_module(module)))
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            names |= {path.stem, path.parent.name, *of_source(path.read_text())}
    return frozenset(names)


def of_service(service: ServiceModel) -> Iterator[str]:
    for operation in service.operation_names:
        yield from (operation, xform_name(operation))
    for name in service.shape_names:
        shape = service.shape_for(name)
        yield from (name, *getattr(shape, "members", ()), *getattr(shape, "enum", ()))


def of_module(module: ModuleType) -> Iterator[str]:
    yield module.__name__.rpartition(".")[2]
    for name, member in vars(module).items():
        yield name
        if isinstance(member, type):
            yield from (*dir(member), *getattr(member.__init__, "__annotations__", ()))  # type: ignore[misc]


def of_source(source: str) -> Iterator[str]:
    """The names that a module uses, and its strings that are a name such as a property or a resource type."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.Name(id=name):
                yield name
            case ast.Constant(value=str(value)) if value.replace("::", "").isidentifier():
                yield from value.split("::")


@cache
def files() -> frozenset[str]:
    """The paths of the repository, each with a leading slash, and the folders that commands create."""
    created = {line for line in (ROOT / ".gitignore").read_text().split() if line.endswith("/")}
    found = {f"/{name}" for name in created | OF_READERS}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if f"{name}/" not in created]
        at = folder.removeprefix(str(ROOT))
        found |= {f"{at}/{name}/" for name in folders} | {f"{at}/{name}" for name in names}
    return frozenset(found)


@pytest.mark.parametrize("page", [*PAGES, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md"])
def test_names_in_code_font_exist(page: str) -> None:
    shown = [block for of in (page, "index.md") for block in blocks(of)]
    in_blocks = {word for block in shown for word in re.findall(r"\w+", block.code)}
    in_blocks |= set(re.findall(r"^# (\w+\.py)$", text(page), re.MULTILINE)) | {block.title for block in shown}
    paths = {span for span in spans(page) if FILE.fullmatch(span) and not span.startswith("build/")} - in_blocks
    names = {name for span in spans(page) if not FILE.fullmatch(span) for name in NAME.findall(span)} - in_blocks
    actions = {tuple(action.split(":")) for action in ACTION.findall(text(page))} - {("iam", "PassRole")}

    assert sorted(names - known()) == []
    assert [path for path in sorted(paths) if not any(file.endswith(f"/{path}") for file in files())] == []
    assert [action for action in sorted(actions) if action[1] not in model(action[0]).operation_names] == []
