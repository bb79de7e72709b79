"""What users get from the wheel, in empty environments with the oldest and the newest AWS CDK that are supported."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import ACCOUNT, REGION
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Run = Callable[..., str]
CHECKOUT = Path(__file__).parents[3]
README = (CHECKOUT / "README.md").read_text()
PINNED = (CHECKOUT / "requirements-dev.txt").read_text().splitlines()
DEPENDENCIES = [
    Requirement(each) for each in tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
]
OLDEST = {each.name: spec.version for each in DEPENDENCIES for spec in each.specifier if spec.operator == ">="}
NO_EXTRA = "install imgver-sandbox, or imgver-constructs with its extra `sandbox`"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that knows nothing of the checkout."""

    bin: Path
    packages: Path

    def installed(self) -> dict[str, importlib.metadata.Distribution]:
        found = importlib.metadata.distributions(path=[str(self.packages)])
        return {canonicalize_name(each.name): each for each in found}


@pytest.fixture(scope="module")
def install(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Make an empty environment and install into it; this project's pins hold, but for those that start so."""

    def install(*requirements: str, but: tuple[str, ...] = ()) -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(pin for pin in PINNED if not pin.startswith(but)))
        run(sys.executable, "-m", "venv", folder, cwd=folder)
        # Python compiles what is imported; pip would compile all of aws-cdk-lib.
        pip = (folder / "bin" / "python", "-m", "pip", "install", "--no-compile", "--constraint", constraints)
        run(*pip, *requirements, cwd=folder)
        (packages,) = folder.glob("lib/python*/site-packages")
        return Environment(folder / "bin", packages)

    return install


@pytest.fixture(scope="module")
def oldest(install: Callable[..., Environment], wheel: Path) -> Environment:
    """As few as there can be, as old as they can be."""
    versions = (f"{name}=={version}" for name, version in OLDEST.items())
    return install(str(wheel), *versions, but=("aws-cdk", "constructs"))


@pytest.fixture(scope="module")
def newest(install: Callable[..., Environment], wheel: Path) -> Environment:
    """With the sandbox."""
    return install(f"{wheel}[sandbox]")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The README's app, outside the checkout."""
    (app,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "app.synth()" in code]
    (push,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "put_image" in code]
    (tmp_path / "app.py").write_text(app)
    (tmp_path / "push.py").write_text(push)
    (tmp_path / "cdk.json").write_text('{"app": "python app.py", "requireApproval": "never"}')
    return tmp_path


def test_pip_brings_aws_cdk_lib_and_constructs_and_what_they_need(oldest: Environment) -> None:
    installed = oldest.installed()
    needed, reached = {"aws-cdk-lib", "constructs"}, set[str]()
    while needed - reached:
        name = min(needed - reached)
        reached.add(name)
        requirements = [Requirement(text) for text in installed[name].requires or ()]
        needed |= {
            canonicalize_name(each.name)
            for each in requirements
            if each.marker is None or each.marker.evaluate({"extra": ""})
        }

    assert installed.keys() - {"pip", "setuptools"} == needed | {"imgver-constructs"}
    assert {name: installed[name].version for name in OLDEST} == OLDEST


def test_all_that_the_readme_shows_synthesizes_with_the_oldest_cdk(
    run: Run, oldest: Environment, tmp_path: Path
) -> None:
    first, more = [
        code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "ImageVersion(\n    " in code
    ][1:]
    (tmp_path / "app.py").write_text(first.replace("app.synth()", f"{more}app.synth()"))
    run(oldest.bin / "python", "app.py", cwd=tmp_path, CDK_OUTDIR=str(tmp_path / "out"), PYTHONDONTWRITEBYTECODE="")

    types = {
        resource["Type"]
        for stack in ("DataScience", "InVpc")
        for resource in json.loads((tmp_path / "out" / f"{stack}.template.json").read_text())["Resources"].values()
    }
    assert types >= {
        "AWS::SageMaker::AppImageConfig",
        "Custom::SageMakerImageAlias",
        "Custom::SageMakerImageRetention",
        "Custom::SageMakerImageVersion",
    }


@pytest.mark.parametrize("command", [["start"], ["run", "--", "true"], ["demo"]])
def test_the_sandbox_without_its_extra_says_what_to_install(
    oldest: Environment, tmp_path: Path, command: list[str]
) -> None:
    done = subprocess.run(
        [oldest.bin / "imgver-sandbox", *command],
        env={**os.environ, "IMGVER_SANDBOX_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"imgver-sandbox: the sandbox needs ministack 1.5.33, found none: {NO_EXTRA}\n"


def test_pytest_works_without_the_extra(run: Run, oldest: Environment, tmp_path: Path) -> None:
    # GIVEN users' tests, of whom two ask for a fixture of the extra
    (tmp_path / "test_it.py").write_text(
        "def test_of_theirs(): pass\n"
        "def test_with_a_server(imgver_sandbox): pass\n"
        "def test_without_one(sagemaker_images): pass\n"
    )
    pytest_folder = tmp_path / "pytest"
    (pin,) = [pin for pin in PINNED if pin.startswith("pytest==")]
    run(oldest.bin / "python", "-m", "pip", "install", "--no-compile", "--target", pytest_folder, pin, cwd=tmp_path)

    # WHEN
    done = subprocess.run(
        [oldest.bin / "python", "-m", "pytest", "-W", "error", "-rA", "--strict-config", "--tb=line"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(pytest_folder)},
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN the rest of their tests does not notice, and these say what to install
    assert re.findall(r"^(PASSED|ERROR) test_it.py::(\w+)", done.stdout, re.MULTILINE) == [
        ("PASSED", "test_of_theirs"),
        ("ERROR", "test_with_a_server"),
        ("ERROR", "test_without_one"),
    ]
    # (In CI pytest's summary has them again: there it does not shorten its lines.)
    assert f"found none: {NO_EXTRA}" in done.stdout
    assert f"sagemaker_images needs botocore: {NO_EXTRA}" in done.stdout


@pytest.fixture
def sandboxed(run: Run, newest: Environment, project: Path) -> Iterator[Callable[..., str]]:
    """Run commands with the sandbox that the wheel brings, the environment's own programs first in PATH."""
    environment = {
        "IMGVER_SANDBOX_STATE_DIR": str(project / "state"),
        "PYTHONDONTWRITEBYTECODE": "",  # compiling aws-cdk-lib takes longer than all the rest
        "PATH": f"{newest.bin}{os.pathsep}{os.environ['PATH']}",
    }
    command = str(newest.bin / "imgver-sandbox")
    run(command, "start", "--enforce-iam", cwd=project, **environment)
    yield lambda *line: run(command, "run", "--", *line, cwd=project, **environment)
    run(command, "stop", cwd=project, **environment)


_SEEN = """
import boto3, json
sagemaker = boto3.client("sagemaker")
versions = sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]
alias = sagemaker.describe_image_version(ImageName="data-science", Alias="latest")
print(json.dumps([[v["ImageVersionArn"], v["ImageVersionStatus"]] for v in versions] + [alias["Version"]]))
"""

_WHERE = "import importlib.util; print(importlib.util.find_spec('imgver_constructs').origin)"


def test_an_app_deploys_with_the_oldest_cdk_and_moves_to_the_newest(
    oldest: Environment, newest: Environment, sandboxed: Callable[..., str], project: Path
) -> None:
    def deploy(environment: Environment) -> dict[str, str]:
        app = f"{environment.bin / 'python'} app.py"
        sandboxed("cdk", "deploy", "--app", app)
        template = json.loads((project / "cdk.out" / "DataScience.template.json").read_text())
        return {logical_id: resource["Type"] for logical_id, resource in template["Resources"].items()}

    # WHEN the app is deployed with the oldest AWS CDK, and again with the newest
    sandboxed("cdk", "bootstrap", f"aws://{ACCOUNT}/{REGION}")
    sandboxed("python", "push.py")
    first = deploy(oldest)
    seen = json.loads(sandboxed("python", "-c", _SEEN))
    second = deploy(newest)

    # THEN it is one version with its alias, and it is the same one afterwards
    (arn, status), alias = seen
    assert (arn.partition(":image-version/")[2], status, alias) == ("data-science/1", "CREATED", 1)
    assert first == second
    assert json.loads(sandboxed("python", "-c", _SEEN)) == seen
    # It came from the wheel, not from the checkout.
    for environment in (oldest, newest):
        where = sandboxed(environment.bin / "python", "-c", _WHERE)
        assert Path(where.strip()).is_relative_to(environment.packages)
