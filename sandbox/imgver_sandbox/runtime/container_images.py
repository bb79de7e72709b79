"""The push of a container image to the registry of a sandbox. The image consists of its manifest only."""

import contextlib
import json
import re
import secrets
import typing
from typing import Any

from botocore.client import BaseClient

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime.pushed_image import ManifestKind, PushedImage
from imgver_sandbox.sagemaker.container_registry import DOCKER_MANIFEST_LIST, DOCKER_V2_SCHEMA_2, OCI_MANIFEST

_REFERENCE = re.compile(r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*):(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})")


def push(ecr: BaseClient, reference: str, kind: ManifestKind) -> PushedImage:
    """Push an image with the client `ecr`; the other parameters and the errors are those of `Sandbox.push`."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise SandboxError(
            f"reference {reference!r} must be a repository in lower case and a tag: write it like 'data-science:1.0.0'"
        )
    if kind not in typing.get_args(ManifestKind):
        raise SandboxError(f"manifest {kind!r} must be one of {', '.join(typing.get_args(ManifestKind))}")
    repository, tag = found["repository"], found["tag"]
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    if kind == "list":
        image = _put(ecr, repository, _manifest(DOCKER_V2_SCHEMA_2))
        entry = {
            "mediaType": DOCKER_V2_SCHEMA_2,
            "digest": image["imageId"]["imageDigest"],
            "size": len(image["imageManifest"]),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        manifest = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST_LIST, "manifests": [entry]}
    else:
        manifest = _manifest(OCI_MANIFEST if kind == "oci" else DOCKER_V2_SCHEMA_2)
    pushed = _put(ecr, repository, manifest, imageTag=tag)
    (described,) = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    return PushedImage(uri=f"{described['repositoryUri']}:{tag}", digest=pushed["imageId"]["imageDigest"])


def _manifest(media_type: str) -> dict[str, Any]:
    """Return the manifest of an image whose configuration, and so whose digest, nothing else has."""
    config_type = {
        DOCKER_V2_SCHEMA_2: "application/vnd.docker.container.image.v1+json",
        OCI_MANIFEST: "application/vnd.oci.image.config.v1+json",
    }[media_type]
    config = {
        "mediaType": config_type,
        "digest": f"sha256:{secrets.token_hex(32)}",
        "size": 0,
    }
    return {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}


def _put(ecr: BaseClient, repository: str, manifest: dict[str, Any], **options: str) -> dict[str, Any]:
    image: dict[str, Any] = ecr.put_image(
        repositoryName=repository,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=manifest["mediaType"],
        **options,
    )["image"]
    return image
