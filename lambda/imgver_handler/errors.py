"""The errors of the handler.

HandlerError            the event fails; the message is the reason that CloudFormation shows
└── AwsServiceError     an AWS call failed; its kind determines the reaction of the caller
"""

from __future__ import annotations

from enum import Enum


class HandlerError(Exception):
    """An error whose reason CloudFormation gets in a FAILED response."""

    def __init__(self, reason: str, *, physical_id: str = "") -> None:
        """Create the error.

        Args:
            reason: one or two sentences that name the failure, the resource, the cause and the remedy.
            physical_id: the physical id of the response. Default: the caller decides.
        """
        super().__init__(reason)
        self.reason = reason
        self.physical_id = physical_id


class ErrorKind(Enum):
    """The kinds of service errors, each of which callers treat in its own way."""

    NOT_FOUND = "not found"
    BUSY = "busy"
    """Another write to the image is running, or the image is still being created. The error is temporary."""
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    """The service or the connection failed, and whether the call had its effect is unknown."""
    DENIED = "denied"
    """IAM denied the call, either for good or because a new policy has not propagated yet."""
    FINAL = "final"


class AwsServiceError(HandlerError):
    """An AWS call that failed, or that got no usable response."""

    def __init__(
        self,
        *,
        operation: str,
        subject: str,
        code: str,
        message: str,
        kind: ErrorKind,
        never_reached: bool = False,
    ) -> None:
        """Create the error.

        Args:
            operation: the API operation.
            subject: the resource of the call.
            code: the error code of the service, or the class of the connection error.
            message: the error message.
            kind: the kind of error.
            never_reached: whether no call of the invocation has got a response from SageMaker.
        """
        message = message.removesuffix(".")
        remedy = _remedy(operation, code, message, kind, never_reached=never_reached)
        reason = f"{operation} failed for {subject}: {code}: {message}."
        super().__init__(f"{reason} {remedy}" if remedy else reason)
        self.code = code
        self.message = message
        self.kind = kind


_QUESTIONS = ("DescribeStacks", "DescribeStackResource", "DescribeImages")
"""The handler goes on without the response of these operations, so that a user has nothing to do."""


def _remedy(operation: str, code: str, message: str, kind: ErrorKind, *, never_reached: bool) -> str:
    if never_reached:
        return (
            "No call has reached this endpoint: check the VPC endpoint or the NAT gateway of the function's subnets, "
            "their DNS resolution, and the function's security groups."
        )
    if code == "ResourceLimitExceeded":
        return "Delete versions that are not used any more, or request a higher limit in Service Quotas."
    if kind is ErrorKind.NOT_FOUND and operation == "CreateImageVersion":
        return "Declare the image in this app as an Image, or correct image_name."
    if kind is ErrorKind.DENIED:
        return f"The function's role must allow the action for {operation} on this resource."
    if kind is ErrorKind.BUSY and operation == "DeleteImageVersion":
        return "Remove the version from domains, spaces and running apps, then delete it."
    if "InService App" in message:
        return "SageMaker refuses this change while apps run: stop the apps that the message names, then deploy again."
    if kind is ErrorKind.BUSY and operation in ("UpdateDomain", "UpdateUserProfile"):
        return (
            "The error lasted until the function's time was up: deploy again when no other change of the domain is "
            "running."
        )
    if kind is ErrorKind.BUSY:
        return (
            "The error lasted until the function's time was up: deploy again when no other write to the image is "
            "running."
        )
    if kind in (ErrorKind.THROTTLED, ErrorKind.UNREACHABLE) and operation not in _QUESTIONS:
        return "The error lasted until the function's time was up: deploy again later."
    return ""
