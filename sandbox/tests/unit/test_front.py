"""The rules for every request, without a server."""

import asyncio
import json

import pytest
from imgver_sandbox.api.front import FrontRequest, protected, refusal

PORT = 4566
HOST = {"host": f"127.0.0.1:{PORT}"}
TOKEN = "the-token"
EVENTS = "/_imgver/events"


def refused(method="POST", path="/", *, query=None, port=PORT, has_credentials=True, **headers):
    """Return the reason why a request is refused, or None."""
    given = {name.replace("_", "-"): value for name, value in {**HOST, **headers}.items() if value is not None}
    request = FrontRequest(method=method, path=path, headers=given, query=query or {}, port=port)
    found = refusal(request, token=TOKEN, has_credentials=lambda _: has_credentials)
    return found and found.reason


METHODS = ["GET", "POST", "PUT", "OPTIONS"]
PATHS = ["/", "/_imgver/", "/_imgver/events", "/_ministack/health", "/_ministack/cfn-response/token", "/bucket/key"]


class TestEveryPath:
    """Neither the token nor credentials help."""

    def reasons(self, **headers):
        return {refused(method, path, x_amz_security_token=TOKEN, **headers) for method in METHODS for path in PATHS}

    @pytest.mark.parametrize(
        "host",
        [
            None,
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "example.com:4566",
            "127.0.0.1.example.com:4566",
            "bucket.localhost:4566",
            "127.0.0.1:4566, example.com",
            "0.0.0.0:4566",
            "192.168.0.2:4566",
        ],
    )
    def test_another_host_is_refused(self, host):
        assert self.reasons(host=host) == {f"host '{host or ''}' must be 127.0.0.1:4566 or localhost:4566"}

    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "",
            "https://example.com",
            "http://127.0.0.1:8000",
            "http://127.0.0.1",
            "https://127.0.0.1:4566",
            "http://localhost:4566",
            "http://127.0.0.1:4566, https://example.com",
        ],
    )
    def test_another_origin_is_refused(self, origin):
        assert self.reasons(origin=origin) == {f"a web page of another origin ('{origin}') must not use the sandbox"}

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "", "other"])
    def test_another_site_is_refused(self, site):
        assert self.reasons(sec_fetch_site=site) == {
            f"a web page of another origin ('{site}') must not use the sandbox"
        }


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "LOCALHOST:4566", "[::1]:4566"])
@pytest.mark.parametrize("site", [None, "same-origin", "none"])
def test_the_own_page_and_other_clients_are_accepted(host, site):
    assert refused(host=host, origin=f"http://{host}", sec_fetch_site=site) is None
    assert refused(host=host, sec_fetch_site=site) is None


def test_clients_omit_the_port_80():
    assert refused(host="127.0.0.1", port=80) is None
    assert refused(host="127.0.0.1:80", port=80) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", EVENTS),
        ("POST", "/_imgver/faults"),
        ("POST", "/_imgver/"),
        ("GET", "/_imgver/none"),
        ("POST", "/_ministack/reset"),
        ("GET", "/_ministack/cfn-response/x"),
        ("PUT", "/_ministack/health"),
    ],
)
class TestPathsThatControlTheSandbox:
    def test_they_need_the_token_even_with_credentials(self, method, path):
        for token in (None, "", "another"):
            assert "must have the token" in refused(method, path, x_amz_security_token=token)

    def test_the_token_is_a_header_or_a_query_parameter(self, method, path):
        assert refused(method, path, has_credentials=False, x_amz_security_token=TOKEN) is None
        for name in ("X-Amz-Security-Token", "x-amz-security-token"):
            assert refused(method, path, has_credentials=False, query={name: [TOKEN]}) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_imgver/"),
        ("GET", "/_imgver/page.css"),
        ("GET", "/_imgver/page.js"),
        ("GET", "/_ministack/health"),
        ("PUT", "/_ministack/cfn-response/x"),
        ("PUT", "/_ministack/cfn-signal/x"),
    ],
)
def test_open_paths(method, path):
    assert refused(method, path, has_credentials=False) is None


@pytest.mark.parametrize("path", ["/", "/_imgver", "//_imgver/", "/health", "/bucket/_ministack/health"])
def test_other_paths_need_credentials(path):
    assert refused("GET", path) is None
    reason = refused("GET", path, has_credentials=False, x_amz_security_token=TOKEN)
    assert reason.startswith("The security token included in the request is invalid: ")


class TestProtected:
    """The ASGI application."""

    @pytest.fixture
    def respond(self):
        """Respond to one request with the application behind the front, and return the messages of the response."""

        def run(kind="http", messages=({"type": "http.request"},), **headers):
            async def app(_scope, _receive, send):
                names = ("Access-Control-Allow-Origin", "access-control-expose-headers", "etag")
                await send({"type": "http.response.start", "headers": [(name.encode(), b"*") for name in names]})
                await send({"type": "http.response.body", "body": b"the response"})

            scope = {
                "type": kind,
                "path": "/",
                "query_string": b"",
                "server": ("127.0.0.1", PORT),
                "headers": [(name.encode(), value.encode()) for name, value in {**HOST, **headers}.items()],
            }
            unread, sent = list(messages), []

            async def receive():
                return unread.pop(0)

            async def send(message):
                sent.append(message)

            front = protected(app, token=TOKEN, has_credentials=lambda _: True)
            asyncio.run(asyncio.wait_for(front(scope, receive, send), timeout=5))
            return sent, unread

        return run

    def test_a_response_has_no_cors_headers(self, respond):
        (start, body), _ = respond()

        assert start["headers"] == [(b"etag", b"*")]
        assert body["body"] == b"the response"

    def test_a_refused_request_is_read_to_its_end(self, respond):
        more = {"type": "http.request", "more_body": True}

        (start, body), unread = respond(messages=[more, more, {"type": "http.request"}], origin="null")

        assert (start["status"], unread) == (403, [])
        assert json.loads(body["body"])["__type"] == "AccessDenied"

    def test_a_websocket_is_closed(self, respond):
        sent, _ = respond("websocket", [{"type": "websocket.connect"}], origin="https://example.com")

        assert sent == [{"type": "websocket.close"}]
