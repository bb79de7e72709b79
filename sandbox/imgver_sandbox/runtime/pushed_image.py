"""The result of a push to the registry of a sandbox."""

from dataclasses import dataclass
from typing import Literal

ManifestKind = Literal["docker", "oci", "list"]


@dataclass(frozen=True)
class PushedImage:
    """A container image in the registry of a sandbox."""

    uri: str
    """The URI with the tag, as SageMaker's `BaseImage`."""

    digest: str
    """The digest of the manifest: `sha256:` and 64 hexadecimal digits."""
