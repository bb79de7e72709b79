"""What can go wrong.

HandlerError                   the event cannot be fulfilled; its text is the reason that CloudFormation shows
└── AwsServiceError        an AWS call answered an error, which has a kind that callers decide by
"""

from __future__ import annotations

from enum import Enum


class HandlerError(Exception):
    """The event is answered with FAILED.

    Args:
        reason: one or two sentences: what failed, on what, why, and what to do.
        physical_id: the id to answer with; an empty one leaves it to the caller.
    """

    def __init__(self, reason: str, *, physical_id: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.physical_id = physical_id


class ErrorKind(Enum):
    """What an error of the service means for the caller."""

    NOT_FOUND = "not found"
    BUSY = "busy"
    """Another write holds the image, or the image is still being made: goes away by itself."""
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    """The service is down or the connection broke; whether the call had its effect is unknown."""
    DENIED = "denied"
    """Refused by IAM: for good, or while a new policy spreads."""
    FINAL = "final"


class AwsServiceError(HandlerError):
    """An error answered by AWS, or the lack of an answer."""

    def __init__(self, *, operation: str, subject: str, code: str, message: str, kind: ErrorKind) -> None:
        message = message.removesuffix(".")
        remedy = _remedy(operation, code, kind)
        reason = f"{operation} failed for {subject}: {code}: {message}."
        super().__init__(f"{reason} {remedy}" if remedy else reason)
        self.code = code
        self.message = message
        self.kind = kind


def _remedy(operation: str, code: str, kind: ErrorKind) -> str:
    if code == "ResourceLimitExceeded":
        return "Make room: delete versions that nobody uses, or ask for a higher limit in Service Quotas."
    if kind is ErrorKind.NOT_FOUND and operation == "CreateImageVersion":
        return "Declare the image in this app as an Image, or correct image_name."
    if kind is ErrorKind.DENIED:
        return f"The function's role needs the action for {operation} on this resource."
    if kind is ErrorKind.BUSY and operation == "DeleteImageVersion":
        return (
            "It stayed in use until the time was up: remove it from domains, spaces and running apps, then delete it."
        )
    if kind is ErrorKind.BUSY:
        return "It stayed so until the time was up: deploy again when no other write to the image is under way."
    if kind in (ErrorKind.THROTTLED, ErrorKind.UNREACHABLE):
        return "It stayed so until the time was up: deploy again later."
    return ""
