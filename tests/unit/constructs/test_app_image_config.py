"""AppImageConfig: the resource it makes of each app, and those that exist already."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk.assertions import Template
from aws_cdk.aws_sagemaker import CfnAppImageConfig

from imgver_constructs._validation import rules as constraints
from imgver_constructs.app_image_config import AppImageConfig, StudioApp

CONFIG = "AWS::SageMaker::AppImageConfig"
NAME_RULE = "must be 1 to 63 letters, digits and hyphens, with no hyphen at either end: write it like 'data-science'"
ARGUMENT_RULE = (
    "must be 1 to 64 characters on one line, and not only spaces: "
    "shorten it, or set it in container_environment_variables"
)
ENTRYPOINT_RULE = (
    "must be the path of one program, of 1 to 256 characters: "
    "write it like '/usr/local/bin/start', and its arguments in container_arguments"
)
VARIABLE_NAME_RULE = "must be a name of 1 to 256 characters on one line, and not only spaces: write it like 'LOG_LEVEL'"
VARIABLE_VALUE_RULE = (
    "must be 1 to 256 characters on one line, and not only spaces: shorten it, or leave the variable out"
)
KERNEL_RULE = "must be 1 to 1024 characters: write it as 'jupyter kernelspec list' shows it, like 'python3'"
MOUNT_PATH_RULE = (
    "must be an absolute path of at most 1024 characters on one line: write it like '/home/sagemaker-user'"
)
USER_RULE = "must be 1000 with 100, or 0 with 0 for root: give both, or leave both out"

Only = Callable[[str], dict[str, Any]]
MakeApp = Callable[..., StudioApp]

container_apps = pytest.mark.parametrize(
    ("make_app", "key"),
    [
        pytest.param(StudioApp.jupyter_lab, "JupyterLabAppImageConfig", id="jupyter_lab"),
        pytest.param(StudioApp.code_editor, "CodeEditorAppImageConfig", id="code_editor"),
    ],
)


@pytest.fixture
def objections(app: cdk.App) -> Callable[[], list[Any]]:
    """What the CDK's own validation of the template against CloudFormation's schema finds."""

    def objections() -> list[Any]:
        report = Path(app.synth().directory) / "validation-report.json"
        return list(json.loads(report.read_text())["pluginReports"])

    return objections


@container_apps
def test_every_property_of_a_container(
    stack: cdk.Stack, only: Only, objections: Callable[[], list[Any]], make_app: MakeApp, key: str
) -> None:
    AppImageConfig(
        stack,
        "Config",
        app_image_config_name="data--science",
        app=make_app(
            container_arguments=["--log-level", "debug"],
            container_entrypoint="/usr/local/bin/start",
            container_environment_variables={"LOG_LEVEL": "debug", "CACHE": "/tmp/cache"},
        ),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )

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
    assert objections() == []


def test_every_property_of_a_kernel_gateway(stack: cdk.Stack, only: Only, objections: Callable[[], list[Any]]) -> None:
    AppImageConfig(
        stack,
        "Config",
        app_image_config_name="data-science",
        app=StudioApp.kernel_gateway(
            kernel_name="python3",
            kernel_display_name="Python 3",
            mount_path="/root",
            default_uid=0,
            default_gid=0,
        ),
    )

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
    assert objections() == []


@pytest.mark.parametrize(
    ("app_of_studio", "expected"),
    [
        (StudioApp.jupyter_lab(), {"JupyterLabAppImageConfig": {}}),
        (StudioApp.code_editor(), {"CodeEditorAppImageConfig": {}}),
        (
            StudioApp.kernel_gateway(kernel_name="python3"),
            {"KernelGatewayImageConfig": {"KernelSpecs": [{"Name": "python3"}]}},
        ),
        (
            StudioApp.jupyter_lab(container_arguments=[], container_environment_variables={}),
            {"JupyterLabAppImageConfig": {}},
        ),
        (
            StudioApp.jupyter_lab(container_arguments=("--debug",)),
            {"JupyterLabAppImageConfig": {"ContainerConfig": {"ContainerArguments": ["--debug"]}}},
        ),
        (
            StudioApp.code_editor(container_entrypoint="start"),
            {"CodeEditorAppImageConfig": {"ContainerConfig": {"ContainerEntrypoint": ["start"]}}},
        ),
        (
            StudioApp.code_editor(container_environment_variables={"A": "b"}),
            {
                "CodeEditorAppImageConfig": {
                    "ContainerConfig": {"ContainerEnvironmentVariables": [{"Key": "A", "Value": "b"}]}
                }
            },
        ),
        *[
            (
                StudioApp.kernel_gateway(kernel_name="python3", **given),
                {"KernelGatewayImageConfig": {"KernelSpecs": [{"Name": "python3"}], "FileSystemConfig": file_system}},
            )
            for given, file_system in (
                ({"mount_path": "/"}, {"MountPath": "/"}),
                ({"default_uid": 1000}, {"DefaultUid": 1000}),
                ({"default_gid": 100}, {"DefaultGid": 100}),
                ({"default_uid": 1000, "default_gid": 100}, {"DefaultUid": 1000, "DefaultGid": 100}),
            )
        ],
    ],
)
def test_what_is_not_given_is_left_to_sagemaker(
    stack: cdk.Stack,
    only: Only,
    objections: Callable[[], list[Any]],
    app_of_studio: StudioApp,
    expected: dict[str, Any],
) -> None:
    AppImageConfig(stack, "Config", app_image_config_name="data-science", app=app_of_studio)

    assert only(CONFIG)["Properties"] == {"AppImageConfigName": "data-science", **expected}
    assert objections() == []


@pytest.mark.parametrize("construct_id", ["Config", "a--b..c", "1", "x" * 200, "é"])
def test_generated_name_is_valid_and_stable(tmp_path: Path, construct_id: str) -> None:
    def name(stack_id: str) -> str:
        stack = cdk.Stack(cdk.App(outdir=str(tmp_path / stack_id)), stack_id, stack_name="team-stack")
        AppImageConfig(stack, construct_id, app=StudioApp.jupyter_lab())
        (resource,) = Template.from_stack(stack).find_resources(CONFIG).values()
        return str(resource["Properties"]["AppImageConfigName"])

    first = name("First")

    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", first, re.ASCII)
    assert len(first) <= 63
    assert first == name("Second")


def test_generated_name_is_readable(stack: cdk.Stack, only: Only) -> None:
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())

    assert re.fullmatch(r"Stack-Config-[A-F0-9]{8}", only(CONFIG)["Properties"]["AppImageConfigName"])


def test_generated_names_differ(stack: cdk.Stack) -> None:
    for construct_id in ("One", "Two"):
        AppImageConfig(stack, construct_id, app=StudioApp.jupyter_lab())

    made = Template.from_stack(stack).find_resources(CONFIG).values()
    assert len({resource["Properties"]["AppImageConfigName"] for resource in made}) == 2


def test_attributes(stack: cdk.Stack) -> None:
    config = AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab(), app_image_config_name="data-science")

    # A reference, so that CloudFormation makes it before what uses it.
    name, arn = {"Ref": "Config57D1D894"}, {"Fn::GetAtt": ["Config57D1D894", "AppImageConfigArn"]}
    assert stack.resolve(config.app_image_config_name) == name
    assert stack.resolve(config.app_image_config_arn) == arn
    assert stack.resolve(config.app_image_config_ref.app_image_config_name) == name
    assert stack.resolve(config.app_image_config_ref.app_image_config_arn) == arn


@pytest.mark.parametrize("imported", [False, True])
def test_is_what_the_cdk_takes_for_one(stack: cdk.Stack, imported: bool) -> None:
    config = (
        AppImageConfig.from_app_image_config_name(stack, "Config", "data-science")
        if imported
        else AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())
    )

    # The CDK, in JavaScript, asks for the reference.
    assert CfnAppImageConfig.arn_for_app_image_config(config) == config.app_image_config_arn


def test_used_in_another_stack(app: cdk.App, stack: cdk.Stack) -> None:
    config = AppImageConfig(cdk.Stack(app, "Platform"), "Config", app=StudioApp.jupyter_lab())

    cdk.CfnOutput(stack, "Name", value=config.app_image_config_name)

    assert "Fn::ImportValue" in str(Template.from_stack(stack).find_outputs("Name"))
    assert [dependency.node.path for dependency in stack.dependencies] == ["Platform"]


def test_used_in_another_region(tmp_path: Path) -> None:
    # GIVEN
    app = cdk.App(outdir=str(tmp_path))
    here, elsewhere = (
        cdk.Stack(app, region, env=cdk.Environment(account="123456789012", region=region))
        for region in ("eu-west-1", "us-east-1")
    )
    config = AppImageConfig(here, "Config", app=StudioApp.jupyter_lab(), app_image_config_name="data-science")

    # WHEN
    cdk.CfnOutput(elsewhere, "Name", value=config.app_image_config_name)
    cdk.CfnOutput(elsewhere, "Arn", value=config.app_image_config_arn)

    # THEN there is nothing to import across regions: the name is known
    outputs = Template.from_stack(elsewhere).to_json()["Outputs"]
    assert outputs["Name"]["Value"] == "data-science"
    arn = ":sagemaker:eu-west-1:123456789012:app-image-config/data-science"
    assert outputs["Arn"]["Value"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, arn]]}


def test_tags_of_the_stack_are_its_own(stack: cdk.Stack, only: Only) -> None:
    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab())

    cdk.Tags.of(stack).add("team", "data")

    assert only(CONFIG)["Properties"]["Tags"] == [{"Key": "team", "Value": "data"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"app_image_config_name": "bad.name"}, f"app_image_config_name 'bad.name' {NAME_RULE}"),
        ({"app_image_config_name": "x-"}, f"app_image_config_name 'x-' {NAME_RULE}"),
        ({"app_image_config_name": ""}, f"app_image_config_name '' {NAME_RULE}"),
        ({"app_image_config_name": "x" * 64}, f"app_image_config_name '{'x' * 58}… (64 characters) {NAME_RULE}"),
        *[
            (
                {"app": app},
                (
                    f"app {app!r} must be a StudioApp: use StudioApp.jupyter_lab(…), StudioApp.code_editor(…) or "
                    "StudioApp.kernel_gateway(…)"
                ),
            )
            for app in ("jupyter_lab", None)
        ],
        *[
            (
                {"removal_policy": policy},
                (
                    f"removal_policy {policy!r} must be RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE: "
                    "to keep it, use RemovalPolicy.RETAIN"
                ),
            )
            for policy in (cdk.RemovalPolicy.SNAPSHOT, None)
        ],
    ],
)
def test_refused_before_anything_is_made(
    stack: cdk.Stack, tree: Callable[[], list[str]], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        AppImageConfig(stack, "Config", **({"app": StudioApp.jupyter_lab()} | arguments))

    assert str(refusal.value) == message
    assert tree() == ["", "Stack"]


@pytest.mark.parametrize("make_app", [StudioApp.jupyter_lab, StudioApp.code_editor])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *[
            (
                {"container_arguments": value},
                (
                    f"container_arguments {value!r} must be a list with one item per argument: "
                    "write it like ['--log-level', 'debug']"
                ),
            )
            for value in ("--debug", {"--debug"}, None)
        ],
        *[
            ({"container_arguments": ["x", value]}, f"container_arguments {value!r} {ARGUMENT_RULE}")
            for value in ("", " ", "\t", "a\nb", "a\u2028b", None, 5)
        ],
        (
            {"container_arguments": ["x" * 65]},
            f"container_arguments '{'x' * 58}… (65 characters) {ARGUMENT_RULE}",
        ),
        (
            {"container_arguments": ["x"] * 51},
            (
                f"container_arguments {str(['x'] * 51)[:59]}… must be at most 50, not 51: "
                "set the others in container_environment_variables, or in a script that is the entrypoint"
            ),
        ),
        *[
            ({"container_entrypoint": value}, f"container_entrypoint {value!r} {ENTRYPOINT_RULE}")
            for value in ("", " ", "a\nb", ["start"])
        ],
        (
            {"container_entrypoint": "x" * 257},
            f"container_entrypoint '{'x' * 58}… (257 characters) {ENTRYPOINT_RULE}",
        ),
        *[
            (
                {"container_environment_variables": value},
                (
                    f"container_environment_variables {value!r} must be a dict of values by names: "
                    "write it like {'LOG_LEVEL': 'debug'}"
                ),
            )
            for value in ("A=b", ["A=b"])
        ],
        *[
            (
                {"container_environment_variables": {value: "x"}},
                f"container_environment_variables {value!r} {VARIABLE_NAME_RULE}",
            )
            for value in ("", " ", "a\nb", 5)
        ],
        (
            {"container_environment_variables": {"x" * 257: "x"}},
            f"container_environment_variables '{'x' * 58}… (257 characters) {VARIABLE_NAME_RULE}",
        ),
        *[
            (
                {"container_environment_variables": {"A": value}},
                f"container_environment_variables['A'] {value!r} {VARIABLE_VALUE_RULE}",
            )
            for value in ("", " ", "a\nb", 5, None)
        ],
        (
            {"container_environment_variables": {"A": "x" * 257}},
            f"container_environment_variables['A'] '{'x' * 58}… (257 characters) {VARIABLE_VALUE_RULE}",
        ),
        (
            {"container_environment_variables": {f"V{number:02}": "x" for number in range(26)}},
            (
                "container_environment_variables {'V00': 'x', 'V01': 'x', 'V02': 'x', 'V03': 'x', 'V04': 'x'… "
                "must be at most 25, not 26: set the others in a script that is the entrypoint"
            ),
        ),
    ],
)
def test_container_that_would_be_refused(make_app: MakeApp, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        make_app(**arguments)

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *[({"kernel_name": value}, f"kernel_name {value!r} {KERNEL_RULE}") for value in ("", None, 3)],
        ({"kernel_name": "x" * 1025}, f"kernel_name '{'x' * 58}… (1025 characters) {KERNEL_RULE}"),
        (
            {"kernel_display_name": ""},
            "kernel_display_name '' must be 1 to 1024 characters: shorten it, or leave it out",
        ),
        *[
            ({"mount_path": value}, f"mount_path {value!r} {MOUNT_PATH_RULE}")
            for value in ("home", "", "/home\n", " /home")
        ],
        ({"mount_path": "/" * 1025}, f"mount_path '{'/' * 58}… (1025 characters) {MOUNT_PATH_RULE}"),
        *[
            ({"default_uid": uid, "default_gid": gid}, f"default_uid {uid!r} with default_gid {gid!r} {USER_RULE}")
            for uid, gid in ((1000, 0), (0, 100), (1001, 100), (-1, 100), ("1000", "100"))
        ],
        # What SageMaker takes by default counts, too.
        ({"default_uid": 0}, f"default_uid 0 with default_gid 100 {USER_RULE}"),
        ({"default_gid": 0}, f"default_uid 1000 with default_gid 0 {USER_RULE}"),
    ],
)
def test_kernel_gateway_that_would_be_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        StudioApp.kernel_gateway(**({"kernel_name": "python3"} | arguments))

    assert str(refusal.value) == message


def test_the_longest_and_the_most_that_is_taken(
    stack: cdk.Stack, only: Only, objections: Callable[[], list[Any]]
) -> None:
    container = {
        "container_arguments": ["x" * 64] * 50,
        "container_entrypoint": "x" * 256,
        "container_environment_variables": {f"{'x' * 254}{number:02}": "x" * 256 for number in range(25)},
    }
    kernel = {"kernel_name": "x" * 1024, "kernel_display_name": "x" * 1024, "mount_path": "/" * 1024}

    AppImageConfig(stack, "One", app=StudioApp.jupyter_lab(**container), app_image_config_name="x" * 63)
    AppImageConfig(stack, "Two", app=StudioApp.kernel_gateway(**kernel), app_image_config_name="x")

    assert len(Template.from_stack(stack).find_resources(CONFIG)) == 2
    assert objections() == []


def test_tokens_are_not_inspected(stack: cdk.Stack, only: Only) -> None:
    def text(name: str) -> str:
        # Longer than any of the values may be.
        return "\n" * 1100 + cdk.CfnParameter(stack, name).value_as_string

    def resolved(name: str) -> dict[str, Any]:
        return {"Fn::Join": ["", ["\n" * 1100, {"Ref": name}]]}

    AppImageConfig(
        stack,
        "Config",
        app_image_config_name=cdk.CfnParameter(stack, "Name").value_as_string,
        app=StudioApp.kernel_gateway(
            kernel_name=text("Kernel"),
            kernel_display_name=text("Display"),
            mount_path=text("Path"),
            default_uid=cdk.CfnParameter(stack, "Uid", type="Number").value_as_number,  # type: ignore[arg-type]
            default_gid=0,
        ),
    )

    assert only(CONFIG)["Properties"] == {
        "AppImageConfigName": {"Ref": "Name"},
        "KernelGatewayImageConfig": {
            "KernelSpecs": [{"Name": resolved("Kernel"), "DisplayName": resolved("Display")}],
            "FileSystemConfig": {"MountPath": resolved("Path"), "DefaultUid": {"Ref": "Uid"}, "DefaultGid": 0},
        },
    }


@container_apps
def test_tokens_of_a_container_are_not_inspected(stack: cdk.Stack, only: Only, make_app: MakeApp, key: str) -> None:
    def text(name: str) -> str:
        # Longer than any of the values may be.
        return "\n" * 300 + cdk.CfnParameter(stack, name).value_as_string

    AppImageConfig(
        stack,
        "Config",
        app=make_app(
            container_arguments=["--level", text("Level")],
            container_entrypoint=text("Start"),
            container_environment_variables={text("Key"): text("Value")},
        ),
    )

    def resolved(name: str) -> dict[str, Any]:
        return {"Fn::Join": ["", ["\n" * 300, {"Ref": name}]]}

    assert only(CONFIG)["Properties"][key]["ContainerConfig"] == {
        "ContainerArguments": ["--level", resolved("Level")],
        "ContainerEntrypoint": [resolved("Start")],
        "ContainerEnvironmentVariables": [{"Key": resolved("Key"), "Value": resolved("Value")}],
    }


def test_list_that_is_a_token(stack: cdk.Stack, only: Only) -> None:
    parameter = cdk.CfnParameter(stack, "Arguments", type="CommaDelimitedList")
    arguments = cdk.Token.as_list(parameter.value, display_hint="LongerThanAnArgument" * 4)

    AppImageConfig(stack, "Config", app=StudioApp.jupyter_lab(container_arguments=arguments))

    assert only(CONFIG)["Properties"]["JupyterLabAppImageConfig"] == {
        "ContainerConfig": {"ContainerArguments": {"Ref": "Arguments"}}
    }


# AppImageConfigs that exist already.


def test_from_app_image_config_name(stack: cdk.Stack, tree: Callable[[], list[str]]) -> None:
    config = AppImageConfig.from_app_image_config_name(stack, "Config", "data-science")

    assert config.app_image_config_name == "data-science"
    assert config.app_image_config_ref.app_image_config_name == "data-science"
    assert stack.resolve(config.app_image_config_arn) == {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                ":sagemaker:",
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":app-image-config/data-science",
            ],
        ]
    }
    assert tree() == ["", "Stack", "Stack/Config"]


def test_import_is_not_validated(stack: cdk.Stack) -> None:
    assert AppImageConfig.from_app_image_config_name(stack, "Config", "bad name!").app_image_config_name == "bad name!"


# The rules are those of the service model that boto3 ships, but for the minimum: CloudFormation asks for one character.


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("AppImageConfigName", "APP_IMAGE_CONFIG_NAME"),
        ("KernelGatewayImageConfig.KernelSpecs.Name", "KERNEL_NAME"),
        ("KernelGatewayImageConfig.KernelSpecs.DisplayName", "KERNEL_DISPLAY_NAME"),
        ("KernelGatewayImageConfig.FileSystemConfig.MountPath", "MOUNT_PATH"),
        ("JupyterLabAppImageConfig.ContainerConfig.ContainerArguments", "CONTAINER_ARGUMENT"),
        ("JupyterLabAppImageConfig.ContainerConfig.ContainerEntrypoint", "CONTAINER_ENTRYPOINT"),
        ("JupyterLabAppImageConfig.ContainerConfig.ContainerEnvironmentVariables", "ENVIRONMENT_VARIABLE_VALUE"),
        ("JupyterLabAppImageConfig.ContainerConfig.ContainerEnvironmentVariables.key", "ENVIRONMENT_VARIABLE_NAME"),
    ],
)
def test_rule_is_the_apis(path: str, rule: str) -> None:
    theirs = shape(path).metadata
    ours = getattr(constraints, rule)

    assert (ours.minimum, ours.maximum) == (1, theirs["max"])
    pattern = ours.pattern.replace(constraints._ONE_LINE, ".*")
    if rule in ("KERNEL_NAME", "KERNEL_DISPLAY_NAME"):
        assert (pattern, theirs.get("pattern")) == (r"[\s\S]*", None)
    elif rule == "ENVIRONMENT_VARIABLE_VALUE":  # CloudFormation's, of the name
        assert (pattern, theirs.get("pattern")) == (r"(?!\s*$).*", None)
    else:
        # What is not blank is not empty.
        assert pattern == theirs["pattern"].replace(r"(?!\s*$).+", r"(?!\s*$).*").replace(r"\/", "/")


@pytest.mark.parametrize(
    ("path", "maximum"),
    [
        ("ContainerArguments", constraints.CONTAINER_ARGUMENTS_MAXIMUM),
        ("ContainerEnvironmentVariables", constraints.ENVIRONMENT_VARIABLES_MAXIMUM),
    ],
)
def test_maximum_is_the_apis(path: str, maximum: int) -> None:
    container = shape("JupyterLabAppImageConfig.ContainerConfig")

    assert container.members[path].metadata["max"] == maximum


@pytest.mark.parametrize("app_of_studio", ["JupyterLabAppImageConfig", "CodeEditorAppImageConfig"])
def test_no_parameter_of_a_container_is_forgotten(app_of_studio: str) -> None:
    assert set(shape(f"{app_of_studio}.ContainerConfig").members) == {
        "ContainerArguments",
        "ContainerEntrypoint",
        "ContainerEnvironmentVariables",
    }


def shape(path: str) -> Any:
    """The shape at ``path`` of CreateAppImageConfig's input: of a list its items, of a map its values or its key."""
    found = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateAppImageConfig")
    found = found.input_shape
    names = path.split(".")
    for position, name in enumerate(names):
        found = found.members[name]
        if found.type_name == "list":
            found = found.member
        if found.type_name == "map":
            return found.key if names[position + 1 :] == ["key"] else found.value
    return found
