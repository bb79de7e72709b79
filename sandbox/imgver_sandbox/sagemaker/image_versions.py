"""The operations on image versions.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
"""

from typing import Any

from imgver_sandbox.sagemaker import errors
from imgver_sandbox.sagemaker.account import (
    ClientTokenRecord,
    Operation,
    OperationInput,
    OperationOutput,
    SageMakerAccount,
)
from imgver_sandbox.sagemaker.aliases import refuse_held_aliases
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2, parse_image_uri
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord
from imgver_sandbox.sagemaker.listing import list_records

METADATA = frozenset(
    {"Horovod", "JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes", "VendorGuidance"}
)
"""The parameters of CreateImageVersion and UpdateImageVersion that only describe a version."""


def create_image_version(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateImageVersion."""
    image = account.image(parameters["ImageName"])
    token = parameters["ClientToken"]
    without_token = {name: value for name, value in parameters.items() if name != "ClientToken"}
    existing = _version_of_token(account, token, without_token)
    if existing is not None:
        return {"ImageVersionArn": existing.arn}
    _refuse_concurrent_write(account, image)
    base_image = parameters["BaseImage"]
    container_image, pull_failure = _pull(account, base_image, image.role_arn)
    aliases = parameters.get("Aliases", [])
    refuse_held_aliases(account, image, aliases, None)

    now, context = account.now(), account.context
    seconds, failure_reason = context.plan_change("CreateImageVersion", context.durations.create)
    failure_reason = failure_reason or pull_failure
    reused = context.assumptions.highest_number_after_delete == "reused"
    number = (image.latest_number if reused else image.highest_number_ever) + 1
    name = image.name.lower() if context.assumptions.arn_case == "lower" else image.name
    version = ImageVersionRecord(
        number=number,
        arn=account.arn(f"image-version/{name}/{number}"),
        base_image=base_image,
        container_image=None if failure_reason else container_image,
        created_at=now,
    )
    image.set_metadata(version, _metadata(parameters), now=now)
    image.begin_creation(version, seconds=seconds, failure_reason=failure_reason)
    for alias in aliases:
        image.move_alias(alias, version)
    image.locked_until = now + context.durations.write
    account.client_tokens[token] = ClientTokenRecord(without_token, image, version)
    return {"ImageVersionArn": version.arn}


def describe_image_version(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeImageVersion."""
    image, version = account.version(parameters)
    return (
        _summary(image, version)
        | version.metadata
        | {
            "BaseImage": version.base_image,
            # The digest is known only after the image was pulled.
            "ContainerImage": None if version.status == "CREATING" else version.container_image,
        }
    )


def update_image_version(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateImageVersion."""
    image, version = account.version(parameters)
    errors.refuse_change_in_progress(version)
    if version.status != "CREATED":
        raise errors.validation_exception(f"ImageVersion ({version.arn}) is in an invalid state.")
    _refuse_concurrent_write(account, image)
    aliases_to_add, aliases_to_delete = parameters.get("AliasesToAdd", []), parameters.get("AliasesToDelete", [])
    for alias in aliases_to_delete:
        if alias not in version.aliases:
            raise errors.resource_not_found("ImageVersion", ImageName=image.name, Version=version.number, Alias=alias)
    refuse_held_aliases(account, image, aliases_to_add, version)

    for alias in set(aliases_to_delete):
        image.remove_alias(alias)
    for alias in aliases_to_add:
        image.move_alias(alias, version)
    now = account.now()
    image.set_metadata(version, _metadata(parameters), now=now)
    version.modified_at = now
    image.locked_until = now + account.context.durations.write
    return {"ImageVersionArn": version.arn}


def delete_image_version(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteImageVersion."""
    image, version = account.version(parameters)
    if image.deleting_version is not None:
        raise errors.change_in_progress(image.deleting_version)
    errors.refuse_change_in_progress(version)
    context = account.context
    refused_if_in_use = context.assumptions.delete_of_version_in_use == "refused"
    if refused_if_in_use and account.is_in_use(image, version):
        raise errors.resource_in_use(f"ImageVersion ({version.arn}) is in use.")
    _refuse_concurrent_write(account, image)
    now = account.now()
    seconds, failure_reason = context.plan_change("DeleteImageVersion", context.durations.delete)
    image.begin_deletion(version, now=now, seconds=seconds, failure_reason=failure_reason)
    image.locked_until = now + context.durations.write
    return {}


def list_image_versions(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListImageVersions."""
    image = account.image(parameters["ImageName"])
    versions, token = list_records(account, "ListImageVersions", parameters, image.versions, in_creation_order=True)
    return {"ImageVersions": [_summary(image, version) for version in versions], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateImageVersion": create_image_version,
    "DescribeImageVersion": describe_image_version,
    "UpdateImageVersion": update_image_version,
    "DeleteImageVersion": delete_image_version,
    "ListImageVersions": list_image_versions,
}


def _version_of_token(account: SageMakerAccount, token: str, parameters: dict[str, Any]) -> ImageVersionRecord | None:
    """The version that an earlier call with this ClientToken created, if a repeated call returns that version."""
    assumptions = account.context.assumptions
    earlier = account.client_tokens.get(token)
    if earlier is None:
        return None
    if earlier.parameters != parameters and assumptions.repeat_with_other_parameters == "refused":
        raise errors.validation_exception(f"ClientToken {token} was already used with different parameters.")
    image, version = earlier.image, earlier.version
    if assumptions.repeat_of_dead_create == "old_arn":
        return version
    alive = account.find_image(image.name) is image and image.status_of(version) in {"CREATING", "CREATED"}
    return version if alive else None


def _pull(account: SageMakerAccount, base_image: str, role_arn: str) -> tuple[str | None, str | None]:
    """The container image with its digest, or the reason why it cannot be pulled."""
    registry, assumptions = account.context.registry, account.context.assumptions
    uri = parse_image_uri(base_image)
    if uri is None:
        return None, f"The base image {base_image} is not a valid Amazon ECR image URI."
    denial = registry.pull_denial(base_image, role_arn)
    if denial is not None:
        return None, f"The base image {base_image} could not be pulled. {denial}."
    found = registry.resolve(base_image)
    if found is None:
        return None, f"The base image {base_image} does not exist in Amazon ECR."
    if found.media_type != DOCKER_V2_SCHEMA_2:
        reason = (
            f"The manifest of the base image {base_image} has the unsupported media type {found.media_type}. "
            f"Supported: {DOCKER_V2_SCHEMA_2}."
        )
        if assumptions.rejected_manifest == "validation_exception":
            raise errors.validation_exception(reason)
        return None, reason
    return f"{uri.repository_uri}@{found.digest}", None


def _refuse_concurrent_write(account: SageMakerAccount, image: ImageRecord) -> None:
    if image.status != "CREATED":
        raise errors.validation_exception(f"Image {image.name} is in an invalid state.")
    if account.now() < image.locked_until:
        raise errors.resource_in_use("Resource was modified concurrently")


def _metadata(parameters: OperationInput) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name in METADATA}


def _summary(image: ImageRecord, version: ImageVersionRecord) -> dict[str, Any]:
    return {
        "CreationTime": version.created_at,
        "FailureReason": version.failure_reason,
        "ImageArn": image.arn,
        "ImageVersionArn": version.arn,
        "ImageVersionStatus": image.status_of(version),
        "LastModifiedTime": version.modified_at,
        "Version": version.number,
    }
