"""The handler with the oldest and the newest boto3 that the Lambda runtime may bring."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
TESTS = ("tests/unit/handler/test_clients.py", "tests/unit/handler/test_gateway.py")


# Two years before this release, and the newest one today.
@pytest.mark.parametrize("boto3", ["boto3==1.35.68", "boto3"])
def test_the_function_works_with_the_boto3_of_the_runtime(boto3, install):
    try:
        (installed,) = install(boto3).glob("lib/python*/site-packages")
    except AssertionError as error:
        if "REQUIRE_BOTO3_VERSIONS" in os.environ:
            raise
        pytest.skip(f"{boto3} cannot be installed: {error}")

    # WHEN the tests of the clients run; an old botocore uses functions that a new Python deprecates
    options = ("-p", "no:cacheprovider", "-o", "filterwarnings=default", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *TESTS],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(installed)},
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
