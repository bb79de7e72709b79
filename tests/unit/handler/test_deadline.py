"""The deadline, the poll intervals and the backoff."""

import itertools

import pytest
from imgver_handler.deadline import Deadline


@pytest.fixture
def waits():
    """The seconds that a deadline slept."""
    return []


@pytest.fixture
def deadline(waits):
    """A deadline in 900 s, with random fractions of a quarter."""
    return Deadline(time_left=lambda: 900, now=lambda: 7.0, sleep=waits.append, random_fraction=lambda: 0.25)


@pytest.mark.parametrize(("throttled", "expected"), [(False, [0.0, 2.5, 2.5, 2.5]), (True, [5.0, 5.0, 5.0, 5.0])])
def test_the_first_poll_is_sent_at_once_and_throttling_delays_every_poll(deadline, waits, throttled, expected):
    list(itertools.islice(deadline.polls(throttled=lambda: throttled), 4))

    assert waits == expected


def test_the_interval_follows_the_throttling(deadline, waits):
    list(itertools.islice(deadline.polls(throttled=lambda: 2 <= len(waits) < 4), 6))

    assert waits == [0.0, 2.5, 5.0, 5.0, 2.5, 2.5]


def test_backoff_is_exponential_with_full_jitter_and_a_ceiling(deadline, waits):
    backoff = deadline.backoff()
    for _ in range(6):
        backoff.wait()

    assert waits == [0.25, 0.5, 1, 2, 2, 2]


def test_a_retry_that_would_start_too_late_is_not_waited_for(deadline, waits):
    backoff = deadline.backoff()

    assert backoff.wait(not_after=7.25)
    assert not backoff.wait(not_after=7.49)
    assert waits == [0.25]


def test_fifteen_seconds_are_reserved_for_the_response(waits):
    deadline = Deadline(time_left=lambda: 16.0, sleep=waits.append)

    assert deadline.time_left() == 1.0
    assert deadline.wait(1.0)
    assert not deadline.wait(1.1)
    assert not deadline.reserving(1).wait(0.5)
    assert deadline.for_response().wait(15.0)
    assert not deadline.for_response().wait(15.1)


def test_a_reservation_changes_nothing_but_the_end(deadline, waits):
    earlier = deadline.reserving(60)

    assert (earlier.now(), earlier.jitter(8)) == (7.0, 2.0)
    assert earlier.wait(825)
    assert not earlier.wait(826)
    assert waits == [825]
