"""A retained version loses its container image to `cdk gc` if that is an asset."""

import pytest
from aws_cdk.assertions import Annotations, Match

from imgver_constructs import BaseImage, ImageVersionPolicy

DELETED = {"update_replace_policy": ImageVersionPolicy.DELETE, "deletion_policy": ImageVersionPolicy.DELETE}

MESSAGE = Match.string_like_regexp("base_image should not be an asset if the version is retained or archived: ")


@pytest.fixture
def asset(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return BaseImage.from_asset(tmp_path)


@pytest.mark.parametrize(
    "policies",
    [
        {},
        DELETED | {"deletion_policy": ImageVersionPolicy.RETAIN},
        DELETED | {"update_replace_policy": ImageVersionPolicy.ARCHIVE},
    ],
)
def test_an_asset_of_a_retained_version_is_a_warning(stack, declare, asset, policies):
    declare(base_image=asset, **policies)

    Annotations.from_stack(stack).has_warning("/Stack/Version", MESSAGE)


def test_other_base_images_and_deleted_versions_have_none(stack, declare, asset):
    declare(base_image=asset, **DELETED)
    declare("InRepository")

    Annotations.from_stack(stack).has_no_warning("*", MESSAGE)
