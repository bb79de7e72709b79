"""From event to answer: every event gets exactly one, whatever happens on the way."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from imgver_handler.failures import Failure
from imgver_handler.gateway import AwsGateway
from imgver_handler.image_aliases import ImageAliases
from imgver_handler.image_retention import ImageRetentions
from imgver_handler.image_versions import ImageVersions
from imgver_handler.log import Log
from imgver_handler.request import Request, parse
from imgver_handler.response import Outcome, failed, success
from imgver_handler.timing import Timing

RESOURCES: Mapping[str, type[ImageVersions | ImageAliases | ImageRetentions]] = {
    "Custom::SageMakerImageVersion": ImageVersions,
    "Custom::SageMakerImageAlias": ImageAliases,
    "Custom::SageMakerImageRetention": ImageRetentions,
}

Put = Callable[[str, bytes, Timing, Log], None]


def handle(event: Mapping[str, Any], *, gateway: AwsGateway, timing: Timing, log: Log, put: Put) -> None:
    """Handle one event and answer it.

    Raises:
        ConnectionError: the answer could not be delivered; Lambda delivers the event again.
    """
    url = event.get("ResponseURL")
    if not isinstance(url, str) or not url:
        log.error("malformed event: it has no ResponseURL, so nobody can be answered")
        return
    put(url, _answer(event, gateway, timing, log), timing.answering(), log)


def _answer(event: Mapping[str, Any], gateway: AwsGateway, timing: Timing, log: Log) -> bytes:
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
        outcome = _act(request, gateway, timing, log)
    except Failure as failure:
        # Only a Create may name an id of its own: in an Update another id would be a replacement.
        physical_id = physical_id or failure.physical_id or not_created
        log.error("failed", physical_id=physical_id, reason=failure.reason)
        return failed(event, physical_id, failure.reason)
    except Exception as error:  # noqa: BLE001 (CloudFormation would wait for the service timeout)
        physical_id = physical_id or not_created
        log.error("internal error", physical_id=physical_id, error=repr(error), trace=traceback.format_exc())
        reason = f"internal error of the handler ({type(error).__name__}): its trace is in the function's log."
        return failed(event, physical_id, reason)
    log.info("done", physical_id=outcome.physical_id)
    return success(event, outcome)


def _act(request: Request, gateway: AwsGateway, timing: Timing, log: Log) -> Outcome:
    if request.resource_type not in RESOURCES:
        raise Failure(f"malformed event: ResourceType {request.resource_type!r} is not one of {', '.join(RESOURCES)}")
    resource = RESOURCES[request.resource_type](gateway=gateway, timing=timing, log=log)
    if request.type == "Create":
        return resource.create(request)
    if request.type == "Update":
        return resource.update(request)
    return resource.delete(request)
