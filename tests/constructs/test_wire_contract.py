"""What the constructs write is what the handler reads, and what the recorded events of tests/events hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imgver_handler.dispatch import RESOURCES
from imgver_handler.properties import ImageAliasProperties, ImageVersionProperties

from imgver_constructs import ImageVersion, JobType, Processor, VendorGuidance

EVENTS = Path(__file__).parents[1] / "events"
CLOUDFORMATIONS_OWN = {"ServiceToken", "ServiceTimeout"}

Only = Callable[[str], dict[str, Any]]


@pytest.fixture
def version(declare: Callable[..., ImageVersion]) -> ImageVersion:
    """A version with everything that a version can have."""
    return declare(
        aliases=["latest"],
        horovod=False,
        job_type=JobType.NOTEBOOK_KERNEL,
        ml_framework="PyTorch 2.5",
        processor=Processor.GPU,
        programming_lang="Python 3.12",
        release_notes="First release",
        vendor_guidance=VendorGuidance.STABLE,
        adopt_version=7,
    )


def on_the_wire(resource: dict[str, Any]) -> dict[str, Any]:
    """The properties as CloudFormation sends them: scalars as texts, references resolved."""
    return {
        name: "1" if isinstance(value, dict) else str(value)
        for name, value in resource["Properties"].items()
        if name not in CLOUDFORMATIONS_OWN
    }


def recorded(event: str) -> set[str]:
    return json.loads((EVENTS / f"{event}.json").read_text())["ResourceProperties"].keys() - CLOUDFORMATIONS_OWN


def test_image_version(version: ImageVersion, only: Only) -> None:
    # WHEN
    properties = on_the_wire(only("Custom::SageMakerImageVersion"))
    read = ImageVersionProperties.parse(properties)

    # THEN everything that is written is read
    assert read.image_name == properties["ImageName"] == "data-science"
    assert read.base_image == properties["BaseImage"]
    assert read.adopted_version == 7
    assert read.metadata == {
        "Horovod": False,
        "JobType": "NOTEBOOK_KERNEL",
        "MLFramework": "PyTorch 2.5",
        "Processor": "GPU",
        "ProgrammingLang": "Python 3.12",
        "ReleaseNotes": "First release",
        "VendorGuidance": "STABLE",
    }
    assert properties.keys() == {"ImageName", "BaseImage", "AdoptVersion", *read.metadata}
    # The handler also knows what no construct writes yet.
    assert recorded("image_version_create") == properties.keys() - {"AdoptVersion"} | {"OnDelete"}


def test_image_alias(version: ImageVersion, only: Only) -> None:
    # WHEN
    properties = on_the_wire(only("Custom::SageMakerImageAlias"))
    read = ImageAliasProperties.parse(properties)

    # THEN
    assert (read.image_name, read.alias, read.version) == ("data-science", "latest", 1)
    assert properties.keys() == recorded("image_alias_create") == {"ImageName", "Alias", "Version"}


def test_resource_types(version: ImageVersion, only: Only) -> None:
    for resource_type in ("Custom::SageMakerImageVersion", "Custom::SageMakerImageAlias"):
        assert only(resource_type)
        assert resource_type in RESOURCES
