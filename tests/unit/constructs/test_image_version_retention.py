"""ImageVersionRetention: the resource that it creates, and its dependencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from imgver_constructs import IImage, Image, ImageAlias, ImageVersion, ImageVersionProvider, ImageVersionRetention

RETENTION = "Custom::SageMakerImageRetention"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]
WaitsFor = Callable[[dict[str, Any]], set[str]]


@pytest.fixture
def image(stack: cdk.Stack) -> IImage:
    return Image.from_image_name(stack, "Image", "data-science")


def test_it_retains_and_depends_on_the_versions_and_aliases_of_the_image(
    stack: cdk.Stack, image: IImage, declare: Declare, only: Only, waits_for: WaitsFor
) -> None:
    # GIVEN versions and aliases before and after the retention, an imported version, and another image
    earlier = declare("Earlier", image=image, aliases=["stable"])
    imported = ImageVersion.from_image_version_attributes(stack, "Imported", image=image, version=3)
    ImageVersionRetention(stack, "Retention", image=image, max_version_count=5, versions=[earlier, imported])
    later = declare("Later", image=Image.from_image_name(stack, "Same", "Data-Science"))
    ImageAlias(stack, "Latest", alias_name="latest", version=later)
    declare("Other", image=Image.from_image_name(stack, "OtherImage", "deep-learning"), aliases=["stable"])

    resource = only(RETENTION)
    numbers = [{"Fn::GetAtt": [logical_id, "Version"]} for logical_id in ("Earlier5F530BFE", "LaterC575820C")]
    assert resource["Properties"]["ImageName"] == "data-science"
    assert resource["Properties"]["Keep"] == 5
    assert resource["Properties"]["ConstructPath"] == "Stack/Retention"
    assert resource["Properties"]["Versions"] == [3, *numbers]
    assert {each for each in waits_for(resource) if not each.startswith("ImageVersionProvider")} == {
        "Earlier5F530BFE",
        "ImageAliaslatest4E83551BDDEECEF9",
        "ImageAliasstable4DA6F7C1B5F1CC07",
        "LaterC575820C",
    }


def test_provider_and_keep_as_a_token(stack: cdk.Stack, image: IImage, only: Only) -> None:
    provider = ImageVersionProvider(stack, "Named")
    count: Any = cdk.CfnParameter(stack, "Keep", type="Number").value_as_number

    ImageVersionRetention(stack, "Retention", image=image, max_version_count=count, provider=provider)

    properties = only(RETENTION)["Properties"]
    assert properties["ServiceToken"]["Fn::GetAtt"][0].startswith("NamedFunction")
    assert properties["Keep"] == {"Ref": "Keep"}


@pytest.mark.parametrize("count", [0, -1, 1.5, "5", True, None])
def test_keep_that_is_not_a_positive_integer_is_refused(
    stack: cdk.Stack, image: IImage, refused: Refused, count: Any
) -> None:
    assert refused(lambda: ImageVersionRetention(stack, "Retention", image=image, max_version_count=count)) == (
        f"max_version_count {count!r} must be a whole number of at least 1: "
        "give the number of newest versions to retain"
    )


def test_versions_that_are_not_a_list_of_versions_of_the_image_are_refused(
    stack: cdk.Stack, image: IImage, declare: Declare, refused: Refused
) -> None:
    def refusal(versions: Any) -> str:
        return refused(
            lambda: ImageVersionRetention(stack, "Retention", image=image, max_version_count=1, versions=versions)
        )

    version = declare(image=image)
    other = declare("Other", image=Image.from_image_name(stack, "OtherImage", "deep-learning"))

    for versions in (version, None, iter([version])):
        assert refusal(versions).endswith("must be a list with one item per version: write it like [version]")
    for foreign in (other, 7):
        assert refusal([foreign]).endswith(
            "must be an ImageVersion of image 'data-science': declare one retention for each image"
        )
