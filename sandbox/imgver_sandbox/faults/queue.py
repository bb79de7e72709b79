"""Faults on demand: what goes wrong on AWS now and then goes wrong here when a test asks for it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from imgver_sandbox.faults.kinds import Deny, Drop, Error, Fail, Hold, Kind, Limit, Slow, Throttle, When


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault and what is left of it."""

    id: int
    kind: Kind
    left: str
    """`once`, `3 times`, `7.5 s`, `10 s from the first call` or `until removed`."""


class Faults(ABC):
    """The faults of a sandbox. Each is gone when it is used up, when it is removed, and after `reset`.

    `throttle`, `deny`, `drop`, `error` and `limit` meet requests for SageMaker on the wire, whoever makes them, in the
    order in which they were added; the first one that applies is all that a request meets. Mind that boto3 itself
    repeats a request that is throttled, dropped or answered with status 500: 4 times unless it is told otherwise.

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

    def limit(self, *, operation: str = "CreateImageVersion", times: int = 1) -> Fault:
        """Answer ResourceLimitExceeded to the next CreateImageVersion; or CreateImage, or CreateDomain.

        What AWS says then, and how many versions it allows, is not known.
        """
        return self.add(Limit(operation, times))

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
