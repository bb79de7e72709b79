"""Entry point of the Lambda function: it takes one custom-resource event and sends one response to CloudFormation."""

from contextlib import suppress
from typing import Any

try:
    from imgver_handler.aws import clients
    from imgver_handler.aws.gateway import AwsGateway
    from imgver_handler.aws.throttling import ThrottleState
    from imgver_handler.cloudformation.response import send
    from imgver_handler.deadline import Deadline
    from imgver_handler.dispatch import handle
    from imgver_handler.logging import JsonLogger

    throttle_state = ThrottleState()
    start_error = None
except Exception as error:  # noqa: BLE001 (whatever the cause is, every event gets a response)
    import start_failure

    start_error = error
else:
    # Lambda gives a function more CPU while it starts than its memory size grants later. If the client cannot be
    # created, the first event that needs it reports the error.
    with suppress(Exception):
        clients.client("sagemaker", None)


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 (the runtime's context class is not importable)
    """Handle one event of any of the library's resource types."""
    if start_error is not None:
        start_failure.respond(event, start_error)
        return
    deadline = Deadline(time_left=lambda: context.get_remaining_time_in_millis() / 1000)
    log = JsonLogger()
    gateway = AwsGateway(deadline=deadline, log=log, throttle_state=throttle_state)
    handle(event, gateway=gateway, deadline=deadline, log=log, send=send)
