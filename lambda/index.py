"""Entry point of the Lambda function: one custom-resource event in, one answer to CloudFormation out."""
# ruff: noqa: E402

import gc

# What a start loads stays: looking for garbage in it takes time and finds none.
gc.disable()

from contextlib import suppress
from typing import Any

from imgver_handler import clients
from imgver_handler.crowd import Crowd
from imgver_handler.dispatch import handle
from imgver_handler.gateway import AwsGateway
from imgver_handler.log import Log
from imgver_handler.response import put
from imgver_handler.timing import Timing

# Lambda gives a start more CPU than the function's memory stands for. What fails is answered when an event needs it.
with suppress(Exception):
    clients.client("sagemaker", None)

crowd = Crowd()

gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 (the runtime's context class is not importable)
    """Handle one event of any of the library's resource types."""
    timing = Timing(time_left=lambda: context.get_remaining_time_in_millis() / 1000)
    log = Log()
    gateway = AwsGateway(timing=timing, log=log, crowd=crowd)
    handle(event, gateway=gateway, timing=timing, log=log, put=put)
