"""The events that SageMaker sends to Amazon EventBridge when the status of an image or a version changes.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html documents the events. They
have the documented members. The status is spelled as in the API; the documentation's example spells it differently.
"""

import asyncio
import contextvars
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.ministack.hooks import EVENTBRIDGE, RESPONSES, module
from imgver_sandbox.sagemaker.account import SageMakerAccount
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord
from imgver_sandbox.sagemaker.service import ImagesService, ServiceCall

_POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """A change of the status of an image or a version."""

    arn: str
    detail_type: str
    detail: Mapping[str, Any]
    """The content of the event."""


def _of_image(image: ImageRecord, tags: Mapping[str, str]) -> StateChange:
    detail = {"ImageName": image.name, "ImageArn": image.arn, "ImageStatus": image.status, "Tags": dict(tags)}
    return StateChange(arn=image.arn, detail_type="SageMaker Image State Change", detail=detail)


def _of_version(image: ImageRecord, version: ImageVersionRecord) -> StateChange:
    detail = {
        "ImageArn": image.arn,
        "ImageVersionArn": version.arn,
        "ImageVersionStatus": image.status_of(version),
        "Version": float(version.number),
        "Tags": {},
    }
    return StateChange(arn=version.arn, detail_type="SageMaker Image Version State Change", detail=detail)


def _send(change: StateChange) -> None:
    region, account = change.arn.split(":")[3:5]
    module(RESPONSES).set_request_account_id(account)
    module(RESPONSES).set_request_region(region)
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": change.detail_type,
        "Resources": [change.arn],
        "Detail": json.dumps(change.detail),
    }
    module(EVENTBRIDGE)._put_events({"Entries": [entry]}, allow_aws_source=True)


class StateChanges:
    """Sends an event for every change of a status.

    It reads the statuses every 0.2 s, and before every write, since a write can end a status before the next read.
    """

    def __init__(self, service: ImagesService, *, send: Callable[[StateChange], None] = _send) -> None:
        """Register for the calls of `service`. `send` gets each change; default: it sends an event to EventBridge."""
        self._service = service
        self._send = send
        self._seen: dict[str, tuple[ImageRecord, str, int]] = {}
        """Each image by its ARN, with the status and the revision that were seen last."""
        self._lock = threading.Lock()
        service.before_call = self._before

    async def watch(self) -> None:
        """Send events until this is cancelled."""
        while True:
            self._send_changes()
            await asyncio.sleep(_POLL_SECONDS)

    def _before(self, call: ServiceCall) -> None:
        if call.operation.startswith(("Describe", "List")):
            return
        # In a copy of the context, since `send` changes the account and region of the context.
        contextvars.copy_context().run(self._send_changes)

    def _send_changes(self) -> None:
        with self._lock:
            changes = self._service.view(lambda account: list(self._changes(account)))
            for change in itertools.chain.from_iterable(changes):
                self._send(change)

    def _changes(self, account: SageMakerAccount) -> Iterator[StateChange]:
        """The statuses that have changed since the last call."""
        for image in account.images():
            seen, status, revision = self._seen.get(image.arn, (None, "", 0))
            if seen is not image:
                status, revision = "", 0
            self._seen[image.arn] = image, image.status, image.revision
            if image.status != status:
                yield _of_image(image, account.tags[image.arn])
            # The deletion of an image shows in the statuses of all of its versions.
            is_of_all = image.status != status and "DELETING" in {image.status, status}
            for version in image.versions.values() if is_of_all else image.changed_since(revision):
                yield _of_version(image, version)
