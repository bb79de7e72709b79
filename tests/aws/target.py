"""The targets of the probe: SageMaker's images in this process, or an AWS account. Both are used with boto3."""

import contextlib
import functools
import gzip
import hashlib
import itertools
import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from imgver_sandbox import Assumptions
from imgver_sandbox.in_process import SageMakerImages
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2, OCI_MANIFEST

PREFIX = "imgver-conformance-"
"""The start of the name of every resource that the probe creates."""

_TIMEOUT_SECONDS = 900
_ROLE_SECONDS = 60
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

# The media types of the configuration and of a layer, by the media type of the manifest.
_PARTS = {
    DOCKER_V2_SCHEMA_2: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    OCI_MANIFEST: ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
}

Found = TypeVar("Found")


class Target(ABC):
    """An account with a role and a base image, and the operations that several tests need."""

    is_real: bool
    """Whether this is an AWS account, where nothing is assumed and time passes by itself."""

    role: str
    """The ARN of a role that may pull the base image."""

    base_image: str
    """An ECR image URI with a tag."""

    can_push = True
    """Whether the repository of the base image belongs to the run."""

    def __init__(
        self, clients: Callable[[Any], Any], *, now: Callable[[], float], pause: Callable[[float], None]
    ) -> None:
        self.client = functools.cache(clients)
        self.now = now
        self.pause = pause
        self.prefix = f"{PREFIX}{uuid.uuid4().hex[:8]}-"
        self._count = itertools.count(1)

    @abstractmethod
    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        """Push a new container image under a tag of the base image's repository, and return its digest."""

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    @property
    def repository(self) -> str:
        """The base image's URI without its tag or digest."""
        return self.base_image.partition("@")[0].rpartition(":")[0] or self.base_image

    def name(self, stem: str = "i") -> str:
        """A unique name."""
        return f"{self.prefix}{stem}{next(self._count)}"

    def poll(self, read: Callable[[], Found], done: Callable[[Found], bool]) -> Found:
        """Read something until it is done, and return it."""
        end, pause = self.now() + _TIMEOUT_SECONDS, _SHORTEST_PAUSE
        while not done(found := read()):
            assert self.now() < end, f"after {_TIMEOUT_SECONDS} s the result is still {found}"
            self.pause(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
        return found

    def write(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation, and again while it is refused because of another write to the image."""

        def call() -> Mapping[str, Any] | None:
            try:
                return dict(getattr(self.sagemaker, operation)(**parameters))
            except ClientError as error:
                if code(error) == "ResourceInUse" and "concurrently" in message(error):
                    return None
                raise

        response = self.poll(call, lambda found: found is not None)
        assert response is not None
        return response

    def refusal(self, operation: str, **parameters: Any) -> ClientError:
        """Call an operation that must be refused, and return its error."""
        error = outcome(lambda: self.write(operation, **parameters))
        assert error is not None, f"{operation} was not refused"
        return error

    def make_image(self, stem: str = "i", name: str = "", **parameters: Any) -> str:
        """Create an image, wait for it, and return its name."""
        name = name or self.name(stem)
        self.sagemaker.create_image(**{"ImageName": name, "RoleArn": self.role, **parameters})
        image = self.poll(
            lambda: self.sagemaker.describe_image(ImageName=name), lambda found: found["ImageStatus"] != "CREATING"
        )
        assert image["ImageStatus"] == "CREATED", image.get("FailureReason")
        return name

    def start_version(self, image: str, **parameters: Any) -> str:
        """Create a version, and return its ARN without waiting for it."""
        created = self.write("create_image_version", **{"ImageName": image, "BaseImage": self.base_image, **parameters})
        return str(created["ImageVersionArn"])

    def make_version(self, image: str, **parameters: Any) -> int:
        """Create a version, wait for it, and return its number."""
        number = number_of(self.start_version(image, **parameters))
        version = self.describe_when_created(image, number)
        assert version["ImageVersionStatus"] == "CREATED", version.get("FailureReason")
        return number

    def describe(self, image: str, number: int) -> dict[str, Any]:
        return dict(self.sagemaker.describe_image_version(ImageName=image, Version=number))

    def describe_when_created(self, image: str, number: int) -> dict[str, Any]:
        """The description of a version, as soon as it is no longer CREATING."""
        return self.poll(lambda: self.describe(image, number), lambda found: found["ImageVersionStatus"] != "CREATING")

    def exists(self, image: str, number: int) -> bool:
        try:
            self.describe(image, number)
        except self.sagemaker.exceptions.ResourceNotFound:
            return False
        return True

    def delete_version(self, image: str, number: int) -> None:
        """Delete a version, and wait until it is gone."""
        self.write("delete_image_version", ImageName=image, Version=number)
        self.poll(lambda: self.exists(image, number), lambda found: not found)

    def owner(self, image: str, alias: str) -> int | None:
        """The number of the version that has an alias, or None."""
        try:
            return int(self.sagemaker.describe_image_version(ImageName=image, Alias=alias)["Version"])
        except self.sagemaker.exceptions.ResourceNotFound:
            return None

    def aliases(self, image: str, **which: Any) -> list[str]:
        pages = self.sagemaker.get_paginator("list_aliases").paginate(ImageName=image, **which)
        return sorted(alias for page in pages for alias in page["SageMakerImageVersionAliases"])


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def message(error: ClientError) -> str:
    return str(error.response["Error"]["Message"])


def outcome(call: Callable[[], object]) -> ClientError | None:
    """The error of a call, or None if it succeeds."""
    try:
        call()
    except ClientError as error:
        return error
    return None


def number_of(arn: str) -> int:
    return int(arn.rpartition("/")[2])


class LocalTarget(Target):
    """SageMaker's images in this process. Waiting moves its clock."""

    is_real = False

    def __init__(self, assumptions: Assumptions) -> None:
        aws = SageMakerImages(assumptions=assumptions)
        super().__init__(aws.client, now=aws.clock.now, pause=aws.clock.advance)
        self.assumptions = assumptions
        self._registry = aws.registry
        self.role = f"arn:aws:iam::{aws.account}:role/images"
        self.base_image = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com/{PREFIX}base:1"
        self.push("1")

    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        return self._registry.push(f"{self.repository}:{tag}", media_type)


class AwsTarget(Target):
    """The account of the user's credentials. `prepare` creates a role and a base image unless the user brings them."""

    is_real = True

    def __init__(self, session: boto3.Session, *, role: str | None, base_image: str | None) -> None:
        def client(service: str) -> Any:
            # Adaptive retries also slow the client down after SageMaker has throttled it.
            attempts = 12 if service == "sagemaker" else 3
            return session.client(service, config=Config(retries={"mode": "adaptive", "total_max_attempts": attempts}))

        super().__init__(client, now=time.time, pause=time.sleep)
        self.role = role or ""
        self.base_image = base_image or ""
        self.can_push = not base_image
        self._repository_name = f"{self.prefix}base"

    def prepare(self) -> None:
        """Create what the user did not bring, and check that a version can be created at all."""
        if self.can_push:
            created = self.client("ecr").create_repository(repositoryName=self._repository_name)
            self.base_image = f"{created['repository']['repositoryUri']}:1"
            self.push("1")
        end = self.now()
        if not self.role:
            self.role = self._create_role()
            end += _ROLE_SECONDS  # a new role is not known everywhere at once
        while (failure := self._try_a_version()) is not None and self.now() < end:
            self.pause(_LONGEST_PAUSE)
        if failure is not None:
            raise RuntimeError(
                f"no version of the base image {self.base_image} could be created with the role {self.role}: "
                f"{failure}. Set CONFORMANCE_BASE_IMAGE to a container image in Amazon ECR with a Docker V2 schema 2 "
                "manifest, and CONFORMANCE_ROLE_ARN to a role that may pull it"
            )

    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        tar = bytes(1024)
        layer = gzip.compress(tar, mtime=0)
        labels = {"push": uuid.uuid4().hex}
        root = {"type": "layers", "diff_ids": [_digest(tar)]}
        config = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "rootfs": root}
        blobs = (json.dumps(config).encode(), layer)
        described = [
            {"mediaType": part, "size": len(blob), "digest": _digest(blob)}
            for part, blob in zip(_PARTS[media_type], blobs, strict=True)
        ]
        manifest = {"schemaVersion": 2, "mediaType": media_type, "config": described[0], "layers": described[1:]}
        for blob in blobs:
            self._upload(blob)
        pushed = self.client("ecr").put_image(
            repositoryName=self._repository_name,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=media_type,
            imageTag=tag,
        )
        return str(pushed["image"]["imageId"]["imageDigest"])

    def _upload(self, blob: bytes) -> None:
        ecr, repository = self.client("ecr"), {"repositoryName": self._repository_name}
        upload = {**repository, "uploadId": ecr.initiate_layer_upload(**repository)["uploadId"]}
        ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
        with contextlib.suppress(ecr.exceptions.LayerAlreadyExistsException):
            ecr.complete_layer_upload(**upload, layerDigests=[_digest(blob)])

    def _create_role(self) -> str:
        iam, name = self.client("iam"), f"{self.prefix}role"
        trust = policy("sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"})
        pull = policy("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", Resource="*")
        role = iam.create_role(
            RoleName=name, Path=f"/{PREFIX.rstrip('-')}/", AssumeRolePolicyDocument=json.dumps(trust)
        )
        iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=json.dumps(pull))
        return str(role["Role"]["Arn"])

    def _try_a_version(self) -> str | None:
        """Create a version, and return the reason if it fails."""
        try:
            self.make_version(self.make_image("first"))
        except (AssertionError, ClientError) as error:
            return str(error)
        return None


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def policy(*actions: str, **rest: Any) -> dict[str, Any]:
    """A policy document of one statement."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), **rest}]}
