"""SageMaker images and image versions: the part of the SageMaker API that manages them, in memory."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from imgver_sandbox import json_protocol
from imgver_sandbox.assumptions import Assumptions
from imgver_sandbox.clock import Clock
from imgver_sandbox.container_registry import DOCKER_V2_SCHEMA_2, ContainerRegistry, parse_image_uri
from imgver_sandbox.fault_kinds import Fail, Slow
from imgver_sandbox.faults import ServiceFaults
from imgver_sandbox.image_records import GONE, Image, Record, Version
from imgver_sandbox.paging import page
from imgver_sandbox.service_model import ServiceError, modelled_service

__all__ = ["Assumptions", "Call", "ImagesService", "ServiceError", "respond"]

_METADATA = frozenset(
    {"Horovod", "JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes", "VendorGuidance"}
)
_VERSION_ARN = re.compile(r"arn:[\w-]+:sagemaker:([^:]+):(\d{12}):image-version/([^/]+)/(\d+)")


class Call(NamedTuple):
    """One call as it reached the service, before anything was checked."""

    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str


@dataclass(frozen=True)
class _Create:
    """What a ClientToken stands for."""

    parameters: dict[str, Any]
    image: Image
    version: Version


@dataclass
class _Account:
    """What one account has in one region."""

    account: str
    region: str
    images: dict[str, Image] = field(default_factory=dict)
    creates: dict[str, _Create] = field(default_factory=dict)

    def arn(self, resource: str) -> str:
        partitions = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        partition = next((p for prefix, p in partitions.items() if self.region.startswith(f"{prefix}-")), "aws")
        return f"arn:{partition}:sagemaker:{self.region}:{self.account}:{resource}"


class ImagesService:
    """The images API of SageMaker. Accounts and regions are apart. Threads may share it.

    Statuses follow the clock. Writes to the versions of one image are serialised as on AWS: a create, update or delete
    takes the image for `write_seconds`, and another write in that time is refused; so is a delete while another
    version is being deleted.
    """

    faults: ServiceFaults
    """What is to go wrong. Those of the wire meet what goes through `imgver_sandbox.in_process` or a server only."""

    before_call: Callable[[Call], None] | None
    """Told of every call before it is answered. It may raise ServiceError, which is then the answer."""

    def __init__(
        self,
        *,
        clock: Clock,
        registry: ContainerRegistry,
        assumptions: Assumptions | None = None,
        create_seconds: float = 2.0,
        delete_seconds: float = 1.0,
        write_seconds: float = 0.5,
        image_seconds: float = 1.0,
    ) -> None:
        """Make a service without images.

        `registry` is where base images are looked up; `assumptions` (default: the harder values) is what the service
        does where AWS's behaviour is unknown. `create_seconds` and `delete_seconds` are what a version needs for that
        (on AWS both together take 10 to 40 s), `image_seconds` what an image needs for any change, `write_seconds`
        how long a write keeps others away.
        """
        self.registry = registry
        self.faults = ServiceFaults(clock=clock, operations=_OPERATIONS)
        self.before_call = None
        self._clock = clock
        self._assumptions = assumptions or Assumptions()
        self._create_seconds = create_seconds
        self._delete_seconds = delete_seconds
        self._write_seconds = write_seconds
        self._image_seconds = image_seconds
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._lock = threading.RLock()

    def call(self, operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Answer one operation with what its model says; times are seconds since the epoch.

        `account` is the 12-digit account id. Raises ServiceError for everything the API refuses.
        """
        if self.before_call is not None:
            self.before_call(Call(operation, parameters, account, region))
        perform = _OPERATIONS.get(operation)
        if perform is None:
            raise ServiceError("UnknownOperationException", f"Unknown operation {operation}")
        accepted = modelled_service("sagemaker").accept(operation, parameters)
        with self._lock:
            owner = self._accounts.setdefault((account, region), _Account(account, region))
            return modelled_service("sagemaker").answer(operation, perform(self, owner, accepted))

    def fail_next(self, operation: str, reason: str) -> None:
        """Let the next accepted `operation` end in its failed status with `reason` as FailureReason."""
        self.faults.fail(reason, operation=operation)

    def fail_next_creation(self, reason: str) -> None:
        """Let the next version that is created end as CREATE_FAILED with `reason` as FailureReason."""
        self.fail_next("CreateImageVersion", reason)

    def mark_in_use(self, image_version_arn: str, *, in_use: bool = True) -> None:
        """Say that a Studio domain or a running app uses the version, or (`in_use=False`) that none does any more.

        Raises ValueError for anything but an image version's ARN, ServiceError (ResourceNotFound) when there is no such
        version.
        """
        match = _VERSION_ARN.fullmatch(image_version_arn)
        if match is None:
            raise ValueError(f"image_version_arn '{image_version_arn}' must be the ARN of an image version")
        region, account, name, number = match.groups()
        with self._lock:
            owner = self._accounts.setdefault((account, region), _Account(account, region))
            image, version = self._version(owner, {"ImageName": name, "Version": int(number)})
            if in_use:
                image.in_use.add(version.number)
            else:
                image.in_use.discard(version.number)

    def forget_failures(self) -> None:
        """Let nothing fail that `fail_next` announced and that has not come yet."""
        self.faults.reset()

    def reset(self) -> None:
        """Forget every image, token and fault."""
        self.faults.reset()
        with self._lock:
            self._accounts.clear()

    # Images

    def _create_image(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ImageName"]
        now = self._clock.now()
        if self._find_image(owner, name) is not None:
            raise _in_use(f"Image with ImageName {name} already exists.")
        image = Image(
            name=name,
            arn=owner.arn(f"image/{name}"),
            role_arn=request["RoleArn"],
            display_name=request.get("DisplayName"),
            description=request.get("Description"),
            created_at=now,
            modified_at=now,
        )
        self._begin(image, "CreateImage", "CREATING", then="CREATED")
        owner.images[self._key(name)] = image
        return {"ImageArn": image.arn}

    def _describe_image(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image = self._image(owner, request["ImageName"])
        return _summary_of_image(image) | {"RoleArn": image.role_arn}

    def _update_image(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image = self._image(owner, request["ImageName"])
        deleted = set(request.get("DeleteProperties", []))
        if both := sorted(deleted & request.keys()):
            raise _invalid(f"{both[0]} cannot be both set and deleted.")
        _refuse_change_under_way(image)
        if image.status == "CREATE_FAILED":
            raise _invalid_state(image.name)
        image.role_arn = request.get("RoleArn", image.role_arn)
        image.display_name = None if "DisplayName" in deleted else request.get("DisplayName", image.display_name)
        image.description = None if "Description" in deleted else request.get("Description", image.description)
        self._begin(image, "UpdateImage", "UPDATING", then="CREATED")
        return {"ImageArn": image.arn}

    def _delete_image(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image = self._image(owner, request["ImageName"])
        _refuse_change_under_way(image)
        if image.deleting is not None:
            raise _being_changed(image.deleting)
        in_use = self._in_use(image)
        if in_use and self._assumptions.delete_of_version_in_use == "refused":
            raise _in_use(f"ImageVersion ({image.versions[min(in_use)].arn}) is in use.")
        self._begin(image, "DeleteImage", "DELETING", then=GONE)
        return {}

    def _list_images(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        images = [image for name in list(owner.images) if (image := self._find_image(owner, name))]
        sort_by = request.get("SortBy", "CREATION_TIME")
        results, token = page(
            "ListImages",
            request,
            (image for image in images if request.get("NameContains", "") in image.name and _in_time(image, request)),
            key=lambda image: [image.name] if sort_by == "IMAGE_NAME" else [_time(image, sort_by), image.name],
            descending=request.get("SortOrder", "DESCENDING") == "DESCENDING",
        )
        return {"Images": [_summary_of_image(image) for image in results], "NextToken": token}

    # Versions

    def _create_version(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image = self._image(owner, request["ImageName"])
        parameters = {name: value for name, value in request.items() if name != "ClientToken"}
        made = self._made_before(owner, request["ClientToken"], parameters)
        if made is not None:
            return {"ImageVersionArn": made.arn}
        self._refuse_concurrent_write(image)
        base_image = request["BaseImage"]
        container_image, problem = self._pull(base_image, image.role_arn)
        aliases = request.get("Aliases", [])
        self._refuse_held_aliases(image, aliases, None)

        now = self._clock.now()
        failure_reason = self._next_failure("CreateImageVersion") or problem
        highest = image.highest if self._assumptions.highest_number_after_delete == "reused" else image.highest_ever
        number = highest + 1
        name = image.name.lower() if self._assumptions.arn_case == "lower" else image.name
        version = Version(
            number=number,
            arn=owner.arn(f"image-version/{name}/{number}"),
            base_image=base_image,
            container_image=None if failure_reason else container_image,
            created_at=now,
            modified_at=now,
        )
        version.describe_by(_metadata(request), now=now)
        seconds = self._seconds("CreateImageVersion", self._create_seconds)
        version.begin("CREATING", now=now, seconds=seconds, then="CREATED", failure_reason=failure_reason)
        image.add(version)
        for alias in aliases:
            image.point(alias, version)
        image.written_until = now + self._write_seconds
        owner.creates[request["ClientToken"]] = _Create(parameters, image, version)
        return {"ImageVersionArn": version.arn}

    def _describe_version(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image, version = self._version(owner, request)
        return (
            _summary_of_version(image, version)
            | version.metadata
            | {
                "BaseImage": version.base_image,
                # What was pulled is only known once it was.
                "ContainerImage": None if version.status == "CREATING" else version.container_image,
            }
        )

    def _update_version(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image, version = self._version(owner, request)
        _refuse_change_under_way(version)
        if version.status != "CREATED":
            raise _invalid(f"ImageVersion ({version.arn}) is in an invalid state.")
        self._refuse_concurrent_write(image)
        for alias in request.get("AliasesToDelete", []):
            if alias not in version.aliases:
                raise _not_found("ImageVersion", image.name, Version=version.number, Alias=alias)
        self._refuse_held_aliases(image, request.get("AliasesToAdd", []), version)

        now = self._clock.now()
        for alias in dict.fromkeys(request.get("AliasesToDelete", [])):
            image.unpoint(alias)
        for alias in request.get("AliasesToAdd", []):
            image.point(alias, version)
        version.describe_by(_metadata(request), now=now)
        version.modified_at = now
        image.written_until = now + self._write_seconds
        return {"ImageVersionArn": version.arn}

    def _delete_version(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image, version = self._version(owner, request)
        if image.deleting is not None:
            raise _being_changed(image.deleting)
        _refuse_change_under_way(version)
        if version.number in self._in_use(image) and self._assumptions.delete_of_version_in_use == "refused":
            raise _in_use(f"ImageVersion ({version.arn}) is in use.")
        self._refuse_concurrent_write(image)
        now = self._clock.now()
        failure_reason = self._next_failure("DeleteImageVersion")
        seconds = self._seconds("DeleteImageVersion", self._delete_seconds)
        version.begin("DELETING", now=now, seconds=seconds, then=GONE, failure_reason=failure_reason)
        image.deleting = version
        image.written_until = now + self._write_seconds
        return {}

    def _list_versions(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        image = self._image(owner, request["ImageName"])
        now = self._clock.now()
        for version in image.versions.values():
            version.settle(now)
        sort_by = request.get("SortBy", "CREATION_TIME")
        results, token = page(
            "ListImageVersions",
            request,
            (version for version in image.versions.values() if _in_time(version, request)),
            key=lambda version: [version.number] if sort_by == "VERSION" else [_time(version, sort_by), version.number],
            descending=request.get("SortOrder", "DESCENDING") == "DESCENDING",
        )
        return {"ImageVersions": [_summary_of_version(image, version) for version in results], "NextToken": token}

    def _list_aliases(self, owner: _Account, request: dict[str, Any]) -> dict[str, Any]:
        if "Version" in request or "Alias" in request:
            _, version = self._version(owner, request)
            aliases = list(version.aliases)
        else:
            aliases = list(self._image(owner, request["ImageName"]).alias_owners)
        results, token = page("ListAliases", request, aliases, key=lambda alias: [alias])
        return {"SageMakerImageVersionAliases": results, "NextToken": token}

    # What the operations share

    def _key(self, name: str) -> str:
        return name.lower() if self._assumptions.arn_case == "lower" else name

    def _find_image(self, owner: _Account, name: str) -> Image | None:
        image = owner.images.get(self._key(name))
        if image is not None:
            image.settle(self._clock.now())
            if image.status == GONE:
                del owner.images[self._key(name)]
                return None
        return image

    def _image(self, owner: _Account, name: str) -> Image:
        image = self._find_image(owner, name)
        if image is None:
            raise _not_found("Image", name)
        return image

    def _version(self, owner: _Account, request: dict[str, Any]) -> tuple[Image, Version]:
        """The version by Version or Alias; the latest one without either."""
        name, number, alias = request["ImageName"], request.get("Version"), request.get("Alias")
        if number is not None and alias is not None:
            raise _invalid("Only one of Version and Alias can be specified.")
        image = self._find_image(owner, name)
        version = None
        if image is not None:
            by_number = image.versions.get(image.highest if number is None else number)
            version = by_number if alias is None else image.alias_owners.get(alias)
        if image is None or version is None:
            if number is None and alias is None:
                raise _not_found("Latest ImageVersion", name)
            raise _not_found("ImageVersion", name, **({"Version": number} if alias is None else {"Alias": alias}))
        version.settle(self._clock.now())
        return image, version

    def _begin(self, image: Image, operation: str, status: str, *, then: str) -> None:
        now, failure_reason = self._clock.now(), self._next_failure(operation)
        seconds = self._seconds(operation, self._image_seconds)
        image.begin(status, now=now, seconds=seconds, then=then, failure_reason=failure_reason)

    def _next_failure(self, operation: str) -> str | None:
        fault = self.faults.take(Fail, operation)
        return None if fault is None else fault.reason

    def _seconds(self, operation: str, usual: float) -> float:
        """How long the change takes that `operation` begins."""
        fault = self.faults.take(Slow, operation)
        return usual if fault is None else fault.seconds

    def _in_use(self, image: Image) -> set[int]:
        return {number for number in image.in_use | self.faults.held(image.name) if number in image.versions}

    def _made_before(self, owner: _Account, token: str, parameters: dict[str, Any]) -> Version | None:
        """The version that an earlier create with this token made, if that is what a repeat answers."""
        earlier = owner.creates.get(token)
        if earlier is None:
            return None
        if earlier.parameters != parameters and self._assumptions.repeat_with_other_parameters == "refused":
            raise _invalid(f"ClientToken {token} was already used with different parameters.")
        if self._assumptions.repeat_of_dead_create == "old_arn":
            return earlier.version
        image, version = earlier.image, earlier.version
        version.settle(self._clock.now())
        alive = self._find_image(owner, image.name) is image and image.status_of(version) in {"CREATING", "CREATED"}
        return version if alive else None

    def _pull(self, base_image: str, role_arn: str) -> tuple[str | None, str | None]:
        """The container image with its digest, or why there is none."""
        uri = parse_image_uri(base_image)
        if uri is None:
            return None, f"The base image {base_image} is not a valid Amazon ECR image URI."
        refusal = self.registry.refusal(base_image, role_arn)
        if refusal is not None:
            return None, f"The base image {base_image} could not be pulled. {refusal}."
        found = self.registry.resolve(base_image)
        if found is None:
            return None, f"The base image {base_image} does not exist in Amazon ECR."
        if found.media_type != DOCKER_V2_SCHEMA_2:
            problem = (
                f"The manifest of the base image {base_image} has the unsupported media type {found.media_type}. "
                f"Supported: {DOCKER_V2_SCHEMA_2}."
            )
            if self._assumptions.rejected_manifest == "validation_exception":
                raise _invalid(problem)
            return None, problem
        return f"{uri.repository_uri}@{found.digest}", None

    def _refuse_concurrent_write(self, image: Image) -> None:
        if image.status != "CREATED":
            raise _invalid_state(image.name)
        if self._clock.now() < image.written_until:
            raise _in_use("Resource was modified concurrently")

    def _refuse_held_aliases(self, image: Image, aliases: list[str], version: Version | None) -> None:
        if self._assumptions.alias_held_elsewhere == "moved":
            return
        for alias in aliases:
            owner = image.alias_owners.get(alias)
            if owner not in (None, version):
                text = f"Alias {alias} is already used by ImageVersion ({owner.arn})."
                raise _in_use(text) if self._assumptions.alias_held_elsewhere == "resource_in_use" else _invalid(text)


def respond(
    service: ImagesService, *, target: str, body: bytes, account: str, region: str
) -> tuple[int, dict[str, str], bytes]:
    """Answer one AWS JSON 1.1 request: HTTP status, headers, body. `target` is the X-Amz-Target header."""
    return json_protocol.answer(
        lambda operation, parameters: service.call(operation, parameters, account=account, region=region),
        target=target,
        prefix="SageMaker",
        body=body,
    )


_OPERATIONS: dict[str, Callable[[ImagesService, _Account, dict[str, Any]], dict[str, Any]]] = {
    "CreateImage": ImagesService._create_image,
    "DescribeImage": ImagesService._describe_image,
    "UpdateImage": ImagesService._update_image,
    "DeleteImage": ImagesService._delete_image,
    "ListImages": ImagesService._list_images,
    "CreateImageVersion": ImagesService._create_version,
    "DescribeImageVersion": ImagesService._describe_version,
    "UpdateImageVersion": ImagesService._update_version,
    "DeleteImageVersion": ImagesService._delete_version,
    "ListImageVersions": ImagesService._list_versions,
    "ListAliases": ImagesService._list_aliases,
}


def _metadata(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name in _METADATA}


def _summary_of_image(image: Image) -> dict[str, Any]:
    return {
        "CreationTime": image.created_at,
        "Description": image.description,
        "DisplayName": image.display_name,
        "FailureReason": image.failure_reason,
        "ImageArn": image.arn,
        "ImageName": image.name,
        "ImageStatus": image.status,
        "LastModifiedTime": image.modified_at,
    }


def _summary_of_version(image: Image, version: Version) -> dict[str, Any]:
    return {
        "CreationTime": version.created_at,
        "FailureReason": version.failure_reason,
        "ImageArn": image.arn,
        "ImageVersionArn": version.arn,
        "ImageVersionStatus": image.status_of(version),
        "LastModifiedTime": version.modified_at,
        "Version": version.number,
    }


def _time(record: Record, sort_by: str) -> float:
    return record.modified_at if sort_by == "LAST_MODIFIED_TIME" else record.created_at


def _in_time(record: Record, request: dict[str, Any]) -> bool:
    """Whether the record passes the request's time filters; their bounds are part of them."""
    return all(
        request.get(f"{name}After", time) <= time <= request.get(f"{name}Before", time)
        for name, time in (("CreationTime", record.created_at), ("LastModifiedTime", record.modified_at))
    )


def _refuse_change_under_way(record: Record) -> None:
    if record.change is not None:
        raise _being_changed(record)


def _being_changed(record: Record) -> ServiceError:
    kind = "Image" if isinstance(record, Image) else "ImageVersion"
    doing = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}[record.status]
    return _in_use(f"{kind} ({record.arn}) is being {doing}")


def _in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUse", message)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _invalid_state(image_name: str) -> ServiceError:
    return _invalid(f"Image {image_name} is in an invalid state.")


def _not_found(kind: str, image_name: str, **others: object) -> ServiceError:
    named = {"ImageName": image_name, **others}
    which = " and ".join(f"{name} {value}" for name, value in named.items())
    return ServiceError(
        "ResourceNotFound", f"{kind} with {which} does not exist. Please provide a valid {' and '.join(named)}."
    )
