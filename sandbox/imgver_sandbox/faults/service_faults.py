"""The faults of a service in this process: which are left, and what a call meets."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from imgver_sandbox.faults.kinds import LIMITED, OUTCOMES, Deny, Drop, Error, Fail, Hold, Kind, Limit, Slow, When
from imgver_sandbox.faults.queue import Fault, Faults
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.service_model import ServiceError

_Outcome = TypeVar("_Outcome", Fail, Slow)
_Call = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class ConnectionBroken(Exception):
    """The caller is to get no answer: its connection ends."""


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
        self._operations = tuple(operations)
        self._armed: dict[int, _Armed] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, kind: Kind) -> Fault:
        """Add a fault. Raises ValueError when the service has no such operation."""
        if isinstance(kind, Fail | Slow):
            _check_operation(kind.name, kind.operation, OUTCOMES)
        elif isinstance(kind, Limit):
            _check_operation(kind.name, kind.operation, LIMITED)
        elif not isinstance(kind, Hold) and kind.operation is not None:
            _check_operation(kind.name, kind.operation, self._operations)
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

    def on_the_wire(self, call: _Call) -> _Call:
        """`call(operation, parameters)` as it goes for those who are connected to the service, and not a part of it.

        It raises ServiceError for what is refused here, and ConnectionBroken.
        """

        def faulty_call(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            breaks = self._meet(operation)
            if breaks == "before":
                raise ConnectionBroken
            try:
                return call(operation, parameters)
            finally:
                if breaks == "after":
                    raise ConnectionBroken

        return faulty_call

    def _meet(self, operation: str) -> When | None:
        """When the connection is to break on which `operation` was asked for, if it is to."""
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
                if isinstance(kind, Limit):
                    self._use(armed)
                    raise ServiceError("ResourceLimitExceeded", f"{operation} exceeds a limit of this account.")
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


def _check_operation(name: str, operation: object, possible: tuple[str, ...]) -> None:
    if operation not in possible:
        raise ValueError(f"operation {operation!r} of fault {name!r} must be one of {', '.join(possible)}")
