"""AppImageConfig and StudioApp: the resource that they create for each application, and imported AppImageConfigs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from aws_cdk.aws_sagemaker import CfnAppImageConfig
from cdk_release import needs_recent_cdk

from imgver_constructs import AppImageConfig, StudioApp
from imgver_constructs.studio_app import check_studio_app

CONFIG = "AWS::SageMaker::AppImageConfig"

Only = Callable[[str], dict[str, Any]]
Refused = Callable[[Callable[[], object]], str]
CreateApp = Callable[..., StudioApp]

container_apps = pytest.mark.parametrize(
    ("create_app", "key"),
    [
        pytest.param(StudioApp.jupyter_lab, "JupyterLabAppImageConfig", id="jupyter_lab"),
        pytest.param(StudioApp.code_editor, "CodeEditorAppImageConfig", id="code_editor"),
    ],
)


@container_apps
def test_every_property_of_a_container(stack: cdk.Stack, only: Only, create_app: CreateApp, key: str) -> None:
    app = create_app(
        container_arguments=("--log-level", "debug"),
        container_entrypoint="/usr/local/bin/start",
        container_environment_variables={"LOG_LEVEL": "debug", "CACHE": "/tmp/cache"},
    )

    policy = cdk.RemovalPolicy.RETAIN
    AppImageConfig(stack, "Config", app_image_config_name="data--science", app=app, removal_policy=policy)

    assert only(CONFIG) == {
        "Type": CONFIG,
        "Properties": {
            "AppImageConfigName": "data--science",
            key: {
                "ContainerConfig": {
                    "ContainerArguments": ["--log-level", "debug"],
                    "ContainerEntrypoint": ["/usr/local/bin/start"],
                    "ContainerEnvironmentVariables": [
                        {"Key": "LOG_LEVEL", "Value": "debug"},
                        {"Key": "CACHE", "Value": "/tmp/cache"},
                    ],
                }
            },
        },
        "UpdateReplacePolicy": "Retain",
        "DeletionPolicy": "Retain",
    }


def test_every_property_of_a_kernel_gateway(stack: cdk.Stack, only: Only) -> None:
    app = StudioApp.kernel_gateway(
        kernel_name="python3", kernel_display_name="Python 3", mount_path="/root", default_uid=0, default_gid=0
    )

    AppImageConfig(stack, "Config", app_image_config_name="data-science", app=app)

    assert only(CONFIG) == {
        "Type": CONFIG,
        "Properties": {
            "AppImageConfigName": "data-science",
            "KernelGatewayImageConfig": {
                "KernelSpecs": [{"Name": "python3", "DisplayName": "Python 3"}],
                "FileSystemConfig": {"MountPath": "/root", "DefaultUid": 0, "DefaultGid": 0},
            },
        },
        "UpdateReplacePolicy": "Delete",
        "DeletionPolicy": "Delete",
    }


@container_apps
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"container_arguments": [], "container_environment_variables": {}}, {}),
        ({"container_entrypoint": "start"}, {"ContainerConfig": {"ContainerEntrypoint": ["start"]}}),
        (
            {"container_environment_variables": {"A": "b"}},
            {"ContainerConfig": {"ContainerEnvironmentVariables": [{"Key": "A", "Value": "b"}]}},
        ),
    ],
)
def test_values_that_are_not_declared_are_left_to_sagemaker(
    stack: cdk.Stack, only: Only, create_app: CreateApp, key: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    AppImageConfig(stack, "Config", app_image_config_name="data-science", app=create_app(**given))

    assert only(CONFIG)["Properties"] == {"AppImageConfigName": "data-science", key: expected}


@pytest.mark.parametrize(
    ("given", "file_system"),
    [
        ({}, None),
        ({"mount_path": "/"}, {"MountPath": "/"}),
        ({"default_uid": 1000}, {"DefaultUid": 1000}),
        ({"default_gid": 100}, {"DefaultGid": 100}),
    ],
)
def test_file_system_of_a_kernel_gateway(
    stack: cdk.Stack, only: Only, given: dict[str, Any], file_system: dict[str, Any] | None
) -> None:
    AppImageConfig(stack, "Config", app=StudioApp.kernel_gateway(kernel_name="python3", **given))

    properties = only(CONFIG)["Properties"]["KernelGatewayImageConfig"]
    assert properties["KernelSpecs"] == [{"Name": "python3"}]
    assert properties.get("FileSystemConfig") == file_system


@pytest.mark.parametrize("construct_id", ["Config", "a--b..c", "x" * 200, "é"])
def test_generated_name_is_valid_stable_and_unique(construct_id: str) -> None:
    def names(app: cdk.App) -> list[str]:
        stack = cdk.Stack(app, "Stack")
        for each in (construct_id, f"{construct_id}2"):
            AppImageConfig(stack, each, app=StudioApp.jupyter_lab())
        configs = Template.from_stack(stack).find_resources(CONFIG).values()
        return [resource["Properties"]["AppImageConfigName"] for resource in configs]

    first = names(cdk.App())

    valid = r"(?=.{1,63}$)Stack-[a-zA-Z0-9](-*[a-zA-Z0-9])*-JupyterLab"
    assert all(re.fullmatch(valid, name, re.ASCII) for name in first)
    assert len(set(first)) == 2
    assert first == names(cdk.App())


@pytest.mark.parametrize("given", [None, "data-science"])
def test_another_application_is_another_resource(given: str | None) -> None:
    """An update would leave the configuration of the old application in the AppImageConfig."""

    def resource(app: StudioApp) -> tuple[str, str]:
        stack = cdk.Stack(cdk.App(), "Stack")
        AppImageConfig(stack, "Config", app=app, app_image_config_name=given)
        ((logical_id, found),) = Template.from_stack(stack).find_resources(CONFIG).items()
        return logical_id, found["Properties"]["AppImageConfigName"]

    kernel_gateway = StudioApp.kernel_gateway(kernel_name="python3")
    found = [resource(app) for app in (StudioApp.jupyter_lab(), StudioApp.code_editor(), kernel_gateway)]

    logical_ids, names = (set(each) for each in zip(*found, strict=True))
    assert len(logical_ids) == 3
    # CloudFormation creates the new one first: it refuses a name that exists already.
    assert len(names) == (3 if given is None else 1)
    # Another configuration of the same application is an update.
    assert resource(StudioApp.jupyter_lab(container_entrypoint="/bin/start")) == found[0]


def test_attributes_are_references(stack: cdk.Stack) -> None:
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab(), app_image_config_name="data-science")

    name, arn = {"Ref": "ConfigJupyterLab2D0CA5F2"}, {"Fn::GetAtt": ["ConfigJupyterLab2D0CA5F2", "AppImageConfigArn"]}
    assert stack.resolve(config.app_image_config_name) == name
    assert stack.resolve(config.app_image_config_arn) == arn
    assert stack.resolve(config.app_image_config_ref.app_image_config_name) == name
    assert stack.resolve(config.app_image_config_ref.app_image_config_arn) == arn


def test_import_by_name(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    # The name is not checked.
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "existing name!")

    assert config.app_image_config_name == config.app_image_config_ref.app_image_config_name == "existing name!"
    arn = stack.format_arn(service="sagemaker", resource="app-image-config", resource_name="existing name!")
    assert stack.resolve(config.app_image_config_arn) == stack.resolve(arn)
    assert tree() == ["", "Stack", "Stack/Config"]


@needs_recent_cdk
@pytest.mark.parametrize("imported", [False, True])
def test_the_cdk_accepts_it_as_an_app_image_config(stack: cdk.Stack, imported: bool) -> None:
    config = (
        AppImageConfig.from_app_image_config_name(stack, "Config", "data-science")
        if imported
        else AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    )

    # Its JavaScript reads app_image_config_ref.
    assert CfnAppImageConfig.arn_for_app_image_config(config) == config.app_image_config_arn


def test_used_in_another_stack(app: cdk.App, stack: cdk.Stack) -> None:
    config = AppImageConfig(cdk.Stack(app, "Platform"), "Config", app=StudioApp.jupyter_lab())

    cdk.CfnOutput(stack, "Name", value=config.app_image_config_name)

    assert "Fn::ImportValue" in str(Template.from_stack(stack).find_outputs("Name"))
    assert [dependency.node.path for dependency in stack.dependencies] == ["Platform"]


def test_used_in_another_region(app: cdk.App) -> None:
    here, elsewhere = (
        cdk.Stack(app, region, env=cdk.Environment(account="123456789012", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    config = AppImageConfig(here, "Config", app=StudioApp.jupyter_lab(), app_image_config_name="data-science")

    cdk.CfnOutput(elsewhere, "Name", value=config.app_image_config_name)
    cdk.CfnOutput(elsewhere, "Arn", value=config.app_image_config_arn)

    # A value cannot be imported from another region, so the name is written out.
    outputs = Template.from_stack(elsewhere).to_json()["Outputs"]
    assert outputs["Name"]["Value"] == "data-science"
    arn = ":sagemaker:eu-west-1:123456789012:app-image-config/data-science"
    assert outputs["Arn"]["Value"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, arn]]}


NAME_RULE = "must be 1 to 63 letters, digits and hyphens, with no hyphen at either end: write it like 'data-science'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"app_image_config_name": "bad.name"}, f"app_image_config_name 'bad.name' {NAME_RULE}"),
        ({"app_image_config_name": "x" * 64}, f"app_image_config_name '{'x' * 58}… (64 characters) {NAME_RULE}"),
        (
            {"app": None},
            (
                "app None must be a StudioApp: use StudioApp.jupyter_lab(…), StudioApp.code_editor(…) or "
                "StudioApp.kernel_gateway(…)"
            ),
        ),
        (
            {"removal_policy": cdk.RemovalPolicy.SNAPSHOT},
            (
                f"removal_policy {cdk.RemovalPolicy.SNAPSHOT!r} must be RemovalPolicy.DESTROY, RETAIN or "
                "RETAIN_ON_UPDATE_OR_DELETE: to keep the resource, use RemovalPolicy.RETAIN"
            ),
        ),
    ],
)
def test_a_refused_declaration(stack: cdk.Stack, refused: Refused, arguments: dict[str, Any], message: str) -> None:
    assert refused(lambda: AppImageConfig(stack, "Config", **({"app": StudioApp.jupyter_lab()} | arguments))) == message


ONE_LINE = "characters on one line, and not only spaces"
ARGUMENTS_RULE = "must be a list with one item per argument: write it like ['--log-level', 'debug']"
ARGUMENT_RULE = f"must be 1 to 64 {ONE_LINE}: shorten it, or set it in container_environment_variables"
ENTRYPOINT_RULE = (
    "must be the path of one program, of 1 to 256 characters: "
    "write it like '/usr/local/bin/start', and its arguments in container_arguments"
)
VARIABLES_RULE = "must be a dict of values by names: write it like {'LOG_LEVEL': 'debug'}"
VARIABLE_NAME_RULE = f"must be a name of 1 to 256 {ONE_LINE}: write it like 'LOG_LEVEL'"
VARIABLE_VALUE_RULE = f"must be 1 to 256 {ONE_LINE}: shorten it, or leave the variable out"
BLANK = ("", " ", "a\nb", "a\u2028b")
A_STRING = "must be a string: write it in quotes, and a token as cdk.Token.as_string(…)"
A_NUMBER = "must be a number: write it without quotes, and a token as cdk.Token.as_number(…)"


@pytest.mark.parametrize("create_app", [StudioApp.jupyter_lab, StudioApp.code_editor])
@pytest.mark.parametrize(
    ("keyword", "value", "shown"),
    [
        *[("container_arguments", value, f"{value!r} {ARGUMENTS_RULE}") for value in ("--debug", {"--debug"}, None)],
        *[("container_arguments", ["x", value], f"{value!r} {ARGUMENT_RULE}") for value in BLANK],
        ("container_arguments", ["x", 5], f"5 {A_STRING}"),
        *[("container_entrypoint", value, f"{value!r} {A_STRING}") for value in (5, ["start"])],
        ("container_environment_variables", {5: "x"}, f"5 {A_STRING}"),
        ("container_environment_variables['A']", {"A": 5}, f"5 {A_STRING}"),
        ("container_arguments", ["x" * 65], f"'{'x' * 58}… (65 characters) {ARGUMENT_RULE}"),
        (
            "container_arguments",
            ["x"] * 51,
            (
                f"{str(['x'] * 51)[:59]}… must have at most 50 items, not 51: "
                "set the others in container_environment_variables, or in a script that is the entrypoint"
            ),
        ),
        *[("container_entrypoint", value, f"{value!r} {ENTRYPOINT_RULE}") for value in BLANK],
        *[("container_environment_variables", value, f"{value!r} {VARIABLES_RULE}") for value in ("A=b", ["A=b"])],
        *[("container_environment_variables", {value: "x"}, f"{value!r} {VARIABLE_NAME_RULE}") for value in BLANK],
        *[
            ("container_environment_variables['A']", {"A": value}, f"{value!r} {VARIABLE_VALUE_RULE}")
            for value in (*BLANK, None)
        ],
        (
            "container_environment_variables",
            {f"V{number:02}": "x" for number in range(26)},
            (
                "{'V00': 'x', 'V01': 'x', 'V02': 'x', 'V03': 'x', 'V04': 'x'… must have at most 25 items, not 26: "
                "set the others in a script that is the entrypoint"
            ),
        ),
    ],
)
def test_values_of_a_container_that_are_refused(create_app: CreateApp, keyword: str, value: Any, shown: str) -> None:
    with pytest.raises(ValueError, match="must") as refusal:
        check_studio_app(create_app(**{keyword.partition("[")[0]: value}))

    assert str(refusal.value) == f"{keyword} {shown}"


KERNEL_RULE = "must be 1 to 1024 characters: write it as 'jupyter kernelspec list' shows it, like 'python3'"
MOUNT_PATH_RULE = (
    "must be an absolute path of at most 1024 characters on one line: write it like '/home/sagemaker-user'"
)
USER_RULE = "must be 1000 with 100, or 0 with 0 for root: give both, or leave both out"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *[({"kernel_name": value}, f"kernel_name {value!r} {KERNEL_RULE}") for value in ("", None)],
        ({"kernel_name": 3}, f"kernel_name 3 {A_STRING}"),
        (
            {"kernel_display_name": ""},
            "kernel_display_name '' must be 1 to 1024 characters: shorten it, or leave it out",
        ),
        *[
            ({"mount_path": value}, f"mount_path {value!r} {MOUNT_PATH_RULE}")
            for value in ("home", "", "/home\n", " /home")
        ],
        *[
            ({"default_uid": uid, "default_gid": gid}, f"default_uid {uid!r} with default_gid {gid!r} {USER_RULE}")
            for uid, gid in ((1000, 0), (0, 100), (1001, 100))
        ],
        *[
            ({"default_uid": uid, "default_gid": gid}, f"{parameter} {value!r} {A_NUMBER}")
            for uid, gid, parameter, value in (
                ("1000", "100", "default_uid", "1000"),
                (1000, "100", "default_gid", "100"),
                (False, False, "default_uid", False),
            )
        ],
        # SageMaker's default for the other one counts.
        ({"default_uid": 0}, f"default_uid 0 with default_gid 100 {USER_RULE}"),
        ({"default_gid": 0}, f"default_uid 1000 with default_gid 0 {USER_RULE}"),
    ],
)
def test_values_of_a_kernel_gateway_that_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="must") as refusal:
        check_studio_app(StudioApp.kernel_gateway(**({"kernel_name": "python3"} | arguments)))

    assert str(refusal.value) == message


def test_the_limits_themselves_are_accepted(stack: cdk.Stack) -> None:
    container: dict[str, Any] = {
        "container_arguments": ["x" * 64] * 50,
        "container_entrypoint": "x" * 256,
        "container_environment_variables": {f"{'x' * 254}{number:02}": "x" * 256 for number in range(25)},
    }
    kernel: dict[str, Any] = {"kernel_name": "x" * 1024, "kernel_display_name": "x" * 1024, "mount_path": "/" * 1024}

    AppImageConfig(stack, "One", app=StudioApp.jupyter_lab(**container), app_image_config_name="x" * 63)
    AppImageConfig(stack, "Two", app=StudioApp.kernel_gateway(**kernel), app_image_config_name="x")

    # The CDK's own validation, against CloudFormation's schema, accepts them too.
    Template.from_stack(stack).resource_count_is(CONFIG, 2)
