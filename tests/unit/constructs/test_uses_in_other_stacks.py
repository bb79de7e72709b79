"""Another stack must not use an attribute that a replacement of the version changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from imgver_constructs import AppImageConfig, BaseImage, Image, ImageVersion, StudioApp

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
ATTRIBUTES: dict[str, Callable[[ImageVersion], str]] = {
    "Version": lambda version: version.image_version_number_as_string,
    "ImageVersionArn": lambda version: version.image_version_ref.image_version_arn,
    "ContainerImage": lambda version: version.container_image_uri,
    "BaseImage": lambda version: version.base_image_uri,
    "Ref": lambda version: resource_of(version).ref,
}
REMEDY = (
    "since a replacement could not change it there: use an alias of the version, whose name does not change, or "
    "write the value to an SSM parameter and read that by its name, with StringParameter.value_for_string_parameter, "
    "or declare both in one stack"
)


def resource_of(version: ImageVersion) -> cdk.CfnResource:
    return cast("cdk.CfnResource", version.node.default_child)


def declare_in(stack: cdk.Stack) -> ImageVersion:
    image = Image(stack, "Image", image_name="data-science")
    return ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI))


def synthesis_error(app: cdk.App) -> str:
    """The one error with which the CDK ends the synthesis."""
    with pytest.raises(RuntimeError, match="Validation failed") as refusal:
        app.synth()
    (error,) = str(refusal.value).splitlines()[1:]
    return error.strip()


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_use_in_another_stack_is_refused(app: cdk.App, stack: cdk.Stack, attribute: str) -> None:
    version, studio = declare_in(stack), cdk.Stack(app, "Studio")

    cdk.CfnOutput(studio, "Use", value=ATTRIBUTES[attribute](version))

    assert synthesis_error(app) == (
        f"[Stack/Version/Resource] attribute {attribute} of version 'Stack/Version' must be used only in stack "
        f"'Stack', not by 'Studio/Use' in stack 'Studio', {REMEDY}"
    )


def test_a_use_between_nested_stacks_of_two_stacks_is_refused(app: cdk.App, stack: cdk.Stack) -> None:
    version = declare_in(cdk.NestedStack(stack, "Nested"))
    nested = cdk.NestedStack(cdk.Stack(app, "Studio"), "Nested")

    cdk.CfnOutput(nested, "Use", value=version.image_version_arn)

    assert (
        "of version 'Stack/Nested/Version' must be used only in stack 'Stack', not by 'Studio/Nested/Use' in stack "
        "'Studio'"
    ) in synthesis_error(app)


@pytest.mark.parametrize("strength", ["strong", "both", "weak"])
def test_a_custom_image_in_another_stack_is_refused(strength: str) -> None:
    app = cdk.App(context={"@aws-cdk/core:defaultCrossStackReferences": strength})
    stack, studio = cdk.Stack(app, "Stack"), cdk.Stack(app, "Studio")
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    item = declare_in(stack).custom_image(app_image_config=config)

    cdk.CfnResource(studio, "Space", type="AWS::SageMaker::Space", properties={"CustomImages": [item]})

    assert "attribute Version of version 'Stack/Version' must be used only in stack 'Stack', not by 'Studio/Space'" in (
        synthesis_error(app)
    )


@pytest.mark.parametrize(
    ("export", "path"),
    [
        (
            lambda stack, version: cdk.CfnOutput(
                stack, "Use", value=version.image_version_number_as_string, export_name="Number"
            ),
            "Stack/Use",
        ),
        (
            lambda stack, version: stack.export_value(version.image_version_number_as_string, name="Number"),
            "Stack/ExportNumber",
        ),
    ],
    ids=["output", "export_value"],
)
def test_an_export_is_refused(
    app: cdk.App, stack: cdk.Stack, export: Callable[[cdk.Stack, ImageVersion], object], path: str
) -> None:
    export(stack, declare_in(stack))

    assert synthesis_error(app) == (
        "[Stack/Version/Resource] attribute Version of version 'Stack/Version' must be used only in stack 'Stack', not "
        f"by the export of '{path}', {REMEDY}"
    )


def test_uses_that_a_replacement_can_change_are_accepted(app: cdk.App, stack: cdk.Stack) -> None:
    version, nested, studio = declare_in(stack), cdk.NestedStack(stack, "Nested"), cdk.Stack(app, "Studio")
    for attribute, read in ATTRIBUTES.items():
        cdk.CfnOutput(stack, f"Of{attribute}", value=read(version))
    cdk.CfnOutput(nested, "Nested", value=version.image_version_arn)
    # The ARN and the name of the image are the same after a replacement of the version.
    for name, value in (("Arn", version.image_arn), ("Name", version.image.image_name)):
        cdk.CfnOutput(studio, name, value=value)

    outputs = Template.from_stack(stack).to_json()["Outputs"]

    resource = stack.resolve(resource_of(version).logical_id)
    assert outputs["OfRef"]["Value"] == {"Ref": resource}
    for attribute in ATTRIBUTES.keys() - {"Ref"}:
        assert outputs[f"Of{attribute}"]["Value"] == {"Fn::GetAtt": [resource, attribute]}


def test_without_a_use_there_is_no_validation(stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    version = declare_in(stack)
    monkeypatch.delattr(type(resource_of(version)), "validate")

    Template.from_stack(stack)
