"""Concurrency in simulated time: tasks run one at a time, and switch only where they pause or sleep.

A run is decided by ``choose`` alone, so that what a test finds can be found again.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

import greenlet
from imgver_sandbox.sagemaker.clock import ManualClock


class Task:
    """A piece of work that is running or done."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.done = False
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None

    def perform(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 (raised again for whoever waits)
            self._error = error
        self.done = True

    def result(self) -> Any:
        """Return the result of the work, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._result


class Simulation:
    """Runs tasks on a clock that jumps to the next event. ``choose`` picks the next one of n tasks."""

    def __init__(self, clock: ManualClock, choose: Callable[[int], int] = lambda _n: 0) -> None:
        self._clock = clock
        self._choose = choose
        self._order = itertools.count()
        self._ready: list[greenlet.greenlet] = []
        self._sleeping: list[tuple[float, int, greenlet.greenlet]] = []
        self._waiting: list[tuple[Callable[[], bool], greenlet.greenlet]] = []
        self._later: list[tuple[float, int, Callable[[], Any]]] = []
        self._hub: greenlet.greenlet | None = None

    def run(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` and all tasks that it starts. Returns its result when all tasks are done."""
        self._hub = greenlet.getcurrent()
        first = self.start(work)
        while self._wake() or self._sleeping:
            if not self._ready:
                self._let_time_pass()
                continue
            index = self._choose(len(self._ready)) if len(self._ready) > 1 else 0
            self._ready.pop(index).switch()
        assert not self._waiting, "tasks wait for each other"
        return first.result()

    def _wake(self) -> bool:
        """Make every waiting task ready whose condition holds now. Returns whether any task is ready."""
        still_waiting = []
        for condition, task in self._waiting:
            if condition():
                self._ready.append(task)
            else:
                still_waiting.append((condition, task))
        self._waiting = still_waiting
        return bool(self._ready)

    def _let_time_pass(self) -> None:
        """Move the clock to the next moment at which a task wakes up or begins."""
        moment = self._sleeping[0][0]
        if self._later and self._later[0][0] <= moment:
            moment, _, work = heapq.heappop(self._later)
            self.start(work)
        else:
            _, _, sleeper = heapq.heappop(self._sleeping)
            self._ready.append(sleeper)
        self._clock.advance(max(0.0, moment - self._clock.now()))

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def start(self, work: Callable[[], Any]) -> Task:
        """Start ``work`` as a new task."""
        task = Task(work)
        # The hub continues when the task ends, since it is the parent.
        self._ready.append(greenlet.greenlet(task.perform, parent=self._hub))
        return task

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass for the current task."""
        moment = self._clock.now() + seconds
        heapq.heappush(self._sleeping, (moment, next(self._order), greenlet.getcurrent()))
        self._switch_to_hub()

    def pause(self) -> None:
        """Let other tasks run first, if ``choose`` picks one."""
        self._ready.append(greenlet.getcurrent())
        self._switch_to_hub()

    def start_later(self, seconds: float, work: Callable[[], Any]) -> None:
        """Start ``work`` as a new task after ``seconds``.

        A run does not wait for it: what is due after the end of one run starts in a later run.
        """
        heapq.heappush(self._later, (self._clock.now() + seconds, next(self._order), work))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until ``condition`` holds, which depends on what other tasks do and not on the time."""
        if not condition():
            self._waiting.append((condition, greenlet.getcurrent()))
            self._switch_to_hub()

    def join(self, tasks: list[Task]) -> list[Any]:
        """Wait for all tasks. Returns their results, or raises the first error."""
        self.wait_until(lambda: all(task.done for task in tasks))
        return [task.result() for task in tasks]

    def _switch_to_hub(self) -> None:
        assert self._hub is not None
        self._hub.switch()


class SkewedClock:
    """A clock that is some seconds ahead of another clock, or behind it if ``seconds`` is negative."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now() + self._seconds
