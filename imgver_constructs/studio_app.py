"""The Studio application that runs an image: JupyterLab, Code Editor, or a kernel gateway of Studio Classic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NoReturn

from aws_cdk.aws_sagemaker import CfnAppImageConfig

from imgver_constructs._validation.checks import check_at_most, check_is_number, check_user, shown
from imgver_constructs._validation.paths import errors_at_use
from imgver_constructs._validation.rules import (
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
from imgver_constructs._validation.tokens import check_string_or_token, is_known, is_token


def _refused(message: str) -> StudioApp:
    return _RefusedApp(message)


class StudioApp(ABC):
    """The application that Studio runs an image as: JupyterLab, Code Editor, or a kernel gateway of Studio Classic."""

    @staticmethod
    @errors_at_use(_refused)
    def jupyter_lab(
        *,
        container_arguments: Sequence[str] = (),
        container_entrypoint: str | None = None,
        container_environment_variables: Mapping[str, str] | None = None,
    ) -> StudioApp:
        """A JupyterLab application.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_JupyterLabAppImageConfig.html

        Args:
            container_arguments: the arguments of the entrypoint: at most 50, each of 1 to 64 characters.
                Default: the image's own.
            container_entrypoint: the path of the program that the container runs, 1 to 256 characters.
                Default: the image's own.
            container_environment_variables: the values of environment variables by name: at most 25, each name and
                each value of 1 to 256 characters. SageMaker overrides those that start with ``AWS_`` or
                ``SAGEMAKER_``. Default: none.

        Raises:
            ValueError: SageMaker or CloudFormation would reject a value. The :class:`AppImageConfig` that uses the
                application raises the error, which then names its path.
        """
        container = _container_config(container_arguments, container_entrypoint, container_environment_variables)
        configuration = CfnAppImageConfig.JupyterLabAppImageConfigProperty(container_config=container)
        return _ConfiguredApp("JupyterLab", "jupyter_lab_app_image_config", configuration)

    @staticmethod
    @errors_at_use(_refused)
    def code_editor(
        *,
        container_arguments: Sequence[str] = (),
        container_entrypoint: str | None = None,
        container_environment_variables: Mapping[str, str] | None = None,
    ) -> StudioApp:
        """A Code Editor application.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CodeEditorAppImageConfig.html

        Args:
            container_arguments: the arguments of the entrypoint: at most 50, each of 1 to 64 characters.
                Default: the image's own.
            container_entrypoint: the path of the program that the container runs, 1 to 256 characters.
                Default: the image's own.
            container_environment_variables: the values of environment variables by name: at most 25, each name and
                each value of 1 to 256 characters. SageMaker overrides those that start with ``AWS_`` or
                ``SAGEMAKER_``. Default: none.

        Raises:
            ValueError: SageMaker or CloudFormation would reject a value. The :class:`AppImageConfig` that uses the
                application raises the error, which then names its path.
        """
        container = _container_config(container_arguments, container_entrypoint, container_environment_variables)
        configuration = CfnAppImageConfig.CodeEditorAppImageConfigProperty(container_config=container)
        return _ConfiguredApp("CodeEditor", "code_editor_app_image_config", configuration)

    @staticmethod
    @errors_at_use(_refused)
    def kernel_gateway(
        *,
        kernel_name: str,
        kernel_display_name: str | None = None,
        mount_path: str | None = None,
        default_uid: int | None = None,
        default_gid: int | None = None,
    ) -> StudioApp:
        """A kernel gateway application of Studio Classic.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_KernelGatewayImageConfig.html

        Args:
            kernel_name: the Jupyter kernel that Studio shows before the image starts, 1 to 1024 characters,
                case-sensitive.
            kernel_display_name: the name that Studio shows for the kernel, 1 to 1024 characters. Default: none.
            mount_path: the directory in the image where SageMaker mounts the user's home directory, preferably an
                empty one: an absolute path of at most 1024 characters. Default: SageMaker uses
                ``/home/sagemaker-user``.
            default_uid: the POSIX user ID: 1000, or 0 for root. Default: SageMaker uses 1000.
            default_gid: the POSIX group ID: 100 with user 1000, or 0 with root. Default: SageMaker uses 100.

        Raises:
            ValueError: SageMaker or CloudFormation would reject a value. The :class:`AppImageConfig` that uses the
                application raises the error, which then names its path.
        """
        check_string_or_token("kernel_name", kernel_name, KERNEL_NAME)
        if kernel_display_name is not None:
            check_string_or_token("kernel_display_name", kernel_display_name, KERNEL_DISPLAY_NAME)
        if mount_path is not None:
            check_string_or_token("mount_path", mount_path, MOUNT_PATH)
        for parameter, number in (("default_uid", default_uid), ("default_gid", default_gid)):
            if number is not None:
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
        configuration = CfnAppImageConfig.KernelGatewayImageConfigProperty(
            # CloudFormation accepts exactly one.
            kernel_specs=[CfnAppImageConfig.KernelSpecProperty(name=kernel_name, display_name=kernel_display_name)],
            file_system_config=file_system,
        )
        return _ConfiguredApp("KernelGateway", "kernel_gateway_image_config", configuration)

    _name: str
    """The name of the application, without spaces."""

    @abstractmethod
    def _apply(self, resource: CfnAppImageConfig) -> None:
        """Set the property of the resource that configures this application."""


def check_studio_app(app: object) -> None:
    """Check the application of an AppImageConfig before any construct is created.

    Raises:
        ValueError: ``app`` is not an application, or was declared with an invalid value.
    """
    if not isinstance(app, StudioApp):
        raise ValueError(
            f"app {shown(app)} must be a StudioApp: use StudioApp.jupyter_lab(…), StudioApp.code_editor(…) or "
            "StudioApp.kernel_gateway(…)"
        )
    if isinstance(app, _RefusedApp):
        raise ValueError(app.message)


def apply_studio_app(app: StudioApp, resource: CfnAppImageConfig) -> None:
    """Configure the resource of an AppImageConfig for an application."""
    app._apply(resource)


def name_of(app: StudioApp) -> str:
    """Return the name of an application, as a part of logical IDs and names."""
    return app._name


class _ConfiguredApp(StudioApp):
    def __init__(self, name: str, attribute: str, configuration: object) -> None:
        self._name = name
        self._attribute = attribute
        self._configuration = configuration

    def _apply(self, resource: CfnAppImageConfig) -> None:
        setattr(resource, self._attribute, self._configuration)


class _RefusedApp(StudioApp):
    def __init__(self, message: str) -> None:
        self.message = message

    def _apply(self, resource: CfnAppImageConfig) -> NoReturn:  # noqa: ARG002
        raise ValueError(self.message)


def _container_config(
    arguments: Sequence[str], entrypoint: str | None, environment_variables: Mapping[str, str] | None
) -> CfnAppImageConfig.ContainerConfigProperty | None:
    """Check the configuration of a container; return None if nothing is declared."""
    _check_arguments(arguments)
    if entrypoint is not None:
        check_string_or_token("container_entrypoint", entrypoint, CONTAINER_ENTRYPOINT)
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
    # A string is also a sequence, of its characters.
    if not isinstance(arguments, list | tuple):
        raise ValueError(
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
            check_string_or_token("container_arguments", argument, CONTAINER_ARGUMENT)


def _check_environment_variables(variables: Mapping[str, str]) -> None:
    parameter = "container_environment_variables"
    if not isinstance(variables, Mapping):
        raise ValueError(
            f"{parameter} {shown(variables)} must be a dict of values by names: write it like {{'LOG_LEVEL': 'debug'}}"
        )
    check_at_most(
        parameter, variables, ENVIRONMENT_VARIABLES_MAXIMUM, "set the others in a script that is the entrypoint"
    )
    for name, value in variables.items():
        check_string_or_token(parameter, name, ENVIRONMENT_VARIABLE_NAME)
        check_string_or_token(f"{parameter}[{shown(name)}]", value, ENVIRONMENT_VARIABLE_VALUE)
