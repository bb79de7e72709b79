"""The operations on images."""

from collections.abc import Callable
from typing import Any

from imgver_sandbox.sagemaker.account import Account, Answer, Request
from imgver_sandbox.sagemaker.errors import being_changed, in_use, invalid, refuse_change_under_way
from imgver_sandbox.sagemaker.image_records import Image
from imgver_sandbox.sagemaker.listing import in_time, time_of
from imgver_sandbox.sagemaker.pagination import Order, page
from imgver_sandbox.sagemaker.records import GONE


def create_image(account: Account, request: Request) -> Answer:
    """CreateImage: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html"""
    name = request["ImageName"]
    now = account.now()
    if account.find_image(name) is not None:
        raise in_use(f"The Image with ImageName {name} already exists. Please use a different ImageName.")
    image = Image(
        name=name,
        arn=account.arn(f"image/{name}"),
        role_arn=request["RoleArn"],
        display_name=request.get("DisplayName"),
        description=request.get("Description"),
        created_at=now,
        modified_at=now,
    )
    _begin(account, image, "CreateImage", "CREATING", then="CREATED")
    account.add_image(image)
    return {"ImageArn": image.arn}


def describe_image(account: Account, request: Request) -> Answer:
    """DescribeImage: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeImage.html"""
    image = account.image(request["ImageName"])
    return _summary(image) | {"RoleArn": image.role_arn}


def update_image(account: Account, request: Request) -> Answer:
    """UpdateImage: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImage.html"""
    image = account.image(request["ImageName"])
    deleted = set(request.get("DeleteProperties", []))
    if both := sorted(deleted & request.keys()):
        raise invalid(f"{both[0]} cannot be both set and deleted.")
    refuse_change_under_way(image)
    if image.status == "CREATE_FAILED":
        raise invalid(f"Image {image.name} is in an invalid state.")
    image.role_arn = request.get("RoleArn", image.role_arn)
    image.display_name = None if "DisplayName" in deleted else request.get("DisplayName", image.display_name)
    image.description = None if "Description" in deleted else request.get("Description", image.description)
    _begin(account, image, "UpdateImage", "UPDATING", then="CREATED")
    return {"ImageArn": image.arn}


def delete_image(account: Account, request: Request) -> Answer:
    """DeleteImage: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteImage.html"""
    image = account.image(request["ImageName"])
    refuse_change_under_way(image)
    if image.deleting is not None:
        raise being_changed(image.deleting)
    used = account.numbers_in_use(image)
    if used and account.conditions.assumptions.delete_of_version_in_use == "refused":
        raise in_use(f"ImageVersion ({image.versions[min(used)].arn}) is in use.")
    _begin(account, image, "DeleteImage", "DELETING", then=GONE)
    return {}


def list_images(account: Account, request: Request) -> Answer:
    """ListImages: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListImages.html"""
    images = {
        image.name: image
        for image in account.images()
        if request.get("NameContains", "") in image.name and in_time(image, request)
    }
    sort_by = request.get("SortBy", "CREATION_TIME")
    names, token = page(
        "ListImages",
        request,
        Order[str](
            (name,) if sort_by == "IMAGE_NAME" else (time_of(image, sort_by), name) for name, image in images.items()
        ),
        descending=request.get("SortOrder", "DESCENDING") == "DESCENDING",
    )
    return {"Images": [_summary(images[name]) for name in names], "NextToken": token}


OPERATIONS: dict[str, Callable[[Account, Request], Answer]] = {
    "CreateImage": create_image,
    "DescribeImage": describe_image,
    "UpdateImage": update_image,
    "DeleteImage": delete_image,
    "ListImages": list_images,
}


def _begin(account: Account, image: Image, operation: str, status: str, *, then: str) -> None:
    conditions = account.conditions
    seconds, failure_reason = conditions.outcome(operation, conditions.durations.image)
    image.begin(status, now=account.now(), seconds=seconds, then=then, failure_reason=failure_reason)


def _summary(image: Image) -> dict[str, Any]:
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
