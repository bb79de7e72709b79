"""Sandboxes with an account, a region and a name of their own, side by side."""

import sys

import pytest
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime.sandbox import Sandbox

IDENTITY = """
import boto3, os
session = boto3.Session()
print(session.client("sts").get_caller_identity()["Account"], session.region_name, os.environ["CDK_DEFAULT_ACCOUNT"],
      os.environ["CDK_DEFAULT_REGION"])
"""


@pytest.fixture
def project(state_folder, command):
    """Start a sandbox named `project`, and stop it with the test."""
    started = command("start", "--name", "project", "--account", "111122223333", "--region", "us-west-2")
    yield started
    command("stop", "--name", "project")


def test_two_projects_side_by_side(project, command, state_folder, stack_in):
    # GIVEN a sandbox for a stack with an `env`, and one with the defaults
    assert project.returncode == 0, project.stderr
    assert "(account 111122223333, region us-west-2)." in project.stdout
    assert "Use:   imgver-sandbox run --name project -- cdk bootstrap\n" in project.stdout
    assert command("start").returncode == 0

    # THEN commands use the one that they name
    run = ("--", sys.executable, "-c", IDENTITY)
    assert command("run", "--name", "project", *run).stdout == "111122223333 us-west-2 111122223333 us-west-2\n"
    assert command("run", *run).stdout == "000000000000 eu-west-1 000000000000 eu-west-1\n"
    assert "--name project`" in command("start", "--name", "project").stderr

    # THEN each has its own resources, faults and files
    pushed = command("push", "data-science:1.0.0", "--name", "project").stdout
    assert pushed.startswith("Pushed 111122223333.dkr.ecr.us-west-2.amazonaws.com/data-science:1.0.0 (sha256:")
    one, other = Sandbox.running("project"), Sandbox.running()
    assert [found["repositoryName"] for found in one.client("ecr").describe_repositories()["repositories"]] == [
        "data-science"
    ]
    assert other.client("ecr").describe_repositories()["repositories"] == []
    stack = stack_in(one)
    assert stack.create({"Topic": {"Type": "AWS::SNS::Topic"}}) == "CREATE_COMPLETE"
    assert stack.resources()["Topic"].startswith("arn:aws:sns:us-west-2:111122223333:")
    assert command("fault", "add", "error", "--name", "project").returncode == 0
    assert [len(sandbox.faults.left()) for sandbox in (one, other)] == [1, 0]
    assert sorted(path.name for path in state_folder.iterdir()) == [
        "project-logs",
        "project.json",
        "sandbox-logs",
        "sandbox.json",
    ]
    assert "project-logs" in command("logs", "--name", "project").stdout

    # WHEN one is stopped, THEN the other continues
    assert command("stop", "--name", "project").returncode == 0
    assert command("status").returncode == 0
    status = command("status", "--name", "project")
    assert (status.returncode, status.stdout) == (1, "No sandbox 'project' is running.\n")


@pytest.mark.parametrize("arguments", [["run", "--name", "web", "--", "true"], ["show", "--name", "web"]])
def test_a_name_that_is_not_running_is_an_error(error_of, arguments):
    assert error_of(*arguments) == ("no sandbox 'web' is running: start one with `imgver-sandbox start --name web`\n")


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--account", "1111", "12 digits: write it like '111122223333'"),
        ("--region", "Ireland", "the code of an AWS region: write it like 'eu-west-1'"),
        ("--name", "../x", "1 to 40 letters, digits, hyphens and underscores, and must not start with a hyphen"),
    ],
)
def test_an_invalid_value_is_an_error(command, option, value, rule):
    result = command("start", option, value)

    assert result.returncode == 2
    assert result.stderr.endswith(f"argument {option}: {value!r} must be {rule}\n")
    with pytest.raises(SandboxError, match=f"{option[2:]} {value!r} must be "):
        Sandbox.start_in_background(**{option[2:]: value})
