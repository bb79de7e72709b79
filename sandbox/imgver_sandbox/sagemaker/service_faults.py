"""The faults of an images service in this process, and their effect on its calls."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from imgver_sandbox.faults import kinds
from imgver_sandbox.faults.control import Fault, Faults
from imgver_sandbox.sagemaker.clock import Clock
from imgver_sandbox.sagemaker.errors import ServiceError

_ChangeFault = TypeVar("_ChangeFault", kinds.FailFault, kinds.SlowFault)
_PerformCall = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class ConnectionBroken(Exception):
    """The server must close the connection of this request without a response."""


@dataclass
class _ActiveFault:
    id: int
    kind: kinds.FaultKind
    times: int | None
    denied_until: float | None = None
    accepted: deque[float] = field(default_factory=deque)
    """The times of the accepted requests, for throttling."""

    def left(self, now: float) -> str:
        if self.times is not None:
            return "once" if self.times == 1 else f"{self.times} times"
        if not isinstance(self.kind, kinds.DenyFault):
            return "until removed"
        if self.denied_until is None:
            return f"{self.kind.seconds:g} s from the first call"
        return f"{self.denied_until - now:.1f} s"


class ServiceFaults(Faults):
    """The faults of an images service in this process. Thread-safe."""

    def __init__(self, *, clock: Clock, operations: Collection[str]) -> None:
        """Create without faults. `operations` are the operations of the service."""
        self._clock = clock
        self._operations = tuple(operations)
        self._active: dict[int, _ActiveFault] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, kind: kinds.FaultKind) -> Fault:
        """Add a fault. Raises ValueError if the fault cannot apply to its operation."""
        if isinstance(kind, kinds.FailFault | kinds.SlowFault):
            _check_operation(kind.name, kind.operation, kinds.CHANGE_OPERATIONS)
        elif isinstance(kind, kinds.LimitFault):
            _check_operation(kind.name, kind.operation, kinds.LIMITED_OPERATIONS)
        elif not isinstance(kind, kinds.HoldFault | kinds.InServiceFault) and kind.operation is not None:
            _check_operation(kind.name, kind.operation, self._operations)
        with self._lock:
            active = _ActiveFault(next(self._ids), kind, getattr(kind, "times", None))
            self._active[active.id] = active
            return self._public(active)

    def left(self) -> list[Fault]:
        """The active faults, in the order in which they were added."""
        with self._lock:
            self._remove_ended()
            return [self._public(active) for active in self._active.values()]

    def remove(self, fault_id: int) -> None:
        """Remove the fault with this id. Raises ValueError if no active fault has it."""
        with self._lock:
            self._remove_ended()
            if fault_id not in self._active:
                ids = ", ".join(map(str, self._active)) or "no fault is active"
                raise ValueError(f"id {fault_id} must be the id of an active fault: {ids}")
            del self._active[fault_id]

    def reset(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._active.clear()

    def take(self, kind: type[_ChangeFault], operation: str) -> _ChangeFault | None:
        """The first fault of this kind for the change that `operation` begins, or None. It counts as used."""
        with self._lock:
            for active in self._active.values():
                if isinstance(active.kind, kind) and active.kind.operation == operation:
                    self._use(active)
                    return active.kind
        return None

    def held_versions(self, image: str) -> set[int]:
        """The versions of the image with this name that faults hold in use."""
        with self._lock:
            holds = [active.kind for active in self._active.values() if isinstance(active.kind, kinds.HoldFault)]
        return {hold.version for hold in holds if hold.image.lower() == image.lower()}

    def has_running_app(self, domain_id: str) -> bool:
        """Whether a fault lets an app run in the domain with this id."""
        with self._lock:
            active_kinds = [active.kind for active in self._active.values()]
        return any(isinstance(kind, kinds.InServiceFault) and kind.domain in {None, domain_id} for kind in active_kinds)

    def on_the_wire(self, call: _PerformCall) -> _PerformCall:
        """Add the faults of requests to `call(operation, parameters)`.

        The returned function raises ServiceError for a request that a fault refuses, and ConnectionBroken for a request
        that loses its connection.
        """

        def call_with_faults(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            drop = self._apply(operation)
            if drop == "before":
                raise ConnectionBroken
            try:
                return call(operation, parameters)
            finally:
                if drop == "after":
                    raise ConnectionBroken

        return call_with_faults

    def _apply(self, operation: str) -> kinds.DropMoment | None:
        """Apply the first fault for a request. Returns when its connection must be closed, if it must."""
        with self._lock:
            self._remove_ended()
            for active in list(self._active.values()):
                kind = active.kind
                if isinstance(kind, kinds.FailFault | kinds.SlowFault | kinds.HoldFault | kinds.InServiceFault):
                    continue
                if kind.operation not in {None, operation}:
                    continue
                if isinstance(kind, kinds.DropFault):
                    self._use(active)
                    return kind.when
                if isinstance(kind, kinds.ErrorFault):
                    self._use(active)
                    raise ServiceError("InternalFailure", "The request processing has failed.", status=500)
                if isinstance(kind, kinds.LimitFault):
                    self._use(active)
                    raise ServiceError("ResourceLimitExceeded", f"{operation} exceeds a limit of this account.")
                if isinstance(kind, kinds.DenyFault):
                    self._deny(active, kind.seconds, f"sagemaker:{operation}")
                else:
                    self._throttle(active, kind.per_second)
        return None

    def _deny(self, active: _ActiveFault, seconds: float, action: str) -> None:
        if active.denied_until is None:
            active.denied_until = self._clock.now() + seconds
        raise ServiceError(
            "AccessDeniedException",
            f"User is not authorized to perform: {action} because no identity-based policy allows the {action} action",
        )

    def _throttle(self, active: _ActiveFault, per_second: int) -> None:
        now = self._clock.now()
        while active.accepted and active.accepted[0] <= now - 1:
            active.accepted.popleft()
        if len(active.accepted) >= per_second:
            raise ServiceError("ThrottlingException", "Rate exceeded")
        active.accepted.append(now)

    def _use(self, active: _ActiveFault) -> None:
        if active.times == 1:
            del self._active[active.id]
        elif active.times is not None:
            active.times -= 1

    def _remove_ended(self) -> None:
        now = self._clock.now()
        self._active = {
            fault_id: active
            for fault_id, active in self._active.items()
            if active.denied_until is None or now < active.denied_until
        }

    def _public(self, active: _ActiveFault) -> Fault:
        return Fault(id=active.id, kind=active.kind, left=active.left(self._clock.now()))


def _check_operation(name: str, operation: object, possible: tuple[str, ...]) -> None:
    if operation not in possible:
        raise ValueError(f"operation {operation!r} of fault {name!r} must be one of {', '.join(possible)}")
