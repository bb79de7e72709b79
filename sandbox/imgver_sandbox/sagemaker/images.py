"""The operations on images.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
"""

from typing import Any

from imgver_sandbox.sagemaker import errors
from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.image_records import ImageRecord
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.records import GONE
from imgver_sandbox.sagemaker.tags import parse_tags


def create_image(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateImage."""
    name = parameters["ImageName"]
    if account.find_image(name) is not None:
        raise errors.resource_in_use(
            f"The Image with ImageName {name} already exists. Please use a different ImageName."
        )
    image = ImageRecord(
        name=name,
        arn=account.arn(f"image/{name}"),
        role_arn=parameters["RoleArn"],
        display_name=parameters.get("DisplayName"),
        description=parameters.get("Description"),
        created_at=account.now(),
    )
    account.tags[image.arn] = parse_tags(parameters.get("Tags", []))
    _begin(account, image, "CreateImage", "CREATING", then="CREATED")
    account.add_image(image)
    return {"ImageArn": image.arn}


def describe_image(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeImage."""
    image = account.image(parameters["ImageName"])
    return _summary(image) | {"RoleArn": image.role_arn}


def update_image(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateImage."""
    image = account.image(parameters["ImageName"])
    deleted = set(parameters.get("DeleteProperties", []))
    if both := sorted(deleted & parameters.keys()):
        raise errors.validation_exception(f"{both[0]} cannot be both set and deleted.")
    errors.refuse_change_in_progress(image)
    if image.status == "CREATE_FAILED":
        raise errors.validation_exception(f"Image {image.name} is in an invalid state.")
    image.role_arn = parameters.get("RoleArn", image.role_arn)
    image.display_name = None if "DisplayName" in deleted else parameters.get("DisplayName", image.display_name)
    image.description = None if "Description" in deleted else parameters.get("Description", image.description)
    _begin(account, image, "UpdateImage", "UPDATING", then="CREATED")
    return {"ImageArn": image.arn}


def delete_image(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteImage."""
    image = account.image(parameters["ImageName"])
    errors.refuse_change_in_progress(image)
    if image.deleting_version is not None:
        raise errors.change_in_progress(image.deleting_version)
    in_use = account.numbers_in_use(image)
    if in_use and account.context.assumptions.delete_of_version_in_use == "refused":
        raise errors.resource_in_use(f"ImageVersion ({image.versions[min(in_use)].arn}) is in use.")
    _begin(account, image, "DeleteImage", "DELETING", then=GONE)
    return {}


def list_images(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListImages."""
    by_name = {image.name: image for image in account.images()}
    images, token = list_records(account, "ListImages", parameters, by_name)
    return {"Images": [_summary(image) for image in images], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateImage": create_image,
    "DescribeImage": describe_image,
    "UpdateImage": update_image,
    "DeleteImage": delete_image,
    "ListImages": list_images,
}


def _begin(account: SageMakerAccount, image: ImageRecord, operation: str, status: str, *, then: str) -> None:
    context = account.context
    seconds, failure_reason = context.plan_change(operation, context.durations.image)
    image.begin(status, now=account.now(), seconds=seconds, then=then, failure_reason=failure_reason)


def _summary(image: ImageRecord) -> dict[str, Any]:
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
