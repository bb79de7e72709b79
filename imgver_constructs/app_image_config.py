"""The AppImageConfig, which configures how Studio runs an image."""

from __future__ import annotations

from typing import Protocol

import aws_cdk as cdk
import jsii
from aws_cdk.aws_sagemaker import CfnAppImageConfig
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct

from imgver_constructs._stack_registry import Declaration, StackRegistry
from imgver_constructs._validation.checks import check_is_string, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs._validation.removal_policy import check_removal_policy
from imgver_constructs._validation.rules import APP_IMAGE_CONFIG_NAME
from imgver_constructs._validation.tokens import check_string_or_token
from imgver_constructs.studio_app import StudioApp, apply_studio_app, check_studio_app, name_of


class IAppImageConfig(cdk.IResource, refs.IAppImageConfigRef, Protocol):
    """An AppImageConfig, declared or imported: an :class:`AppImageConfig`, or what its ``from_…`` method returns."""

    @property
    def app_image_config_name(self) -> str:
        """The name."""

    @property
    def app_image_config_arn(self) -> str:
        """The ARN."""


@jsii.implements(refs.IAppImageConfigRef)
class _AppImageConfigBase(cdk.Resource):
    """The members that declared and imported AppImageConfigs share."""

    _app_image_config_name: str
    _app_image_config_arn: str

    @property
    def app_image_config_name(self) -> str:
        """The name. A resource that uses it is created after the AppImageConfig."""
        return self._app_image_config_name

    @property
    def app_image_config_arn(self) -> str:
        """The ARN."""
        return self._app_image_config_arn

    @property
    def app_image_config_ref(self) -> refs.AppImageConfigReference:
        """The reference by which other CDK constructs accept the AppImageConfig."""
        return refs.AppImageConfigReference(
            app_image_config_arn=self._app_image_config_arn, app_image_config_name=self._app_image_config_name
        )


class AppImageConfig(_AppImageConfigBase):
    """The configuration with which Studio runs an image (``AWS::SageMaker::AppImageConfig``).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        app: StudioApp,
        app_image_config_name: str | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
    ) -> None:
        """Declare an AppImageConfig.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            app: the application that runs the image, and its configuration: ``StudioApp.jupyter_lab(…)``,
                ``StudioApp.code_editor(…)`` or ``StudioApp.kernel_gateway(…)``.
            app_image_config_name: 1 to 63 letters, digits and hyphens, with no hyphen at either end. CloudFormation
                replaces the AppImageConfig if the name or the application changes. If you give a name, it must change
                together with the application, since CloudFormation creates the new AppImageConfig before it deletes the
                old one. Default: a name generated from the construct's path and the application.
            removal_policy: what happens to the AppImageConfig when it is removed from the stack: DESTROY, RETAIN or
                RETAIN_ON_UPDATE_OR_DELETE. Default: DESTROY.

        Raises:
            ValueError: SageMaker or CloudFormation would reject a value, or the app already declares an AppImageConfig
                of this name in this account and region. The construct tree is unchanged.
        """
        check_studio_app(app)
        if app_image_config_name is not None:
            check_string_or_token("app_image_config_name", app_image_config_name, APP_IMAGE_CONFIG_NAME)
        check_removal_policy(removal_policy)
        registry = StackRegistry.of(scope)
        if app_image_config_name is not None:
            registry.check_is_free(_declaration(app_image_config_name))

        super().__init__(scope, construct_id, physical_name=app_image_config_name)
        # An update would add the configuration of another application to the old one. With the application in the
        # logical ID and in the generated name, CloudFormation replaces the AppImageConfig. It refuses a second one with
        # the same given name.
        kind = name_of(app)
        length = APP_IMAGE_CONFIG_NAME.maximum - len(f"-{kind}")
        name = (
            app_image_config_name or f"{cdk.Names.unique_resource_name(self, max_length=length, separator='-')}-{kind}"
        )
        registry.add(_declaration(name), self)
        resource = CfnAppImageConfig(self, kind, app_image_config_name=name)
        self.node.default_child = resource
        apply_studio_app(app, resource)
        resource.apply_removal_policy(removal_policy)
        self._app_image_config_name = self._get_resource_name_attribute(resource.ref)
        self._app_image_config_arn = self._get_resource_arn_attribute(
            resource.attr_app_image_config_arn,
            service="sagemaker",
            resource="app-image-config",
            resource_name=name,
        )

    @staticmethod
    @errors_name_path
    def from_app_image_config_name(scope: Construct, construct_id: str, app_image_config_name: str) -> IAppImageConfig:
        """Import an existing AppImageConfig of the stack's account and region by its name.

        Args:
            scope: the parent construct.
            construct_id: the ID of the imported construct in ``scope``.
            app_image_config_name: the name. Its characters are not checked.

        Raises:
            ValueError: ``app_image_config_name`` is not a string.
        """
        check_is_string("app_image_config_name", app_image_config_name)
        return _ImportedAppImageConfig(scope, construct_id, app_image_config_name=app_image_config_name)


def _declaration(name: str) -> Declaration:
    return Declaration(
        key=("app image config", name),
        subject=f"app_image_config_name {shown(name)}",
        remedy="use that AppImageConfig, or another name",
    )


class _ImportedAppImageConfig(_AppImageConfigBase):
    def __init__(self, scope: Construct, construct_id: str, *, app_image_config_name: str) -> None:
        super().__init__(scope, construct_id)
        self._app_image_config_name = app_image_config_name
        self._app_image_config_arn = cdk.Stack.of(self).format_arn(
            service="sagemaker", resource="app-image-config", resource_name=app_image_config_name
        )
