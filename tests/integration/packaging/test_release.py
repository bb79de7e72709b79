"""`make release`, in a repository of its own: what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
PUBLIC_API = "tests/unit/constructs/checks/public_api.txt"
LOGICAL_IDS = "tests/unit/constructs/test_logical_ids.py"
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.com"))
}


class Repository:
    """A copy of this one, with one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=False
        )

    def git(self, *arguments: str) -> str:
        done = self.run("git", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "scripts/release.py", version)

    def write(self, path: str, text: str) -> None:
        """Change a file, and commit that."""
        (self.folder / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", path)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def state(self) -> tuple[str, str, str]:
        return self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this checkout has under version control, or would have."""
    folder = tmp_path_factory.mktemp("repo sitory")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (CHECKOUT / name).is_file():
            shutil.copy(CHECKOUT / name, folder / name)
    # So that the tests hold when this checkout is a release itself.
    (folder / "changelog.d" / "+test.feature.md").write_text("It can be tested.\n")
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.write(
        "pyproject.toml", re.sub('(?m)^version = ".*"$', 'version = "0.0.0"', (folder / "pyproject.toml").read_text())
    )
    return folder


@pytest.fixture
def repository(copy: Path, tmp_path: Path) -> Repository:
    clone = Repository(tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", str(copy), str(clone.folder)], check=True)
    return clone


@pytest.fixture
def released(repository: Repository) -> Repository:
    """One that stands at a release, with the fix of something after it."""
    for fragment in (repository.folder / "changelog.d").glob("+*"):
        fragment.unlink()
    repository.git("commit", "--quiet", "--all", "--message", "Release 0.4.0")
    repository.git("tag", "v0.4.0")
    repository.git("tag", "v0.10.0")
    repository.write("changelog.d/+it.fix.md", "It works.\n")
    return repository


def test_a_release(repository: Repository) -> None:
    # WHEN
    done = repository.release("0.1.0")

    # THEN there is a commit with a tag, and nothing else has changed
    assert (done.returncode, done.stderr) == (0, "")
    assert repository.git("log", "-1", "--format=%s", "v0.1.0") == "Release 0.1.0"
    assert repository.git("status", "--porcelain") == ""
    assert "twine upload" in done.stdout

    # THEN it has its number and its change log, of which nothing is left over
    assert tomllib.loads((repository.folder / "pyproject.toml").read_text())["project"]["version"] == "0.1.0"
    log = (repository.folder / "CHANGELOG.md").read_text()
    assert re.search(
        r"^## 0\.1\.0 \(\d{4}-\d\d-\d\d\)\n\n### Features\n\n(- .*\n)*- It can be tested\.\n", log, re.MULTILINE
    )
    assert [each.name for each in (repository.folder / "changelog.d").iterdir()] == ["README.md"]

    # THEN the sdist and the wheel are those of the release
    built = {path.name: path for path in (repository.folder / "dist").iterdir()}
    assert set(built) == {"imgver_constructs-0.1.0.tar.gz", "imgver_constructs-0.1.0-py3-none-any.whl"}

    # THEN the next one needs an entry of its own
    again = repository.release("0.1.1")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "release: the change log has no entry for 0.1.1: write one in changelog.d/, see CONTRIBUTING.md\n"
    )


@pytest.mark.parametrize("version", ["", "1", "1.0", "v1.0.0", "1.0.0rc1", "01.0.0"])
def test_a_number_that_is_none_is_refused(repository: Repository, version: str) -> None:
    assert repository.release(version).stderr == (
        f"release: VERSION {version!r} must be three numbers, as in: make release VERSION=0.2.0\n"
    )


def test_changes_that_are_not_committed_are_refused(repository: Repository) -> None:
    (repository.folder / "new.py").touch()

    assert repository.release("0.1.0").stderr == (
        "release: the working tree has changes, commit or stash them first:\n?? new.py\n"
    )


@pytest.mark.parametrize("version", ["0.10.0", "0.9.1", "0.4.1"])
def test_a_number_that_is_not_greater_is_refused(released: Repository, version: str) -> None:
    assert released.release(version).stderr == f"release: {version} must be greater than 0.10.0, the last release\n"


def test_a_fix_does_not_do_for_what_is_removed(released: Repository) -> None:
    # GIVEN
    before = released.state()
    released.replace(PUBLIC_API, "        keep: int,\n", "")
    released.replace(LOGICAL_IDS, "Retention8BFB5E80", "RetentionResource")

    # THEN the number is too small
    small = released.release("0.10.1")
    test = "test_r48_logical_ids_and_types_and_the_service_token"
    why = f"ImageRetention.__init__(keep) is gone\n'Retention8BFB5E80' is gone from {test}\n"
    assert (small.returncode, small.stderr) == (
        1,
        f"release: 0.10.1 is too small after 0.10.0: it must be 0.11.0 or greater, because\n{why}",
    )

    # THEN a greater one needs an entry that says so
    silent = released.release("0.11.0")
    assert silent.stderr == (
        f"release: the change log has no entry of the type breaking in changelog.d/, and there should be:\n{why}"
    )
    assert released.state()[1:] == before[1:]


def test_a_fix_does_not_do_for_what_the_change_log_calls_breaking(released: Repository) -> None:
    released.write("changelog.d/+that.breaking.2.md", "That is gone.\n")

    assert released.release("0.10.1").stderr == (
        "release: 0.10.1 is too small after 0.10.0: it must be 0.11.0 or greater, because\nthe change log says so\n"
    )


def test_a_release_that_fails_leaves_all_as_it_was(released: Repository) -> None:
    # GIVEN what the build does not take
    released.replace("pyproject.toml", '"Typing :: Typed"', '"Typing :: None of these"')
    before = released.state()

    # WHEN
    done = released.release("0.10.1")

    # THEN
    assert done.returncode == 1
    assert "Typing :: None of these" in done.stderr
    assert released.state() == before
    assert (released.folder / "changelog.d" / "+it.fix.md").exists()


def test_every_entry_has_a_type_that_the_change_log_knows() -> None:
    configured = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
    types = "|".join(each["directory"] for each in configured)
    entries = {path.name: path.read_text() for path in (CHECKOUT / "changelog.d").iterdir()}
    entries.pop("README.md")

    assert [name for name in entries if not re.fullmatch(rf"\+[a-z0-9-]+\.({types})\.md", name)] == []
    assert [name for name, text in entries.items() if not re.fullmatch(r"\S.*\.\n", text)] == []
