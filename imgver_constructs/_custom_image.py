"""Image versions in Studio: the item that attaches a version to a domain, and the aliases that Studio accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import aws_cdk as cdk
import jsii
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as refs

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.rules import STUDIO_ALIAS
from imgver_constructs._validation.tokens import differences, is_token
from imgver_constructs.image import IImage

_APPS = {
    "jupyterlabappsettings": ("JupyterLab", "jupyter_lab"),
    "codeeditorappsettings": ("Code Editor", "code_editor"),
    "kernelgatewayappsettings": ("a kernel gateway", "kernel_gateway"),
}
"""The applications, by the lower-case name of their settings: the name, and the method of StudioApp."""


def custom_image(
    *, image: IImage, version: float, app_image_config: refs.IAppImageConfigRef, warn: Callable[[str], None]
) -> cdk.IResolvable:
    """Return the item of ``custom_images`` that attaches a version to a domain, a user profile or a space.

    It is a token, because the L1 constructs of the three have different classes for the item, and all accept a token.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomImage.html

    Args:
        image: the image.
        version: the number of the version. Without a number Studio would use the latest version.
        app_image_config: the configuration with which Studio runs the image: an :class:`AppImageConfig`, declared or
            imported, or the L1 construct.
        warn: adds a warning. It is called when the app is synthesized.

    Raises:
        ValueError: ``app_image_config`` is not an AppImageConfig, or is in another account or region than the image.
    """
    check_app_image_config(app_image_config, image)
    item = {
        "AppImageConfigName": app_image_config.app_image_config_ref.app_image_config_name,
        "ImageName": image.image_name,
        "ImageVersionNumber": version,
    }
    return cdk.Lazy.uncached_any(_CustomImage(item, app_image_config, warn))


def check_app_image_config(app_image_config: refs.IAppImageConfigRef, image: IImage) -> None:
    """Check that an AppImageConfig is one, and that it is in the account and region of an image.

    Raises:
        ValueError: ``app_image_config`` is not an AppImageConfig, or is in another account or region than the image.
    """
    if not hasattr(app_image_config, "app_image_config_ref"):
        raise ValueError(
            f"app_image_config {shown(app_image_config)} must be an AppImageConfig: "
            "for an existing one use AppImageConfig.from_app_image_config_name(…)"
        )
    for attribute, of_config, of_image in differences(app_image_config.env, image.env):
        raise ValueError(
            f"app_image_config {shown(app_image_config.node.path)} must be in {attribute} {of_image} of image "
            f"{shown(image.node.path)}, not in {of_config}: declare it where the image is"
        )


def configured_settings(config: refs.IAppImageConfigRef) -> list[str]:
    """Return the lower-case names of the settings that an AppImageConfig fits; none if it is imported."""
    resource = _resource_of(config)
    if resource is None:
        return []
    properties = (
        resource.jupyter_lab_app_image_config,
        resource.code_editor_app_image_config,
        resource.kernel_gateway_image_config,
    )
    return [settings for settings, value in zip(_APPS, properties, strict=True) if value is not None]


def declared_name_of(config: refs.IAppImageConfigRef) -> str:
    """Return the name of an AppImageConfig as it is declared, and not the reference to it."""
    resource = _resource_of(config)
    name: str = (resource or config.app_image_config_ref).app_image_config_name
    return name


def _resource_of(config: refs.IAppImageConfigRef) -> sagemaker.CfnAppImageConfig | None:
    resource = config if isinstance(config, sagemaker.CfnAppImageConfig) else config.node.default_child
    return resource if isinstance(resource, sagemaker.CfnAppImageConfig) else None


@jsii.implements(cdk.IAnyProducer)
class _CustomImage:
    """An item of ``custom_images``, whose spelling depends on where it is used."""

    def __init__(
        self, item: Mapping[str, object], app_image_config: refs.IAppImageConfigRef, warn: Callable[[str], None]
    ) -> None:
        self._item = item
        self._app_image_config = app_image_config
        self._warn = warn

    def produce(self, context: cdk.IResolveContext) -> dict[str, object]:
        """Return the item as CloudFormation spells it, or as the L1 construct does that is going to convert it."""
        names = [name for name in context.document_path if not name.isdigit()]
        for settings in (name.lower() for name in names):
            if settings in _APPS and self._configured and settings not in self._configured:
                used, method = _APPS[settings]
                configured = " and ".join(_APPS[each][0] for each in self._configured)
                self._warn(
                    f"app_image_config {shown(self._app_image_config.node.path)} should not be offered as {used}, "
                    f"since it configures {configured}, and Studio cannot start the image; declare an AppImageConfig "
                    f"with StudioApp.{method}(…)"
                )
        if names[-1:] == ["customImages"] and any(name.lower() in _APPS for name in names):
            return {name[0].lower() + name[1:]: value for name, value in self._item.items()}
        return dict(self._item)

    @cached_property
    def _configured(self) -> list[str]:
        """The settings of the applications that the AppImageConfig configures; empty if it is imported."""
        return configured_settings(self._app_image_config)


def alias_warning(aliases: Sequence[str]) -> str | None:
    """Return a warning if Studio accepts none of a version's aliases; None if it accepts one, or if there are none.

    Args:
        aliases: all aliases of the version. A token may have any form.
    """
    if not aliases or any(is_token(alias) or STUDIO_ALIAS.accepts(alias) for alias in aliases):
        return None
    return (
        f"aliases {shown(list(aliases))} should include {STUDIO_ALIAS.rule}: Studio refuses any other as the "
        f"SageMakerImageVersionAlias of an app or a space; {STUDIO_ALIAS.remedy}, or acknowledge this if no app or "
        "space refers to the version by an alias"
    )
