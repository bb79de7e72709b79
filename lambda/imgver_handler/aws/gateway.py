"""The gateway to AWS: the only module that calls it.

Every call on a version names the version: without Version or Alias the service takes the latest one.
Temporary errors are waited out here, inside the deadline; what remains is raised as a :class:`AwsServiceError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from imgver_handler.aws import clients
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind
from imgver_handler.logging import JsonLogger

METADATA = (
    "Horovod",
    "JobType",
    "MLFramework",
    "Processor",
    "ProgrammingLang",
    "ReleaseNotes",
    "VendorGuidance",
)
"""The parameters of CreateImageVersion that UpdateImageVersion can change."""

ACCESS_DENIED_RETRY_LIMIT = 30.0
"""Seconds for which a refusal may be a new policy that has not spread yet."""

_NOT_FOUND = {"ResourceNotFound", "ResourceNotFoundException", "RepositoryNotFoundException", "ImageNotFoundException"}
_BUSY = {"ResourceInUse", "ResourceInUseException", "ConflictException"}
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
}
_UNREACHABLE = {"InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "RequestTimeout"}
_TRANSIENT = (ErrorKind.BUSY, ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.DENIED)
_EVERY_KIND = frozenset(ErrorKind)

_ECR_URI = re.compile(
    r"(?P<registry>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


class ImageVersion(NamedTuple):
    """An image version as DescribeImageVersion answers it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeImageVersion.html
    """

    arn: ImageVersionArn
    image_arn: str
    status: str
    base_image: str
    container_image: str
    failure_reason: str
    created_at: float
    metadata: Mapping[str, str | bool]


class ContainerImage(NamedTuple):
    """A container image as ECR has it now."""

    digest: str
    media_type: str


ClientFactory = Callable[[str, str | None], Any]
"""Makes a client of a service in a region (None: the function's own)."""


class AwsGateway:
    """SageMaker's image versions, ECR's answer to which image a tag names, and what CloudFormation is about."""

    def __init__(
        self,
        *,
        deadline: Deadline,
        log: JsonLogger,
        throttle_state: ThrottleState,
        make_client: ClientFactory = clients.client,
    ) -> None:
        self._deadline = deadline
        self._log = log
        self._throttle_state = throttle_state
        self._make_client = make_client
        self._clients: dict[tuple[str, str | None], Any] = {}

    def is_throttled(self) -> bool:
        """Whether a call was throttled lately: then a look that can wait should, since it takes another call's turn."""
        return self._throttle_state.is_recent(self._deadline.now())

    def create(self, *, image_name: str, base_image: str, metadata: Mapping[str, str | bool], client_token: str) -> str:
        """Create an image version; the same token gives the same version. Answers its ARN, unchecked."""
        answer = self._sagemaker(
            "CreateImageVersion",
            f"image {image_name}",
            {"ImageName": image_name, "BaseImage": base_image, "ClientToken": client_token, **metadata},
        )
        return str(answer.get("ImageVersionArn", ""))

    def describe(self, arn: ImageVersionArn) -> ImageVersion | None:
        """The version as it is now; None when it, or its image, does not exist."""
        return self._describe(arn.image_name, {"Version": arn.version}, str(arn), arn)

    def describe_alias(self, image_name: str, alias: str) -> ImageVersion | None:
        """The version that holds ``alias``; None when none does."""
        return self._describe(image_name, {"Alias": alias}, f"alias {alias} of image {image_name}")

    def versions(self, image_name: str) -> dict[ImageVersionArn, str]:
        """Every version of an image with its status."""
        listed = self._pages("ListImageVersions", f"image {image_name}", {"ImageName": image_name}, "ImageVersions")
        found = ((ImageVersionArn.parse(one["ImageVersionArn"]), one["ImageVersionStatus"]) for one in listed)
        return {arn.addressed_as(image_name): status for arn, status in found if arn is not None}

    def aliases(self, arn: ImageVersionArn) -> list[str]:
        """Every alias of a version."""
        return self._pages("ListAliases", str(arn), _which(arn), "SageMakerImageVersionAliases")

    def update(self, arn: ImageVersionArn, changes: Mapping[str, str | bool | list[str]]) -> None:
        """Change metadata, or AliasesToAdd and AliasesToDelete, of a version."""
        self._sagemaker("UpdateImageVersion", str(arn), {**_which(arn), **changes})

    def delete(self, arn: ImageVersionArn) -> None:
        """Begin to delete a version. Waiting for what is busy is left to the caller, who knows for what."""
        self._sagemaker("DeleteImageVersion", str(arn), _which(arn), give_up_on={ErrorKind.BUSY})

    def container_image(self, uri: str, *, patient: bool = True) -> ContainerImage | None:
        """What ECR has under ``uri`` now; None when ``uri`` is no ECR address.

        Args:
            uri: the registry path of a container image.
            patient: whether temporary errors are waited out; a denial never is, since callers can do without.
        """
        found = _ECR_URI.fullmatch(uri)
        if found is None:
            return None
        by_digest = {"imageDigest": found["digest"]}
        by_tag = {"imageTag": found["tag"] or "latest"}
        answer = self._call(
            self._connected("ecr", found["region"]),
            "DescribeImages",
            uri,
            {
                "registryId": found["registry"],
                "repositoryName": found["repository"],
                "imageIds": [by_digest if found["digest"] else by_tag],
            },
            give_up_on={ErrorKind.DENIED} if patient else _EVERY_KIND,
        )
        if not answer["imageDetails"]:
            raise AwsServiceError(
                operation="DescribeImages",
                subject=uri,
                code="ImageNotFoundException",
                message="the answer is empty",
                kind=ErrorKind.NOT_FOUND,
            )
        details = answer["imageDetails"][0]
        return ContainerImage(digest=details["imageDigest"], media_type=details.get("imageManifestMediaType", ""))

    def is_rolling_back(self, stack_id: str) -> bool:
        """Whether CloudFormation is taking the stack back to what it was before a failed update."""
        answer = self._call(
            self._connected("cloudformation", None),
            "DescribeStacks",
            stack_id,
            {"StackName": stack_id},
            give_up_on={ErrorKind.DENIED},
        )
        return str(answer["Stacks"][0]["StackStatus"]).startswith("UPDATE_ROLLBACK")

    def _describe(
        self, image_name: str, which: Mapping[str, Any], subject: str, arn: ImageVersionArn | None = None
    ) -> ImageVersion | None:
        try:
            answer = self._sagemaker("DescribeImageVersion", subject, {"ImageName": image_name, **which})
        except AwsServiceError as failure:
            if failure.kind is ErrorKind.NOT_FOUND:
                return None
            raise
        # The spelling of the caller's ARN is kept: it is a physical id, and another one would be a replacement.
        arn = arn or ImageVersionArn.parse(answer["ImageVersionArn"])
        if arn is None:
            raise AwsServiceError(
                operation="DescribeImageVersion",
                subject=subject,
                code="UnexpectedAnswer",
                message=f"ImageVersionArn is {answer['ImageVersionArn']!r}",
                kind=ErrorKind.FINAL,
            )
        return ImageVersion(
            arn=arn.addressed_as(image_name),
            image_arn=answer.get("ImageArn", ""),
            status=answer.get("ImageVersionStatus", ""),
            base_image=answer.get("BaseImage", ""),
            container_image=answer.get("ContainerImage", ""),
            failure_reason=answer.get("FailureReason", ""),
            created_at=answer["CreationTime"].timestamp(),
            metadata={name: answer[name] for name in METADATA if name in answer},
        )

    def _pages(self, operation: str, subject: str, parameters: Mapping[str, Any], field: str) -> list[Any]:
        answer = self._sagemaker(operation, subject, parameters)
        found = list(answer[field])
        while "NextToken" in answer:
            answer = self._sagemaker(operation, subject, {**parameters, "NextToken": answer["NextToken"]})
            found += answer[field]
        return found

    def _sagemaker(
        self,
        operation: str,
        subject: str,
        parameters: Mapping[str, Any],
        *,
        give_up_on: Collection[ErrorKind] = (),
    ) -> dict[str, Any]:
        return self._call(self._connected("sagemaker", None), operation, subject, parameters, give_up_on=give_up_on)

    def _connected(self, service: str, region: str | None) -> Any:  # noqa: ANN401
        if (service, region) not in self._clients:
            self._clients[service, region] = self._make_client(service, region)
        return self._clients[service, region]

    def _call(
        self,
        client: Any,  # noqa: ANN401
        operation: str,
        subject: str,
        parameters: Mapping[str, Any],
        *,
        give_up_on: Collection[ErrorKind],
    ) -> dict[str, Any]:
        method = getattr(client, xform_name(operation))
        backoff = self._deadline.backoff()
        while True:
            began = self._deadline.now()
            try:
                answer: dict[str, Any] = method(**parameters)
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                failure = _failure(error, operation, subject)
                self._report(operation, parameters, began, failure.code)
                if failure.kind is ErrorKind.THROTTLED:
                    self._throttle_state.record_throttle(self._deadline.now())
                tired_of_denial = failure.kind is ErrorKind.DENIED and backoff.seconds > ACCESS_DENIED_RETRY_LIMIT
                if failure.kind in give_up_on or failure.kind not in _TRANSIENT or tired_of_denial:
                    raise failure from error
                if not backoff.wait():
                    raise failure from error
            else:
                self._report(operation, parameters, began, "OK")
                return answer

    def _report(self, operation: str, parameters: Mapping[str, Any], began: float, result: str) -> None:
        seconds = round(self._deadline.now() - began, 3)
        # The CDK CLI shows the message of a line and nothing else.
        message = f"{operation}: {result}"
        self._log.info(message, operation=operation, parameters=parameters, result=result, seconds=seconds)


def _which(arn: ImageVersionArn) -> dict[str, Any]:
    return {"ImageName": arn.image_name, "Version": arn.version}


def _failure(error: ClientError | BotoCoreError | ResponseParserError, operation: str, subject: str) -> AwsServiceError:
    if not isinstance(error, ClientError):
        # The connection broke or the answer was no answer; anything else botocore raises stays as it is.
        temporary = isinstance(error, NoConnection | HTTPClientError | ResponseParserError)
        code, message, kind = type(error).__name__, str(error), ErrorKind.UNREACHABLE if temporary else ErrorKind.FINAL
    else:
        described = error.response.get("Error", {})
        code, message = described.get("Code") or "Unknown", described.get("Message") or "no reason given"
        kind = _kind(code, message, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return AwsServiceError(operation=operation, subject=subject, code=code, message=message, kind=kind)


def _kind(code: str, message: str, status: int) -> ErrorKind:
    if code in _NOT_FOUND or (code == "ValidationException" and "does not exist" in message):
        return ErrorKind.NOT_FOUND
    # "Image X is in an invalid state": the image is still being made.
    if code in _BUSY or (code == "ValidationException" and "invalid state" in message):
        return ErrorKind.BUSY
    if code in _DENIED:
        return ErrorKind.DENIED
    if code in _THROTTLED or status in (429, 503):
        return ErrorKind.THROTTLED
    if code in _UNREACHABLE or status >= 500:  # noqa: PLR2004 (HTTP's server errors)
        return ErrorKind.UNREACHABLE
    return ErrorKind.FINAL
