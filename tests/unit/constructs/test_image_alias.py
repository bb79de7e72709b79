"""ImageAlias: the resource that it creates, and its logical id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import aws_cdk as cdk
import pytest
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageAlias, ImageVersion, ImageVersionProvider, ImageVersionRetention

ALIAS = "Custom::SageMakerImageAlias"
URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
Resources = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]


def test_properties_and_dependencies(stack: cdk.Stack, declare: Declare, resources: Resources) -> None:
    alias = ImageAlias(stack, "Stable", alias_name="stable", version=declare())

    assert alias.alias_name == "stable"
    assert resources(ALIAS) == {
        "ImageAliasstable4DA6F7C1B5F1CC07": {
            "Type": ALIAS,
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": ["ImageVersionProviderFunction124F3991", "Arn"]},
                "ServiceTimeout": "1800",
                "ConstructPath": "Stack/Stable",
                "ImageName": "data-science",
                "Alias": "stable",
                "Version": {"Ref": "Version6A868472"},
            },
        }
    }


@pytest.mark.parametrize("named", [True, False])
def test_provider_of_an_alias_of_an_imported_version(stack: cdk.Stack, only: Only, named: bool) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"
    version = ImageVersion.from_image_version_arn(stack, "Version", arn)
    provider = ImageVersionProvider(stack, "Named") if named else None

    ImageAlias(stack, "Alias", alias_name="stable", version=version, provider=provider)

    properties = only(ALIAS)["Properties"]
    assert (properties["ImageName"], properties["Alias"], properties["Version"]) == ("data-science", "stable", 7)
    function = properties["ServiceToken"]["Fn::GetAtt"][0]
    assert function.startswith("NamedFunction" if named else "ImageVersionProviderFunction")


@pytest.mark.parametrize("image_name", ["data-science", "Data-Science"])
@pytest.mark.parametrize("below_the_version", [True, False])
def test_the_logical_id_does_not_depend_on_the_scope(
    stack: cdk.Stack, declare: Declare, resources: Resources, image_name: str, below_the_version: bool
) -> None:
    version = declare(image=Image.from_image_name(stack, "Image", image_name))

    scope = version if below_the_version else Construct(stack, "Elsewhere")
    ImageAlias(scope, "Stable", alias_name="stable", version=version)

    assert list(resources(ALIAS)) == ["ImageAliasstable4DA6F7C1B5F1CC07"]


def test_aliases_that_differ_in_punctuation_or_in_the_image(
    stack: cdk.Stack, declare: Declare, resources: Resources
) -> None:
    declare("One", aliases=["1.4", "14", "1-4"])
    declare("Two", aliases=["14"], image=Image.from_image_name(stack, "Other", "other"))

    assert len(resources(ALIAS)) == 4


@pytest.mark.parametrize("alias_name", ["a b", "", None])
def test_a_name_that_sagemaker_refuses(stack: cdk.Stack, declare: Declare, refused: Refused, alias_name: Any) -> None:
    version = declare()

    assert refused(lambda: ImageAlias(stack, "Alias", alias_name=alias_name, version=version)) == (
        f"alias_name {alias_name!r} must be 1 to 128 letters, digits, dots, hyphens and underscores, "
        "and must not start with a dot or hyphen: write it like 'latest' or '1.4.0'"
    )


@pytest.mark.parametrize("version", [3, None])
def test_a_version_that_is_not_a_version_is_refused(stack: cdk.Stack, refused: Refused, version: Any) -> None:
    assert refused(lambda: ImageAlias(stack, "Alias", alias_name="latest", version=version)) == (
        f"version {version!r} must be an ImageVersion: for an existing one use ImageVersion.from_image_version_arn(…)"
    )


def test_a_removed_construct_can_be_declared_again(stack: cdk.Stack, resources: Resources) -> None:
    def declare(description: str, count: int) -> None:
        image = Image(stack, "Image", image_name="data-science", description=description)
        ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=["latest"])
        ImageVersionRetention(stack, "Retention", image=image, max_version_count=count)

    # GIVEN an image, removed with its scope; and an image, a version with an alias and a retention, removed one by one
    Image(Construct(stack, "Scope"), "Image", image_name="data-science")
    assert stack.node.try_remove_child("Scope")
    declare("Old", 1)
    for name in ("Retention", "Version", "Image"):
        assert stack.node.try_remove_child(name)

    # WHEN the same is declared once more
    declare("New", 3)

    # THEN it is in the template, and can be declared only once
    (image,) = resources("AWS::SageMaker::Image").values()
    (retention,) = resources("Custom::SageMakerImageRetention").values()
    assert (image["Properties"]["ImageDescription"], retention["Properties"]["Keep"]) == ("New", 3)
    assert len(resources(ALIAS)) == 1
    with pytest.raises(
        ValueError, match="must be declared once in an account and region, but 'Stack/Retention' declares it too"
    ):
        ImageVersionRetention(stack, "Again", image=cast("Image", stack.node.find_child("Image")), max_version_count=3)
