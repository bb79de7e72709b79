"""The HTTP routes `/_imgver/…` of the sandbox itself, on the same port as the AWS API, and their client."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

PREFIX = "/_imgver"
"""The prefix of the paths. Every other path belongs to the AWS API."""

RESET_PATH = f"{PREFIX}/reset"
"""POST removes the state that is not MiniStack's: images, faults, saved queries and IAM decisions."""

IMAGES_PATH = f"{PREFIX}/images"
"""GET returns the images of all accounts and regions."""

TOKEN_NAME = "X-Amz-Security-Token"  # noqa: S105  not a token
"""The header, or the query parameter, with the token of the sandbox, which is the root user's session token."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """A request to one of the routes."""

    query: Mapping[str, str]
    """The query parameters, each with its last value."""

    body: bytes


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """The response of a route."""

    body: bytes | AsyncIterator[bytes]
    """The whole body, or its parts. Parts are sent until the iterator ends or the client disconnects."""

    content_type: str = "application/json"
    status: int = 200


RouteHandler = Callable[[HttpRequest], HttpResponse]


class Routes:
    """The ASGI application for the paths below `PREFIX`."""

    def __init__(self) -> None:
        """Create an application without routes."""
        self._handlers: dict[str, dict[str, RouteHandler]] = {}

    def add(self, method: str, path: str, handler: RouteHandler) -> None:
        """Add a route for `method`, such as `GET`, and exactly `path`, such as `/_imgver/calls`.

        The handler runs on the event loop between requests to the AWS API and must not block. If it raises a
        ValueError, the response has the status 400 and the message of the error.
        """
        self._handlers.setdefault(path, {})[method] = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one HTTP request."""
        response = self._response(scope["method"], scope["path"], scope["query_string"], await _body(receive))
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"cache-control", b"no-store"),  # every response can change
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if isinstance(response.body, bytes):
            await send({"type": "http.response.body", "body": response.body})
        else:
            await _stream(response.body, receive, send)

    def _response(self, method: str, path: str, query: bytes, body: bytes) -> HttpResponse:
        handlers = self._handlers.get(path)
        if handlers is None:
            return error_response(404, f"path '{path}' must be one of {', '.join(sorted(self._handlers))}")
        if method not in handlers:
            return error_response(405, f"method '{method}' of {path} must be one of {', '.join(sorted(handlers))}")
        parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
        try:
            last_values = {name: last for name, (*_, last) in parameters.items()}
            return handlers[method](HttpRequest(query=last_values, body=body))
        except ValueError as error:
            return error_response(400, str(error))


def error_response(status: int, reason: str) -> HttpResponse:
    """Return a response with an error status and the reason."""
    return HttpResponse(status=status, body=json.dumps({"error": reason}).encode())


def send_request(port: int, method: str, path: str, body: bytes | None = None, *, token: str) -> bytes:
    """Send a request to a route of the sandbox on `port` of this machine and return the body of the response.

    `token` is the token of that sandbox.

    Raises ValueError with the reason for an error status, and OSError if the sandbox has stopped.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers={TOKEN_NAME: token})
        response = connection.getresponse()
        response_body = response.read()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise ValueError(json.loads(response_body)["error"])
    return response_body


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    return body


async def _stream(parts: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    async def write() -> None:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def wait_for_disconnect() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(write()), asyncio.create_task(wait_for_disconnect())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
