"""The warning about an AWS CLI that does not read AWS_ENDPOINT_URL."""

import pytest
from imgver_sandbox.cli.old_client import warning_of_old_client

INSTALLED_BY_AWS = "aws-cli/v2/{}/dist/aws"


@pytest.fixture
def install(tmp_path):
    """Install a program, with the folder of its package, and return the PATH with a link to it."""

    def install(program, *packages):
        file = tmp_path / program
        file.parent.mkdir(parents=True)
        file.touch(0o755)
        for package in packages:
            (tmp_path / package).mkdir(parents=True)
        (tmp_path / "path").mkdir()
        (tmp_path / "path" / "aws").symlink_to(file)
        return str(tmp_path / "path")

    return install


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ("2.12", [INSTALLED_BY_AWS.format("2.12.7")]),
        ("2.0", ["Cellar/awscli/2.0.30/bin/aws"]),
        ("1.28", ["venv/bin/aws", "venv/lib/python3.11/site-packages/awscli-1.28.99.dist-info"]),
        ("1.22", ["usr/bin/aws", "usr/lib/python3/dist-packages/awscli-1.22.34.egg-info"]),
    ],
)
def test_an_old_client(install, version, files):
    path = install(*files)

    assert warning_of_old_client(path) == (
        f"{path}/aws is version {version} of the AWS CLI, which does not read AWS_ENDPOINT_URL and calls AWS instead "
        "of the sandbox: use version 1.29, 2.13 or newer"
    )


@pytest.mark.parametrize(
    "files",
    [
        [INSTALLED_BY_AWS.format("2.13.0")],
        ["venv/bin/aws", "venv/lib/python3.11/site-packages/awscli-1.29.0.dist-info"],
        ["venv/bin/aws"],
    ],
)
def test_a_new_or_unknown_client(install, files):
    assert warning_of_old_client(install(*files)) is None


def test_no_client(tmp_path):
    assert warning_of_old_client(str(tmp_path)) is None
