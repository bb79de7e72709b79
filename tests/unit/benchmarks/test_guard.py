"""The hot paths take what they took when the baseline was kept: a change for worse, or for better, is told."""

import json
import os
import shutil
import subprocess
import sys

import guard
import pytest


@pytest.fixture(scope="module")
def counts():
    """Counted in a process of its own: what other tests loaded and patched would count."""
    counted = subprocess.run([sys.executable, guard.__file__], check=True, stdout=subprocess.PIPE)
    return json.loads(counted.stdout)


@pytest.mark.parametrize("group", guard.TOLERANCES)
def test_hot_paths_take_what_they_took(counts, group):
    if group == guard.INSTRUCTIONS and not shutil.which("valgrind"):
        if "REQUIRE_VALGRIND" in os.environ:
            pytest.fail("there is no valgrind, and REQUIRE_VALGRIND is set")
        pytest.skip("there is no valgrind, which counts instructions")
    kept = json.loads(guard.BASELINE.read_text())
    assert kept.keys() == guard.TOLERANCES.keys()

    assert guard.differences(group, kept[group], counts.get(group, {})) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"modules": 100}, []),
        ({"modules": 103}, []),
        ({"modules": 97}, []),
        ({"modules": 104}, ["cold start: modules: 104, up from 100; run make baseline if that is what it has to take"]),
        ({"modules": 96}, ["cold start: modules: 96, down from 100; run make baseline, so that it stays so"]),
        ({}, ["cold start: modules: None, and the baseline has 100; run make baseline"]),
        ({"modules": 100, "bytes": 1}, ["cold start: bytes: 1, and the baseline has None; run make baseline"]),
    ],
)
def test_what_differs_beyond_the_tolerance_is_told(found, told):
    assert guard.differences(guard.COLD_START, {"modules": 100}, found) == told


def test_counts_that_are_the_same_in_every_run_have_no_tolerance():
    assert guard.differences(guard.CALLS, {"one is adopted": 1}, {"one is adopted": 2}) != []
    assert guard.differences(guard.REQUESTS, {"one more version": 4}, {"one more version": 3}) != []
