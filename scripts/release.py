"""Make a release: `make release VERSION=0.2.0`.

Refuses a working tree with changes, a release without an entry in the change log, and a number that is too small for
what has changed since the last release. Then writes the number and the change log, builds and checks the sdist and
the wheel, commits and tags. Pushes and uploads nothing. When a step fails, all is as it was before.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from breaking import Changes, Size, Version, api_changes, logical_id_changes, smallest_version

_PUBLIC_API = "tests/unit/constructs/checks/public_api.txt"
_LOGICAL_IDS = "tests/unit/constructs/test_logical_ids.py"
_FRAGMENTS = Path("changelog.d")
_PROJECT = Path("pyproject.toml")


class Refused(Exception):
    """One line that says why there is no release, and what to do about it."""


def main(arguments: Sequence[str]) -> int:
    """Release what is checked out in the current folder."""
    try:
        release(_version(" ".join(arguments)))
    except Refused as reason:
        sys.stderr.write(f"release: {reason}\n")
        return 1
    return 0


def release(version: Version) -> None:
    """Check, write, build, commit and tag."""
    name = _text(version)
    if changed := _git("status", "--porcelain"):
        raise Refused(f"the working tree has changes, commit or stash them first:\n{changed}")
    last = _last_release()
    fragments = sorted(_FRAGMENTS.glob("*.*.md"))
    if not fragments:
        raise Refused(f"the change log has no entry for {name}: write one in {_FRAGMENTS}/, see CONTRIBUTING.md")
    if last is not None:
        _check_size(version, last, fragments)
    try:
        _PROJECT.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{name}"', _PROJECT.read_text(), count=1))
        _run(sys.executable, "-m", "towncrier", "build", "--yes", "--version", name)
        # The environment is not made anew because the number has changed.
        _run("make", "--assume-old=.venv/installed", f"BIN={Path(sys.executable).parent}", "dist")
        _git("commit", "--quiet", "--all", "--message", f"Release {name}")
    except BaseException:
        _git("reset", "--quiet", "--hard")
        raise
    _git("tag", "--annotate", f"v{name}", "--message", f"imgver_constructs {name}")
    sys.stdout.write(
        f"Released {name} here: commit, tag v{name}, and dist/.\n"
        "Publish it:  git push --follow-tags\n"
        "             twine upload dist/*   (docs/how-to/share-in-your-company.md)\n"
    )


def _check_size(version: Version, last: Version, fragments: Sequence[Path]) -> None:
    if version <= last:
        raise Refused(f"{_text(version)} must be greater than {_text(last)}, the last release")
    changes = Changes()
    for file, compare in ((_PUBLIC_API, api_changes), (_LOGICAL_IDS, logical_id_changes)):
        changes += compare(_git("show", f"v{_text(last)}:{file}"), Path(file).read_text())
    kinds = {part for fragment in fragments for part in fragment.name.split(".")}
    breaking = [*changes.breaking, *(["the change log says so"] if "breaking" in kinds else [])]
    features = [*changes.features, *(["the change log says so"] if "feature" in kinds else [])]
    size = Size.BREAKING if breaking else Size.FEATURE if features else Size.PATCH
    smallest = smallest_version(last, size)
    if version < smallest:
        why = "\n".join(breaking or features)
        least = f"it must be {_text(smallest)} or greater"
        raise Refused(f"{_text(version)} is too small after {_text(last)}: {least}, because\n{why}")
    if changes.breaking and "breaking" not in kinds:
        why = "\n".join(changes.breaking)
        raise Refused(f"the change log has no entry of the type breaking in {_FRAGMENTS}/, and there should be:\n{why}")


def _version(text: str) -> Version:
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
        raise Refused(f"VERSION {text!r} must be three numbers, as in: make release VERSION=0.2.0")
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def _last_release() -> Version | None:
    tags = _git("tag", "--list", "v*.*.*").split()
    return max((_version(tag.removeprefix("v")) for tag in tags), default=None)


def _git(*arguments: str) -> str:
    return _run("git", *arguments).strip("\n")


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  all of it is written here
    if done.returncode:
        raise Refused(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
