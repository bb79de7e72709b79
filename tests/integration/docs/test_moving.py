"""What docs/how-to/move.md says that goes wrong; test_stories.py runs what it says to do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from constructs import Construct
from imgver_sandbox import Sandbox

from imgver_constructs import BaseImage, IImage, Image, ImageVersion, ImageVersionPolicy

DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(enforce_iam=True, fast=True) as sandbox:
        yield sandbox


@pytest.fixture
def synth(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Synthesize what a function declares as the stack of this name, and return the folder of the assembly."""

    def synth(stack_name: str, declare: Callable[[cdk.Stack], object]) -> Path:
        assembly = tmp_path_factory.mktemp("cdk.out")
        app = cdk.App(outdir=str(assembly), analytics_reporting=False)
        declare(cdk.Stack(app, stack_name))
        app.synth()
        return assembly

    return synth


@pytest.fixture
def deploy(sandbox: Sandbox, direct_deployment: Any, synth: Callable[..., Path]) -> Callable[..., str]:
    """Deploy what a function declares as the stack of this name, and return its status."""
    sandbox.reset()
    deployment = direct_deployment(sandbox)
    deployment.bootstrap()
    registry = sandbox.client("ecr")
    registry.create_repository(repositoryName="data-science")
    registry.put_image(repositoryName="data-science", imageTag="1.0.0", imageManifest=MANIFEST)

    def deploy(stack_name: str, declare: Callable[[cdk.Stack], object]) -> str:
        return str(deployment.deploy(synth(stack_name, declare), stack_name))

    return deploy


@pytest.fixture
def versions(sandbox: Sandbox) -> Callable[[], dict[int, list[str]]]:
    """The aliases of the versions of the image data-science, by number."""
    sagemaker = sandbox.client("sagemaker")

    def versions() -> dict[int, list[str]]:
        listed = sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]
        return {
            each["Version"]: sagemaker.list_aliases(ImageName="data-science", Version=each["Version"])[
                "SageMakerImageVersionAliases"
            ]
            for each in listed
        }

    return versions


def declare_image(scope: Construct) -> Image:
    return Image(scope, "Image", image_name="data-science")


def declare_version(scope: Construct, construct_id: str, image: IImage, **options: Any) -> None:
    repository = ecr.Repository.from_repository_name(scope, "Repository", "data-science")
    base_image = BaseImage.from_ecr_repository(repository, tag="1.0.0")
    ImageVersion(scope, construct_id, image=image, base_image=base_image, aliases=["latest"], **options)


def test_a_version_with_another_path_gets_another_number(deploy, versions) -> None:
    assert deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(stack))) in DONE
    assert versions() == {1: ["latest"]}

    assert deploy("Images", lambda stack: declare_version(stack, "Other", declare_image(stack))) in DONE

    # Whether version 1 is deleted is declared; the alias moves in any case.
    assert versions()[2] == ["latest"]


def test_an_image_with_another_path_and_the_same_name_is_refused(deploy, versions) -> None:
    assert deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(stack))) in DONE

    status = deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(Construct(stack, "Lab"))))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert versions() == {1: ["latest"]}


def test_an_adopted_version_is_deleted_if_its_first_resource_was_not_retained_before(deploy, versions) -> None:
    destroy = {"deletion_policy": ImageVersionPolicy.DELETE}
    assert deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(stack), **destroy)) in DONE

    status = deploy("Images", lambda stack: declare_version(stack, "Adopted", declare_image(stack), adopt_version=1))

    assert status in DONE
    assert versions() == {}


def test_the_alias_is_lost_if_the_new_stack_is_deployed_first(deploy, versions) -> None:
    assert deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(stack))) in DONE

    def adopt(stack: cdk.Stack) -> None:
        imported = Image.from_image_name(stack, "Imported", "data-science")
        declare_version(stack, "Version", imported, adopt_version=1)

    assert deploy("Versions", adopt) in DONE
    assert deploy("Images", declare_image) in DONE

    assert versions() == {1: []}


def test_cdk_refactor_moves_no_version(deploy, synth, versions, sandbox) -> None:
    assert deploy("Images", lambda stack: declare_version(stack, "Version", declare_image(stack))) in DONE
    moved = synth("Images", lambda stack: declare_version(Construct(stack, "Lab"), "Version", declare_image(stack)))

    done = subprocess.run(
        ["cdk", "refactor", "--unstable=refactor", "--app", str(moved)],
        env=sandbox.environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )

    assert "A refactor operation cannot add, remove or update resources" in done.stdout + done.stderr
    assert versions() == {1: ["latest"]}
