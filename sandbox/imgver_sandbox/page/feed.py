"""What the page is told, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence

from imgver_sandbox.page.images import ShownImage
from imgver_sandbox.runtime.activity import ApiCalls, Deployment

_SECONDS = 0.25


async def feed(
    *, images: Callable[[], Sequence[ShownImage]], deployments: Callable[[], Sequence[Deployment]], api_calls: ApiCalls
) -> AsyncIterator[bytes]:
    """Events without end: `images` and `deployments` have all that there are, whenever one has changed.

    `calls` has those that were answered since the one before; the first one has all that are remembered.
    """
    yield b"retry: 1000\n\n"  # milliseconds after which the browser asks again when the sandbox has ended
    told: dict[str, bytes] = {}
    number: int | None = None
    while True:
        for name, found in (("images", images()), ("deployments", deployments())):
            event = _event(name, found)
            if told.get(name) != event:
                told[name] = event
                yield event
        calls = api_calls.after(number or 0)
        if calls or number is None:
            number = calls[-1].number if calls else 0
            yield _event("calls", calls)
        await asyncio.sleep(_SECONDS)


def _event(name: str, found: Sequence[object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(found, default=vars)}\n\n".encode()
