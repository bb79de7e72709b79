"""ImageAlias: the resource it makes, and the logical id that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageAlias, ImageRetention, ImageVersion

ALIAS = "Custom::SageMakerImageAlias"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]


def test_properties_and_dependencies(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    # GIVEN
    version = declare()

    # WHEN
    alias = ImageAlias(stack, "Stable", alias_name="stable", version=version)

    # THEN
    assert alias.alias_name == "stable"
    assert resources(ALIAS) == {
        "ImageAliasstable4DA6F7C1B5F1CC07": {
            "Type": ALIAS,
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["ImageVersionProviderFunction124F3991", "Arn"]},
                "ServiceTimeout": "1800",
                "Prerequisites": [
                    {"Ref": "ImageVersionProviderFunctionEventInvokeConfig01879776"},
                    {"Ref": "ImageVersionProviderImage970677B8156D0AAD05FB505A"},
                ],
                "ImageName": "data-science",
                "Alias": "stable",
                "Version": {"Fn::GetAtt": ["Version", "Version"]},
            },
        }
    }


@pytest.mark.parametrize("image_name", ["data-science", "Data-Science"])
@pytest.mark.parametrize("place", ["inside the version", "elsewhere"])
def test_logical_id_is_the_same_wherever_it_is_declared(
    stack: cdk.Stack, declare: Declare, resources: Resources, image_name: str, place: str
) -> None:
    # GIVEN
    version = declare(image=Image.from_image_name(stack, "Image", image_name))

    # WHEN
    scope = version if place == "inside the version" else Construct(stack, "Elsewhere")
    ImageAlias(scope, "Stable", alias_name="stable", version=version)

    # THEN moving the alias to another construct would change nothing in the template
    assert list(resources(ALIAS)) == ["ImageAliasstable4DA6F7C1B5F1CC07"]


def test_logical_ids_of_aliases_that_differ_in_punctuation_differ(declare: Declare, resources: Resources) -> None:
    declare(aliases=["1.4", "14", "1-4"])

    assert len(resources(ALIAS)) == 3


def test_same_alias_of_two_images(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    declare("One", aliases=["latest"])
    declare("Two", aliases=["latest"], image=Image.from_image_name(stack, "Other", "other"))

    assert [alias["Properties"]["ImageName"] for alias in resources(ALIAS).values()] == ["data-science", "other"]


def test_version_with_removed_aliases_keeps_the_ids_of_the_others(tmp_path: Path) -> None:
    def logical_ids(aliases: list[str]) -> set[str]:
        stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "-".join(aliases))), "Stack")
        image = Image.from_image_name(stack, "Image", "data-science")
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=aliases)
        return set(Template.from_stack(stack).find_resources(ALIAS))

    assert logical_ids(["b"]) < logical_ids(["a", "b"])


@pytest.mark.parametrize("alias_name", ["a b", "", None])
def test_refused_before_anything_is_made(
    stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]], alias_name: Any
) -> None:
    version = declare()
    before = tree()

    with pytest.raises(ValueError, match="alias_name") as refusal:
        ImageAlias(stack, "Alias", alias_name=alias_name, version=version)

    assert str(refusal.value) == (
        f"alias_name {alias_name!r} must be 1 to 128 letters, digits, dots, hyphens and underscores, "
        "and must not start with a dot or hyphen: write it like 'latest' or '1.4.0'"
    )
    assert tree() == before


@pytest.mark.parametrize("version", [3, None])
def test_what_is_no_version_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]], version: Any) -> None:
    with pytest.raises(ValueError, match="version") as refusal:
        ImageAlias(stack, "Alias", alias_name="latest", version=version)

    assert str(refusal.value) == (
        f"version {version!r} must be an ImageVersion: for one that exists use ImageVersion.from_image_version_arn(…)"
    )
    assert tree() == ["", "Stack"]


def test_declared_twice_is_refused(stack: cdk.Stack, declare: Declare, tree: Callable[[], list[str]]) -> None:
    version = declare(aliases=["latest"])
    before = tree()

    with pytest.raises(ValueError, match="alias") as refusal:
        ImageAlias(stack, "Latest", alias_name="latest", version=version)

    assert str(refusal.value) == (
        "alias 'latest' of image 'data-science' must be declared once in a stack, "
        "but 'Stack/Version/Alias-latest' declares it too: remove one of the two"
    )
    assert tree() == before


def test_what_was_taken_out_can_be_declared_again(stack: cdk.Stack, resources: Resources) -> None:
    # GIVEN an image, a version with an alias and a retention, all taken out again
    def declare(description: str, keep: int) -> None:
        image = Image(stack, "Image", image_name="data-science", description=description)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])
        ImageRetention(stack, "Retention", image=image, keep=keep)

    declare("Old", 1)
    for name in ("Retention", "Version", "Image"):
        assert stack.node.try_remove_child(name)

    # WHEN the same is declared once more
    declare("New", 2)

    # THEN that is what there is
    (image,) = resources("AWS::SageMaker::Image").values()
    (retention,) = resources("Custom::SageMakerImageRetention").values()
    assert (image["Properties"]["ImageDescription"], retention["Properties"]["Keep"]) == ("New", 2)
    assert len(resources(ALIAS)) == 1

    # AND no more than once
    with pytest.raises(ValueError, match="must be declared once in a stack, but 'Stack/Retention' declares it too"):
        ImageRetention(stack, "Again", image=stack.node.find_child("Image"), keep=3)


def test_token_is_not_inspected(stack: cdk.Stack, declare: Declare, only: Only) -> None:
    name = cdk.CfnParameter(stack, "Name").value_as_string

    ImageAlias(stack, "Alias", alias_name=name, version=declare())

    assert only(ALIAS)["Properties"]["Alias"] == {"Ref": "Name"}
