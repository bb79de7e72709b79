"""The simulation on cases that can be worked out by hand."""

import itertools

import pytest
from imgver_handler import deadline
from simulation import MAX_EVENT_AGE, SERVICE_TIMEOUT, Conditions, simulate


def seen_created(create_seconds):
    """When the handler, which polls as its Deadline says, sees a version that takes so long."""
    moments = itertools.accumulate(deadline.poll_intervals(throttled=lambda: False))
    return next(moment for moment in moments if moment >= create_seconds)


def stacks_of(*sizes):
    """Stacks with so many versions, each of an image of its own."""
    return [[f"{stack}-{number}" for number in range(size)] for stack, size in enumerate(sizes)]


def test_one_version_takes_what_the_handler_waits():
    # WHEN
    result = simulate(stacks_of(1), Conditions(create_seconds=15))

    # THEN
    assert (result.created, result.failed, result.dropped) == (1, 0, 0)
    assert result.seconds == seen_created(15) >= 15
    assert result.executed_seconds == result.seconds


def test_versions_that_share_nothing_take_no_longer_than_one():
    # WHEN
    result = simulate(stacks_of(50), Conditions(create_seconds=15))

    # THEN
    assert result.created == result.most_executions == 50
    assert result.seconds == seen_created(15)


@pytest.mark.parametrize("limit", [{"at_once": 5}, {"stacks_at_once": 1}])
def test_what_comes_one_after_the_other_adds_up(limit):
    # WHEN 2 stacks of 5 versions: one after the other, or 5 resources at a time in each
    result = simulate(stacks_of(5, 5), Conditions(create_seconds=2, **limit))

    # THEN
    rounds = 2 if "stacks_at_once" in limit else 1
    assert result.seconds == rounds * seen_created(2)
    assert result.created == 10


def test_the_start_of_a_process_counts_where_there_is_none():
    # WHEN one version after the other in one stack
    conditions = Conditions(create_seconds=2, cold_seconds=10, warm_seconds=1, at_once=1)
    result = simulate(stacks_of(3), conditions)

    # THEN
    assert result.seconds == pytest.approx(3 * seen_created(2) + 10 + 1 + 1)


def test_processes_share_the_cores():
    # WHEN 4 events that compute for 3 s each on 2 cores
    result = simulate(stacks_of(4), Conditions(create_seconds=2, cold_seconds=3, cores=2))

    # THEN two of them begin to wait after 3 s, two after 6
    assert result.answered == pytest.approx([3 + seen_created(2)] * 2 + [6 + seen_created(2)] * 2)


def test_the_service_takes_no_more_than_its_rate():
    # WHEN
    versions, rate = 100, 5
    result = simulate(stacks_of(versions), Conditions(create_seconds=2, requests_per_second=rate))

    # THEN each version takes a CreateImageVersion and a call that sees it CREATED
    assert result.created == versions
    assert result.calls >= 2 * versions
    assert result.throttled > 0
    assert result.seconds >= result.calls / rate - 1


def test_a_process_remembers_that_it_is_crowded():
    # GIVEN one version after the other, and a service that takes one request a second, so no look at once
    conditions = Conditions(create_seconds=2, requests_per_second=1, warm_seconds=1.5, at_once=1)

    # WHEN
    first, both = simulate(stacks_of(1), conditions), simulate(stacks_of(2), conditions)

    # THEN the second one does not try
    assert first.throttled > 0
    assert both.throttled == first.throttled
    assert both.answered[1] - both.answered[0] == pytest.approx(1.5 + 5)


def test_one_image_takes_one_write_at_a_time():
    # WHEN
    result = simulate([["one"] * 20], Conditions(create_seconds=2, write_seconds=0.5))

    # THEN the last of 20 writes comes after the 19 before it
    assert result.created == 20
    assert result.busy >= 19
    assert result.seconds >= 19 * 0.5 + 2


def test_an_event_that_gets_no_execution_is_dropped_in_the_end():
    # GIVEN a version that keeps the only execution for as long as an event may wait
    conditions = Conditions(create_seconds=MAX_EVENT_AGE - 60, executions=1)

    # WHEN
    result = simulate(stacks_of(2), conditions)

    # THEN
    assert (result.created, result.dropped) == (1, 1)
    assert result.seconds == SERVICE_TIMEOUT
    assert result.most_executions == 1


def test_an_event_comes_back_from_the_queue_after_twice_as_long_each_time():
    # WHEN the first version is answered after about 2 s, and the second one comes back after 1, 3 and 7 s
    result = simulate(stacks_of(2), Conditions(create_seconds=2, executions=1))

    # THEN
    assert 1 < seen_created(2) < 3
    assert result.queued_seconds == 3
    assert result.seconds == 3 + seen_created(2)


def test_who_is_not_ready_before_the_handler_must_answer_fails():
    # WHEN
    result = simulate(stacks_of(1), Conditions(create_seconds=2_000))

    # THEN
    assert (result.created, result.failed) == (0, 1)
    assert result.seconds <= 900


def test_lambda_invokes_again_after_one_and_two_minutes():
    # WHEN every invocation dies just before it answers
    result = simulate(stacks_of(1), Conditions(create_seconds=2, dying=1.0))

    # THEN the second and the third one find the version by its token, and their first look, at once, sees it CREATED
    assert (result.created, result.dropped) == (0, 1)
    assert result.executed_seconds == pytest.approx(seen_created(2))
    assert result.calls == 3 + 2 + 2
    assert result.seconds == SERVICE_TIMEOUT


def test_who_dies_once_is_late_and_well():
    # GIVEN chances by which some of the invocations die, and nobody three times
    result = simulate(stacks_of(50), Conditions(create_seconds=2, dying=0.2))

    # THEN
    assert result.created == 50
    assert sorted({round(answered - seen_created(2)) for answered in result.answered})[:2] == [0, 60]


def test_the_same_seed_gives_the_same_result():
    # GIVEN
    conditions = Conditions(requests_per_second=5)

    # THEN
    assert simulate(stacks_of(50), conditions, seed=1) == simulate(stacks_of(50), conditions, seed=1)
    assert simulate(stacks_of(50), conditions, seed=1) != simulate(stacks_of(50), conditions, seed=2)
