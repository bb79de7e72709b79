"""The events that SageMaker sends to Amazon EventBridge when the status of an image or a version changes.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html documents the events. They
have the documented members. The status is spelled as in the API; the documentation's example spells it differently.
"""

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.ministack.hooks import EVENTBRIDGE, RESPONSES, module
from imgver_sandbox.sagemaker.account import SageMakerAccount
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


def _states(account: SageMakerAccount) -> Iterator[tuple[str, ResourceStatus]]:
    for image in account.images():
        tags = dict(account.tags[image.arn])
        yield (
            image.arn,
            ResourceStatus(
                account=account.number,
                region=account.region,
                status=image.status,
                detail_type="SageMaker Image State Change",
                detail={"ImageName": image.name, "ImageArn": image.arn, "ImageStatus": image.status, "Tags": tags},
            ),
        )
        for version in image.versions.values():
            status = image.status_of(version)
            yield (
                version.arn,
                ResourceStatus(
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
                ),
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
        self._sent: dict[str, str] = {}
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
            states = dict(state for seen in self._service.view(lambda one: list(_states(one))) for state in seen)
            changed = {arn: state for arn, state in states.items() if self._sent.get(arn) != state.status}
            self._sent = {arn: state.status for arn, state in states.items()}
            for arn, state in changed.items():
                self._send(arn, state)
