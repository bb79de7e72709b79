"""The data of the page, as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence

from imgver_sandbox.api.api_calls import ApiCalls

_INTERVAL_SECONDS = 0.25


async def feed(
    *,
    images: Callable[[], Sequence[object]],
    domains: Callable[[], Sequence[object]],
    stacks: Callable[[], Sequence[object]],
    api_calls: ApiCalls,
) -> AsyncIterator[bytes]:
    """Yield events without end.

    The events `images`, `domains` and `deployments` have all images, domains and stacks, and are sent again when one of
    them changes. The first event `calls` has all recorded calls, and each later one has the calls since the one before.
    """
    yield b"retry: 1000\n\n"  # milliseconds until the browser connects again
    sent: dict[str, bytes] = {}
    number: int | None = None
    while True:
        for name, items in (("images", images()), ("domains", domains()), ("deployments", stacks())):
            event = _event(name, items)
            if sent.get(name) != event:
                sent[name] = event
                yield event
        calls = api_calls.after(number or 0)
        if calls or number is None:
            number = calls[-1].number if calls else 0
            yield _event("calls", calls)
        await asyncio.sleep(_INTERVAL_SECONDS)


def _event(name: str, items: Sequence[object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(items, default=vars)}\n\n".encode()
