"""Runs the same tests on two targets: on the sandbox's images, or with CONFORMANCE_TARGET=aws on an AWS account.

With CONFORMANCE_TARGET=dry-run, a sandbox takes the place of the account, and the calls are listed.
"""

import contextlib
import importlib.metadata
import os
import signal
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from dry_run import DryRun
from findings_report import Findings
from imgver_sandbox import Assumptions, Sandbox
from leftovers import remove
from target import PREFIX, AwsTarget, LocalTarget, Target

DRY_RUN = os.environ.get("CONFORMANCE_TARGET") == "dry-run"
ON_AWS = DRY_RUN or os.environ.get("CONFORMANCE_TARGET") == "aws"

_ABANDONED_AFTER = timedelta(hours=2)
_SESSION = pytest.StashKey[boto3.Session]()
_ACCOUNT = pytest.StashKey[str]()
_REPORT = pytest.StashKey[str]()
_DRY_RUN = pytest.StashKey[DryRun]()
_findings = Findings()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the account, or locally: under each value of its switch, or of all switches at once."""
    if "target" not in metafunc.fixturenames:
        return
    choices = Assumptions.choices()
    if ON_AWS:
        targets: dict[str, Assumptions | None] = {"aws": None}
    elif switch := getattr(metafunc.function, "every", None):
        targets = {value: Assumptions(**{switch: value}) for value in choices[switch]}  # type: ignore[arg-type]
    else:
        targets = {
            f"assumptions-{place}": Assumptions(
                **{name: values[min(place, len(values) - 1)] for name, values in choices.items()}  # type: ignore[arg-type]
            )
            for place in range(max(map(len, choices.values())))
        }
    metafunc.parametrize("target", list(targets.values()), ids=list(targets), indirect=True, scope="module")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find the account. A run without credentials does nothing and does not fail."""
    if not ON_AWS:
        return
    aws = _sandbox_session(session.config) if DRY_RUN else _account_session()
    try:
        account = aws.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        pytest.exit(f"the AWS credentials cannot be used: {error}", returncode=2)
    session.config.stash[_SESSION] = aws
    session.config.stash[_ACCOUNT] = account
    _print(session.config)(
        "Dry run, which calls nothing on AWS and takes about one minute."
        if DRY_RUN
        else f"Account {account}, region {aws.region_name}. The names of all resources start with {PREFIX}."
    )
    # These signals end the run as Ctrl-C does, so that its resources are removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _account_session() -> boto3.Session:
    aws = boto3.Session(region_name=os.environ.get("AWS_REGION"))  # boto3 itself does not read this variable
    if aws.get_credentials() is None:
        pytest.exit("no AWS credentials were found, so nothing was run: see docs/test-aws.md", returncode=0)
    if aws.region_name is None:
        pytest.exit("no AWS region was found: set AWS_REGION", returncode=2)
    return aws


def _sandbox_session(config: pytest.Config) -> boto3.Session:
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    dry_run = config.stash[_DRY_RUN] = DryRun(stack.enter_context(Sandbox.start(fast=True)))
    return dry_run.session


@pytest.fixture(scope="session")
def aws(pytestconfig: pytest.Config) -> Iterator[AwsTarget]:
    """The account. The resources of the run are removed at its end, and those of a killed run at its start."""
    target = AwsTarget(
        pytestconfig.stash[_SESSION],
        # They are in the account, which a dry run does not use.
        role=None if DRY_RUN else os.environ.get("CONFORMANCE_ROLE_ARN"),
        base_image=None if DRY_RUN else os.environ.get("CONFORMANCE_BASE_IMAGE"),
    )
    _remove(pytestconfig, target, PREFIX, before=datetime.now(UTC) - _ABANDONED_AFTER)
    try:
        try:
            target.prepare()
        except (RuntimeError, ClientError) as error:
            pytest.exit(f"{error}: see docs/test-aws.md", returncode=1)
        yield target
    finally:
        _print(pytestconfig)("Removing the resources of this run …")
        _remove(pytestconfig, target, target.prefix)


def _remove(config: pytest.Config, target: AwsTarget, prefix: str, *, before: datetime | None = None) -> None:
    removed, left = remove(target.client, prefix, before=before)
    for line in [
        *(f"removed {each}" for each in removed),
        *(f"could not remove {each}: remove it by hand" for each in left),
    ]:
        _print(config)(line)


def _print(config: pytest.Config) -> Callable[[str], None]:
    """Prints a line in the terminal, whatever pytest captures."""
    return config.pluginmanager.getplugin("terminalreporter").write_line


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Target:
    """The target, which the tests of a module share."""
    return request.getfixturevalue("aws") if ON_AWS else LocalTarget(request.param)


@pytest.fixture(scope="session")
def findings() -> Findings:
    return _findings


@pytest.fixture
def network() -> dict[str, Any] | None:
    """The network of a Studio domain; on an account only if the user has configured one."""
    if not ON_AWS:
        return {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"]}
    vpc, subnets = os.environ.get("CONFORMANCE_VPC_ID"), os.environ.get("CONFORMANCE_SUBNET_IDS")
    return {"VpcId": vpc, "SubnetIds": subnets.split(",")} if vpc and subnets else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    outcome = yield
    if ON_AWS and outcome.get_result().failed:
        _findings.failed.append(f"{item.name}: {call.excinfo.exconly()}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports, also of a run that was interrupted."""
    aws = session.config.stash.get(_SESSION, None)
    if aws is None or DRY_RUN:
        return
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "region": str(aws.region_name),
        "boto3": importlib.metadata.version("boto3"),
    }
    folder = Path(os.environ.get("CONFORMANCE_REPORT", "build/aws"))
    text = _findings.write(folder, about, hidden=_hidden(session.config))
    session.config.stash[_REPORT] = f"{text}\nWritten to {folder / 'report.md'} and {folder / 'report.json'}"


def _hidden(config: pytest.Config) -> dict[str, str]:
    """The names that belong to the account, with their replacements."""
    given = {
        "role": "CONFORMANCE_ROLE_ARN",
        "base image": "CONFORMANCE_BASE_IMAGE",
        "vpc": "CONFORMANCE_VPC_ID",
        "subnet": "CONFORMANCE_SUBNET_IDS",
    }
    named = {name: f"<{kind}>" for kind, variable in given.items() for name in os.environ.get(variable, "").split(",")}
    return {name: kind for name, kind in named.items() if name} | {config.stash[_ACCOUNT]: "<account>"}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if dry_run := config.stash.get(_DRY_RUN, None):
        terminalreporter.section("calls")
        terminalreporter.line(dry_run.listed())
    if report := config.stash.get(_REPORT, None):
        terminalreporter.section("findings")
        terminalreporter.line(report)
