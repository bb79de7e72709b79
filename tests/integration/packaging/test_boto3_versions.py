"""The Lambda runtime brings a boto3 of its own, whichever that is: the handler's clients are tested with the oldest and
the newest that it may be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
TESTS = ("tests/unit/handler/test_clients.py", "tests/unit/handler/test_gateway.py")


# Two years before this release, and whatever is newest today.
@pytest.mark.parametrize("boto3", ["boto3==1.35.68", "boto3"])
def test_the_function_works_with_the_runtimes_boto3(boto3, tmp_path):
    # GIVEN
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--target")
    installed = subprocess.run([*pip, str(tmp_path), boto3], check=False, capture_output=True, text=True)
    if installed.returncode and "REQUIRE_BOTO3_VERSIONS" not in os.environ:
        pytest.skip(f"{boto3} cannot be installed")
    assert installed.returncode == 0, installed.stderr

    # WHEN
    done = subprocess.run(
        # An old botocore calls what a new Python warns of.
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "filterwarnings=default", *TESTS],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )

    # THEN
    assert done.returncode == 0, done.stdout
