"""What SageMaker tells Amazon EventBridge: that the status of an image or of a version is another one.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html shows the events. They have
what is documented, and the status as the API writes it: the example there writes it differently.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.images_service import ImagesService
from imgver_sandbox.ministack.hooks import EVENTBRIDGE, RESPONSES, module
from imgver_sandbox.sagemaker.account import Account

_POLL_SECONDS = 0.2
"""No status lasts for less, unless somebody asked for that."""


@dataclass(frozen=True, kw_only=True)
class _State:
    account: str
    region: str
    status: str
    detail_type: str
    detail: Mapping[str, Any]


async def send_state_changes(service: ImagesService) -> None:
    """Send an event for every status of `service` that is a new one, until this is cancelled."""
    told: dict[str, str] = {}
    while True:
        states = dict(state for seen in service.view(lambda account: list(_states(account))) for state in seen)
        for arn, state in states.items():
            if told.get(arn) != state.status:
                _send(arn, state)
        told = {arn: state.status for arn, state in states.items()}
        await asyncio.sleep(_POLL_SECONDS)


def _states(account: Account) -> Iterator[tuple[str, _State]]:
    for image in account.images():
        yield (
            image.arn,
            _State(
                account=account.number,
                region=account.region,
                status=image.status,
                detail_type="SageMaker Image State Change",
                detail={"ImageName": image.name, "ImageArn": image.arn, "ImageStatus": image.status, "Tags": {}},
            ),
        )
        for version in image.versions.values():
            status = image.status_of(version)
            yield (
                version.arn,
                _State(
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


def _send(arn: str, state: _State) -> None:
    # Of this task only.
    module(RESPONSES).set_request_account_id(state.account)
    module(RESPONSES).set_request_region(state.region)
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": state.detail_type,
        "Resources": [arn],
        "Detail": json.dumps(state.detail),
    }
    module(EVENTBRIDGE)._put_events({"Entries": [entry]}, allow_aws_source=True)
