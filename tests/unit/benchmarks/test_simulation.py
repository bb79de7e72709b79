"""The simulation in cases that can be calculated by hand."""

import itertools

import pytest
from simulation import SERVICE_TIMEOUT, Conditions, simulate


def conditions(**changes):
    """Conditions without limits, in which only the service takes time."""
    return Conditions(**{"requests_per_second": None, "cold_seconds": 0, "warm_seconds": 0, **changes})


def stacks_of(*sizes):
    """Stacks with these numbers of versions. Each version has its own image."""
    return [[f"{stack}-{number}" for number in range(size)] for stack, size in enumerate(sizes)]


ONE = simulate(stacks_of(1), conditions(create_seconds=2)).seconds
"""The seconds until the handler's polls find a version that takes 2 s."""


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ({}, ONE),
        ({"at_once": 5}, ONE),
        ({"at_once": 1}, 5 * ONE),
        ({"stacks_at_once": 1}, 2 * ONE),
        ({"at_once": 1, "cold_seconds": 10, "warm_seconds": 1}, 5 * ONE + 10 + 4),
    ],
)
def test_the_times_of_versions_that_follow_one_another_add_up(limit, seconds):
    result = simulate(stacks_of(5, 5), conditions(create_seconds=2, **limit))

    assert 2 <= ONE <= 4.5
    assert result.created == 10
    assert result.seconds == pytest.approx(seconds)


def test_the_service_accepts_no_more_than_its_rate():
    result = simulate(stacks_of(100), conditions(create_seconds=2, requests_per_second=5))

    assert result.created == 100
    assert result.calls >= 200  # CreateImageVersion, and a poll that finds the version CREATED
    assert result.throttled > 0
    assert result.seconds >= result.calls / 5 - 1


def test_a_process_remembers_that_the_service_throttles():
    # GIVEN one request a second, so that a poll at once is throttled, and the second version in the same process
    slow = conditions(create_seconds=2, requests_per_second=1, warm_seconds=1.5, at_once=1)

    first, both = simulate(stacks_of(1), slow), simulate(stacks_of(2), slow)

    assert both.throttled == first.throttled > 0


def test_an_image_accepts_one_write_at_a_time():
    assert simulate([["one"] * 20], conditions(create_seconds=2, write_seconds=0.5)).seconds >= 19 * 0.5 + 2


@pytest.mark.parametrize(
    ("create_seconds", "limit", "expected"),
    [
        # The second event returns from Lambda's queue after 1 s and 2 s more, when the execution is free.
        (2, {"executions": 1}, (2, 0, 0, 3 + ONE)),
        # It has expired before the execution is free, and CloudFormation waits for its response.
        (840, {"executions": 1}, (1, 0, 1, SERVICE_TIMEOUT)),
        # The function responds before its timeout.
        (2_000, {}, (0, 2, 0, 885)),
    ],
)
def test_a_version_fails_after_a_timeout(create_seconds, limit, expected):
    result = simulate(stacks_of(2), conditions(create_seconds=create_seconds, **limit))

    assert (result.created, result.timed_out, result.dropped) == expected[:3]
    assert result.seconds == pytest.approx(expected[3], abs=5)


def test_a_seed_determines_the_result():
    results = [simulate(stacks_of(50), Conditions(), seed=seed) for seed in (1, 1, 2)]

    assert [first == second for first, second in itertools.pairwise(results)] == [True, False]
