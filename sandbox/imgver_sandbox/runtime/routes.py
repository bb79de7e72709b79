"""The sandbox's own paths, `/_imgver/…`, on the port on which it also answers AWS's API: both ends of them."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

PREFIX = "/_imgver"
"""What the paths begin with: everything else is AWS's."""

RESET_PATH = f"{PREFIX}/reset"
"""POST forgets what is not MiniStack's: images, faults, and what IAM decided."""

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """What was asked."""

    query: Mapping[str, str]
    """The parameters of the query; the last value of each."""

    body: bytes


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """What is answered."""

    body: bytes | AsyncIterator[bytes]
    """All of it, or its parts as they come: until there are no more, or nobody reads them any more."""

    content_type: str = "application/json"
    status: int = 200


RouteHandler = Callable[[HttpRequest], HttpResponse]


class Routes:
    """The paths and what answers them, as an ASGI application for all that is beneath `PREFIX`."""

    def __init__(self) -> None:
        """Without any path."""
        self._answers: dict[str, dict[str, RouteHandler]] = {}

    def add(self, method: str, path: str, answer: RouteHandler) -> None:
        """Let `answer` answer requests with `method` (`GET`) for exactly `path` (`/_imgver/calls`).

        It runs on the event loop, between two requests of AWS's API: it must not block. A ValueError that it raises is
        answered with status 400 and its text.
        """
        self._answers.setdefault(path, {})[method] = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """RouteHandler one HTTP request."""
        response = self._response(scope["method"], scope["path"], scope["query_string"], await _body(receive))
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"cache-control", b"no-store"),  # all of it changes
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if isinstance(response.body, bytes):
            await send({"type": "http.response.body", "body": response.body})
        else:
            await _stream(response.body, receive, send)

    def _response(self, method: str, path: str, query: bytes, body: bytes) -> HttpResponse:
        answers = self._answers.get(path)
        if answers is None:
            return error_response(404, f"path '{path}' must be one of {', '.join(sorted(self._answers))}")
        if method not in answers:
            return error_response(405, f"method '{method}' of {path} must be one of {', '.join(sorted(answers))}")
        parameters = parse_qs(query.decode("latin-1"), keep_blank_values=True)
        try:
            return answers[method](
                HttpRequest(query={name: last for name, (*_, last) in parameters.items()}, body=body)
            )
        except ValueError as error:
            return error_response(400, str(error))


def error_response(status: int, reason: str) -> HttpResponse:
    """An answer that says why there is no other."""
    return HttpResponse(status=status, body=json.dumps({"error": reason}).encode())


def send_request(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    """Ask the sandbox on `port` of this machine for one of its own paths.

    Raises ValueError with its reason when it refuses, and OSError when it has ended.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(connection):
        connection.request(method, path, body=body)
        response = connection.getresponse()
        answer = response.read()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise ValueError(json.loads(answer)["error"])
    return answer


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

    async def until_nobody_reads() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(write()), asyncio.create_task(until_nobody_reads())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
