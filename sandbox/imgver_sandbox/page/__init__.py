"""The page that shows, live, what is in the sandbox and what happens in it."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from imgver_sandbox.page.feed import feed
from imgver_sandbox.page.images import ShownImage, shown_images
from imgver_sandbox.runtime.activity import ApiCalls, Deployment
from imgver_sandbox.runtime.routes import PREFIX, HttpRequest, HttpResponse, RouteHandler, Routes
from imgver_sandbox.sagemaker.service import ImagesService

PATH = f"{PREFIX}/"
"""Where it is."""

# Under which name the browser asks for a file, the file, and what it is.
_FILES = (
    ("", "page.html", "text/html; charset=utf-8"),
    ("page.css", "page.css", "text/css; charset=utf-8"),
    ("page.js", "page.js", "text/javascript; charset=utf-8"),
)


def add_page(
    routes: Routes, *, service: ImagesService, api_calls: ApiCalls, deployments: Callable[[], Sequence[Deployment]]
) -> None:
    """Add the page, its files, and `/_imgver/events`, from which it hears what there is."""

    def images() -> list[ShownImage]:
        return list(itertools.chain.from_iterable(service.view(shown_images)))

    def events(_request: HttpRequest) -> HttpResponse:
        body = feed(images=images, deployments=deployments, api_calls=api_calls)
        return HttpResponse(body=body, content_type="text/event-stream")

    for name, file, content_type in _FILES:
        routes.add("GET", f"{PATH}{name}", _always(HttpResponse(body=_read(file), content_type=content_type)))
    routes.add("GET", f"{PATH}events", events)


def _read(file: str) -> bytes:
    return Path(__file__).with_name(file).read_bytes()


def _always(response: HttpResponse) -> RouteHandler:
    return lambda _: response
