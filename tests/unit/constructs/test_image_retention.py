"""ImageRetention: the resource it makes, what it waits for, and what it refuses before it makes anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from imgver_constructs import Image, ImageAlias, ImageBase, ImageRetention, ImageVersion, ImageVersionProvider

RETENTION = "Custom::SageMakerImageRetention"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
WaitsFor = Callable[[dict[str, Any]], set[str]]


@pytest.fixture
def image(stack: cdk.Stack) -> ImageBase:
    return Image.from_image_name(stack, "Image", "data-science")


def number_of(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Version"]}


def test_it_spares_and_waits_for_what_the_stack_declares_of_the_image(
    stack: cdk.Stack, image: ImageBase, declare: Declare, only: Only, waits_for: WaitsFor
) -> None:
    # GIVEN versions and aliases before and after the retention, and another image's
    earlier = declare("Earlier", image=image, aliases=["stable"])
    ImageRetention(stack, "Retention", image=image, keep=5, versions=[earlier])
    same = Image.from_image_name(stack, "Same", "Data-Science")
    later = declare("Later", image=same)
    ImageAlias(stack, "Latest", alias_name="latest", version=later)
    declare("Other", image=Image.from_image_name(stack, "OtherImage", "deep-learning"), aliases=["stable"])

    # WHEN
    resource = only(RETENTION)

    # THEN
    assert resource["Properties"]["ImageName"] == "data-science"
    assert resource["Properties"]["Keep"] == 5
    assert resource["Properties"]["Versions"] == [number_of("Earlier"), number_of("Later")]
    assert {one for one in waits_for(resource) if not one.startswith("ImageVersionProvider")} == {
        "Earlier",
        "ImageAliaslatest4E83551BDDEECEF9",
        "ImageAliasstable4DA6F7C1B5F1CC07",
        "Later",
    }


def test_imported_versions_are_spared(stack: cdk.Stack, image: ImageBase, only: Only) -> None:
    # GIVEN
    imported = ImageVersion.from_image_version_attributes(stack, "Imported", image=image, version=3)

    # WHEN
    ImageRetention(stack, "Retention", image=image, keep=1, versions=[imported])

    # THEN
    assert only(RETENTION)["Properties"]["Versions"] == [3]


def test_provider(stack: cdk.Stack, image: ImageBase, only: Only) -> None:
    # GIVEN
    provider = ImageVersionProvider(stack, "Mine")

    # WHEN
    ImageRetention(stack, "Retention", image=image, keep=1, provider=provider)

    # THEN
    assert only(RETENTION)["Properties"]["ServiceToken"]["Fn::GetAtt"][0].startswith("MineFunction")


def test_keep_as_a_token(stack: cdk.Stack, image: ImageBase, only: Only) -> None:
    # GIVEN
    keep = cdk.CfnParameter(stack, "Keep", type="Number")

    # WHEN
    ImageRetention(stack, "Retention", image=image, keep=keep.value_as_number)  # type: ignore[arg-type]

    # THEN
    assert only(RETENTION)["Properties"]["Keep"] == {"Ref": "Keep"}


@pytest.mark.parametrize("keep", [0, -1, 1.5, "5", True, None])
def test_keep_that_is_no_number_is_refused(
    stack: cdk.Stack, image: ImageBase, tree: Callable[[], list[str]], keep: Any
) -> None:
    before = tree()

    with pytest.raises(ValueError, match="keep") as refusal:
        ImageRetention(stack, "Retention", image=image, keep=keep)

    assert str(refusal.value) == (
        f"keep {keep!r} must be a whole number of at least 1: say how many of the newest versions stay"
    )
    assert tree() == before


def test_what_is_no_image_is_refused(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    with pytest.raises(ValueError, match="image") as refusal:
        ImageRetention(stack, "Retention", image="data-science", keep=1)  # type: ignore[arg-type]

    assert str(refusal.value) == (
        "image 'data-science' must be an Image: for one that exists use Image.from_image_name(…)"
    )
    assert tree() == ["", "Stack"]


def test_version_of_another_image_is_refused(
    stack: cdk.Stack, image: ImageBase, declare: Declare, tree: Callable[[], list[str]]
) -> None:
    # GIVEN
    version = declare(image=Image.from_image_name(stack, "OtherImage", "deep-learning"))
    before = tree()

    # WHEN / THEN
    with pytest.raises(
        ValueError, match=r"must be an ImageVersion of image 'data-science': declare one retention for each image$"
    ):
        ImageRetention(stack, "Retention", image=image, keep=1, versions=[version])
    assert tree() == before


def test_versions_that_are_no_list_are_refused(image: ImageBase, stack: cdk.Stack, declare: Declare) -> None:
    version = declare(image=image)
    for versions in (version, None, iter([version])):
        with pytest.raises(ValueError, match="versions") as refusal:
            ImageRetention(stack, "Retention", image=image, keep=1, versions=versions)  # type: ignore[arg-type]
        assert str(refusal.value).endswith("must be a list with one item per version: write it like [version]")


def test_version_of_another_stack_is_refused(app: cdk.App, image: ImageBase, declare: Declare) -> None:
    # GIVEN
    version = declare(image=image)
    elsewhere = cdk.Stack(app, "Elsewhere")

    # WHEN / THEN
    with pytest.raises(ValueError, match="version") as refusal:
        ImageRetention(elsewhere, "Retention", image=image, keep=1, versions=[version])
    assert str(refusal.value) == (
        "version 'Stack/Version' must be in stack 'Elsewhere', as the retention is: declare both in one stack, since a "
        "version whose number another stack imports could not be replaced"
    )


def test_a_second_retention_of_an_image_is_refused(
    stack: cdk.Stack, image: ImageBase, tree: Callable[[], list[str]]
) -> None:
    # GIVEN
    ImageRetention(stack, "Retention", image=image, keep=1)
    same = Image.from_image_name(stack, "Same", "Data-Science")
    before = tree()

    # WHEN / THEN
    with pytest.raises(ValueError, match="retention") as refusal:
        ImageRetention(stack, "Second", image=same, keep=2)
    assert str(refusal.value) == (
        "the retention of image 'Data-Science' must be declared once in a stack, but 'Stack/Retention' declares it "
        "too: remove one of the two"
    )
    assert tree() == before
