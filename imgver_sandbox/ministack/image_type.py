"""AWS::SageMaker::Image in MiniStack's CloudFormation."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.images_service import ImagesService, ServiceError
from imgver_sandbox.ministack.hooks import PROVISIONERS, RESPONSES, STACKS, module

_IMAGE_TYPE = "AWS::SageMaker::Image"
_IMAGE_POLL_SECONDS = 0.1


def add_image_type(service: ImagesService) -> None:
    """Add it."""
    responses, stacks = module(RESPONSES), module(STACKS)

    def call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return service.call(operation, parameters, account=responses.get_account_id(), region=responses.get_region())

    def settled(name: str) -> dict[str, Any]:
        while (image := call("DescribeImage", {"ImageName": name}))["ImageStatus"].endswith("ING"):
            time.sleep(_IMAGE_POLL_SECONDS)
        if image["ImageStatus"] != "CREATED":
            raise ValueError(f"image {name} is {image['ImageStatus']}: {image.get('FailureReason', 'no reason given')}")
        return image

    def create(_logical_id: str, properties: Mapping[str, Any], _stack_name: str) -> tuple[str, dict[str, str]]:
        name = properties["ImageName"]
        call("CreateImage", _image_parameters(properties, "Tags"))
        try:
            arn = settled(name)["ImageArn"]
        except ValueError:
            delete(name, properties)
            raise
        return arn, {"ImageArn": arn}

    def update(
        arn: str, old: Mapping[str, Any], new: Mapping[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, str]]:
        parameters = _image_parameters(new)
        removed = _image_parameters(old).keys() - parameters.keys()
        call("UpdateImage", {**parameters, **({"DeleteProperties": sorted(removed)} if removed else {})})
        settled(new["ImageName"])
        return arn, {"ImageArn": arn}

    def delete(_arn: str, properties: Mapping[str, Any]) -> None:
        name = properties["ImageName"]
        try:
            call("DeleteImage", {"ImageName": name})
            settled(name)
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise

    provisioners = module(PROVISIONERS)
    provisioners._RESOURCE_HANDLERS[_IMAGE_TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[_IMAGE_TYPE] = ("ImageName",)

    runs_on_worker_thread: Callable[[str], bool] = stacks._runs_on_worker_thread
    # It waits for the image, and must not hold up the event loop meanwhile.
    stacks._runs_on_worker_thread = lambda kind: kind == _IMAGE_TYPE or runs_on_worker_thread(kind)


def _image_parameters(properties: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """What the API calls the properties of the CloudFormation type."""
    names = {
        "ImageName": "ImageName",
        "ImageRoleArn": "RoleArn",
        "ImageDisplayName": "DisplayName",
        "ImageDescription": "Description",
        **{name: name for name in more},
    }
    return {names[name]: value for name, value in properties.items() if name in names}
