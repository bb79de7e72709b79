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
        self._hub: greenlet.greenlet | None = None

    def run(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` and all tasks that it starts. Returns its result when all tasks are done."""
        self._hub = greenlet.getcurrent()
        first = self.start(work)
        while self._ready or self._sleeping:
            if not self._ready:
                moment, _, sleeper = heapq.heappop(self._sleeping)
                self._clock.advance(max(0.0, moment - self._clock.now()))
                self._ready.append(sleeper)
            index = self._choose(len(self._ready)) if len(self._ready) > 1 else 0
            self._ready.pop(index).switch()
        return first.result()

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

    def wait_until(self, condition: Callable[[], bool], *, poll: float = 0.1) -> None:
        """Let time pass until ``condition`` holds."""
        while not condition():
            self.sleep(poll)

    def join(self, tasks: list[Task]) -> list[Any]:
        """Wait for all tasks. Returns their results, or raises the first error."""
        self.wait_until(lambda: all(task.done for task in tasks))
        return [task.result() for task in tasks]

    def _switch_to_hub(self) -> None:
        assert self._hub is not None
        self._hub.switch()
