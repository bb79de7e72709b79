"""The pytest fixtures, in pytest processes of their own. The example of the guide tests the rest."""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def run_tests(tmp_path):
    """Run pytest with this source and with warnings as errors."""

    def run(source, *arguments):
        (tmp_path / "test_it.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-W", "error", "--strict-config", "-p", "no:cacheprovider", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


_SERVER = """
import json
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(imgver_sandbox, imgver_sandbox_push, number, worker_id):
    with open("seen", "a") as file:
        file.write(json.dumps([worker_id, imgver_sandbox.server_pid]) + "\\n")
    assert imgver_sandbox.client("sagemaker").list_images()["Images"] == []
    assert imgver_sandbox.faults.left() == []
    imgver_sandbox.client("sagemaker").create_image(ImageName="i", RoleArn="arn:aws:iam::000000000000:role/images")
    assert imgver_sandbox.client("ecr").describe_repositories()["repositories"] == []
    assert imgver_sandbox_push("science:1").uri.endswith("/science:1")
    imgver_sandbox.faults.error()
"""


def test_each_worker_has_one_server_that_is_reset_for_each_test(run_tests, tmp_path, eventually_dead):
    done = run_tests(_SERVER, "--numprocesses", "2")

    assert done.returncode == 0, done.stdout
    seen = [tuple(json.loads(line)) for line in (tmp_path / "seen").read_text().splitlines()]
    assert len(seen) == 4
    assert {worker for worker, _ in seen} == {"gw0", "gw1"}
    assert len(set(seen)) == 2
    eventually_dead(*(pid for _, pid in seen))


_IN_PROCESS = """
def test_one(sagemaker_images):
    images = sagemaker_images.client("sagemaker")
    images.create_image(ImageName="i", RoleArn="arn:aws:iam::123456789012:role/images")
    sagemaker_images.clock.advance(60)
    assert images.describe_image(ImageName="i")["ImageStatus"] == "CREATED"
    sagemaker_images.faults.error()

def test_two(sagemaker_images):
    assert sagemaker_images.client("sagemaker").list_images()["Images"] == []
"""


def test_each_test_has_its_own_images_without_a_server(run_tests):
    done = run_tests(_IN_PROCESS)

    assert done.returncode == 0, done.stdout


_UNUSED = """
import sys

def test_it():
    assert "imgver_sandbox.pytest_plugin" in sys.modules
    assert not {"imgver_sandbox.in_process", "botocore", "ministack", "rich"} & sys.modules.keys()
"""


def test_unused_fixtures_import_no_other_packages(run_tests):
    done = run_tests(_UNUSED)

    assert done.returncode == 0, done.stdout
