"""StackRegistry: each stack has one, all scopes in the stack share it, and it is freed with its app."""

from __future__ import annotations

import gc
import weakref

import aws_cdk as cdk
import jsii
import pytest
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionRetention
from imgver_constructs._stack_registry import StackRegistry


def test_one_registry_for_each_stack(app: cdk.App, stack: cdk.Stack) -> None:
    nested = cdk.NestedStack(stack, "Nested")

    registry = StackRegistry.of(stack)

    assert StackRegistry.of(Construct(Construct(stack, "Outer"), "Inner")) is registry
    assert len({registry, StackRegistry.of(nested), StackRegistry.of(cdk.Stack(app, "Other"))}) == 3


def test_stack_without_an_app() -> None:
    # The CDK, and not Python, creates the app.
    stack = cdk.Stack()
    assert stack.node.root is not stack.node.root

    assert StackRegistry.of(Construct(stack, "Scope")) is StackRegistry.of(stack)


def test_nothing_holds_the_constructs_of_a_dropped_app(monkeypatch: pytest.MonkeyPatch) -> None:
    # jsii itself holds every object that Python created until the process ends: here until the test ends.
    monkeypatch.setattr(jsii._reference_map._refs, "_refs", dict(jsii._reference_map._refs._refs))
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "Stack")
    image = Image(stack, "Image", image_name="data-science")
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
    version = ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(uri), aliases=["latest"])
    retention = ImageVersionRetention(stack, "Retention", image=image, max_version_count=1)
    app.synth()
    objects = [app, stack, image, version, version.provider, retention, StackRegistry.of(stack)]
    references = [weakref.ref(each) for each in objects]

    monkeypatch.undo()
    del app, stack, image, version, retention, objects
    gc.collect()

    assert [reference() for reference in references] == [None] * len(references)
