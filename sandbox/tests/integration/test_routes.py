"""The sandbox's own paths: how they are found, refused and streamed."""

import asyncio
import json

import pytest
from imgver_sandbox.api.routes import HttpResponse, Routes, send_request


class Exchange:
    """One HTTP request, as an ASGI server makes it."""

    def __init__(self, method="GET", path="/_imgver/x", query=b"", body=(b"",)):
        self.scope = {"type": "http", "method": method, "path": path, "query_string": query}
        self._parts = [
            {"type": "http.request", "body": part, "more_body": number < len(body)}
            for number, part in enumerate(body, start=1)
        ]
        self.gone = asyncio.Event()
        self.sent = []

    async def receive(self):
        if self._parts:
            return self._parts.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    def answered(self):
        start, *parts = self.sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, b"".join(part["body"] for part in parts)


@pytest.fixture
def routes():
    return Routes()


@pytest.fixture
def answer(routes):
    """What a request is answered."""

    def make(**request):
        async def run():
            exchange = Exchange(**request)
            await routes(exchange.scope, exchange.receive, exchange.send)
            return exchange.answered()

        return asyncio.run(run())

    return make


def test_a_request_is_answered(routes, answer):
    seen = []
    routes.add("POST", "/_imgver/x", lambda request: seen.append(request) or HttpResponse(body=b"yes", status=201))

    status, headers, body = answer(method="POST", query=b"a=1&a=2&b=", body=(b"on", b"e"))

    assert (status, body) == (201, b"yes")
    assert headers == {"content-type": "application/json", "cache-control": "no-store"}
    assert (seen[0].query, seen[0].body) == ({"a": "2", "b": ""}, b"one")


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        ({"path": "/_imgver/none"}, 404, "path '/_imgver/none' must be one of /_imgver/w, /_imgver/x"),
        ({"method": "PUT"}, 405, "method 'PUT' of /_imgver/x must be one of GET, POST"),
        ({"method": "POST"}, 400, "this must be that"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(routes, answer, request_, status, reason):
    def refuse(_request):
        raise ValueError("this must be that")

    routes.add("POST", "/_imgver/x", refuse)
    routes.add("GET", "/_imgver/x", lambda _: HttpResponse(body=b""))
    routes.add("GET", "/_imgver/w", lambda _: HttpResponse(body=b""))

    found, _, body = answer(**request_)

    assert (found, json.loads(body)) == (status, {"error": reason})


class TestStream:
    def test_all_parts_are_sent(self, routes, answer):
        async def parts():
            yield b"a"
            yield b"b"

        routes.add("GET", "/_imgver/x", lambda _: HttpResponse(body=parts(), content_type="text/event-stream"))

        status, headers, body = answer()

        assert (status, headers["content-type"], body) == (200, "text/event-stream", b"ab")

    def test_it_ends_when_nobody_reads_any_more(self, routes):
        ended = []

        async def parts():
            try:
                yield b"a"
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        routes.add("GET", "/_imgver/x", lambda _: HttpResponse(body=parts()))

        async def run():
            exchange = Exchange()
            asyncio.get_running_loop().call_later(0.02, exchange.gone.set)
            await asyncio.wait_for(routes(exchange.scope, exchange.receive, exchange.send), timeout=5)
            return exchange.answered()

        assert asyncio.run(run())[2] == b"a"
        assert ended == [True]

    def test_a_defect_comes_through(self, routes, answer):
        async def parts():
            yield b"a"
            raise ZeroDivisionError

        routes.add("GET", "/_imgver/x", lambda _: HttpResponse(body=parts()))

        with pytest.raises(ZeroDivisionError):
            answer()


class TestServer:
    def test_both_its_own_paths_and_awss_are_there(self, sandbox):
        with pytest.raises(ValueError, match=r"^path '/_imgver/none' must be one of .*/_imgver/calls.*/_imgver/faults"):
            send_request(sandbox.port, "GET", "/_imgver/none")

        assert json.loads(send_request(sandbox.port, "GET", "/_ministack/health"))["services"]
