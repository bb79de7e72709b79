"""The images as `imgver-sandbox show` prints them: those of the page, with what uses each version."""

import itertools
import json
from typing import Any

from imgver_sandbox.api.routes import IMAGES_PATH, HttpRequest, HttpResponse, Routes
from imgver_sandbox.page.images import shown_images
from imgver_sandbox.sagemaker.account import SageMakerAccount
from imgver_sandbox.sagemaker.service import ImagesService


def add_overview(routes: Routes, service: ImagesService) -> None:
    """Add the route of `IMAGES_PATH`."""

    def images(_request: HttpRequest) -> HttpResponse:
        found = list(itertools.chain.from_iterable(service.view(_images)))
        return HttpResponse(body=json.dumps(found).encode())

    routes.add("GET", IMAGES_PATH, images)


def _images(account: SageMakerAccount) -> list[dict[str, Any]]:
    return [
        vars(image) | {"versions": [vars(version) for version in image.versions]} for image in shown_images(account)
    ]
