"""Image versions in Studio: the item that attaches a version to a domain, and the aliases that Studio accepts."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as refs

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.rules import STUDIO_ALIAS
from imgver_constructs._validation.tokens import is_known, is_token
from imgver_constructs.image import ImageBase


def custom_image(*, image: ImageBase, version: float, app_image_config: refs.IAppImageConfigRef) -> cdk.IResolvable:
    """Return the item of ``custom_images`` that attaches a version to a domain, a user profile or a space.

    It is a token, because the L1 constructs of the three have different classes for the item, and all accept a token.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomImage.html

    Args:
        image: the image.
        version: the number of the version. Without a number Studio would use the latest version.
        app_image_config: the configuration with which Studio runs the image: an :class:`AppImageConfig`, declared or
            imported, or the L1 construct.

    Raises:
        ValueError: ``app_image_config`` is not an AppImageConfig, or is in another account or region than the image.
    """
    if not hasattr(app_image_config, "app_image_config_ref"):
        raise ValueError(
            f"app_image_config {shown(app_image_config)} must be an AppImageConfig: "
            "for an existing one use AppImageConfig.from_app_image_config_name(…)"
        )
    config_env, image_env = app_image_config.env, image.env
    for attribute, of_config, of_image in (
        ("account", config_env.account, image_env.account),
        ("region", config_env.region, image_env.region),
    ):
        if is_known(of_config) and is_known(of_image) and of_config != of_image:
            raise ValueError(
                f"app_image_config {shown(app_image_config.node.path)} must be in {attribute} {of_image} of image "
                f"{shown(image.node.path)}, not in {of_config}: declare it where the image is"
            )
    return cdk.Token.as_any(
        sagemaker.CfnDomain.CustomImageProperty(
            app_image_config_name=app_image_config.app_image_config_ref.app_image_config_name,
            image_name=image.image_name,
            image_version_number=version,
        )
    )


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
