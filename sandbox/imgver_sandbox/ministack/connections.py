"""HTTP connections that close without a response, which ASGI does not support."""

import contextlib
import contextvars
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from imgver_sandbox.api.routes import Receive, Scope, Send

_App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class _Connection:
    must_close: bool = False


_current: contextvars.ContextVar[_Connection] = contextvars.ContextVar("current")


def break_connection() -> None:
    """Close the connection of the current request instead of sending a response."""
    _current.get().must_close = True


def breakable(app: _App) -> _App:
    """Return the application with connections that `break_connection` can close."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        connection = _Connection()
        _current.set(connection)

        async def send_unless_broken(message: Mapping[str, Any]) -> None:
            if not connection.must_close:
                await send(message)

        await app(scope, receive, send_unless_broken)
        if connection.must_close:
            _close(scope["client"])
            # Otherwise the server would send a response for the application.
            while (await receive())["type"] != "http.disconnect":
                pass

    return respond


def _close(client: tuple[str, int]) -> None:
    """Shut down the connection from `client` in this process."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  file descriptors
        with contextlib.suppress(OSError):  # the descriptor of this listing is closed; other sockets are not connected
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    if connection.getpeername() == client:
                        connection.shutdown(socket.SHUT_RDWR)
