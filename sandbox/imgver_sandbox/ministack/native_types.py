"""The AWS::SageMaker::* types in MiniStack's CloudFormation."""

from collections.abc import Callable

from imgver_sandbox.ministack.app_image_config_type import AppImageConfigType
from imgver_sandbox.ministack.hooks import STACKS, module
from imgver_sandbox.ministack.image_type import ImageType
from imgver_sandbox.ministack.image_version_type import ImageVersionType
from imgver_sandbox.ministack.resource_type import ResourceType
from imgver_sandbox.ministack.studio_types import (
    AppType,
    DomainType,
    SpaceType,
    StudioLifecycleConfigType,
    UserProfileType,
)
from imgver_sandbox.sagemaker.service import ImagesService

_TYPES: tuple[type[ResourceType], ...] = (
    *(ImageType, ImageVersionType, AppImageConfigType),
    *(DomainType, UserProfileType, SpaceType, AppType, StudioLifecycleConfigType),
)


def add_native_types(service: ImagesService) -> None:
    """Add the types. Their resources are those of `service`."""
    for resource_type in _TYPES:
        resource_type(service).add()

    stacks = module(STACKS)
    names = {resource_type.name for resource_type in _TYPES}
    runs_on_worker_thread: Callable[[str], bool] = stacks._runs_on_worker_thread
    # The types wait for their resources, which must not block the event loop.
    stacks._runs_on_worker_thread = lambda name: name in names or runs_on_worker_thread(name)
