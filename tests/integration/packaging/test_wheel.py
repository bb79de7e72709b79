"""The wheel as users get it: built from the sdist, installed in a folder of its own, used far from the checkout."""

from __future__ import annotations

import json
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., str]
CHECKOUT = Path(__file__).parents[3]
APP = """
import aws_cdk as cdk
import imgver_constructs
from imgver_constructs import BaseImage, Image, ImageVersion

app = cdk.App()
stack = cdk.Stack(app, "Stack")
ImageVersion(
    stack,
    "Version",
    image=Image(stack, "Image", image_name="data-science"),
    base_image=BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"),
    aliases=["latest"],
)
app.synth()
print(imgver_constructs.__file__)
"""


def names_in(folder: Path) -> set[str]:
    """The files that belong to a folder of the checkout."""
    paths = (path for path in (CHECKOUT / folder).rglob("*") if path.is_file())
    return {path.relative_to(CHECKOUT / folder).as_posix() for path in paths if "__pycache__" not in path.parts}


def test_sdist_carries_the_handler_and_no_bytecode(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {f"lambda/{name}" for name in names_in(Path("lambda"))} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_wheel_carries_the_handler_the_sandbox_the_types_and_no_bytecode(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert {name for name in names if name.startswith("imgver_constructs/")} == {
        *(f"imgver_constructs/{name}" for name in names_in(Path("imgver_constructs"))),
        *(f"imgver_constructs/lambda/{name}" for name in names_in(Path("lambda"))),
    }
    # The sandbox with all that is no Python: the page, and what the CDK CLI is installed from.
    assert {name for name in names if name.startswith("sandbox/imgver_sandbox/")} == {
        f"sandbox/imgver_sandbox/{name}" for name in names_in(Path("imgver_sandbox"))
    }
    assert {"imgver_constructs/py.typed", "sandbox/imgver_sandbox/page/page.html"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_installed_wheel_synthesizes_what_the_checkout_does(run: Run, wheel: Path, tmp_path: Path) -> None:
    # GIVEN the wheel in a folder of its own, and an app elsewhere; pip needs no network for that
    installed, project = tmp_path / "installed", tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(APP)
    pip = (sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target")
    run(*pip, str(installed), str(wheel), cwd=project)

    def synth(library: Path, out: Path) -> list[bytes]:
        where = run(sys.executable, "app.py", cwd=project, PYTHONPATH=str(library), CDK_OUTDIR=str(out))
        assert Path(where.strip()).parent.parent == library
        assert json.loads((out / "Stack.assets.json").read_bytes())["files"]
        return [(out / name).read_bytes() for name in ("Stack.template.json", "Stack.assets.json")]

    # THEN both give the same template and the same asset hashes; pip's and Python's bytecode changes nothing
    assert list(installed.glob("imgver_constructs/lambda/**/*.pyc"))
    assert synth(installed, tmp_path / "from wheel") == synth(CHECKOUT, tmp_path / "from checkout")


def test_wheel_and_sdist_say_all_that_an_index_shows(run: Run, wheel: Path, sdist: Path, tmp_path: Path) -> None:
    # THEN what an index renders is well-formed, with every warning an error
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist), cwd=tmp_path)

    # THEN the licence comes with both
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        head = archive.read(metadata).decode().partition("\n\n")[0].splitlines()
        licence = archive.read(metadata.replace("METADATA", "licenses/LICENSE"))
    assert {"Metadata-Version: 2.4", "License-Expression: Apache-2.0", "License-File: LICENSE"} <= set(head)
    assert licence == (CHECKOUT / "LICENSE").read_bytes()
    with tarfile.open(sdist) as archive:
        assert {"LICENSE", "CHANGELOG.md"} <= {name.partition("/")[2] for name in archive.getnames()}
