"""Pushes container images to Amazon ECR in the sandbox: python push.py REPOSITORY:TAG …

The sandbox reads only the manifest of a container image, so the script pushes only a manifest. Each push has a new
digest.
"""

import contextlib
import json
import secrets
import sys

import boto3

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"

ecr = boto3.client("ecr")
for name in sys.argv[1:]:
    repository, _, tag = name.partition(":")
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    digest = f"sha256:{secrets.token_hex(32)}"
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 0, "digest": digest}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER, "config": config, "layers": []})
    ecr.put_image(repositoryName=repository, imageTag=tag, imageManifest=manifest, imageManifestMediaType=DOCKER)
