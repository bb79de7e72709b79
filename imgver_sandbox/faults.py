"""Faults on demand: what goes wrong on AWS now and then goes wrong here when a test asks for it."""

import itertools
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeVar

from imgver_sandbox.clock import Clock
from imgver_sandbox.fault_kinds import Deny, Drop, Error, Fail, Hold, Kind, Slow, Throttle, When
from imgver_sandbox.service_model import ServiceError

OUTCOMES = ("CreateImage", "UpdateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion")
"""The operations that take a while, and whose outcome is seen later, in a status."""

_Outcome = TypeVar("_Outcome", Fail, Slow)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault and what is left of it."""

    id: int
    kind: Kind
    left: str
    """`once`, `3 times`, `7.5 s`, `10 s from the first call` or `until removed`."""


class Faults(ABC):
    """The faults of a sandbox. Each is gone when it is used up, when it is removed, and after `reset`.

    `throttle`, `deny`, `drop` and `error` meet requests for SageMaker on the wire, whoever makes them, in the order in
    which they were added; the first one that applies is all that a request meets. Mind that boto3 itself repeats a
    request that is throttled, dropped or answered with status 500: 4 times unless it is told otherwise.

    `operation` is the name of an operation as the API spells it; without one, a fault of the wire meets all of them.
    Every method that adds a fault answers it, and raises ValueError when it makes no sense.
    """

    def fail(self, reason: str, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Let the next version that is created end as CREATE_FAILED with `reason` as FailureReason.

        Or, with another `operation`, let the next CreateImage, UpdateImage, DeleteImage or DeleteImageVersion end in
        its failed status. A call that is refused does not count.
        """
        return self.add(Fail(reason, operation, times))

    def slow(self, seconds: float, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Let the next version need `seconds` until it is created; the operations are those of `fail`."""
        return self.add(Slow(seconds, operation, times))

    def hold(self, image: str, version: int) -> Fault:
        """Let this version of the image of this name be in use, as by a running app, until the fault is removed.

        It holds in every account and region, and for a version that is still to come.
        """
        return self.add(Hold(image, version))

    def throttle(self, per_second: int, *, operation: str | None = None) -> Fault:
        """Answer ThrottlingException to more than this number of requests within any second, until it is removed."""
        return self.add(Throttle(per_second, operation))

    def deny(self, seconds: float, *, operation: str | None = None) -> Fault:
        """Answer AccessDeniedException to the next request and to all others in the `seconds` that follow it.

        As AWS does until a change in IAM has spread.
        """
        return self.add(Deny(seconds, operation))

    def drop(self, when: When, *, operation: str | None = None, times: int = 1) -> Fault:
        """Close the connection of the next request without an answer, `before` or `after` it had its effect."""
        return self.add(Drop(when, operation, times))

    def error(self, *, operation: str | None = None, times: int = 1) -> Fault:
        """Answer the next request with status 500, without any effect."""
        return self.add(Error(operation, times))

    @abstractmethod
    def add(self, kind: Kind) -> Fault:
        """Add a fault. Raises ValueError when the service has no such operation."""

    @abstractmethod
    def left(self) -> list[Fault]:
        """The faults that are not used up yet, in the order in which they were added."""

    @abstractmethod
    def remove(self, fault_id: int) -> None:
        """End the fault with this `id`. Raises ValueError when there is none."""

    @abstractmethod
    def reset(self) -> None:
        """End all of them."""


@dataclass
class _Armed:
    id: int
    kind: Kind
    times: int | None
    until: float | None = None
    accepted: deque[float] = field(default_factory=deque)

    def left(self, now: float) -> str:
        if self.times is not None:
            return "once" if self.times == 1 else f"{self.times} times"
        if not isinstance(self.kind, Deny):
            return "until removed"
        return f"{self.kind.seconds:g} s from the first call" if self.until is None else f"{self.until - now:.1f} s"


class ServiceFaults(Faults):
    """The faults of a service in this process. Threads may share them."""

    def __init__(self, *, clock: Clock, operations: Collection[str]) -> None:
        """Without faults. `operations` are those that the service has."""
        self._clock = clock
        self._operations = operations
        self._armed: dict[int, _Armed] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, kind: Kind) -> Fault:
        """Add a fault. Raises ValueError when the service has no such operation."""
        operation = None if isinstance(kind, Hold) else kind.operation
        possible = OUTCOMES if isinstance(kind, Fail | Slow) else self._operations
        if operation is not None and operation not in possible:
            raise ValueError(f"operation {operation!r} of fault {kind.name!r} must be one of {', '.join(possible)}")
        with self._lock:
            armed = _Armed(next(self._ids), kind, getattr(kind, "times", None))
            self._armed[armed.id] = armed
            return self._seen(armed)

    def left(self) -> list[Fault]:
        """The faults that are not used up yet, in the order in which they were added."""
        with self._lock:
            self._forget_ended()
            return [self._seen(armed) for armed in self._armed.values()]

    def remove(self, fault_id: int) -> None:
        """End the fault with this `id`. Raises ValueError when there is none."""
        with self._lock:
            self._forget_ended()
            if fault_id not in self._armed:
                raise ValueError(f"id {fault_id} must be that of a fault that is left: {self._ids_left()}")
            del self._armed[fault_id]

    def reset(self) -> None:
        """End all of them."""
        with self._lock:
            self._armed.clear()

    def take(self, kind: type[_Outcome], operation: str) -> _Outcome | None:
        """The fault of this kind that the change meets which `operation` begins now, if any; it counts as used."""
        with self._lock:
            for armed in self._armed.values():
                if isinstance(armed.kind, kind) and armed.kind.operation == operation:
                    self._use(armed)
                    return armed.kind
        return None

    def held(self, image: str) -> set[int]:
        """The versions of the image of this name that are to be in use."""
        with self._lock:
            holds = [armed.kind for armed in self._armed.values() if isinstance(armed.kind, Hold)]
        return {hold.version for hold in holds if hold.image.lower() == image.lower()}

    def meet(self, operation: str) -> When | None:
        """What a request for `operation` meets on the wire: when its connection is to break, if it is to.

        Raises the ServiceError that it is to be answered.
        """
        with self._lock:
            self._forget_ended()
            for armed in list(self._armed.values()):
                kind = armed.kind
                if isinstance(kind, Fail | Slow | Hold) or kind.operation not in {None, operation}:
                    continue
                if isinstance(kind, Drop):
                    self._use(armed)
                    return kind.when
                if isinstance(kind, Error):
                    self._use(armed)
                    raise ServiceError("InternalFailure", "The request processing has failed.", status=500)
                if isinstance(kind, Deny):
                    self._deny(armed, kind.seconds, f"sagemaker:{operation}")
                else:
                    self._throttle(armed, kind.per_second)
        return None

    def _deny(self, armed: _Armed, seconds: float, action: str) -> None:
        if armed.until is None:
            armed.until = self._clock.now() + seconds
        raise ServiceError(
            "AccessDeniedException",
            f"User is not authorized to perform: {action} because no identity-based policy allows the {action} action",
        )

    def _throttle(self, armed: _Armed, per_second: int) -> None:
        now = self._clock.now()
        while armed.accepted and armed.accepted[0] <= now - 1:
            armed.accepted.popleft()
        if len(armed.accepted) >= per_second:
            raise ServiceError("ThrottlingException", "Rate exceeded")
        armed.accepted.append(now)

    def _use(self, armed: _Armed) -> None:
        if armed.times == 1:
            del self._armed[armed.id]
        elif armed.times is not None:
            armed.times -= 1

    def _forget_ended(self) -> None:
        now = self._clock.now()
        self._armed = {
            fault_id: armed for fault_id, armed in self._armed.items() if armed.until is None or now < armed.until
        }

    def _seen(self, armed: _Armed) -> Fault:
        return Fault(id=armed.id, kind=armed.kind, left=armed.left(self._clock.now()))

    def _ids_left(self) -> str:
        return ", ".join(map(str, self._armed)) or "there is none"
