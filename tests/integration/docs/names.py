"""Every name that may be in code font: of AWS's APIs, of the CDK, of Python, and of this library."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import aws_cdk as cdk
import botocore.session
from aws_cdk import (
    aws_cloudwatch,
    aws_cloudwatch_actions,
    aws_ec2,
    aws_ecr,
    aws_ecr_assets,
    aws_events,
    aws_iam,
    aws_kms,
    aws_lambda,
    aws_logs,
    aws_sagemaker,
)
from botocore import xform_name
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.model import ServiceModel, StringShape, StructureShape
from pages import ROOT

SERVICES = ("sagemaker", "ecr", "cloudformation", "lambda", "logs", "ec2", "iam", "xray", "sts", "ssm", "s3")
CDK = (
    cdk,
    aws_cloudwatch,
    aws_cloudwatch_actions,
    aws_ec2,
    aws_ecr,
    aws_ecr_assets,
    aws_events,
    aws_iam,
    aws_kms,
    aws_lambda,
    aws_logs,
    aws_sagemaker,
)
OURS = ("imgver_constructs", "imgver_sandbox", "lambda", "tests/aws", "benchmarks", "examples")


@cache
def operations() -> frozenset[str]:
    """What IAM calls an action, service and operation."""
    return frozenset(f"{service}:{name}" for service in SERVICES for name in _model(service).operation_names)


@cache
def known() -> frozenset[str]:
    """All of them, names of environment variables of boto3 included."""
    found = set(dir(builtins))
    for _, variables, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        found |= set(variables if isinstance(variables, list) else [variables])
    for service in SERVICES:
        found |= set(_of_service(_model(service)))
    for module in CDK:
        found |= set(_of_module(module))
    for folder in OURS:
        for path in (ROOT / folder).rglob("*.py"):
            found |= {path.stem, path.parent.name, *_of_source(path.read_text())}
    return frozenset(found)


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _of_service(model: ServiceModel) -> Iterator[str]:
    for operation in model.operation_names:
        yield from (operation, xform_name(operation))
    for name in model.shape_names:
        yield name
        shape = model.shape_for(name)
        if isinstance(shape, StructureShape):
            yield from shape.members
        elif isinstance(shape, StringShape):
            yield from shape.enum


def _of_module(module: ModuleType) -> Iterator[str]:
    yield module.__name__.rpartition(".")[2]
    for name, member in vars(module).items():
        yield name
        if inspect.isclass(member):
            yield from dir(member)
            yield from getattr(member.__init__, "__annotations__", ())


def _of_source(source: str) -> Iterator[str]:
    """The names that a module declares, and those of its parameters; and the words that are whole texts."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.Name(id=name):
                yield name
            case ast.Constant(value=str(text)) if text.replace("::", "").isidentifier():
                yield from text.split("::")
