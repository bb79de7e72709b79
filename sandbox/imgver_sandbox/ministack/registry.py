"""MiniStack's ECR as the images service's container registry."""

import json
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import APP, module
from imgver_sandbox.ministack.iam import denial
from imgver_sandbox.sagemaker.container_registry import RegistryImage, parse_image_uri


class EcrRegistry:
    """Reads the container images of MiniStack's ECR."""

    def resolve(self, uri: str, /) -> RegistryImage | None:
        """The image that `uri` identifies now. None if the repository, the tag or the digest does not exist."""
        parsed = parse_image_uri(uri)
        if parsed is None:
            return None
        images = module("ministack.services.ecr")._images
        for image in images.get_scoped(parsed.registry_id, parsed.region, parsed.repository, []):
            if image["imageDigest"] == parsed.digest or parsed.tag in image["imageTags"]:
                return RegistryImage(digest=image["imageDigest"], media_type=_media_type(image))
        return None

    def pull_denial(self, uri: str, role_arn: str, /) -> str | None:
        """The reason why the role must not pull the image that `uri` identifies. None if it may.

        Unless IAM is enforced, every role may.
        """
        parsed = parse_image_uri(uri)
        if parsed is None or not module(APP).AUTH:
            return None
        repository = f"arn:aws:ecr:{parsed.region}:{parsed.registry_id}:repository/{parsed.repository}"
        for action, resource in (
            ("ecr:GetAuthorizationToken", "*"),
            ("ecr:BatchGetImage", repository),
            ("ecr:GetDownloadUrlForLayer", repository),
        ):
            refused = denial(role_arn, action, resource, session="SageMaker")
            if refused:
                return refused
        return None


def _media_type(image: Mapping[str, Any]) -> str:
    # As in ECR, the type in the manifest counts. MiniStack assumes Docker's type if the request has none.
    try:
        manifest = json.loads(image["imageManifest"])
    except ValueError:
        manifest = {}
    declared = manifest.get("mediaType") if isinstance(manifest, dict) else None
    return str(declared or image["imageManifestMediaType"])
