"""The operations on image versions."""

from collections.abc import Callable
from typing import Any

from imgver_sandbox.sagemaker.account import Account, Answer, Creation, Request
from imgver_sandbox.sagemaker.aliases import refuse_held_aliases
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2, parse_image_uri
from imgver_sandbox.sagemaker.errors import being_changed, does_not_exist, in_use, invalid, refuse_change_under_way
from imgver_sandbox.sagemaker.image_records import Image, Version
from imgver_sandbox.sagemaker.listing import in_time
from imgver_sandbox.sagemaker.pagination import page

METADATA = frozenset(
    {"Horovod", "JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes", "VendorGuidance"}
)


def create_image_version(account: Account, request: Request) -> Answer:
    """CreateImageVersion: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html"""
    image = account.image(request["ImageName"])
    parameters = {name: value for name, value in request.items() if name != "ClientToken"}
    made = _made_before(account, request["ClientToken"], parameters)
    if made is not None:
        return {"ImageVersionArn": made.arn}
    _refuse_concurrent_write(account, image)
    base_image = request["BaseImage"]
    container_image, problem = _pull(account, base_image, image.role_arn)
    aliases = request.get("Aliases", [])
    refuse_held_aliases(account, image, aliases, None)

    now, conditions = account.now(), account.conditions
    seconds, failure = conditions.outcome("CreateImageVersion", conditions.durations.create)
    failure_reason = failure or problem
    reused = conditions.assumptions.highest_number_after_delete == "reused"
    number = (image.highest if reused else image.highest_ever) + 1
    name = image.name.lower() if conditions.assumptions.arn_case == "lower" else image.name
    version = Version(
        number=number,
        arn=account.arn(f"image-version/{name}/{number}"),
        base_image=base_image,
        container_image=None if failure_reason else container_image,
        created_at=now,
        modified_at=now,
    )
    version.describe_by(_metadata(request), now=now)
    image.create(version, seconds=seconds, failure_reason=failure_reason)
    for alias in aliases:
        image.point(alias, version)
    image.written_until = now + conditions.durations.write
    account.creations[request["ClientToken"]] = Creation(parameters, image, version)
    return {"ImageVersionArn": version.arn}


def describe_image_version(account: Account, request: Request) -> Answer:
    """DescribeImageVersion: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeImageVersion.html"""
    image, version = account.version(request)
    return (
        _summary(image, version)
        | version.metadata
        | {
            "BaseImage": version.base_image,
            # What was pulled is only known once it was.
            "ContainerImage": None if version.status == "CREATING" else version.container_image,
        }
    )


def update_image_version(account: Account, request: Request) -> Answer:
    """UpdateImageVersion: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImageVersion.html"""
    image, version = account.version(request)
    refuse_change_under_way(version)
    if version.status != "CREATED":
        raise invalid(f"ImageVersion ({version.arn}) is in an invalid state.")
    _refuse_concurrent_write(account, image)
    for alias in request.get("AliasesToDelete", []):
        if alias not in version.aliases:
            raise does_not_exist("ImageVersion", ImageName=image.name, Version=version.number, Alias=alias)
    refuse_held_aliases(account, image, request.get("AliasesToAdd", []), version)

    for alias in dict.fromkeys(request.get("AliasesToDelete", [])):
        image.unpoint(alias)
    for alias in request.get("AliasesToAdd", []):
        image.point(alias, version)
    now = account.now()
    image.update(version, _metadata(request), now=now)
    image.written_until = now + account.conditions.durations.write
    return {"ImageVersionArn": version.arn}


def delete_image_version(account: Account, request: Request) -> Answer:
    """DeleteImageVersion: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteImageVersion.html"""
    image, version = account.version(request)
    if image.deleting is not None:
        raise being_changed(image.deleting)
    refuse_change_under_way(version)
    conditions = account.conditions
    in_use_is_kept = conditions.assumptions.delete_of_version_in_use == "refused"
    if in_use_is_kept and version.number in account.numbers_in_use(image):
        raise in_use(f"ImageVersion ({version.arn}) is in use.")
    _refuse_concurrent_write(account, image)
    now = account.now()
    seconds, failure_reason = conditions.outcome("DeleteImageVersion", conditions.durations.delete)
    image.delete(version, now=now, seconds=seconds, failure_reason=failure_reason)
    image.written_until = now + conditions.durations.write
    return {}


def list_image_versions(account: Account, request: Request) -> Answer:
    """ListImageVersions: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListImageVersions.html"""
    image = account.image(request["ImageName"])
    # What the versions are sorted by, and the filter on just that.
    order, bounds = {
        "VERSION": (image.by_number, None),
        "CREATION_TIME": (image.by_creation, "CreationTime"),
        "LAST_MODIFIED_TIME": (image.by_change, "LastModifiedTime"),
    }[request.get("SortBy", "CREATION_TIME")]
    numbers, token = page(
        "ListImageVersions",
        request,
        order,
        descending=request.get("SortOrder", "DESCENDING") == "DESCENDING",
        since=request.get(f"{bounds}After"),
        until=request.get(f"{bounds}Before"),
        wanted=lambda number: in_time(image.versions[number], request),
    )
    return {"ImageVersions": [_summary(image, image.versions[number]) for number in numbers], "NextToken": token}


OPERATIONS: dict[str, Callable[[Account, Request], Answer]] = {
    "CreateImageVersion": create_image_version,
    "DescribeImageVersion": describe_image_version,
    "UpdateImageVersion": update_image_version,
    "DeleteImageVersion": delete_image_version,
    "ListImageVersions": list_image_versions,
}


def _made_before(account: Account, token: str, parameters: dict[str, Any]) -> Version | None:
    """The version that an earlier create with this token made, if that is what a repeat answers."""
    assumptions = account.conditions.assumptions
    earlier = account.creations.get(token)
    if earlier is None:
        return None
    if earlier.parameters != parameters and assumptions.repeat_with_other_parameters == "refused":
        raise invalid(f"ClientToken {token} was already used with different parameters.")
    image, version = earlier.image, earlier.version
    if assumptions.repeat_of_dead_create == "old_arn":
        return version
    alive = account.find_image(image.name) is image and image.status_of(version) in {"CREATING", "CREATED"}
    return version if alive else None


def _pull(account: Account, base_image: str, role_arn: str) -> tuple[str | None, str | None]:
    """The container image with its digest, or why there is none."""
    registry, assumptions = account.conditions.registry, account.conditions.assumptions
    uri = parse_image_uri(base_image)
    if uri is None:
        return None, f"The base image {base_image} is not a valid Amazon ECR image URI."
    refusal = registry.refusal(base_image, role_arn)
    if refusal is not None:
        return None, f"The base image {base_image} could not be pulled. {refusal}."
    found = registry.resolve(base_image)
    if found is None:
        return None, f"The base image {base_image} does not exist in Amazon ECR."
    if found.media_type != DOCKER_V2_SCHEMA_2:
        problem = (
            f"The manifest of the base image {base_image} has the unsupported media type {found.media_type}. "
            f"Supported: {DOCKER_V2_SCHEMA_2}."
        )
        if assumptions.rejected_manifest == "validation_exception":
            raise invalid(problem)
        return None, problem
    return f"{uri.repository_uri}@{found.digest}", None


def _refuse_concurrent_write(account: Account, image: Image) -> None:
    if image.status != "CREATED":
        raise invalid(f"Image {image.name} is in an invalid state.")
    if account.now() < image.written_until:
        raise in_use("Resource was modified concurrently")


def _metadata(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name in METADATA}


def _summary(image: Image, version: Version) -> dict[str, Any]:
    return {
        "CreationTime": version.created_at,
        "FailureReason": version.failure_reason,
        "ImageArn": image.arn,
        "ImageVersionArn": version.arn,
        "ImageVersionStatus": image.status_of(version),
        "LastModifiedTime": version.modified_at,
        "Version": version.number,
    }
