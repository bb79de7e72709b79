"""The start of the processes in which functions run.

MiniStack starts a process for each invocation that finds none free. A deployment of many resources at once then starts
hundreds of processes, which share a few processor cores, so that all of them take very long. Lambda has a machine for
each. Here, only a few processes start at the same time. An invocation that waits takes a process of its function that
has become free meanwhile, and functions with few processes come first.
"""

import contextlib
import itertools
import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from imgver_sandbox.ministack.hooks import LAMBDA, LAMBDA_RUNTIME, module

_STARTS_PER_CORE = 2


@dataclass(eq=False)
class Waiting:
    """An invocation that waits for a process or for its turn to start one."""

    function: str
    number: int
    woken: threading.Event = field(default_factory=threading.Event)
    """Set when the invocation may start a process, or when a process of its function may be free."""
    may_start: bool = False


class Starts:
    """The starts in progress, and the invocations that wait."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` starts at the same time."""
        self._free = limit
        self._lock = threading.Lock()
        self._waiting: list[Waiting] = []
        self._processes: Counter[str] = Counter()
        self._numbers = itertools.count()

    def wait(self, function: str) -> Waiting:
        """Add an invocation that waits."""
        with self._lock:
            waiting = Waiting(function, next(self._numbers))
            self._waiting.append(waiting)
            self._admit()
        return waiting

    def leave(self, waiting: Waiting) -> None:
        """End the start of a process, or the waiting for it."""
        with self._lock:
            if waiting.may_start:
                self._free += 1
            else:
                self._waiting.remove(waiting)
            self._admit()

    def process_is_free(self, function: str) -> None:
        """Wake the invocation of a function that has waited the longest."""
        with self._lock:
            for waiting in self._waiting:
                if waiting.function == function:
                    waiting.woken.set()
                    return

    def _admit(self) -> None:
        while self._free and self._waiting:
            first = min(self._waiting, key=lambda waiting: (self._processes[waiting.function], waiting.number))
            self._waiting.remove(first)
            self._free -= 1
            self._processes[first.function] += 1
            first.may_start = True
            first.woken.set()


def limit_starts() -> None:
    """Limit the number of processes that start at the same time to two for each processor core."""
    lambda_ = module(LAMBDA)
    acquire_worker, release_worker = lambda_.acquire_worker, lambda_.release_worker
    starts = Starts(_STARTS_PER_CORE * (os.cpu_count() or 1))

    def acquire(
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        # With the limit 1, this only returns a process that is free, or the first one of the function.
        worker, reason = acquire_worker(func_name, config, code_zip, qualifier, 1)
        if reason == "reused":
            return worker, reason
        waiting = starts.wait(config.get("FunctionArn", func_name))
        try:
            while not waiting.may_start:
                waiting.woken.wait()
                waiting.woken.clear()
                if worker is None and not waiting.may_start:
                    worker, reason = acquire_worker(func_name, config, code_zip, qualifier, 1)
                    if worker is not None:
                        return worker, reason
            if worker is None:
                worker, reason = acquire_worker(func_name, config, code_zip, qualifier, max_concurrency)
            if reason == "spawn":
                # If the start fails, the invocation repeats it and reports the failure.
                with contextlib.suppress(Exception):
                    module(LAMBDA_RUNTIME).ensure_spawned(worker)
            return worker, reason
        finally:
            starts.leave(waiting)

    def release(worker: Any) -> None:  # noqa: ANN401  MiniStack has no types
        release_worker(worker)
        if worker is not None:
            starts.process_is_free(worker.config.get("FunctionArn", worker.func_name))

    lambda_.acquire_worker, lambda_.release_worker = acquire, release
