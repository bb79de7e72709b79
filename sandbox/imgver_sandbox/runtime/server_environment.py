"""The Python environment of the server: MiniStack with the exact versions that it needs, installed once for each user.

The server and the Lambda functions run in this environment, so that the environment of the user needs neither
MiniStack nor a certain botocore.
"""

import hashlib
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from imgver_sandbox.runtime import cache

_REQUIREMENTS = Path(__file__).with_name("server-requirements.txt")
_OTHER_VERSIONS = ("PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE")


def python() -> Path:
    """Return the Python of the environment. The first call of a user installs it, which takes some seconds.

    Raises SandboxError if that fails, for example without a network.
    """
    # Another release has another list. Extension modules depend on the interpreter and on the machine.
    content = f"{_REQUIREMENTS.read_text()}{sysconfig.get_config_var('EXT_SUFFIX')}{platform.machine()}"
    folder = cache.installed(
        f"ministack-{hashlib.sha256(content.encode()).hexdigest()[:16]}",
        program="bin/python",
        title=f"MiniStack {ministack_version()}",
        install=_install,
    )
    return folder / "bin" / "python"


def ministack_version() -> str:
    """Return the version of MiniStack in the environment."""
    pins = dict(line.split("==") for line in _REQUIREMENTS.read_text().splitlines())
    return pins["ministack"]


def _install(folder: Path, run: cache.Run) -> None:
    """Install with uv if the user has it, which takes less time, and otherwise with pip."""
    # uv need not be in PATH when the command of a virtual environment is called by its path.
    uv = shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.prefix) / "bin")]))
    python = folder / "bin" / "python"
    what = ["--quiet", "--no-deps", "--requirement", _REQUIREMENTS]
    if uv:
        create = [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder]
        install = [uv, "pip", "install", "--python", python, "--compile-bytecode", *what]
    else:
        create = [sys.executable, "-I", "-m", "venv", folder]
        install = [python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *what]
    name = "uv" if uv else "pip"
    environment = {key: value for key, value in os.environ.items() if key not in _OTHER_VERSIONS}
    configuration = Path(sys.prefix) / "pip.conf"
    if configuration.exists():  # pip in the new environment would not read that of this environment
        environment.setdefault("PIP_CONFIG_FILE", str(configuration))
    run(create, installer="uv" if uv else "venv", environment=environment)
    run(
        install,
        installer=name,
        environment=environment,
        remedy=f": check the network, and the package index in the configuration of {name}; "
        "once this is installed, the sandbox works without a network",
    )
