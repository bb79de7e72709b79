"""app.py as the CDK CLI runs it: a process of its own, with the context of cdk.json."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]


def synth(checkout: Path, out: Path, **context: str) -> dict[str, bytes]:
    """Run app.py in ``checkout``; its templates and asset manifests by file name."""
    context = json.loads((checkout / "cdk.json").read_text())["context"] | context
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=checkout,
        env=os.environ | {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context), "PYTHONPATH": str(checkout)},
        check=False,
        capture_output=True,
        text=True,
    )
    # Neither an error nor a warning.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {name: (out / name).read_bytes() for name in ("ImgverDemo.template.json", "ImgverDemo.assets.json")}


def copied(checkout: Path) -> Path:
    """A copy of what app.py needs."""
    for name in ("imgver_constructs", "lambda"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(CHECKOUT / name, checkout / name)
    return checkout


def resources(files: dict[str, bytes], resource_type: str) -> list[dict[str, Any]]:
    template = json.loads(files["ImgverDemo.template.json"])
    return [resource for resource in template["Resources"].values() if resource["Type"] == resource_type]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first")


@pytest.fixture(scope="module")
def synthesized(out: Path) -> dict[str, bytes]:
    return synth(CHECKOUT, out)


def test_app(synthesized: dict[str, bytes]) -> None:
    (version,) = resources(synthesized, "Custom::SageMakerImageVersion")
    assert version["Properties"]["BaseImage"]["Fn::Join"][1][-1] == "/data-science:1.0.0"
    aliases = resources(synthesized, "Custom::SageMakerImageAlias")
    assert [alias["Properties"]["Alias"] for alias in aliases] == ["latest", "1.0.0"]
    outputs = json.loads(synthesized["ImgverDemo.template.json"])["Outputs"]
    assert [output["Value"]["Fn::GetAtt"][1] for output in outputs.values()] == [
        "ImageVersionArn",
        "Version",
        "ContainerImage",
    ]


def test_tag_comes_from_the_context(tmp_path: Path) -> None:
    files = synth(CHECKOUT, tmp_path, image_tag="1.1.0")

    (version,) = resources(files, "Custom::SageMakerImageVersion")
    assert version["Properties"]["BaseImage"]["Fn::Join"][1][-1] == "/data-science:1.1.0"


def test_second_synth_is_identical(synthesized: dict[str, bytes], tmp_path: Path) -> None:
    assert synth(CHECKOUT, tmp_path) == synthesized


def test_what_lies_around_in_the_handlers_folder_changes_nothing(synthesized: dict[str, bytes], tmp_path: Path) -> None:
    # GIVEN a checkout in a path with a space, in which Python, editors and tools left their traces
    checkout = copied(tmp_path / "a b")
    for trace in (
        "__pycache__/index.cpython-311.pyc",
        "imgver_handler/__pycache__/arn.cpython-314.opt-1.pyc",
        "imgver_handler/arn.pyc",
        "imgver_handler/arn.py~",
        "imgver_handler/.arn.py.swp",
        ".DS_Store",
        ".mypy_cache/3.11/arn.data.json",
        ".pytest_cache/README.md",
        "handler.egg-info/PKG-INFO",
    ):
        path = checkout / "lambda" / trace
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trace)

    # THEN the asset is the same to the byte
    assert synth(checkout, tmp_path / "out") == synthesized


def test_handler_changes_the_asset(synthesized: dict[str, bytes], tmp_path: Path) -> None:
    # GIVEN a handler with one more line
    checkout = copied(tmp_path / "changed")
    with (checkout / "lambda" / "index.py").open("a") as index:
        index.write("# changed\n")

    # THEN CloudFormation gets to know
    files = synth(checkout, tmp_path / "out")
    keys = [
        function["Properties"]["Code"]["S3Key"]
        for each in (files, synthesized)
        for function in resources(each, "AWS::Lambda::Function")
    ]
    assert len(keys) == len(set(keys)) == 2


def test_every_file_of_the_handler_is_in_the_asset(synthesized: dict[str, bytes], out: Path) -> None:
    (function,) = resources(synthesized, "AWS::Lambda::Function")
    asset = out / f"asset.{Path(function['Properties']['Code']['S3Key']).stem}"
    source = CHECKOUT / "lambda"
    assert {path.relative_to(asset) for path in asset.rglob("*") if path.is_file()} == {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_checks_hold_when_python_optimises(tmp_path: Path) -> None:
    # GIVEN the app under python -O, with a tag that cannot be one
    done = subprocess.run(
        [sys.executable, "-O", "app.py"],
        cwd=CHECKOUT,
        env=os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps({"image_tag": "-x"})},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ValueError: tag '-x' must be 1 to 128 letters, digits, dots, hyphens and underscores, "
        "and must not start with a dot or hyphen: write it like '1.0.0'"
    )
