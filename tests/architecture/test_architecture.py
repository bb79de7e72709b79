"""The page is as the code is, and who may import whom is really checked."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import architecture
import layers
import pytest

CHECKOUT = Path(__file__).parents[2]


def test_the_page_is_as_the_imports_are() -> None:
    files = architecture.files()
    changes = [
        line
        for file, text in files.items()
        for line in difflib.unified_diff(
            file.read_text().splitlines(), text.splitlines(), str(file), "the code", "", "", 0
        )
    ]

    assert not changes, "\n".join(["run: make architecture", *changes])
    assert [file.name for file in files] == [
        "architecture.md",
        "imgver_constructs.svg",
        "imgver_handler.svg",
        "imgver_sandbox.svg",
    ]


def test_a_diagram_has_each_node_below_what_points_to_it() -> None:
    drawn = layers.drawing({"a": frozenset("b"), "b": frozenset("c"), "d": frozenset("c")}, title="a & b")

    nodes = {name: int(y) for y, name in re.findall(r'y="(\d+)" text-anchor="middle">(\w)<', drawn)}
    assert nodes.keys() == set("abcd")
    assert nodes["a"] == nodes["d"] < nodes["b"] < nodes["c"]
    assert drawn.count("marker-end") == 3
    assert "<title>a &amp; b</title>" in drawn

    handler = (architecture.PAGE.parent / "diagrams" / "imgver_handler.svg").read_text()
    assert {"dispatch", "gateway", "botocore"} <= set(re.findall(r">([\w.]+)</text>", handler))


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code by itself, to be spoiled."""
    folder = tmp_path_factory.mktemp("code")
    for name in ("imgver_constructs", "imgver_sandbox", "lambda"):
        shutil.copytree(CHECKOUT / name, folder / name)
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    return folder


def broken_contracts(folder: Path) -> list[str]:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'lambda'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        (
            "imgver_constructs/_validation/tokens.py",
            "import imgver_handler.aws.arn",
            "Constructs, handler and sandbox do not import each other",
        ),
        (
            "sandbox/imgver_sandbox/sagemaker/clock.py",
            "import imgver_constructs.enums",
            "Constructs, handler and sandbox do not import each other",
        ),
        (
            "imgver_constructs/_validation/tokens.py",
            "import boto3",
            "Constructs call no AWS: synth needs neither network nor credentials",
        ),
        (
            "imgver_constructs/_validation/rules.py",
            "import aws_cdk as cdk",
            "The API's rules are data that knows nothing of CDK",
        ),
        (
            "lambda/imgver_handler/resources/failure_hints.py",
            "from botocore.exceptions import ClientError",
            "The gateway is the only module of the handler that calls AWS",
        ),
        (
            "lambda/imgver_handler/cloudformation/request.py",
            "import imgver_handler.aws.gateway",
            "In the handler, data flows one way",
        ),
        (
            "sandbox/imgver_sandbox/runtime/sandbox.py",
            "from imgver_sandbox.ministack import iam",
            "Only the server of the sandbox knows the adapter to MiniStack",
        ),
        (
            "sandbox/imgver_sandbox/ministack/iam.py",
            "import ministack.app",
            "MiniStack's names are looked up, in the adapter's hooks: no module imports them",
        ),
        (
            "sandbox/imgver_sandbox/sagemaker/images.py",
            "import imgver_sandbox.api.routes",
            "SageMaker's images work without a server",
        ),
        ("imgver_constructs/_validation/tokens.py", "import imgver_constructs._validation.removal_policy", None),
        (
            "imgver_constructs/_validation/removal_policy.py",
            "import imgver_constructs.image",
            "No module needs one that needs it",
        ),
    ],
)
def test_an_import_that_is_not_allowed_is_found(code: Path, file: str, line: str, broken: str | None) -> None:
    source = (code / file).read_text()
    try:
        (code / file).write_text(f"{source}\n{line}\n")
        found = broken_contracts(code)
    finally:
        (code / file).write_text(source)

    assert found == ([broken] if broken else [])


def test_only_the_adapter_names_what_is_in_ministack() -> None:
    naming = {
        path.relative_to(CHECKOUT / "imgver_sandbox").as_posix()
        for path in (CHECKOUT / "imgver_sandbox").rglob("*.py")
        if re.search(r"""["']ministack\.""", path.read_text())
    }

    assert "ministack/hooks.py" in naming
    assert [name for name in naming if not name.startswith("ministack/")] == []
