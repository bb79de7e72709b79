"""Where the conformance tests run: SageMaker's images in this process, or a real account. Both are boto3 clients."""

import contextlib
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
from imgver_sandbox.in_process import SageMakerImages
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2, OCI_MANIFEST

PREFIX = "imgver-conformance-"
"""What the name of everything begins with that these tests make."""

_PATIENCE_SECONDS = 900
_ROLE_SECONDS = 60
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

# The media types of a container image's configuration and layers, by that of its manifest.
_PARTS = {
    DOCKER_V2_SCHEMA_2: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
    OCI_MANIFEST: ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
}

Found = TypeVar("Found")


class Target(ABC):
    """An account with a base image to make versions of, and what the tests do in it again and again."""

    is_real: bool
    """Whether this is an account, where nothing is assumed and time passes by itself."""

    role: str
    """The ARN of a role that may pull the base image."""

    base_image: str
    """An ECR image URI with a tag."""

    can_push: bool
    """Whether the base image is in a repository of the run's own."""

    def __init__(self) -> None:
        self.prefix = f"{PREFIX}{uuid.uuid4().hex[:8]}-"
        self._count = itertools.count(1)

    @abstractmethod
    def client(self, service: str) -> Any:
        """A boto3 client."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    def pause(self, seconds: float) -> None:
        """Let time pass."""

    @abstractmethod
    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        """Put a new container image under the tag, beside the base image; answer its digest."""

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    @property
    def repository(self) -> str:
        """The base image's URI without its tag or digest."""
        return self.base_image.partition("@")[0].rpartition(":")[0] or self.base_image

    def name(self, stem: str = "i") -> str:
        """A name that nothing else has."""
        return f"{self.prefix}{stem}{next(self._count)}"

    def token(self) -> str:
        """A ClientToken that nothing else has."""
        return str(uuid.uuid4())

    def poll(self, look: Callable[[], Found], done: Callable[[Found], bool]) -> Found:
        """What `look` answers once it is `done`."""
        end, pause = self.now() + _PATIENCE_SECONDS, _SHORTEST_PAUSE
        while not done(found := look()):
            assert self.now() < end, f"this is still so after {_PATIENCE_SECONDS} s: {found}"
            self.pause(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
        return found

    def write(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation as soon as no other write to the image keeps it away."""

        def call() -> Mapping[str, Any] | None:
            try:
                return dict(getattr(self.sagemaker, operation)(**parameters))
            except ClientError as error:
                if code(error) == "ResourceInUse" and "concurrently" in message(error):
                    return None
                raise

        answer = self.poll(call, lambda found: found is not None)
        assert answer is not None
        return answer

    def refusal(self, operation: str, **parameters: Any) -> ClientError:
        """The error that a call is answered with."""
        try:
            answer = self.write(operation, **parameters)
        except ClientError as error:
            return error
        raise AssertionError(f"{operation} answered {answer}")

    def make_image(self, stem: str = "i", **parameters: Any) -> str:
        """Create an image, wait for it, and answer its name."""
        return self.make_named_image(self.name(stem), **parameters)

    def make_named_image(self, name: str, **parameters: Any) -> str:
        self.sagemaker.create_image(**{"ImageName": name, "RoleArn": self.role, **parameters})
        image = self.poll(
            lambda: self.sagemaker.describe_image(ImageName=name), lambda found: found["ImageStatus"] != "CREATING"
        )
        assert image["ImageStatus"] == "CREATED", image.get("FailureReason")
        return name

    def start_version(self, image: str, **parameters: Any) -> str:
        """Create a version and answer its ARN at once."""
        answer = self.write("create_image_version", **{"ImageName": image, "BaseImage": self.base_image, **parameters})
        return str(answer["ImageVersionArn"])

    def make_version(self, image: str, **parameters: Any) -> int:
        """Create a version, wait for it, and answer its number."""
        number = number_of(self.start_version(image, **parameters))
        version = self.settled(image, number)
        assert version["ImageVersionStatus"] == "CREATED", version.get("FailureReason")
        return number

    def describe(self, image: str, number: int) -> dict[str, Any]:
        return dict(self.sagemaker.describe_image_version(ImageName=image, Version=number))

    def settled(self, image: str, number: int) -> dict[str, Any]:
        """The version's description once it is no longer being created."""
        return self.poll(lambda: self.describe(image, number), lambda found: found["ImageVersionStatus"] != "CREATING")

    def exists(self, image: str, number: int) -> bool:
        try:
            self.describe(image, number)
        except self.sagemaker.exceptions.ResourceNotFound:
            return False
        return True

    def delete_version(self, image: str, number: int) -> None:
        """Delete a version and wait until it is gone."""
        self.write("delete_image_version", ImageName=image, Version=number)
        self.poll(lambda: self.exists(image, number), lambda found: not found)

    def owner(self, image: str, alias: str) -> int | None:
        """The version that holds the alias, if one does."""
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
    """What a call comes to: None, or the error."""
    try:
        call()
    except ClientError as error:
        return error
    return None


def number_of(arn: str) -> int:
    return int(arn.rpartition("/")[2])


class LocalTarget(Target):
    """SageMaker's images in this process, on a clock that moves when something is waited for."""

    is_real = False
    can_push = True

    def __init__(self, assumptions: Assumptions) -> None:
        super().__init__()
        self.assumptions = assumptions
        self._aws = SageMakerImages(assumptions=assumptions)
        self._clients: dict[str, Any] = {}
        self.role = f"arn:aws:iam::{self._aws.account}:role/images"
        self.base_image = f"{self._aws.account}.dkr.ecr.{self._aws.region}.amazonaws.com/{PREFIX}base:1"
        self.push("1")

    def client(self, service: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = self._aws.client(service)
        return self._clients[service]

    def now(self) -> float:
        return self._aws.clock.now()

    def pause(self, seconds: float) -> None:
        self._aws.clock.advance(seconds)

    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        return self._aws.registry.push(f"{self.repository}:{tag}", media_type)


class AwsTarget(Target):
    """The account that boto3 finds by its usual settings.

    Without a role or a base image of the user's, it makes them: `prepare`. The tests' last step removes all of it.
    """

    is_real = True

    def __init__(self, session: boto3.Session, *, role: str | None, base_image: str | None) -> None:
        super().__init__()
        self._session = session
        self._clients: dict[str, Any] = {}
        self.role = role or ""
        self.base_image = base_image or ""
        self.can_push = not base_image
        self._repository_name = f"{self.prefix}base"

    def client(self, service: str) -> Any:
        if service not in self._clients:
            # Adaptive: it also slows down when it is throttled, as happens with SageMaker.
            attempts = 12 if service == "sagemaker" else 3
            self._clients[service] = self._session.client(
                service, config=Config(retries={"mode": "adaptive", "total_max_attempts": attempts})
            )
        return self._clients[service]

    def now(self) -> float:
        return time.time()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def prepare(self) -> None:
        """Make what the user did not bring, and see that a version comes about at all."""
        if self.can_push:
            created = self.client("ecr").create_repository(repositoryName=self._repository_name)
            self.base_image = f"{created['repository']['repositoryUri']}:1"
            self.push("1")
        end = self.now()
        if not self.role:
            self.role = self._make_role()
            end += _ROLE_SECONDS  # a new role is not everywhere at once
        while (failure := self._try_a_version()) is not None and self.now() < end:
            self.pause(_LONGEST_PAUSE)
        if failure is not None:
            raise RuntimeError(
                f"no version of the base image {self.base_image} could be made with the role {self.role}: {failure}. "
                "Set CONFORMANCE_BASE_IMAGE and CONFORMANCE_ROLE_ARN to a container image in Amazon ECR, with a Docker "
                "V2 schema 2 manifest, and to a role that may pull it"
            )

    def push(self, tag: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        tar = bytes(1024)
        layer = gzip.compress(tar, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"push": uuid.uuid4().hex}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(tar)]},
            }
        ).encode()
        config_type, layer_type = _PARTS[media_type]
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": _descriptor(config, config_type),
            "layers": [_descriptor(layer, layer_type)],
        }
        for blob in (layer, config):
            self._upload(blob)
        answer = self.client("ecr").put_image(
            repositoryName=self._repository_name,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=media_type,
            imageTag=tag,
        )
        return str(answer["image"]["imageId"]["imageDigest"])

    def _upload(self, blob: bytes) -> None:
        ecr, repository = self.client("ecr"), {"repositoryName": self._repository_name}
        upload = {**repository, "uploadId": ecr.initiate_layer_upload(**repository)["uploadId"]}
        ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
        with contextlib.suppress(ecr.exceptions.LayerAlreadyExistsException):
            ecr.complete_layer_upload(**upload, layerDigests=[_digest(blob)])

    def _make_role(self) -> str:
        iam, name = self.client("iam"), f"{self.prefix}role"
        role = iam.create_role(
            RoleName=name,
            Path=f"/{PREFIX.rstrip('-')}/",
            AssumeRolePolicyDocument=_policy("sts:AssumeRole", Principal={"Service": "sagemaker.amazonaws.com"}),
        )
        pull = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=_policy(*pull, Resource="*"))
        return str(role["Role"]["Arn"])

    def _try_a_version(self) -> str | None:
        """Why a version could not be made; None if it could."""
        try:
            image = self.make_image("first")
            self.make_version(image)
        except (AssertionError, ClientError) as error:
            return str(error)
        return None


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(blob: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}


def _policy(*actions: str, **rest: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), **rest}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
