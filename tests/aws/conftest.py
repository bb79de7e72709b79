"""The same tests on two targets: here under every assumption, and on a real account with CONFORMANCE_TARGET=aws."""

import importlib.metadata
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from findings import Findings
from imgver_sandbox.sagemaker.assumptions import Assumptions
from leftovers import remove
from target import PREFIX, AwsTarget, LocalTarget, Target

ON_AWS = os.environ.get("CONFORMANCE_TARGET") == "aws"

_ABANDONED_AFTER = timedelta(hours=2)
_SESSION = pytest.StashKey[boto3.Session]()
_ACCOUNT = pytest.StashKey[str]()
_FINDINGS = pytest.StashKey[Findings]()
_REPORT = pytest.StashKey[str]()


def _assumed() -> list[Assumptions]:
    """The harsher values, and others: between them, every value of every switch."""
    choices = Assumptions.choices()
    most = max(map(len, choices.values()))
    return [
        Assumptions(**{name: values[min(place, len(values) - 1)] for name, values in choices.items()})  # type: ignore[arg-type]
        for place in range(most)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test its targets: those that the switch in `@every` asks for, otherwise some of all."""
    if "target" not in metafunc.fixturenames:
        return
    switch = getattr(metafunc.function, "every", None)
    if ON_AWS:
        assumed, names = [None], ["aws"]
    elif switch:
        names = list(Assumptions.choices()[switch])
        assumed = [Assumptions(**{switch: value}) for value in names]
    else:
        assumed = _assumed()
        names = [f"assumptions-{place}" for place, _ in enumerate(assumed)]
    metafunc.parametrize("target", assumed, ids=names, indirect=True, scope="module")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Without credentials there is nothing to do, and that is no failure."""
    if not ON_AWS:
        return
    aws = boto3.Session(region_name=os.environ.get("AWS_REGION"))  # which boto3 itself does not read
    if aws.get_credentials() is None:
        pytest.exit("no AWS credentials were found, so nothing was run: see docs/test-aws.md", returncode=0)
    if aws.region_name is None:
        pytest.exit("no AWS region was found: set AWS_REGION", returncode=2)
    try:
        account = aws.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        pytest.exit(f"the AWS credentials cannot be used: {error}", returncode=2)
    session.config.stash[_SESSION] = aws
    session.config.stash[_ACCOUNT] = account
    _say(session.config, f"Account {account}, region {aws.region_name}. What this makes is called {PREFIX}…")
    # As an interruption from the keyboard: what was made is removed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session")
def aws(pytestconfig: pytest.Config) -> Iterator[AwsTarget]:
    """The account. What the run makes there goes at its end, however it ends; what a killed one left goes as well."""
    session = pytestconfig.stash[_SESSION]
    target = AwsTarget(
        session,
        role=os.environ.get("CONFORMANCE_ROLE_ARN"),
        base_image=os.environ.get("CONFORMANCE_BASE_IMAGE"),
    )
    _remove(pytestconfig, target, PREFIX, before=datetime.now(UTC) - _ABANDONED_AFTER)
    try:
        try:
            target.prepare()
        except (RuntimeError, ClientError) as error:
            pytest.exit(f"{error}: see docs/test-aws.md", returncode=1)
        yield target
    finally:
        _say(pytestconfig, "Removing what was made …")
        _remove(pytestconfig, target, target.prefix)


def _remove(config: pytest.Config, target: AwsTarget, prefix: str, *, before: datetime | None = None) -> None:
    removed, left = remove(target.client, prefix, before=before)
    for line in removed:
        _say(config, f"removed {line}")
    for line in left:
        _say(config, f"could not remove {line}: remove it by hand")


def _say(config: pytest.Config, line: str) -> None:
    """Tell whoever waits, whatever pytest captures."""
    config.pluginmanager.getplugin("terminalreporter").write_line(line)


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Target:
    """Where the test runs. Others of its module run there, too."""
    if ON_AWS:
        return request.getfixturevalue("aws")  # type: ignore[no-any-return]
    return LocalTarget(request.param)


@pytest.fixture(scope="session")
def findings(pytestconfig: pytest.Config) -> Findings:
    return pytestconfig.stash.setdefault(_FINDINGS, Findings())


@pytest.fixture
def network() -> dict[str, Any] | None:
    """Where a Studio domain may be; on an account, the user says so."""
    if not ON_AWS:
        return {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"]}
    vpc, subnets = os.environ.get("CONFORMANCE_VPC_ID"), os.environ.get("CONFORMANCE_SUBNET_IDS")
    return {"VpcId": vpc, "SubnetIds": subnets.split(",")} if vpc and subnets else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    outcome = yield
    if ON_AWS and outcome.get_result().failed:
        item.config.stash.setdefault(_FINDINGS, Findings()).failed.append(f"{item.name}: {call.excinfo.exconly()}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was found, also when the run was interrupted."""
    aws = session.config.stash.get(_SESSION, None)
    if aws is None:
        return
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "region": str(aws.region_name),
        "boto3": importlib.metadata.version("boto3"),
    }
    folder = Path(os.environ.get("CONFORMANCE_REPORT", "build/aws"))
    account = session.config.stash[_ACCOUNT]
    text = session.config.stash.setdefault(_FINDINGS, Findings()).write(folder, about, secret=account)
    session.config.stash[_REPORT] = f"{text}\nWritten to {folder / 'report.md'} and {folder / 'report.json'}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if report := config.stash.get(_REPORT, None):
        terminalreporter.section("what was found")
        terminalreporter.line(report)
