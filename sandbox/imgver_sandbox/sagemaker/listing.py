"""The times by which lists are sorted and filtered."""

from typing import Protocol

from imgver_sandbox.sagemaker.account import Request


class Timed(Protocol):
    """Anything with times, in seconds since the epoch."""

    created_at: float
    modified_at: float


def time_of(record: Timed, sort_by: str) -> float:
    """The time that SortBy names: that of the last change, otherwise that of the creation."""
    return record.modified_at if sort_by in {"LAST_MODIFIED_TIME", "LastModifiedTime"} else record.created_at


def in_time(record: Timed, request: Request, *, modified: str = "LastModifiedTime") -> bool:
    """Whether the record passes the request's time filters; their bounds are part of them.

    `modified` is what the names of the filters on the last change begin with.
    """
    return all(
        request.get(f"{name}After", time) <= time <= request.get(f"{name}Before", time)
        for name, time in (("CreationTime", record.created_at), (modified, record.modified_at))
    )
