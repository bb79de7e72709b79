"""The adapter: the names of MiniStack that it uses, and the service that it adds."""

import json
import uuid

from imgver_sandbox.ministack import hooks
from imgver_sandbox.runtime import server_environment


def test_every_changed_name_is_detected(run_in_server_environment):
    # WHEN each name in turn is missing, has another type or another signature
    result = run_in_server_environment(
        """
import importlib, json
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.ministack import hooks

hooks.check_hooks()
said = []
for module, name in hooks.HOOKS:
    module = importlib.import_module(module)
    real = getattr(module, name)
    for moved in (None, object(), lambda something_new: None):
        setattr(module, name, moved)
        try:
            hooks.check_hooks()
            said.append(f"{name}: nothing")
        except SandboxError as error:
            said.append(str(error))
    setattr(module, name, real)
print(json.dumps(said))
"""
    )
    said = json.loads(result.stdout)

    # THEN each error has the name
    assert len(said) == 3 * len(hooks.HOOKS)
    assert all(" must be " in line for line in said), said
    assert said[0] == (
        "ministack 1.5.33 is modified: ministack.app.app must be (scope, receive, send), found nothing: "
        f"remove the folder {server_environment.python().parents[1]}, which the next start installs again"
    )


def test_ecr_is_read_in_the_account_and_region_of_the_uri(run_in_server_environment):
    # GIVEN images in one repository: Docker's, OCI's by its manifest only, and one without a tag
    result = run_in_server_environment(
        """
import json
from imgver_sandbox.ministack import EcrRegistry
from ministack.core.responses import request_scope
from ministack.services import ecr

def manifest(kind, name):
    return json.dumps({"schemaVersion": 2, "name": name} | ({"mediaType": kind} if kind else {}))

with request_scope("111122223333", "eu-central-1"):
    ecr._create_repository({"repositoryName": "team/science"})
    ecr._create_repository({"repositoryName": "empty"})
    for tag, text, kind in (
        ("docker", manifest("application/vnd.docker.distribution.manifest.v2+json", "a"), None),
        ("oci", manifest("application/vnd.oci.image.manifest.v1+json", "b"), None),
        ("moved", manifest(None, "c"), "application/vnd.oci.image.index.v1+json"),
        ("moved", manifest(None, "d"), "application/vnd.docker.distribution.manifest.v2+json"),
        ("latest", "no json", None),
    ):
        stated = {"imageManifestMediaType": kind} if kind else {}
        ecr._put_image({"repositoryName": "team/science", "imageManifest": text, "imageTag": tag, **stated})

# WHEN the images service resolves them outside any request
uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/science"
digest = ecr._image_digest(manifest(None, "c"))
for requested in (f"{uri}:docker", f"{uri}:oci", f"{uri}:moved", f"{uri}@{digest}", uri, f"{uri}:other",
              uri.replace("1111", "9999") + ":oci", uri.replace("central", "west") + ":oci", f"{uri}/x:oci",
              uri.replace("team/science", "empty"), "python:3.12"):
    found = EcrRegistry().resolve(requested)
    print(found and found.media_type.split(".")[-2:], bool(found) and found.digest == digest)
"""
    )

    # THEN each is found by tag or digest with the type of its manifest, and no other image is found
    assert result.stdout.splitlines() == [
        "['manifest', 'v2+json'] False",
        "['manifest', 'v1+json'] False",
        "['manifest', 'v2+json'] False",
        "['index', 'v1+json'] True",
        "['manifest', 'v2+json'] False",
        *["None False"] * 6,
    ], result.stderr


def test_a_response_has_one_request_id(sagemaker):
    metadata = sagemaker.list_images()["ResponseMetadata"]

    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]
    uuid.UUID(metadata["RequestId"])
