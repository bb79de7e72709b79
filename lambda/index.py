"""Entry point of the Lambda function: it takes one custom-resource event and sends one response to CloudFormation."""

from contextlib import suppress
from typing import Any

from imgver_handler.aws import clients
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.cloudformation.response import send
from imgver_handler.deadline import Deadline
from imgver_handler.dispatch import handle
from imgver_handler.logging import JsonLogger

# Lambda gives a function more CPU while it starts than its memory size grants later. If the client cannot be created,
# the first event that needs it reports the error.
with suppress(Exception):
    clients.client("sagemaker", None)

throttle_state = ThrottleState()


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 (the runtime's context class is not importable)
    """Handle one event of any of the library's resource types."""
    deadline = Deadline(time_left=lambda: context.get_remaining_time_in_millis() / 1000)
    log = JsonLogger()
    gateway = AwsGateway(deadline=deadline, log=log, throttle_state=throttle_state)
    handle(event, gateway=gateway, deadline=deadline, log=log, send=send)
