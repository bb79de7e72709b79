"""The attachment, which offers an image version in a Studio domain or to one of its users."""

from __future__ import annotations

import json
import re

import aws_cdk as cdk
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct

from imgver_constructs._custom_image import check_app_image_config, configured_settings, declared_name_of
from imgver_constructs._logical_ids import fingerprint
from imgver_constructs._stack_registry import Declaration, StackRegistry
from imgver_constructs._validation.checks import check_choice, check_flag, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs._validation.rules import CUSTOM_IMAGES_MAXIMUM, DOMAIN_ID, USER_PROFILE_NAME
from imgver_constructs._validation.tokens import check_string_or_token, differences, is_known
from imgver_constructs.enums import AppType
from imgver_constructs.image import identity_of
from imgver_constructs.image_version import IImageVersion, check_version, reference_to
from imgver_constructs.provider import ImageVersionProvider, binding_of, choose_provider


class ImageAttachment(Construct):
    """Offers an image version in a Studio domain or to one of its users (``Custom::SageMakerImageAttachment``).

    The domain may belong to another stack, or to none. The attachment changes one entry of the list of custom images:
    the one with this image and this AppImageConfig. All other settings stay as they are. After a replacement of the
    version, the entry gets the new number before the old version is deleted, and the old number again if the deployment
    rolls back.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateDomain.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        version: IImageVersion,
        app_image_config: refs.IAppImageConfigRef,
        domain: str | refs.IDomainRef,
        user_profile_name: str | None = None,
        app_type: AppType | None = None,
        default_space_settings: bool = False,
        superseded_version_count: int = 0,
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare an attachment.

        Args:
            scope: the parent construct, in the stack of the version.
            construct_id: the ID of this construct in ``scope``. The ID and the parent may change within the stack: the
                logical ID derives from the domain, the user, the application, the image and the AppImageConfig.
            version: the version, declared or imported.
            app_image_config: the configuration with which Studio runs the version: an :class:`AppImageConfig`, declared
                or imported, or the L1 construct, in the account and region of the image.
            domain: the ID of the domain, such as ``d-a1b2c3d4e5f6``, or the domain itself, such as a ``CfnDomain``; in
                the account and region of this stack.
            user_profile_name: the user profile that gets the version: 1 to 63 letters, digits and hyphens, with no
                hyphen at either end. Default: all users of the domain.
            app_type: the application. Default: the one that ``app_image_config`` configures; required for an imported
                AppImageConfig.
            default_space_settings: whether the version is offered in the ``DefaultSpaceSettings`` of the domain, which
                apply to shared spaces, in place of its ``DefaultUserSettings``. Default: False.
            superseded_version_count: the number of superseded versions that stay offered beside the new one, 0 to 199,
                so that stopped spaces can start again. The versions themselves must be retained. Default: 0.
            provider: the provider that changes the settings, in this stack. Default: the provider of the version; for
                an imported version, the default provider.

        Raises:
            ValueError: SageMaker would reject a value, the AppImageConfig does not fit the application, the app
                already declares the attachment, ``version`` or ``provider`` is in another stack, or the domain is in
                another account or region. The construct tree is unchanged.
        """
        registry = StackRegistry.of(scope)
        check_version(registry, version, "the attachment")
        image = version.image
        registry.check_environment(image)
        check_app_image_config(app_image_config, image)
        domain_id = _domain_id(domain, registry)
        if user_profile_name is not None:
            check_string_or_token("user_profile_name", user_profile_name, USER_PROFILE_NAME)
        app_type = _app_type(app_type, app_image_config)
        check_flag("default_space_settings", default_space_settings)
        if default_space_settings and user_profile_name is not None:
            raise ValueError(
                f"user_profile_name {shown(user_profile_name)} must be left out with default_space_settings, since "
                "a user profile has no default settings of spaces: declare two attachments"
            )
        if default_space_settings and app_type is AppType.CODE_EDITOR:
            raise ValueError(
                f"app_type {shown(app_type.value)} must be one of JupyterLab, KernelGateway with "
                "default_space_settings, since SageMaker has no such setting for Code Editor: leave "
                "default_space_settings out"
            )
        _check_count(superseded_version_count)

        settings = "DefaultSpaceSettings" if default_space_settings else "DefaultUserSettings"
        config_name = app_image_config.app_image_config_ref.app_image_config_name
        # The strings of tokens differ from synth to synth; their resolved values do not.
        place = [domain_id, user_profile_name or settings, app_type.value, config_name]
        domain_key = json.dumps(registry.stack.resolve([domain_id]))
        identity = identity_of(image)
        key = json.dumps([identity.key, *registry.stack.resolve(place)])
        names = [identity.declared_name.lower(), *place[:3], declared_name_of(app_image_config)]
        declaration = Declaration(
            key=("attachment", *(names if all(map(is_known, names)) else (registry.stack.node.path, key))),
            subject=f"the attachment of image {shown(identity.declared_name)} to {shown(domain_id)}",
            remedy="remove one of the two, or give each an AppImageConfig of its own",
            image=identity,
        )
        registry.check_is_free(declaration)
        provider = choose_provider(registry, version.provider if provider is None else provider)
        path = registry.path_of(scope, construct_id)

        super().__init__(scope, construct_id)
        registry.add(declaration, self)
        binding = binding_of(provider)
        policy = binding.permissions.permit_settings(
            domain_key if user_profile_name is None else json.dumps(registry.stack.resolve(place[:2])),
            resource="domain" if user_profile_name is None else "user-profile",
            resource_name=domain_id if user_profile_name is None else f"{domain_id}/{user_profile_name}",
        )
        resource = binding.create_resource(
            self,
            "Resource",
            "Custom::SageMakerImageAttachment",
            path=path,
            image=None,
            properties={
                "DomainId": domain_id,
                **({"Settings": settings} if user_profile_name is None else {"UserProfileName": user_profile_name}),
                "App": app_type.value,
                "ImageName": image.image_name,
                "AppImageConfigName": config_name,
                "Version": reference_to(version),
                "Superseded": "KEEP" if superseded_version_count else "REPLACE",
                **({"Keep": superseded_version_count} if superseded_version_count else {}),
            },
            resource_class=cdk.CfnResource,
            policies=[policy],
        )
        # A retention must wait until the entries have left the old versions.
        registry.add_alias(identity.key, resource)
        registry.next_attachment(domain_key, resource)
        # With a logical ID from the path, a new parent would let CloudFormation create the attachment again, and then
        # delete the old resource, and the entry with it.
        name = identity.declared_name
        readable = re.sub(r"[^a-zA-Z0-9]", "", name) if is_known(name) else ""
        resource.override_logical_id(f"ImageAttachment{readable}{fingerprint(key)}")


def _domain_id(domain: str | refs.IDomainRef, registry: StackRegistry) -> str:
    """Return the ID of a domain, which is in the account and region of the stack as far as they are known."""
    if isinstance(domain, str):
        check_string_or_token("domain", domain, DOMAIN_ID)
        return domain
    if not hasattr(domain, "domain_ref"):
        raise ValueError(f"domain {shown(domain)} must be {DOMAIN_ID.rule}: {DOMAIN_ID.remedy}")
    for attribute, of_domain, of_stack in differences(domain.env, registry):
        raise ValueError(
            f"domain {shown(domain.node.path)} must be in {attribute} {of_stack} of stack "
            f"{shown(registry.stack.node.path)}, not in {of_domain}: declare the version and the attachment where "
            "the domain is"
        )
    return domain.domain_ref.domain_id


def _app_type(app_type: AppType | None, app_image_config: refs.IAppImageConfigRef) -> AppType:
    """Return the application, which must be one that the AppImageConfig configures, as far as that is known."""
    configured = [one for one in AppType if f"{one.value}AppSettings".lower() in configured_settings(app_image_config)]
    if app_type is not None:
        app_type = check_choice("app_type", app_type, AppType)
        if configured and app_type not in configured:
            raise ValueError(
                f"app_type {shown(app_type.value)} must be {' or '.join(one.value for one in configured)}, which "
                f"app_image_config {shown(app_image_config.node.path)} configures, since Studio could not start the "
                "image: leave app_type out, or declare another AppImageConfig"
            )
        return app_type
    if len(configured) != 1:
        raise ValueError(
            f"app_type {shown(app_type)} must be given, since app_image_config "
            f"{shown(app_image_config.node.path)} does not tell the application: use AppType, for example "
            "AppType.JUPYTER_LAB"
        )
    return configured[0]


def _check_count(count: object) -> None:
    # bool is a subclass of int.
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < CUSTOM_IMAGES_MAXIMUM:
        raise ValueError(
            f"superseded_version_count {shown(count)} must be a whole number from 0 to 199, since a list of custom "
            f"images has at most {CUSTOM_IMAGES_MAXIMUM} items: give the number of old versions to offer, or leave it "
            "out"
        )
