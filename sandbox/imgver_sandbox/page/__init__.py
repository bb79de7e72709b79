"""The web page that shows the images, Studio, the deployments and the API calls of the sandbox, live.

Its files are page.html, page.css and page.js in this folder.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from imgver_sandbox.api.api_calls import ApiCalls
from imgver_sandbox.api.routes import IMAGES_PATH, PREFIX, HttpRequest, HttpResponse, RouteHandler, Routes
from imgver_sandbox.page.feed import feed
from imgver_sandbox.page.images import shown_images
from imgver_sandbox.page.studio import shown_domains
from imgver_sandbox.sagemaker.service import ImagesService

PATH = f"{PREFIX}/"
"""The path of the page."""

# The path below PATH, the file, and its content type.
_FILES = (
    ("", "page.html", "text/html; charset=utf-8"),
    ("page.css", "page.css", "text/css; charset=utf-8"),
    ("page.js", "page.js", "text/javascript; charset=utf-8"),
)


def add_page(
    routes: Routes, *, service: ImagesService, api_calls: ApiCalls, stacks: Callable[[], Sequence[object]]
) -> None:
    """Add the routes of the page and its files, of `/_imgver/events`, its data, and of `IMAGES_PATH`, its images."""

    def images() -> list[object]:
        return list(itertools.chain.from_iterable(service.view(shown_images)))

    def domains() -> list[object]:
        return list(itertools.chain.from_iterable(service.view(shown_domains)))

    def events(_request: HttpRequest) -> HttpResponse:
        body = feed(images=images, domains=domains, stacks=stacks, api_calls=api_calls)
        return HttpResponse(body=body, content_type="text/event-stream")

    def overview(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=json.dumps(images()).encode())

    for name, file, content_type in _FILES:
        routes.add("GET", f"{PATH}{name}", _always(HttpResponse(body=_read(file), content_type=content_type)))
    routes.add("GET", f"{PATH}events", events)
    routes.add("GET", IMAGES_PATH, overview)


def _read(file: str) -> bytes:
    return Path(__file__).with_name(file).read_bytes()


def _always(response: HttpResponse) -> RouteHandler:
    return lambda _: response
