"""The interface through which a test adds, lists and removes faults."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from imgver_sandbox.faults import kinds


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An active fault."""

    id: int
    kind: kinds.FaultKind
    left: str
    """The remainder: `once`, `3 times`, `7.5 s`, `10 s from the first call` or `until removed`."""


class Faults(ABC):
    """The faults of a sandbox. A fault ends when it is used up, when it is removed, and after `reset`.

    `throttle`, `deny`, `drop`, `error` and `limit` apply to the requests that any client sends to SageMaker. For each
    request, the first added fault that applies is the only one that takes effect. boto3 repeats a request that is
    throttled, dropped or gets the status 500; by default it sends such a request up to 5 times.

    `operation` is the name of an operation as the API spells it. Where its default is None, the fault applies to all
    operations. `times` is the number of calls to which the fault applies. Every method that adds a fault returns it,
    and raises ValueError for an invalid setting.
    """

    def fail(self, reason: str, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Let the next created version end as CREATE_FAILED with `reason` as its FailureReason.

        With another `operation`, such as DeleteImage or UpdateDomain, the next change of that operation ends in its
        failed status. A call that the service refuses does not count.
        """
        return self.add(kinds.FailFault(reason, operation, times))

    def slow(self, seconds: float, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Let the creation of the next version take `seconds`. The possible operations are those of `fail`."""
        return self.add(kinds.SlowFault(seconds, operation, times))

    def hold(self, image: str, version: int) -> Fault:
        """Let this version of the image be in use, as by a running app, until the fault is removed.

        The fault applies in every account and region. The version may be created later.
        """
        return self.add(kinds.HoldFault(image, version))

    def in_service(self, domain: str | None = None) -> Fault:
        """Let an app run in the domain with this id, or in every domain, until the fault is removed.

        UpdateDomain and UpdateUserProfile are refused, whatever is assumed about updates with running apps (u10).
        """
        return self.add(kinds.InServiceFault(domain))

    def throttle(self, per_second: int, *, operation: str | None = None) -> Fault:
        """Return ThrottlingException for more than `per_second` requests in any second, until the fault is removed."""
        return self.add(kinds.ThrottleFault(per_second, operation))

    def deny(self, seconds: float, *, operation: str | None = None) -> Fault:
        """Return AccessDeniedException for the next request and for all others in the `seconds` after it.

        AWS does the same until a change of an IAM policy takes effect everywhere.
        """
        return self.add(kinds.DenyFault(seconds, operation))

    def drop(self, when: kinds.DropMoment, *, operation: str | None = None, times: int = 1) -> Fault:
        """Close the connection of the next request without a response, `before` or `after` the request took effect."""
        return self.add(kinds.DropFault(when, operation, times))

    def error(self, *, operation: str | None = None, times: int = 1) -> Fault:
        """Return the HTTP status 500 for the next request, which has no effect."""
        return self.add(kinds.ErrorFault(operation, times))

    def limit(self, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Return ResourceLimitExceeded for the next CreateImageVersion, or for another `operation` such as CreateImage.

        The real message and the real limit of AWS are unknown.
        """
        return self.add(kinds.LimitFault(operation, times))

    @abstractmethod
    def add(self, kind: kinds.FaultKind) -> Fault:
        """Add a fault. Raises ValueError if the fault cannot apply to its operation."""

    @abstractmethod
    def left(self) -> list[Fault]:
        """The active faults, in the order in which they were added."""

    @abstractmethod
    def remove(self, fault_id: int) -> None:
        """Remove the fault with this id. Raises ValueError if no active fault has it."""

    @abstractmethod
    def reset(self) -> None:
        """Remove all faults."""
