"""The contents of the sdists and the wheels, and their installation."""

from __future__ import annotations

import json
import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

Run = Callable[..., str]
CHECKOUT = Path(__file__).parents[3]
README = (CHECKOUT / "README.md").read_text()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
OLDEST = {
    requirement.name: spec.version
    for requirement in map(Requirement, PROJECT["dependencies"])
    for spec in requirement.specifier
    if spec.operator == ">="
}


def files_in(folder: str) -> set[str]:
    """The files of a folder of the checkout, without bytecode."""
    paths = [path for path in (CHECKOUT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(CHECKOUT / folder).as_posix() for path in paths if "node_modules" not in path.parts}


def names_in(path: Path) -> set[str]:
    """The files in an sdist, without its top folder, or in a wheel, without its metadata."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return {name for name in wheel.namelist() if ".dist-info/" not in name}
    with tarfile.open(path) as sdist:
        return {member.name.partition("/")[2] for member in sdist.getmembers() if member.isfile()}


def metadata_in(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [member for member in archive.namelist() if member.endswith(f".dist-info/{name}")]
        return archive.read(member).decode()


def test_the_wheels_carry_each_file_once_and_no_bytecode(built) -> None:
    assert names_in(built["imgver_constructs"].wheel) == {
        *(f"imgver_constructs/{name}" for name in files_in("imgver_constructs")),
        *(f"imgver_constructs/lambda/{name}" for name in files_in("lambda")),
    }
    assert names_in(built["imgver_sandbox"].wheel) == {
        f"imgver_sandbox/{name}" for name in files_in("sandbox/imgver_sandbox")
    }
    assert {"imgver_constructs/py.typed", "imgver_constructs/lambda/index.py"} <= names_in(
        built["imgver_constructs"].wheel
    )


def test_the_sdists_contain_the_sources_of_the_wheels_and_no_bytecode(built) -> None:
    constructs, sandbox = (names_in(built[name].sdist) for name in ("imgver_constructs", "imgver_sandbox"))

    assert {"CHANGELOG.md", "LICENSE", *(f"lambda/{name}" for name in files_in("lambda"))} <= constructs
    assert {"README.md", "imgver_sandbox/page/page.html"} <= sandbox
    assert [name for name in constructs | sandbox if name.endswith(".pyc")] == []


def test_only_the_sandbox_brings_a_command_and_a_pytest_plugin(built) -> None:
    entry_points = metadata_in(built["imgver_sandbox"].wheel, "entry_points.txt")

    assert re.findall(r"^\[(\w+)\]\n(\S+)", entry_points, re.M) == [
        ("console_scripts", "imgver-sandbox"),
        ("pytest11", "imgver_sandbox"),
    ]
    with zipfile.ZipFile(built["imgver_constructs"].wheel) as wheel:
        assert not [name for name in wheel.namelist() if name.endswith("entry_points.txt")]


def test_the_metadata_is_valid_for_an_index(run: Run, built, tmp_path: Path) -> None:
    paths = [path for distribution in built.values() for path in distribution]
    run(sys.executable, "-m", "twine", "check", "--strict", *paths, cwd=tmp_path)

    for distribution in built.values():
        head = metadata_in(distribution.wheel, "METADATA").partition("\n\n")[0].splitlines()
        assert {"Metadata-Version: 2.4", "License-Expression: Apache-2.0"} <= set(head)
    assert metadata_in(built["imgver_constructs"].wheel, "licenses/LICENSE") == (CHECKOUT / "LICENSE").read_text()


def test_the_constructs_depend_on_the_cdk_only(built) -> None:
    requirements = re.findall(r"^Requires-Dist: (.*)", metadata_in(built["imgver_constructs"].wheel, "METADATA"), re.M)

    names = {requirement.name: str(requirement.marker) for requirement in map(Requirement, requirements)}
    assert names == {"aws-cdk-lib": "None", "constructs": "None", "imgver-sandbox": 'extra == "sandbox"'}


@pytest.fixture(scope="module")
def installed(install: Callable[..., Path], built) -> Path:
    """The environment of both wheels, with the oldest AWS CDK that imgver-constructs supports."""
    oldest = (f"{name}=={version}" for name, version in OLDEST.items())
    return install(*(distribution.wheel for distribution in built.values()), *oldest)


def test_the_wheels_synthesize_the_apps_of_the_readme(run: Run, installed: Path, tmp_path: Path) -> None:
    # GIVEN the README's app, with its second example inserted before app.synth()
    examples = [code for code in re.findall(r"```python\n(.*?)```", README, re.S) if "ImageVersion(\n    " in code]
    first, more = next(code for code in examples if "app.synth()" in code), examples[-1]
    app = first.replace("app.synth()", f"{more}app.synth()")
    (tmp_path / "app.py").write_text(f"{app}\nimport imgver_constructs\nprint(imgver_constructs.__file__)\n")
    # Bytecode must not change the asset of the function.
    (lambda_folder,) = installed.glob("lib/python*/site-packages/imgver_constructs/lambda")
    (lambda_folder / "__pycache__").mkdir(exist_ok=True)
    (lambda_folder / "__pycache__" / "x.pyc").touch()

    def synthesize(prefix: Path, library: Path) -> tuple[dict[str, str], set[str]]:
        out = tmp_path / prefix.name
        where = run(prefix / "bin" / "python", "app.py", cwd=tmp_path, CDK_OUTDIR=str(out))
        assert Path(where.strip()).is_relative_to(library)
        resources = json.loads((out / "DataScience.template.json").read_text())["Resources"]
        files = json.loads((out / "DataScience.assets.json").read_text())["files"].values()
        assets = {file["source"]["path"] for file in files if file["source"]["packaging"] == "zip"}
        return {logical_id: resource["Type"] for logical_id, resource in resources.items()}, assets

    # THEN the wheel with the oldest AWS CDK gives the logical ids and the asset of the checkout with the newest
    resources, assets = synthesize(installed, installed)
    assert (resources, assets) == synthesize(Path(sys.prefix), CHECKOUT)
    assert "Custom::SageMakerImageVersion" in resources.values()
    assert len(assets) == 1


def test_the_sandbox_installs_its_command(run: Run, installed: Path, tmp_path: Path) -> None:
    assert "start" in run(installed / "bin" / "imgver-sandbox", "--help", cwd=tmp_path)


def test_the_pipeline_example_runs_with_its_requirements(run: Run, install, built, tmp_path: Path) -> None:
    # GIVEN the environment that the pipeline installs, in which the index has the wheel
    example = CHECKOUT / "examples" / "pipeline"
    wheel = built["imgver_constructs"].wheel
    environment = install("--requirement", example / "requirements.txt", "--find-links", wheel.parent)

    run(environment / "bin" / "python", "app.py", cwd=example, CDK_OUTDIR=str(tmp_path))

    assert (tmp_path / "Pipeline.template.json").exists()


# Each of these packages requires a boto3 or a botocore, and moto and the AWS CLI many other packages.
USERS_OWN = ("boto3", "botocore", "awscli", "moto[all]", "aws-cdk-lib")


@pytest.mark.exhaustive
def test_the_sandbox_restricts_no_package_of_the_user(run: Run, install: Callable[..., Path], built, tmp_path: Path):
    # GIVEN the newest packages that a user has beside the sandbox
    constructs = f"imgver-constructs[sandbox] @ {built['imgver_constructs'].wheel.as_uri()}"
    sandbox = (constructs, built["imgver_sandbox"].wheel)
    alone, beside = install(*USERS_OWN), install(*sandbox, *USERS_OWN)

    # THEN they are the same as without it, and nothing of the server is there
    def versions(folder: Path) -> dict[str, str]:
        pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
        run(*pip, "check", cwd=tmp_path)
        listed = json.loads(run(*pip, "list", "--format=json", cwd=tmp_path))
        return {package["name"].lower(): package["version"] for package in listed}

    own = versions(alone)
    assert own.items() <= versions(beside).items()
    assert "ministack" not in versions(beside)

    # THEN pip finds the same versions
    python = beside / "bin" / "python"
    dry_run = (sys.executable, "-m", "pip", "--python", python, "install", "--dry-run", "--quiet", "--report=-")
    report = json.loads(run(*dry_run, "--ignore-installed", *sandbox, *USERS_OWN, cwd=tmp_path))
    found = {package["metadata"]["name"].lower(): package["metadata"]["version"] for package in report["install"]}
    assert {name: found[name] for name in ("boto3", "botocore", "awscli", "moto", "aws-cdk-lib")}.items() <= own.items()

    # THEN the command works there with the boto3 of the user
    program = "import boto3; print(boto3.__version__, boto3.client('sts').get_caller_identity()['Account'])"
    output = run(beside / "bin" / "imgver-sandbox", "run", "--", python, "-c", program, cwd=tmp_path)
    assert output == f"{own['boto3']} 000000000000\n"
