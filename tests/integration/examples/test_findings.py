"""cdk-nag and checkov find in app.py and the examples what docs/security.md accepts with a reason, and nothing else.

cfn-lint and the CDK's own check have no accepted finding: test_synth.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import aws_cdk as cdk
import cdk_nag
import pytest

CHECKOUT = Path(__file__).parents[3]
APPS = [CHECKOUT / "app.py", *sorted((CHECKOUT / "examples").glob("*/app.py"))]
# The Python of checkov, whose dependencies conflict with those of the tests, is installed once for a user.
CHECKOV = Path.home() / ".cache" / "imgver-constructs-tests" / "checkov"


class Accepted(NamedTuple):
    """A row of the table in docs/security.md."""

    finding: str
    where: str
    apps: frozenset[str]

    def accepts(self, app: str, finding: str, where: str) -> bool:
        pattern = re.escape(self.finding).replace("NAME", r"[\w-]+").replace("ARN", "arn:[^/]+")
        is_in_app = not self.apps or app in self.apps
        return is_in_app and where == self.where and re.fullmatch(pattern, finding) is not None


def accepted(tool: str) -> list[Accepted]:
    """The accepted findings of a tool."""
    page = (CHECKOUT / "docs" / "security.md").read_text()
    section = page.partition(f"### {tool}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert all(reason.strip() for *_, reason in rows)
    return [Accepted(finding, where, frozenset(re.findall("`([^`]+)`", apps))) for finding, where, apps, _ in rows]


def assert_as_accepted(tool: str, found: set[tuple[str, str, str]]) -> None:
    rows = accepted(tool)
    assert [each for each in sorted(found) if not any(row.accepts(*each) for row in rows)] == []
    assert [row for row in rows if not any(row.accepts(*each) for each in found)] == []


@pytest.fixture(scope="module")
def nagged(run_app: Any) -> dict[str, Path]:
    """The folders of the assemblies, by the name of the app; cdk-nag has written a report into each."""
    flags = json.loads((CHECKOUT / "cdk.json").read_text())["context"] | {"aws:cdk:enable-path-metadata": True}
    synth = cdk.App.synth

    def synth_with_nag(self: cdk.App, **options: Any) -> None:
        cdk.Validations.of(self).add_plugins(cdk_nag.AwsSolutionsChecks())
        with pytest.raises(RuntimeError, match="ValidationFailed"):
            synth(self, **options)
        assemblies.append(Path(self.outdir))

    assemblies: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.App, "synth", synth_with_nag)
        for app in APPS:
            run_app(app, flags | json.loads((app.parent / "cdk.json").read_text()).get("context", {}))
    return dict(zip((name_of(app) for app in APPS), assemblies, strict=True))


def name_of(app: Path) -> str:
    return "app.py" if app.parent == CHECKOUT else app.parent.name


def test_cdk_nag(nagged: dict[str, Path]) -> None:
    found = set()
    for app, folder in nagged.items():
        types = resource_types(folder)
        for plugin in json.loads((folder / "validation-report.json").read_text())["pluginReports"]:
            found |= {
                (app, violation["ruleName"], types[construct["constructPath"]])
                for violation in plugin["violations"]
                for construct in violation["violatingConstructs"]
            }

    assert_as_accepted("cdk-nag", found)


def resource_types(folder: Path) -> dict[str, str]:
    """The types of all resources of an assembly, by the path of the construct."""
    templates = [json.loads(path.read_text()) for path in folder.rglob("*.template.json")]
    resources = [resource for template in templates for resource in template.get("Resources", {}).values()]
    return {resource.get("Metadata", {}).get("aws:cdk:path", ""): resource["Type"] for resource in resources}


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The newest checkov."""
    uv = shutil.which("uv", path=os.pathsep.join([sys.prefix, f"{sys.prefix}/bin", os.environ["PATH"]]))
    python = CHECKOV / "bin" / "python"
    commands = [
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, CHECKOV],
        [uv, "pip", "install", "--quiet", "--upgrade", "--python", python, "checkov"],
    ]
    for command in commands if uv else []:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode != 0 and "REQUIRE_CHECKOV" in os.environ:
            raise AssertionError(done.stderr)
    program = CHECKOV / "bin" / "checkov"
    if not program.exists():
        pytest.skip("checkov cannot be installed, since it needs uv and PyPI")
    return program


def test_checkov(nagged: dict[str, Path], checkov: Path, tmp_path: Path) -> None:
    for app, folder in nagged.items():
        shutil.copytree(folder, tmp_path / app)

    # WHEN checkov runs without its server; whatever it sends elsewhere fails
    done = subprocess.run(
        [checkov, "--directory", tmp_path, "--framework", "cloudformation", "--skip-download", "--output", "json"],
        cwd=tmp_path,
        env=os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONWARNINGS": "ignore", "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )

    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] > 100
    found = {
        (check["file_path"].split("/")[1], check["check_id"], check["resource"].partition(".")[0])
        for check in report["results"]["failed_checks"]
    }
    assert_as_accepted("checkov", found)
