"""The path from an event to its response. Every event gets exactly one response, even if its handling fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.request import NOT_CREATED, CustomResourceRequest, parse
from imgver_handler.cloudformation.response import Result, failed, success
from imgver_handler.deadline import Deadline
from imgver_handler.errors import HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.image_alias import ImageAliasResource
from imgver_handler.resources.image_attachment import ImageAttachmentResource
from imgver_handler.resources.image_retention import ImageRetentionResource
from imgver_handler.resources.image_version import ImageVersionResource
from imgver_handler.resources.resource import Resource

RESOURCES: Mapping[str, type[Resource]] = {
    "Custom::SageMakerImageVersion": ImageVersionResource,
    "Custom::SageMakerImageAlias": ImageAliasResource,
    "Custom::SageMakerImageRetention": ImageRetentionResource,
    "Custom::SageMakerImageAttachment": ImageAttachmentResource,
}

Send = Callable[[str, bytes, Deadline, JsonLogger], None]
"""Sends a response body to a URL, within a deadline."""


def handle(event: Mapping[str, Any], *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger, send: Send) -> None:
    """Handle one event and send the response.

    Raises:
        ConnectionError: the response could not be delivered. Lambda then delivers the event again.
    """
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not url:
        log.error("malformed event: it has no ResponseURL, so no response can be sent")
        return
    body, after_response = _respond(event, gateway, deadline, log)
    send(url, body, deadline.for_response(), log)
    try:
        after_response()
    except HandlerError as error:
        log.error("failed after the response", reason=error.reason)


def _respond(
    event: Mapping[str, Any], gateway: AwsGateway, deadline: Deadline, log: JsonLogger
) -> tuple[bytes, Callable[[], None]]:
    """Handle an event. Returns the response, and what remains to be done after it was sent."""
    physical_id = event.get("PhysicalResourceId")
    not_created = f"{NOT_CREATED}{event.get('RequestId', '')}"
    try:
        request = parse(event)
        log.bind(
            {
                "request_type": request.type,
                "resource_type": request.resource_type,
                "stack_id": request.stack_id,
                "logical_resource_id": request.logical_resource_id,
                "request_id": request.request_id,
            }
        )
        result = _perform(request, gateway, deadline, log)
    except HandlerError as error:
        # Only the response to a Create may choose the physical id: after an Update, a new id would be a replacement.
        physical_id = physical_id or error.physical_id or not_created
        log.error("failed", physical_id=physical_id, reason=error.reason)
        return failed(event, physical_id, _construct_path(event) + error.reason), _nothing
    except Exception as error:  # noqa: BLE001 (without a response CloudFormation waits for the service timeout)
        physical_id = physical_id or not_created
        log.error("internal error", physical_id=physical_id, error=repr(error), trace=traceback.format_exc())
        reason = f"internal error of the handler ({type(error).__name__}): the function's log contains its traceback."
        return failed(event, physical_id, _construct_path(event) + reason), _nothing
    log.info("done", physical_id=result.physical_id)
    return success(event, result), result.after_response or _nothing


def _nothing() -> None:
    pass


def _construct_path(event: Mapping[str, Any]) -> str:
    """The beginning of a reason: the path of the construct, since CloudFormation only shows logical ids."""
    properties = event.get("ResourceProperties")
    path = properties.get("ConstructPath") if isinstance(properties, Mapping) else None
    return f"{path}: " if isinstance(path, str) and path else ""


def _perform(request: CustomResourceRequest, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> Result:
    if request.resource_type not in RESOURCES:
        raise HandlerError(
            f"malformed event: ResourceType {request.resource_type!r} is not one of {', '.join(RESOURCES)}"
        )
    resource = RESOURCES[request.resource_type](gateway=gateway, deadline=deadline, log=log)
    if request.type == "Create":
        return resource.create(request)
    if request.type == "Update":
        return resource.update(request)
    return resource.delete(request)
