"""app.py in a process of its own, as the CDK CLI runs it with the context of cdk.json."""

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
    """Run app.py in ``checkout``, and return its template and its asset manifest by file name.

    PATH has no program, since synthesis needs none but the node of jsii.
    """
    node = shutil.which("node")
    assert node is not None
    context = json.loads((checkout / "cdk.json").read_text())["context"] | context
    environment = {
        "PATH": str(out / "no programs"),
        "JSII_NODE": node,
        "HOME": os.environ["HOME"],
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "PYTHONPATH": str(checkout),
    }
    command = [sys.executable, "app.py"]
    done = subprocess.run(command, cwd=checkout, env=environment, check=False, capture_output=True, text=True)
    # It prints neither an error nor a warning.
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {name: (out / name).read_bytes() for name in ("ImgverDemo.template.json", "ImgverDemo.assets.json")}


def copied(checkout: Path) -> Path:
    """Copy the files that app.py needs."""
    for name in ("imgver_constructs", "lambda"):
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json"):
        shutil.copy(CHECKOUT / name, checkout / name)
    return checkout


def resources(files: dict[str, bytes], resource_type: str) -> list[dict[str, Any]]:
    template = json.loads(files["ImgverDemo.template.json"])
    return [resource for resource in template["Resources"].values() if resource["Type"] == resource_type]


def code_key(files: dict[str, bytes]) -> str:
    (function,) = resources(files, "AWS::Lambda::Function")
    return str(function["Properties"]["Code"]["S3Key"])


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


def test_every_file_of_the_handler_is_in_the_asset(synthesized: dict[str, bytes], out: Path) -> None:
    asset, source = out / f"asset.{Path(code_key(synthesized)).stem}", CHECKOUT / "lambda"
    assert {path.relative_to(asset) for path in asset.rglob("*") if path.is_file()} == {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_files_that_tools_leave_behind_change_nothing(synthesized: dict[str, bytes], tmp_path: Path) -> None:
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

    assert synth(checkout, tmp_path / "out") == synthesized


def test_tag_of_the_context_and_a_changed_handler(synthesized: dict[str, bytes], tmp_path: Path) -> None:
    checkout = copied(tmp_path / "changed")
    with (checkout / "lambda" / "index.py").open("a") as index:
        index.write("# changed\n")

    changed = synth(checkout, tmp_path / "out", image_tag="1.1.0")

    (version,) = resources(changed, "Custom::SageMakerImageVersion")
    assert version["Properties"]["BaseImage"]["Fn::Join"][1][-1] == "/data-science:1.1.0"
    assert code_key(changed) != code_key(synthesized)
