"""The script that compares what was used with what was granted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("permissions_used.py")
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:000000000000"
LOGS = "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/f"


@pytest.fixture
def compare(tmp_path):
    """Run the script; answers its exit code and its lines."""

    def run(*, used, granted):
        file = tmp_path / "permissions.json"
        file.write_text(json.dumps({"used": used, "granted": granted}))
        done = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def test_they_are_the_same(compare):
    # GIVEN wildcards where the policy cannot know better
    used = [
        ("sagemaker:DescribeImageVersion", f"{SAGEMAKER}:image-version/i/7"),
        ("sagemaker:DescribeImageVersion", f"{SAGEMAKER}:image-version/i/*"),
        ("logs:PutLogEvents", f"{LOGS}:log-stream:s"),
    ]
    granted = [
        ("sagemaker:DescribeImageVersion", f"{SAGEMAKER}:image-version/i/*"),
        ("logs:PutLogEvents", f"{LOGS}:*"),
    ]

    assert compare(used=used, granted=granted) == (
        0,
        [
            "used  granted  action                          resource",
            f"yes   yes      logs:PutLogEvents               {LOGS}:*",
            f"yes   yes      sagemaker:DescribeImageVersion  {SAGEMAKER}:image-version/i/*",
        ],
    )


def test_what_was_granted_was_not_used(compare):
    code, lines = compare(used=[], granted=[("sagemaker:CreateImageVersion", f"{SAGEMAKER}:image/i")])

    assert code == 1
    assert lines[1:] == [f"NO    yes      sagemaker:CreateImageVersion  {SAGEMAKER}:image/i"]


@pytest.mark.parametrize(
    "granted",
    [
        # Another action, another resource, and more than was needed.
        ("sagemaker:UpdateImageVersion", f"{SAGEMAKER}:image-version/i/*"),
        ("sagemaker:DeleteImageVersion", f"{SAGEMAKER}:image-version/j/*"),
        ("sagemaker:DeleteImageVersion", f"{SAGEMAKER}:image-version/*"),
        ("sagemaker:*", f"{SAGEMAKER}:image-version/i/*"),
        ("sagemaker:DeleteImageVersion", "*"),
    ],
)
def test_what_was_used_was_not_granted_as_such(compare, granted):
    used = ("sagemaker:DeleteImageVersion", f"{SAGEMAKER}:image-version/i/1")

    code, lines = compare(used=[used], granted=[granted])

    assert code == 1
    assert {line[:13] for line in lines[1:]} == {"yes   NO     ", "NO    yes    "}


def test_two_spellings_of_an_image_count_as_one(compare):
    action = "sagemaker:CreateImageVersion"

    code, lines = compare(
        used=[(action, f"{SAGEMAKER}:image/Data")],
        granted=[(action, f"{SAGEMAKER}:image/Data"), (action, f"{SAGEMAKER}:image/data")],
    )

    assert code == 0
    assert len(lines[1:]) == 2


def test_nothing_at_all_is_no_proof(compare):
    assert compare(used=[], granted=[])[0] == 1
