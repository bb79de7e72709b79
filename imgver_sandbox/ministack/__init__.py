"""The adapter: the only package that touches MiniStack's names.

MiniStack publishes no way to add a service, so this hooks into private names of one pinned version. `install` looks at
every name before it changes any, and says which one has moved.
"""

import asyncio

from imgver_sandbox.images_service import ImagesService
from imgver_sandbox.ministack.failed_creates import keep_failed_creates
from imgver_sandbox.ministack.hooks import check_hooks, module
from imgver_sandbox.ministack.image_type import add_image_type
from imgver_sandbox.ministack.registry import EcrRegistry
from imgver_sandbox.ministack.sagemaker import add_service
from imgver_sandbox.ministack_release import check_version

__all__ = ["EcrRegistry", "install", "serve"]


def install(service: ImagesService) -> None:
    """Add the SageMaker service and AWS::SageMaker::Image to MiniStack in this process, and mend failed creates.

    Its settings are environment variables, which it reads when it is imported: set them before.
    Raises SandboxError when MiniStack is not the pinned version or not as that was published.
    """
    check_version()
    check_hooks()
    add_service(service)
    add_image_type(service)
    keep_failed_creates()


def serve(listener: int) -> None:
    """Answer requests on the listening socket with the file descriptor `listener`, until this process ends."""
    hypercorn = module("hypercorn.asyncio")
    config = module("hypercorn.config").Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # seconds, as MiniStack's own start sets it
    asyncio.run(hypercorn.serve(module("ministack.app").app, config))
