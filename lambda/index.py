"""Entry point of the Lambda function: one custom-resource event in, one answer to CloudFormation out."""
# ruff: noqa: E402

import gc

# What a start loads stays: looking for garbage in it takes time and finds none.
gc.disable()

from contextlib import suppress
from typing import Any

from imgver_handler.aws import clients
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.cloudformation.response import put
from imgver_handler.deadline import Deadline
from imgver_handler.dispatch import handle
from imgver_handler.logging import JsonLogger

# Lambda gives a start more CPU than the function's memory stands for. What fails is answered when an event needs it.
with suppress(Exception):
    clients.client("sagemaker", None)

throttle_state = ThrottleState()

gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 (the runtime's context class is not importable)
    """Handle one event of any of the library's resource types."""
    deadline = Deadline(time_left=lambda: context.get_remaining_time_in_millis() / 1000)
    log = JsonLogger()
    gateway = AwsGateway(deadline=deadline, log=log, throttle_state=throttle_state)
    handle(event, gateway=gateway, deadline=deadline, log=log, put=put)
