"""The front of the sandbox: the rules that every request must satisfy before a route or MiniStack receives it.

The sandbox runs the code that is deployed to it as the user. A web page that the user visits, and another user of the
machine, must therefore not be able to use it.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from imgver_sandbox.api.routes import PREFIX, TOKEN_NAME, Receive, Scope, Send, error_response

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""The names of the loopback interface. With any other name, a web page could reach the sandbox through its own DNS."""

_OWN_SITE = ("same-origin", "none")
"""The values of Sec-Fetch-Site for the sandbox's own page, and for an address that the user entered."""

_CONTROL_PATHS = (f"{PREFIX}/*", "/_ministack/*")
"""The paths that control the sandbox. They need the token; all other paths need credentials of the sandbox."""

_OPEN_PATHS = (
    # The page without its data.
    ("GET", f"{PREFIX}/"),
    ("GET", f"{PREFIX}/page.css"),
    ("GET", f"{PREFIX}/page.js"),
    ("GET", "/_ministack/health"),
    # The URLs that CloudFormation gives to functions. As on AWS, each has a secret of its own.
    ("PUT", "/_ministack/cfn-response/*"),
    ("PUT", "/_ministack/cfn-signal/*"),
)
"""The methods and paths that need neither the token nor credentials."""

_HTTP_PORT = 80

_XML = re.compile(r"/(?:s3|route53|cloudfront)/aws4_request")
"""The scope of a signature for a service whose requests do not show that its protocol is XML."""


@dataclass(frozen=True, kw_only=True)
class FrontRequest:
    """The parts of a request that the rules use."""

    method: str
    path: str

    headers: Mapping[str, str]
    """The headers by lower-case names. The values of a repeated header are joined by `, `."""

    query: Mapping[str, list[str]]

    port: int
    """The port of the sandbox."""

    @classmethod
    def of(cls, scope: Scope) -> "FrontRequest":
        """Return the request of an ASGI scope."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return cls(
            method=scope.get("method", "GET"),  # a WebSocket has no method
            path=scope["path"],
            headers=headers,
            query=parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            port=scope["server"][1],
        )

    @property
    def token(self) -> str:
        """The session token of the request, or an empty string."""
        header = self.headers.get(TOKEN_NAME.lower())
        in_query = [values[0] for name, values in self.query.items() if name.lower() == TOKEN_NAME.lower()]
        return header or next(iter(in_query), "")

    @property
    def is_control(self) -> bool:
        """Whether the path controls the sandbox."""
        return any(fnmatchcase(self.path, pattern) for pattern in _CONTROL_PATHS)


@dataclass(frozen=True)
class Refusal:
    """An error code of AWS and the reason."""

    code: str
    reason: str


def refusal(request: FrontRequest, *, token: str, has_credentials: Callable[[FrontRequest], bool]) -> Refusal | None:
    """Return the first rule that a request does not satisfy, or None.

    `has_credentials` returns whether the access key of a request, and its session token if it has one, are from this
    sandbox.
    """
    hosts = {f"{name}:{request.port}" for name in _HOSTS}
    if request.port == _HTTP_PORT:
        hosts.update(_HOSTS)
    host = request.headers.get("host", "").lower()
    if host not in hosts:
        return Refusal("AccessDenied", f"host '{host}' must be 127.0.0.1:{request.port} or localhost:{request.port}")
    origin = request.headers.get("origin", f"http://{host}").lower()
    if origin != f"http://{host}":
        return Refusal("AccessDenied", f"a web page of another origin ('{origin}') must not use the sandbox")
    site = request.headers.get("sec-fetch-site", "none").lower()
    if site not in _OWN_SITE:
        return Refusal("AccessDenied", f"a web page of another origin ('{site}') must not use the sandbox")
    if any(request.method == method and fnmatchcase(request.path, pattern) for method, pattern in _OPEN_PATHS):
        return None
    if request.is_control:
        if hmac.compare_digest(request.token.encode(), token.encode()):
            return None
        return Refusal(
            "AccessDenied",
            f"the header {TOKEN_NAME} must have the token of the sandbox: "
            "`imgver-sandbox run` sets it as AWS_SESSION_TOKEN",
        )
    if has_credentials(request):
        return None
    return Refusal(
        "InvalidClientTokenId",
        "The security token included in the request is invalid: the sandbox has new keys after each start, "
        "and `imgver-sandbox run` sets them",
    )


def protected(app: App, *, token: str, has_credentials: Callable[[FrontRequest], bool]) -> App:
    """Return the application behind the front. Its responses have no CORS headers, so that no page can read them."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
            return

        async def send_without_cors(message: Mapping[str, Any]) -> None:
            if "headers" in message:
                headers = [
                    header for header in message["headers"] if not header[0].lower().startswith(b"access-control-")
                ]
                message = {**message, "headers": headers}
            await send(message)

        request = FrontRequest.of(scope)
        refused = refusal(request, token=token, has_credentials=has_credentials)
        if refused is None:
            await app(scope, receive, send_without_cors)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # the status is 403
        else:
            await _refuse(request, refused, receive, send)

    return respond


async def _refuse(request: FrontRequest, refused: Refusal, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):  # a client reads the response after it has sent its body
        pass
    content_type, body = _body(request, refused)
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", refused.code.encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _body(request: FrontRequest, refused: Refusal) -> tuple[str, bytes]:
    """Return the content type and the body in the protocol of the AWS service."""
    if request.is_control:
        response = error_response(403, refused.reason)
        assert isinstance(response.body, bytes)  # noqa: S101  it has no parts
        return response.content_type, response.body
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if form or _XML.search(request.headers.get("authorization", "")):
        error = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.reason)}</Message></Error>"
        return "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()
    return "application/json", json.dumps({"__type": refused.code, "message": refused.reason}).encode()
