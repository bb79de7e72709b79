"""The HTTP routes of the sandbox itself."""

import asyncio
import contextlib
import http.client
import json

import pytest
from imgver_sandbox.api.routes import TOKEN_NAME, HttpResponse, Routes, send_request


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/_imgver/none", 404, "path '/_imgver/none' must be one of /_imgver/, /_imgver/calls, "),
        ("PUT", "/_imgver/faults", 405, "method 'PUT' of /_imgver/faults must be one of DELETE, GET, POST"),
        ("DELETE", "/_imgver/faults?id=1&id=x", 400, "id 'x' must be a number"),
    ],
)
def test_an_error_has_its_status_and_reason(sandbox, method, path, status, reason):
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, headers={TOKEN_NAME: sandbox.token})
        response = connection.getresponse()

        assert (response.status, response.headers["content-type"]) == (status, "application/json")
        assert json.load(response)["error"].startswith(reason)
    with pytest.raises(ValueError, match=r"must be"):
        send_request(sandbox.port, method, path, token=sandbox.token)


def test_other_paths_belong_to_ministack(sandbox):
    assert json.loads(send_request(sandbox.port, "GET", "/_ministack/health", token=sandbox.token))["services"]


class TestStream:
    """A response in parts, without a server: `receive` and `send` are those of ASGI."""

    @pytest.fixture
    def request_stream(self):
        def run(parts, receive):
            routes, sent = Routes(), []
            routes.add("GET", "/_imgver/x", lambda _: HttpResponse(body=parts()))
            scope = {"type": "http", "method": "GET", "path": "/_imgver/x", "query_string": b""}

            async def send(message):
                sent.append(message.get("body"))

            asyncio.run(asyncio.wait_for(routes(scope, receive, send), timeout=5))
            return sent

        return run

    def test_it_ends_when_the_client_disconnects(self, request_stream):
        messages, ended = [{"type": "http.request"}], []

        async def receive():
            if messages:
                return messages.pop()
            await asyncio.sleep(0.02)
            return {"type": "http.disconnect"}

        async def parts():
            try:
                yield b"a"
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        assert request_stream(parts, receive) == [None, b"a"]
        assert ended == [True]

    def test_an_exception_is_raised(self, request_stream):
        messages = [{"type": "http.request"}]

        async def receive():
            if messages:
                return messages.pop()
            return await asyncio.Event().wait()

        async def parts():
            yield b"a"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            request_stream(parts, receive)
