"""The CDK CLI's polls of a stack. The CLI reads the status at once, and then every 5 s until the operation ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from imgver_sandbox.ministack.hooks import APP, CLOUDFORMATION, module

ServiceResponse = tuple[int, dict[str, str], bytes]

_CDK_CLI = "aws-cdk/"
_LONGEST_SECONDS = 20.0
_POLL_SECONDS = 0.05


def hold_stack_polls() -> None:
    """Respond to the CDK CLI's DescribeStacks when the operation on the stack has ended, at the latest after 20 s.

    The response is the same as without this. The CLI gets it when the operation ends and not up to 5 s later. Other
    clients get their responses at once: they may want to see a stack in progress.
    """
    handlers = module(APP).SERVICE_HANDLERS
    handle: Callable[..., Awaitable[ServiceResponse]] = handlers["cloudformation"]

    async def hold(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> ServiceResponse:
        if _CDK_CLI in headers.get("user-agent", ""):
            parameters = parse_qs(body.decode(errors="replace"))
            if parameters.get("Action") == ["DescribeStacks"] and "StackName" in parameters:
                await _operation_ended(parameters["StackName"][0])
        return await handle(method, path, headers, body, query)

    handlers["cloudformation"] = hold


async def _operation_ended(name_or_arn: str) -> None:
    """Return when no operation is in progress on the stack, at the latest after 20 s."""
    stacks = module(CLOUDFORMATION)._stacks
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end:
        found = [stack for stack in stacks.values() if name_or_arn in (stack["StackName"], stack["StackId"])]
        if not any(stack["StackStatus"].endswith("_IN_PROGRESS") for stack in found):
            return
        await asyncio.sleep(_POLL_SECONDS)
