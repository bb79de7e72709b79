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
class ResourceStatus:
    """The content of an event of an image or a version."""

    account: str
    region: str
    status: str
    detail_type: str
    detail: Mapping[str, Any]


def _image_status(account: SageMakerAccount, image: ImageRecord) -> ResourceStatus:
    tags = dict(account.tags[image.arn])
    return ResourceStatus(
        account=account.number,
        region=account.region,
        status=image.status,
        detail_type="SageMaker Image State Change",
        detail={"ImageName": image.name, "ImageArn": image.arn, "ImageStatus": image.status, "Tags": tags},
    )


def _version_status(account: SageMakerAccount, image: ImageRecord, version: ImageVersionRecord) -> ResourceStatus:
    status = image.status_of(version)
    return ResourceStatus(
        account=account.number,
        region=account.region,
        status=status,
        detail_type="SageMaker Image Version State Change",
        detail={
            "ImageArn": image.arn,
            "ImageVersionArn": version.arn,
            "ImageVersionStatus": status,
            "Version": float(version.number),
            "Tags": {},
        },
    )


def _send(arn: str, state: ResourceStatus) -> None:
    module(RESPONSES).set_request_account_id(state.account)
    module(RESPONSES).set_request_region(state.region)
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": state.detail_type,
        "Resources": [arn],
        "Detail": json.dumps(state.detail),
    }
    module(EVENTBRIDGE)._put_events({"Entries": [entry]}, allow_aws_source=True)


class StateChanges:
    """Sends an event for every change of a status.

    It reads the statuses every 0.2 s, and before every write, since a write can end a status before the next read.
    """

    def __init__(self, service: ImagesService, *, send: Callable[[str, ResourceStatus], None] = _send) -> None:
        """Register for the calls of `service`. `send` gets an ARN and its status; default: MiniStack's EventBridge."""
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
        if call.operation.startswith(("Describe", "List", "Search")):
            return
        # In a copy of the context, since `send` changes the account and region of the context.
        contextvars.copy_context().run(self._send_changes)

    def _send_changes(self) -> None:
        with self._lock:
            changes = self._service.view(lambda account: list(self._changes(account)))
            for arn, state in itertools.chain.from_iterable(changes):
                self._send(arn, state)

    def _changes(self, account: SageMakerAccount) -> Iterator[tuple[str, ResourceStatus]]:
        """The statuses that have changed since the last call, by the ARN of the image or the version."""
        for image in account.images():
            seen, status, revision = self._seen.get(image.arn, (None, "", 0))
            if seen is not image:
                status, revision = "", 0
            self._seen[image.arn] = image, image.status, image.revision
            if image.status != status:
                yield image.arn, _image_status(account, image)
            # The deletion of an image shows in the statuses of all of its versions.
            is_of_all = image.status != status and "DELETING" in {image.status, status}
            for version in image.versions.values() if is_of_all else image.changed_since(revision):
                yield version.arn, _version_status(account, image, version)
