"""The AppImageConfig: how Studio runs an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
import jsii
from aws_cdk.aws_sagemaker import CfnAppImageConfig
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct

from imgver_constructs._validation.checks import check_at_most, check_user, shown
from imgver_constructs._validation.removal_policy import check_removal_policy
from imgver_constructs._validation.rules import (
    APP_IMAGE_CONFIG_NAME,
    CONTAINER_ARGUMENT,
    CONTAINER_ARGUMENTS_MAXIMUM,
    CONTAINER_ENTRYPOINT,
    DEFAULT_USER,
    ENVIRONMENT_VARIABLE_NAME,
    ENVIRONMENT_VARIABLE_VALUE,
    ENVIRONMENT_VARIABLES_MAXIMUM,
    KERNEL_DISPLAY_NAME,
    KERNEL_NAME,
    MOUNT_PATH,
)
from imgver_constructs._validation.tokens import check_is_number, check_is_text, check_text_or_token, is_known, is_token


class StudioApp(ABC):
    """The app that Studio runs an image as: JupyterLab, Code Editor, or a kernel gateway of Studio Classic."""

    @staticmethod
    def jupyter_lab(
        *,
        container_arguments: Sequence[str] = (),
        container_entrypoint: str | None = None,
        container_environment_variables: Mapping[str, str] | None = None,
    ) -> StudioApp:
        """A JupyterLab app.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_JupyterLabAppImageConfig.html

        Args:
            container_arguments: what the entrypoint is called with: at most 50, each of 1 to 64 characters.
                Default: the image's own.
            container_entrypoint: the program that is run, 1 to 256 characters. Default: the image's own.
            container_environment_variables: values by names: at most 25, each name and each value of 1 to 256
                characters. SageMaker's own ``AWS_…`` and ``SAGEMAKER_…`` win over them. Default: none.

        Raises:
            ValueError: SageMaker or CloudFormation would refuse a value.
        """
        return _JupyterLab(
            _container(
                arguments=container_arguments,
                entrypoint=container_entrypoint,
                environment_variables=container_environment_variables,
            )
        )

    @staticmethod
    def code_editor(
        *,
        container_arguments: Sequence[str] = (),
        container_entrypoint: str | None = None,
        container_environment_variables: Mapping[str, str] | None = None,
    ) -> StudioApp:
        """A Code Editor app.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CodeEditorAppImageConfig.html

        Args:
            container_arguments: what the entrypoint is called with: at most 50, each of 1 to 64 characters.
                Default: the image's own.
            container_entrypoint: the program that is run, 1 to 256 characters. Default: the image's own.
            container_environment_variables: values by names: at most 25, each name and each value of 1 to 256
                characters. SageMaker's own ``AWS_…`` and ``SAGEMAKER_…`` win over them. Default: none.

        Raises:
            ValueError: SageMaker or CloudFormation would refuse a value.
        """
        return _CodeEditor(
            _container(
                arguments=container_arguments,
                entrypoint=container_entrypoint,
                environment_variables=container_environment_variables,
            )
        )

    @staticmethod
    def kernel_gateway(
        *,
        kernel_name: str,
        kernel_display_name: str | None = None,
        mount_path: str | None = None,
        default_uid: int | None = None,
        default_gid: int | None = None,
    ) -> StudioApp:
        """A kernel gateway app, of Studio Classic.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_KernelGatewayImageConfig.html

        Args:
            kernel_name: the Jupyter kernel that is shown before the image starts, 1 to 1024 characters. Case matters.
            kernel_display_name: what it is called there, 1 to 1024 characters. Default: none.
            mount_path: the directory in the image, best an empty one, where the user's home directory is mounted: an
                absolute path of at most 1024 characters. Default: SageMaker takes ``/home/sagemaker-user``.
            default_uid: the POSIX user: 1000, or 0 for root. Default: SageMaker takes 1000.
            default_gid: the POSIX group: 100 with user 1000, or 0 with root. Default: SageMaker takes 100.

        Raises:
            ValueError: SageMaker or CloudFormation would refuse a value.
        """
        check_text_or_token("kernel_name", kernel_name, KERNEL_NAME)
        if kernel_display_name is not None:
            check_text_or_token("kernel_display_name", kernel_display_name, KERNEL_DISPLAY_NAME)
        if mount_path is not None:
            check_text_or_token("mount_path", mount_path, MOUNT_PATH)
        for parameter, number in (("default_uid", default_uid), ("default_gid", default_gid)):
            if is_token(number):
                check_is_number(parameter, number)
        uid, gid = (
            default if given is None else given
            for given, default in zip((default_uid, default_gid), DEFAULT_USER, strict=True)
        )
        if is_known(uid) and is_known(gid):
            check_user(uid, gid)

        file_system = None
        if (mount_path, default_uid, default_gid) != (None, None, None):
            file_system = CfnAppImageConfig.FileSystemConfigProperty(
                mount_path=mount_path, default_uid=default_uid, default_gid=default_gid
            )
        return _KernelGateway(
            CfnAppImageConfig.KernelGatewayImageConfigProperty(
                # CloudFormation takes no second one.
                kernel_specs=[CfnAppImageConfig.KernelSpecProperty(name=kernel_name, display_name=kernel_display_name)],
                file_system_config=file_system,
            )
        )

    @abstractmethod
    def _bind(self, resource: CfnAppImageConfig) -> None:
        """Called by :class:`AppImageConfig`, to write itself into the resource."""


class _JupyterLab(StudioApp):
    def __init__(self, container: CfnAppImageConfig.ContainerConfigProperty | None) -> None:
        self._property = CfnAppImageConfig.JupyterLabAppImageConfigProperty(container_config=container)

    def _bind(self, resource: CfnAppImageConfig) -> None:
        resource.jupyter_lab_app_image_config = self._property


class _CodeEditor(StudioApp):
    def __init__(self, container: CfnAppImageConfig.ContainerConfigProperty | None) -> None:
        self._property = CfnAppImageConfig.CodeEditorAppImageConfigProperty(container_config=container)

    def _bind(self, resource: CfnAppImageConfig) -> None:
        resource.code_editor_app_image_config = self._property


class _KernelGateway(StudioApp):
    def __init__(self, configuration: CfnAppImageConfig.KernelGatewayImageConfigProperty) -> None:
        self._property = configuration

    def _bind(self, resource: CfnAppImageConfig) -> None:
        resource.kernel_gateway_image_config = self._property


@jsii.implements(refs.IAppImageConfigRef)
class AppImageConfigBase(cdk.Resource):
    """What declared and imported AppImageConfigs share; made by :class:`AppImageConfig` and its ``from_…`` method."""

    _app_image_config_name: str
    _app_image_config_arn: str

    @property
    def app_image_config_name(self) -> str:
        """The name. Using it makes CloudFormation create the AppImageConfig first."""
        return self._app_image_config_name

    @property
    def app_image_config_arn(self) -> str:
        """The ARN."""
        return self._app_image_config_arn

    @property
    def app_image_config_ref(self) -> refs.AppImageConfigReference:
        """The AppImageConfig as other constructs of the CDK take it."""
        return refs.AppImageConfigReference(
            app_image_config_arn=self._app_image_config_arn, app_image_config_name=self._app_image_config_name
        )


class AppImageConfig(AppImageConfigBase):
    """How Studio runs an image (``AWS::SageMaker::AppImageConfig``).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html
    """

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
            construct_id: the id below it.
            app: what the image is run as, and how: ``StudioApp.jupyter_lab(…)``, ``StudioApp.code_editor(…)`` or
                ``StudioApp.kernel_gateway(…)``.
            app_image_config_name: 1 to 63 letters, digits and hyphens, with no hyphen at either end. Default: a name
                made from the construct's path. Another name makes CloudFormation replace it.
            removal_policy: what becomes of it when it leaves the stack: DESTROY or RETAIN, or
                RETAIN_ON_UPDATE_OR_DELETE. Default: DESTROY.

        Raises:
            ValueError: SageMaker or CloudFormation would refuse a value. Nothing is left in the tree.
        """
        if not isinstance(app, StudioApp):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"app {shown(app)} must be a StudioApp: use StudioApp.jupyter_lab(…), StudioApp.code_editor(…) or "
                "StudioApp.kernel_gateway(…)"
            )
        if app_image_config_name is not None:
            check_text_or_token("app_image_config_name", app_image_config_name, APP_IMAGE_CONFIG_NAME)
        check_removal_policy(removal_policy)

        super().__init__(scope, construct_id, physical_name=app_image_config_name)
        name = app_image_config_name or cdk.Names.unique_resource_name(
            self, max_length=APP_IMAGE_CONFIG_NAME.maximum, separator="-"
        )
        resource = CfnAppImageConfig(self, "Resource", app_image_config_name=name)
        app._bind(resource)
        resource.apply_removal_policy(removal_policy)
        self._app_image_config_name = self._get_resource_name_attribute(resource.ref)
        self._app_image_config_arn = self._get_resource_arn_attribute(
            resource.attr_app_image_config_arn,
            service="sagemaker",
            resource="app-image-config",
            resource_name=name,
        )

    @staticmethod
    def from_app_image_config_name(
        scope: Construct, construct_id: str, app_image_config_name: str
    ) -> AppImageConfigBase:
        """An AppImageConfig that exists already, in the account and region of the stack, by its name.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            app_image_config_name: the name. What is in it is not checked.

        Raises:
            ValueError: ``app_image_config_name`` is no text.
        """
        check_is_text("app_image_config_name", app_image_config_name)
        return _ImportedAppImageConfig(scope, construct_id, app_image_config_name=app_image_config_name)


class _ImportedAppImageConfig(AppImageConfigBase):
    def __init__(self, scope: Construct, construct_id: str, *, app_image_config_name: str) -> None:
        super().__init__(scope, construct_id)
        self._app_image_config_name = app_image_config_name
        self._app_image_config_arn = cdk.Stack.of(self).format_arn(
            service="sagemaker", resource="app-image-config", resource_name=app_image_config_name
        )


def _container(
    *, arguments: Sequence[str], entrypoint: str | None, environment_variables: Mapping[str, str] | None
) -> CfnAppImageConfig.ContainerConfigProperty | None:
    """The checked configuration of a container; None when nothing is declared."""
    _check_arguments(arguments)
    if entrypoint is not None:
        check_text_or_token("container_entrypoint", entrypoint, CONTAINER_ENTRYPOINT)
    if environment_variables is not None:
        _check_environment_variables(environment_variables)
    if not arguments and entrypoint is None and not environment_variables:
        return None
    return CfnAppImageConfig.ContainerConfigProperty(
        container_arguments=list(arguments) or None,
        container_entrypoint=None if entrypoint is None else [entrypoint],
        container_environment_variables=[
            CfnAppImageConfig.CustomImageContainerEnvironmentVariableProperty(key=name, value=value)
            for name, value in (environment_variables or {}).items()
        ]
        or None,
    )


def _check_arguments(arguments: Sequence[str]) -> None:
    # A text is a sequence, too: of its characters.
    if not isinstance(arguments, list | tuple):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"container_arguments {shown(arguments)} must be a list with one item per argument: "
            "write it like ['--log-level', 'debug']"
        )
    check_at_most(
        "container_arguments",
        arguments,
        CONTAINER_ARGUMENTS_MAXIMUM,
        "set the others in container_environment_variables, or in a script that is the entrypoint",
    )
    if not is_token(arguments):
        for argument in arguments:
            check_text_or_token("container_arguments", argument, CONTAINER_ARGUMENT)


def _check_environment_variables(variables: Mapping[str, str]) -> None:
    parameter = "container_environment_variables"
    if not isinstance(variables, Mapping):
        raise ValueError(  # noqa: TRY004 (as above)
            f"{parameter} {shown(variables)} must be a dict of values by names: write it like {{'LOG_LEVEL': 'debug'}}"
        )
    check_at_most(
        parameter, variables, ENVIRONMENT_VARIABLES_MAXIMUM, "set the others in a script that is the entrypoint"
    )
    for name, value in variables.items():
        check_text_or_token(parameter, name, ENVIRONMENT_VARIABLE_NAME)
        check_text_or_token(f"{parameter}[{shown(name)}]", value, ENVIRONMENT_VARIABLE_VALUE)
