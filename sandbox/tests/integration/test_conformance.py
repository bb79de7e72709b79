"""The conformance tests in tests/aws, run as on an AWS account, with a sandbox as the account."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.sagemaker.assumptions import Assumptions
from leftovers import remove
from target import PREFIX

ROOT = Path(__file__).parents[3]
NETWORK = {"CONFORMANCE_VPC_ID": "vpc-1", "CONFORMANCE_SUBNET_IDS": "subnet-1,subnet-2"}
KINDS = {
    "images": ("sagemaker", "list_images", "Images"),
    "app image configs": ("sagemaker", "list_app_image_configs", "AppImageConfigs"),
    "domains": ("sagemaker", "list_domains", "Domains"),
    "repositories": ("ecr", "describe_repositories", "repositories"),
    "roles": ("iam", "list_roles", "Roles"),
    "functions": ("lambda", "list_functions", "Functions"),
    "log groups": ("logs", "describe_log_groups", "logGroups"),
    "stacks": ("cloudformation", "list_stacks", "StackSummaries"),
}


def assumed(place):
    """Each switch at its value in that place, or its last one."""
    choices = Assumptions.choices()
    return Assumptions(**{name: values[min(place, len(values) - 1)] for name, values in choices.items()})


class Run:
    """One run of the tests."""

    def __init__(self, sandbox, folder, *what, **environment):
        for operation in ("CreateImage", "UpdateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion"):
            sandbox.faults.slow(0.05, operation=operation, times=1000)
        self.sandbox = sandbox
        self._clients = {}
        self._report = folder / "report"
        self._output = folder / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(what or ["tests/aws"])],
                cwd=ROOT,
                env=sandbox.environment()
                | {"CONFORMANCE_TARGET": "aws", "CONFORMANCE_REPORT": str(self._report)}
                | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ended(self):
        """The exit code."""
        return self.process.wait(300)

    def output(self):
        return self._output.read_text()

    def report(self):
        return json.loads((self._report / "report.json").read_text())

    def report_as_text(self):
        return (self._report / "report.md").read_text()

    def wait_for_images(self):
        end = time.monotonic() + 60
        while not self.left("images"):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < end, self.output()
            time.sleep(0.1)

    def left(self, *kinds):
        """The existing resources of all kinds that the tests create, or of the given kinds."""
        found = {kind: self._of(*KINDS[kind]) for kind in kinds or KINDS}
        return {kind: things for kind, things in found.items() if things}

    def _of(self, service, operation, key):
        if service not in self._clients:
            self._clients[service] = self.sandbox.client(service)
        things = getattr(self._clients[service], operation)()[key]
        return [thing for thing in things if thing.get("StackStatus") != "DELETE_COMPLETE"]


@pytest.fixture
def run(tmp_path):
    """Start the tests on a sandbox with these assumptions. The process and the sandbox end with the test."""
    with contextlib.ExitStack() as stack:

        def start(*what, assumptions=None, name="run", **environment):
            folder = tmp_path / name
            folder.mkdir()
            sandbox = stack.enter_context(Sandbox.start(assumptions=assumptions, fast=True))
            started = Run(sandbox, folder, *what, **environment)
            stack.callback(end, started.process)
            return started

        def end(process):
            if process.poll() is None:
                process.kill()
                process.wait()

        yield start


def test_the_findings_are_the_assumptions_of_the_sandbox_and_nothing_is_left(run):
    # GIVEN sandboxes that together have every value of every switch, WHEN the tests run in parallel
    all_assumed = [assumed(place) for place in range(3)]
    runs = [
        run(
            *(["tests/aws"] if place == 1 else ["tests/aws/test_unknowns.py", "-k=not u8"]),
            assumptions=assumptions,
            name=f"run-{place}",
            **NETWORK,
        )
        for place, assumptions in enumerate(all_assumed)
    ]

    # THEN each run finds the assumptions of its sandbox
    for assumptions, ran in zip(all_assumed, runs, strict=True):
        assert ran.ended() == 0, ran.output()
        report = ran.report()
        assert Assumptions.parse(report["assume"]) == assumptions
        assert len(report["assume"]) == len(Assumptions.choices())
        assert report["failed"] == []
        # and reports them, without the account id
        options = " ".join(f"--assume {switch}" for switch in assumptions.switches())
        assert sorted(options.split()) == sorted(ran.report_as_text().partition("start ")[2].partition("`")[0].split())
        assert ran.report_as_text() in ran.output()
        assert Sandbox.account not in ran.report_as_text() + json.dumps(report)
        assert report["answers"]["U7"]["answer"] == "delete_only"
        assert report["answers"]["U9"]["answer"] == "ignored", report["answers"]["U9"]
        assert "remembered for " in report["answers"]["U2"]["evidence"][-1]

        # THEN nothing is left
        assert ran.left() == {}
    assert any("a version was created in " in line for line in runs[1].report()["measured"])


def test_an_interrupted_run_leaves_nothing(run):
    # GIVEN a run in progress
    ran = run("tests/aws/test_unknowns.py")
    ran.wait_for_images()
    assert {"images", "repositories", "roles"} <= ran.left().keys()

    # WHEN it is interrupted
    os.kill(ran.process.pid, signal.SIGTERM)

    # THEN it removes everything, reports and ends
    assert ran.ended() == pytest.ExitCode.INTERRUPTED, ran.output()
    assert ran.left() == {}
    assert ran.report()["answers"]["U8"]["evidence"] == []


def test_the_resources_of_a_killed_run_can_be_removed(run):
    ran = run("tests/aws/test_unknowns.py")
    ran.wait_for_images()
    ran.process.kill()
    ran.process.wait()
    left = ran.left()

    # WHEN only older resources are removed, THEN nothing is removed
    before = left["repositories"][0]["createdAt"]
    assert remove(ran.sandbox.client, PREFIX, before=before) == ([], [])

    # WHEN all are removed
    removed, not_removed = remove(ran.sandbox.client, PREFIX)

    # THEN nothing is left
    assert not_removed == []
    assert {line.rpartition(" ")[0] for line in removed} == {"image", "repository", "role"}
    assert ran.left() == {}


def test_a_dry_run_lists_the_calls_and_makes_none(tmp_path):
    # GIVEN an account that cannot be reached, WHEN a part of the tests runs dry
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/aws/test_unknowns.py", "-k=u4 or u7"],
        cwd=ROOT,
        env=os.environ
        | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_PROFILE": "missing", "CONFORMANCE_ROLE_ARN": "arn"}
        | {"CONFORMANCE_TARGET": "dry-run", "CONFORMANCE_REPORT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN it lists the calls of these tests
    assert done.returncode == 0, done.stdout
    calls = dict(re.findall(r"^  (\w+:\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert calls.items() >= {
        ("sts:GetCallerIdentity", "1"),
        ("iam:CreateRole", "1"),
        ("cloudformation:UpdateStack", "1"),
        ("sagemaker:CreateImage", "2"),
        ("sagemaker:CreateImageVersion", "4"),
        ("sagemaker:DeleteImageVersion", "1"),
    }
    assert "Nothing was called on AWS" in done.stdout
    # and reports no findings
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "exit_code", "said"),
    [
        ({}, 0, "no AWS credentials were found, so nothing was run: see docs/test-aws.md"),
        (
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
            2,
            "no AWS region was found: set AWS_REGION",
        ),
    ],
)
def test_make_test_aws_reports_missing_settings(environment, exit_code, said):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    none = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    # make's own code for a command that failed is 2, whatever the command's was.
    done = subprocess.run(
        ["make", "--assume-old=.venv/test.installed", "test-aws"],
        cwd=ROOT,
        env={**inherited, **none, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == exit_code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
