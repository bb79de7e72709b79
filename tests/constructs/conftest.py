"""A stack to declare things in, and ways to look at what became of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from imgver_constructs import BaseImage, Image, ImageVersion

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"


@pytest.fixture
def app(tmp_path: Path) -> cdk.App:
    return cdk.App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Stack")


@pytest.fixture
def declare(stack: cdk.Stack) -> Callable[..., ImageVersion]:
    """Declare the version ``Version`` of an imported image, but for what the test says."""

    def declare(construct_id: str = "Version", **overrides: Any) -> ImageVersion:
        if "image" not in overrides:
            found = stack.node.try_find_child("Image")
            overrides["image"] = found or Image.from_image_name(stack, "Image", "data-science")
        return ImageVersion(stack, construct_id, **({"base_image": BaseImage.from_uri(URI)} | overrides))

    return declare


@pytest.fixture
def resources(stack: cdk.Stack) -> Callable[[str], dict[str, Any]]:
    """The resources of a type in the stack's template, by logical id."""
    return lambda resource_type: dict(Template.from_stack(stack).find_resources(resource_type))


@pytest.fixture
def only(resources: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """The one resource of a type in the stack's template."""

    def only(resource_type: str) -> dict[str, Any]:
        (found,) = resources(resource_type).values()
        return dict(found)

    return only


@pytest.fixture
def tree(app: cdk.App) -> Callable[[], list[str]]:
    """The paths of all constructs."""
    return lambda: [construct.node.path for construct in app.node.find_all()]
