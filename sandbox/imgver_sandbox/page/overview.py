"""The images as `imgver-sandbox show` prints them: those of the page, with what uses each version."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from imgver_sandbox.api.routes import IMAGES_PATH, HttpRequest, HttpResponse, Routes
from imgver_sandbox.page.images import ShownVersion, shown_images
from imgver_sandbox.sagemaker.account import SageMakerAccount
from imgver_sandbox.sagemaker.service import ImagesService
from imgver_sandbox.sagemaker.studio_records import custom_images


def add_overview(routes: Routes, service: ImagesService) -> None:
    """Add the route of `IMAGES_PATH`."""

    def images(_request: HttpRequest) -> HttpResponse:
        found = list(itertools.chain.from_iterable(service.view(_images)))
        return HttpResponse(body=json.dumps(found).encode())

    routes.add("GET", IMAGES_PATH, images)


def _images(account: SageMakerAccount) -> list[dict[str, Any]]:
    shown = []
    for image in shown_images(account):
        versions = [
            vars(version) | {"used_by": list(_users(account, image.name, version))} for version in image.versions
        ]
        shown.append(vars(image) | {"versions": versions})
    return shown


def _users(account: SageMakerAccount, image_name: str, version: ShownVersion) -> Iterator[str]:
    """Return the domains that offer a version; of a version in use that none of them offers, its other user."""
    image = account.image(image_name)
    domains = [
        domain.domain_id
        for domain in account.domains.values()
        if any(
            entry.image_name == image_name and (entry.number or image.latest_number) == version.number
            for entry in custom_images(domain.settings)
        )
    ]
    yield from domains
    if version.in_use and not domains:
        yield "an app or a fault"
