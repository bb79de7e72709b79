"""The gateway to AWS, which is the only module that calls AWS.

Every call for a version contains its Version or Alias: without them the service uses the latest version.
The gateway retries temporary errors until the deadline, and raises all others as :class:`AwsServiceError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError
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
"""Seconds for which a denied call is retried, because a new policy may not have propagated yet."""

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
_TEMPORARY = (ErrorKind.BUSY, ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.DENIED)
_EVERY_KIND = frozenset(ErrorKind)

_ECR_URI = re.compile(
    r"(?P<registry>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


class ImageVersionDescription(NamedTuple):
    """An image version as DescribeImageVersion returns it. Fields that the service left out are empty strings.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeImageVersion.html
    """

    arn: ImageVersionArn
    image_arn: str
    status: str
    base_image: str
    container_image: str
    failure_reason: str
    created_at: float
    """Seconds since the epoch."""
    metadata: Mapping[str, str | bool]


class EcrImage(NamedTuple):
    """A container image as Amazon ECR returns it."""

    digest: str
    media_type: str
    """The media type of the manifest, or an empty string when the registry does not return it."""


CreateClient = Callable[[str, str | None], Any]
"""Returns the client of a service in a region. If the region is None, the function's own region is used."""


class AwsGateway:
    """The operations of SageMaker, Amazon ECR and CloudFormation that the handler needs."""

    def __init__(
        self,
        *,
        deadline: Deadline,
        log: JsonLogger,
        throttle_state: ThrottleState,
        create_client: CreateClient = clients.client,
    ) -> None:
        """Create the gateway of one invocation.

        Args:
            deadline: the time limit of all retries.
            log: receives one line per call.
            throttle_state: remembers throttled calls.
            create_client: returns the client for a call.
        """
        self._deadline = deadline
        self._log = log
        self._throttle_state = throttle_state
        self._create_client = create_client

    def is_throttled(self) -> bool:
        """Whether a call was throttled recently. Polls are then sent less often, to leave room for other calls."""
        return self._throttle_state.is_recent(self._deadline.now())

    def create(self, *, image_name: str, base_image: str, metadata: Mapping[str, str | bool], client_token: str) -> str:
        """Create an image version, or find the version that was created with the same token. Returns the raw ARN."""
        response = self._call_sagemaker(
            "CreateImageVersion",
            f"image {image_name}",
            {"ImageName": image_name, "BaseImage": base_image, "ClientToken": client_token, **metadata},
        )
        return str(response.get("ImageVersionArn", ""))

    def describe(self, arn: ImageVersionArn) -> ImageVersionDescription | None:
        """Describe a version. Returns None when the version or its image does not exist."""
        return self._describe(arn.image_name, {"Version": arn.version}, str(arn), arn)

    def describe_alias(self, image_name: str, alias: str) -> ImageVersionDescription | None:
        """Describe the version that has an alias. Returns None when no version has it."""
        return self._describe(image_name, {"Alias": alias}, f"alias {alias} of image {image_name}")

    def list_versions(self, image_name: str) -> dict[ImageVersionArn, str]:
        """List all versions of an image, with their statuses."""
        versions = self._list("ListImageVersions", f"image {image_name}", {"ImageName": image_name}, "ImageVersions")
        parsed = ((ImageVersionArn.parse(each["ImageVersionArn"]), each["ImageVersionStatus"]) for each in versions)
        return {arn.with_image_name(image_name): status for arn, status in parsed if arn is not None}

    def list_aliases(self, arn: ImageVersionArn) -> list[str]:
        """List all aliases of a version."""
        return self._list("ListAliases", str(arn), _identifier(arn), "SageMakerImageVersionAliases")

    def update(self, arn: ImageVersionArn, changes: Mapping[str, str | bool | list[str]]) -> None:
        """Change the metadata of a version, or its aliases with AliasesToAdd and AliasesToDelete."""
        self._call_sagemaker("UpdateImageVersion", str(arn), {**_identifier(arn), **changes})

    def delete(self, arn: ImageVersionArn) -> None:
        """Start to delete a version. The caller decides about retries when the version is in use."""
        self._call_sagemaker("DeleteImageVersion", str(arn), _identifier(arn), not_retried={ErrorKind.BUSY})

    def describe_ecr_image(self, uri: str, *, retry: bool = True) -> EcrImage | None:
        """Describe the container image that Amazon ECR has for a URI. Returns None when it is not an ECR URI.

        Args:
            uri: the registry path of a container image.
            retry: whether temporary errors are retried. A denied call is never retried, since its result is optional.
        """
        match = _ECR_URI.fullmatch(uri)
        if match is None:
            return None
        by_digest = {"imageDigest": match["digest"]}
        by_tag = {"imageTag": match["tag"] or "latest"}
        response = self._call(
            self._create_client("ecr", match["region"]),
            "DescribeImages",
            uri,
            {
                "registryId": match["registry"],
                "repositoryName": match["repository"],
                "imageIds": [by_digest if match["digest"] else by_tag],
            },
            not_retried={ErrorKind.DENIED} if retry else _EVERY_KIND,
        )
        if not response["imageDetails"]:
            raise AwsServiceError(
                operation="DescribeImages",
                subject=uri,
                code="ImageNotFoundException",
                message="the response is empty",
                kind=ErrorKind.NOT_FOUND,
            )
        details = response["imageDetails"][0]
        return EcrImage(digest=details["imageDigest"], media_type=details.get("imageManifestMediaType", ""))

    def is_rolling_back(self, stack_id: str) -> bool:
        """Whether CloudFormation is rolling back a failed update of the stack."""
        response = self._call(
            self._create_client("cloudformation", None),
            "DescribeStacks",
            stack_id,
            {"StackName": stack_id},
            not_retried={ErrorKind.DENIED},
        )
        return str(response["Stacks"][0]["StackStatus"]).startswith("UPDATE_ROLLBACK")

    def _describe(
        self, image_name: str, identifier: Mapping[str, Any], subject: str, arn: ImageVersionArn | None = None
    ) -> ImageVersionDescription | None:
        try:
            response = self._call_sagemaker("DescribeImageVersion", subject, {"ImageName": image_name, **identifier})
        except AwsServiceError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise
        # The caller's ARN is a physical id: CloudFormation would treat another spelling as a replacement.
        arn = arn or ImageVersionArn.parse(response["ImageVersionArn"])
        if arn is None:
            raise AwsServiceError(
                operation="DescribeImageVersion",
                subject=subject,
                code="UnexpectedResponse",
                message=f"ImageVersionArn is {response['ImageVersionArn']!r}",
                kind=ErrorKind.FINAL,
            )
        return ImageVersionDescription(
            arn=arn.with_image_name(image_name),
            image_arn=response.get("ImageArn", ""),
            status=response.get("ImageVersionStatus", ""),
            base_image=response.get("BaseImage", ""),
            container_image=response.get("ContainerImage", ""),
            failure_reason=response.get("FailureReason", ""),
            created_at=response["CreationTime"].timestamp(),
            metadata={name: response[name] for name in METADATA if name in response},
        )

    def _list(self, operation: str, subject: str, parameters: Mapping[str, Any], field: str) -> list[Any]:
        response = self._call_sagemaker(operation, subject, parameters)
        items = list(response[field])
        while "NextToken" in response:
            response = self._call_sagemaker(operation, subject, {**parameters, "NextToken": response["NextToken"]})
            items += response[field]
        return items

    def _call_sagemaker(
        self,
        operation: str,
        subject: str,
        parameters: Mapping[str, Any],
        *,
        not_retried: Collection[ErrorKind] = (),
    ) -> dict[str, Any]:
        client = self._create_client("sagemaker", None)
        return self._call(client, operation, subject, parameters, not_retried=not_retried)

    def _call(
        self,
        client: Any,  # noqa: ANN401
        operation: str,
        subject: str,
        parameters: Mapping[str, Any],
        *,
        not_retried: Collection[ErrorKind],
    ) -> dict[str, Any]:
        method = getattr(client, xform_name(operation))
        backoff = self._deadline.backoff()
        while True:
            start = self._deadline.now()
            try:
                response: dict[str, Any] = method(**parameters)
            except (ClientError, BotoCoreError, ResponseParserError) as cause:
                error = _service_error(cause, operation, subject)
                self._log_call(operation, parameters, start, error.code)
                if error.kind is ErrorKind.THROTTLED:
                    self._throttle_state.record_throttle(self._deadline.now())
                still_denied = error.kind is ErrorKind.DENIED and backoff.seconds > ACCESS_DENIED_RETRY_LIMIT
                if error.kind in not_retried or error.kind not in _TEMPORARY or still_denied:
                    raise error from cause
                if not backoff.wait():
                    raise error from cause
            else:
                self._log_call(operation, parameters, start, "OK")
                return response

    def _log_call(self, operation: str, parameters: Mapping[str, Any], start: float, outcome: str) -> None:
        seconds = round(self._deadline.now() - start, 3)
        # The message repeats the outcome because the CDK CLI shows nothing but the message of a line.
        message = f"{operation}: {outcome}"
        self._log.info(message, operation=operation, parameters=parameters, outcome=outcome, seconds=seconds)


def _identifier(arn: ImageVersionArn) -> dict[str, Any]:
    return {"ImageName": arn.image_name, "Version": arn.version}


def _service_error(
    cause: ClientError | BotoCoreError | ResponseParserError, operation: str, subject: str
) -> AwsServiceError:
    if not isinstance(cause, ClientError):
        # The connection broke, or the response could not be parsed. Other errors of botocore are final.
        temporary = isinstance(cause, BotoConnectionError | HTTPClientError | ResponseParserError)
        code, message, kind = type(cause).__name__, str(cause), ErrorKind.UNREACHABLE if temporary else ErrorKind.FINAL
    else:
        details = cause.response.get("Error", {})
        code, message = details.get("Code") or "Unknown", details.get("Message") or "no reason given"
        kind = _error_kind(code, message, cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return AwsServiceError(operation=operation, subject=subject, code=code, message=message, kind=kind)


def _error_kind(code: str, message: str, status: int) -> ErrorKind:
    if code in _NOT_FOUND or (code == "ValidationException" and "does not exist" in message):
        return ErrorKind.NOT_FOUND
    # "Image … is in an invalid state" means that the image is still being created.
    if code in _BUSY or (code == "ValidationException" and "invalid state" in message):
        return ErrorKind.BUSY
    if code in _DENIED:
        return ErrorKind.DENIED
    if code in _THROTTLED or status in (429, 503):
        return ErrorKind.THROTTLED
    if code in _UNREACHABLE or status >= 500:  # noqa: PLR2004 (HTTP's server errors)
        return ErrorKind.UNREACHABLE
    return ErrorKind.FINAL
