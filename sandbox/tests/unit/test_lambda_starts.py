"""The order in which invocations of functions start processes."""

import pytest
from imgver_sandbox.ministack.lambda_starts import Starts


@pytest.fixture
def starts():
    return Starts(1)


def test_starts_wait_for_each_other_and_functions_with_few_processes_come_first(starts):
    # GIVEN invocations of which one may start a process
    first, again, other = (starts.wait(function) for function in ("busy", "busy", "other"))
    assert (first.may_start, again.may_start, other.may_start) == (True, False, False)

    starts.leave(first)
    assert (again.may_start, other.may_start) == (False, True)
    starts.leave(other)
    assert again.may_start


def test_a_process_that_becomes_free_wakes_the_invocation_of_its_function_that_has_waited_the_longest(starts):
    starts.wait("starting")
    one, other, two = (starts.wait(function) for function in ("one", "other", "one"))

    starts.process_is_free("one")
    assert (one.woken.is_set(), other.woken.is_set(), two.woken.is_set()) == (True, False, False)

    # WHEN it takes the process, THEN the next one can be woken
    starts.leave(one)
    starts.process_is_free("one")
    assert two.woken.is_set()


def test_an_invocation_that_no_longer_waits_leaves_its_start_to_another(starts):
    starting, gone, next_one = (starts.wait(function) for function in ("a", "b", "c"))

    starts.leave(gone)
    starts.leave(starting)

    assert next_one.may_start
