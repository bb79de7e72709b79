"""From event to answer: every event gets exactly one, whatever happens on the way."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.request import Request, parse
from imgver_handler.cloudformation.response import Result, failed, success
from imgver_handler.deadline import Deadline
from imgver_handler.errors import HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources.image_alias import ImageAliasResource
from imgver_handler.resources.image_retention import ImageRetentionResource
from imgver_handler.resources.image_version import ImageVersionResource

RESOURCES: Mapping[str, type[ImageVersionResource | ImageAliasResource | ImageRetentionResource]] = {
    "Custom::SageMakerImageVersion": ImageVersionResource,
    "Custom::SageMakerImageAlias": ImageAliasResource,
    "Custom::SageMakerImageRetention": ImageRetentionResource,
}

Put = Callable[[str, bytes, Deadline, JsonLogger], None]


def handle(event: Mapping[str, Any], *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger, put: Put) -> None:
    """Handle one event and answer it.

    Raises:
        ConnectionError: the answer could not be delivered; Lambda delivers the event again.
    """
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not url:
        log.error("malformed event: it has no ResponseURL, so nobody can be answered")
        return
    put(url, _answer(event, gateway, deadline, log), deadline.answering(), log)


def _answer(event: Mapping[str, Any], gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> bytes:
    physical_id = event.get("PhysicalResourceId")
    not_created = f"not-created:{event.get('RequestId', '')}"
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
        result = _act(request, gateway, deadline, log)
    except HandlerError as failure:
        # Only a Create may name an id of its own: in an Update another id would be a replacement.
        physical_id = physical_id or failure.physical_id or not_created
        log.error("failed", physical_id=physical_id, reason=failure.reason)
        return failed(event, physical_id, failure.reason)
    except Exception as error:  # noqa: BLE001 (CloudFormation would wait for the service timeout)
        physical_id = physical_id or not_created
        log.error("internal error", physical_id=physical_id, error=repr(error), trace=traceback.format_exc())
        reason = f"internal error of the handler ({type(error).__name__}): its trace is in the function's log."
        return failed(event, physical_id, reason)
    log.info("done", physical_id=result.physical_id)
    return success(event, result)


def _act(request: Request, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> Result:
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
