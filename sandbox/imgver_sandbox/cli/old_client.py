"""The warning of `imgver-sandbox run` about an AWS CLI that would not use the sandbox."""

import re
import shutil
from pathlib import Path

_OLDEST = {1: 29, 2: 13}
"""The first minor version of each major version of the AWS CLI that reads AWS_ENDPOINT_URL."""

_VERSION = r"(\d+)\.(\d+)\.\d+"


def warning_of_old_client(path: str) -> str | None:
    """Return a warning if the first `aws` in `path` does not read AWS_ENDPOINT_URL.

    The files of its installation give the version, since `aws --version` takes up to a second. A program whose version
    they do not give, such as a script that starts another one, causes no warning.
    """
    program = shutil.which("aws", path=path)
    if program is None:
        return None
    major, minor = max(_versions(Path(program).resolve()), default=(0, 0))
    if minor >= _OLDEST.get(major, 0):
        return None
    return (
        f"{program} is version {major}.{minor} of the AWS CLI, which does not read AWS_ENDPOINT_URL and calls AWS "
        "instead of the sandbox: use version 1.29, 2.13 or newer"
    )


def _versions(program: Path) -> list[tuple[int, int]]:
    """Return the versions in the names of the folders of the program, or of the packages of its environment."""
    # The installer of AWS has /usr/local/aws-cli/v2/2.13.0/dist/aws, and Homebrew …/Cellar/awscli/2.13.0/bin/aws.
    names = [part for part in program.parts if re.fullmatch(_VERSION, part)]
    # pip and Debian have lib/python3/dist-packages/awscli-1.27.1.dist-info, or egg-info.
    names += [path.name for path in program.parents[1].glob("lib/python3*/*-packages/awscli-*-info")]
    found = [re.search(_VERSION, name) for name in names]
    return [(int(match[1]), int(match[2])) for match in found if match]
