"""HTTP connections that end without an answer, which an ASGI application has no words for."""

import contextlib
import contextvars
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.runtime.routes import Receive, Scope, Send

_App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class _Connection:
    is_to_break: bool = False


_answering: contextvars.ContextVar[_Connection] = contextvars.ContextVar("answering")


def break_connection() -> None:
    """Let the connection of the request that is being answered end in the place of the answer."""
    _answering.get().is_to_break = True


def breakable(app: _App) -> _App:
    """The application, with connections that `break_connection` can end."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        connection = _Connection()
        _answering.set(connection)

        async def send_unless_broken(message: Mapping[str, Any]) -> None:
            if not connection.is_to_break:
                await send(message)

        await app(scope, receive, send_unless_broken)
        if connection.is_to_break:
            _close(scope["client"])
            # Else the server would answer that the application did not.
            while (await receive())["type"] != "http.disconnect":
                pass

    return answer


def _close(client: tuple[str, int]) -> None:
    """Close this process's end of the connection from `client`, whoever holds it."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  numbers, no files
        with contextlib.suppress(OSError):  # that of this listing is gone; others are connected to nobody
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    if connection.getpeername() == client:
                        connection.shutdown(socket.SHUT_RDWR)
