"""The gateway to AWS, which is the only module that calls AWS.

Every call for a version contains its Version or Alias: without them the service uses the latest version.
The gateway retries temporary errors until the deadline, and raises all others as :class:`AwsServiceError`.
A response without the members that the caller needs is a temporary error too: a proxy may have sent it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from imgver_handler.aws import clients
from imgver_handler.aws.arn import ImageVersionArn, VersionId
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

QUESTION_LIMIT = 30.0
"""Seconds that a call may take, with all retries, when the handler can go on without its response."""

NEVER_REACHED_LIMIT = 300.0
"""Seconds for which calls are retried in an invocation that has not got any HTTP response from SageMaker. The cause is
then the function's network or DNS, and waiting longer does not help."""

_NOT_FOUND = {"ResourceNotFound", "ResourceNotFoundException", "RepositoryNotFoundException", "ImageNotFoundException"}
_VALIDATION = {"ValidationException", "ValidationError"}
_BUSY = {"ResourceInUse", "ResourceInUseException", "ConflictException", "ConcurrentModificationException"}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidSignatureException",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
}
# botocore's retry tables contain most of these codes. The services send them with HTTP 400 too.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
_THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "Throttling.User",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
_UNREACHABLE = {
    "BadDigest",
    "IDPCommunicationError",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerErrorException",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceException",
    "ReplicatedWriteConflictException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "UnavailableException",
}
_TOO_MANY = re.compile(r"rate (limit )?exceeded|too many requests", re.IGNORECASE)
_TEMPORARY = (ErrorKind.BUSY, ErrorKind.THROTTLED, ErrorKind.UNREACHABLE, ErrorKind.DENIED)
_EVERY_KIND = frozenset(ErrorKind)

_NO_RESPONSE = (BotoConnectionError, HTTPClientError)
"""What botocore raises when it gets no HTTP response."""
_UNUSABLE_RESPONSE = (
    ResponseParserError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What botocore's parsers and the functions that read a response raise for a body that is not the documented one."""

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

    @property
    def identity(self) -> VersionId:
        """The identity of the version."""
        return VersionId(self.arn, self.created_at)


class EcrImage(NamedTuple):
    """A container image as Amazon ECR returns it."""

    digest: str
    media_type: str
    """The media type of the manifest, or an empty string when the registry does not return it."""


class ListedVersion(NamedTuple):
    """An image version as ListImageVersions returns it."""

    arn: ImageVersionArn
    status: str
    created_at: float
    """Seconds since the epoch."""


class StackDescription(NamedTuple):
    """A stack as DescribeStacks returns it."""

    status: str
    """``DELETE_COMPLETE`` when CloudFormation does not know the stack any more."""
    began_at: float | None
    """The start of the stack's last update, or its creation, in seconds since the epoch. None if it is not known."""
    failed_resources: frozenset[str] = frozenset()
    """The logical ids in the reason of the status: of the resources that failed or were cancelled."""


class SettingsTarget(NamedTuple):
    """The settings of a Studio domain or of one of its user profiles, which list the images that users can select."""

    domain_id: str
    user_profile_name: str
    """An empty string stands for the domain itself."""
    member: str
    """The name of the settings in the API: DefaultUserSettings, DefaultSpaceSettings or UserSettings."""

    @property
    def resource(self) -> str:
        """The kind of resource, as the names of its operations contain it."""
        return "UserProfile" if self.user_profile_name else "Domain"

    @property
    def identifier(self) -> dict[str, str]:
        """The parameters that identify the domain or the user profile."""
        profile = {"UserProfileName": self.user_profile_name} if self.user_profile_name else {}
        return {"DomainId": self.domain_id, **profile}

    def __str__(self) -> str:
        """Return the name of the domain or the user profile for messages."""
        domain = f"domain {self.domain_id}"
        return f"user profile {self.user_profile_name} of {domain}" if self.user_profile_name else domain


class StudioSettings(NamedTuple):
    """The settings of a domain or a user profile, with the status of that domain or user profile."""

    status: str
    failure_reason: str
    settings: Mapping[str, Any]
    """The settings exactly as the service returns them, including members that no SDK knows yet."""


T = TypeVar("T")
Response = Mapping[str, Any]

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
        self._start = deadline.now()
        self._sagemaker_responded = False
        self._silent: dict[str, AwsServiceError] = {}
        """The services that did not respond to a question in time, so that no other question is worth the time."""

    def until(self, deadline: Deadline) -> AwsGateway:
        """Return the same gateway with an earlier time limit of its retries."""
        earlier = copy(self)
        earlier._deadline = deadline
        return earlier

    def is_throttled(self) -> bool:
        """Whether a call was throttled recently. Polls are then sent less often, to leave room for other calls."""
        return self._throttle_state.is_recent(self._deadline.now())

    def create(self, *, image_name: str, base_image: str, metadata: Mapping[str, str | bool], client_token: str) -> str:
        """Create an image version, or find the version that was created with the same token. Returns the raw ARN."""
        subject = f"image {image_name}"
        return self._call(
            "sagemaker",
            "CreateImageVersion",
            subject,
            {"ImageName": image_name, "BaseImage": base_image, "ClientToken": client_token, **metadata},
            read=lambda response: _string(response, "ImageVersionArn"),
        )

    def describe(self, arn: ImageVersionArn) -> ImageVersionDescription | None:
        """Describe a version. Returns None when the version or its image does not exist."""
        return self._describe(arn.image_name, {"Version": arn.version}, str(arn), arn)

    def describe_alias(self, image_name: str, alias: str) -> ImageVersionDescription | None:
        """Describe the version that has an alias. Returns None when no version has it."""
        return self._describe(image_name, {"Alias": alias}, f"alias {alias} of image {image_name}")

    def list_versions(self, image_name: str, *, created_after: float | None = None) -> list[ListedVersion]:
        """List the versions of an image.

        Args:
            image_name: the image.
            created_after: the earliest creation time, in seconds since the epoch. Default: all versions.
        """

        def read(response: Response) -> list[ListedVersion]:
            parsed = [(ImageVersionArn.parse(each["ImageVersionArn"]), each) for each in response["ImageVersions"]]
            return [
                ListedVersion(arn.with_image_name(image_name), _string(each, "ImageVersionStatus"), _created_at(each))
                for arn, each in parsed
                if arn is not None
            ]

        parameters: dict[str, Any] = {"ImageName": image_name}
        if created_after is not None:
            parameters["CreationTimeAfter"] = datetime.fromtimestamp(created_after, UTC)
        listed = self._list("ListImageVersions", f"image {image_name}", parameters, read)
        # A service that repeats a token may repeat a page.
        return list({version.arn: version for version in listed}.values())

    def list_aliases(self, arn: ImageVersionArn) -> list[str]:
        """List all aliases of a version."""

        def read(response: Response) -> list[str]:
            return list(response["SageMakerImageVersionAliases"])

        return self._list("ListAliases", str(arn), _identifier(arn), read)

    def update(
        self, arn: ImageVersionArn, changes: Mapping[str, str | bool | list[str]], *, retries_busy: bool = True
    ) -> None:
        """Change the metadata of a version, or its aliases with AliasesToAdd and AliasesToDelete.

        Args:
            arn: the version.
            changes: the parameters of UpdateImageVersion.
            retries_busy: whether the call is repeated while the image is busy.
        """
        self._call(
            "sagemaker",
            "UpdateImageVersion",
            str(arn),
            {**_identifier(arn), **changes},
            read=lambda response: _string(response, "ImageVersionArn"),
            not_retried=() if retries_busy else {ErrorKind.BUSY},
        )

    def delete(self, arn: ImageVersionArn) -> None:
        """Start to delete a version. The caller decides about retries when the version is in use."""
        self._call(
            "sagemaker",
            "DeleteImageVersion",
            str(arn),
            _identifier(arn),
            read=lambda _response: None,
            not_retried={ErrorKind.BUSY},
        )

    def describe_settings(self, target: SettingsTarget) -> StudioSettings | None:
        """Describe the settings of a domain or a user profile. Returns None when it does not exist."""

        def read(response: Response) -> StudioSettings:
            return StudioSettings(
                status=_string(response, "Status"),
                failure_reason=response.get("FailureReason", ""),
                settings=dict(response.get(target.member, {})),
            )

        try:
            return self._call("sagemaker", f"Describe{target.resource}", str(target), target.identifier, read=read)
        except AwsServiceError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    def update_settings(self, target: SettingsTarget, changes: Mapping[str, Any]) -> None:
        """Change members of the settings of a domain or a user profile.

        No error is retried: the changes contain what was read before, and the caller must read it again.
        """
        self._call(
            "sagemaker",
            f"Update{target.resource}",
            str(target),
            {**target.identifier, target.member: changes},
            read=lambda response: _string(response, f"{target.resource}Arn"),
            not_retried=_EVERY_KIND,
        )

    def describe_ecr_image(self, uri: str, *, retry: bool = True) -> EcrImage | None:
        """Describe the container image that Amazon ECR has for a URI. Returns None when it is not an ECR URI.

        The call takes at most ``QUESTION_LIMIT``.

        Args:
            uri: the registry path of a container image.
            retry: whether temporary errors are retried. A denied call is never retried, since its result is optional.
        """
        match = _ECR_URI.fullmatch(uri)
        if match is None:
            return None
        by_digest = {"imageDigest": match["digest"]}
        by_tag = {"imageTag": match["tag"] or "latest"}

        def read(response: Response) -> EcrImage:
            if not response["imageDetails"]:
                raise AwsServiceError(
                    operation="DescribeImages",
                    subject=uri,
                    code="ImageNotFoundException",
                    message="the response is empty",
                    kind=ErrorKind.NOT_FOUND,
                )
            details = response["imageDetails"][0]
            return EcrImage(
                digest=_string(details, "imageDigest"), media_type=details.get("imageManifestMediaType", "")
            )

        return self._call(
            "ecr",
            "DescribeImages",
            uri,
            {
                "registryId": match["registry"],
                "repositoryName": match["repository"],
                "imageIds": [by_digest if match["digest"] else by_tag],
            },
            read=read,
            region=match["region"],
            not_retried={ErrorKind.DENIED} if retry else _EVERY_KIND,
            limit=QUESTION_LIMIT,
        )

    def describe_stack(self, stack_id: str) -> StackDescription:
        """Describe a stack. The call takes at most ``QUESTION_LIMIT``, and a denied call is not retried.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
        """

        def read(response: Response) -> StackDescription:
            stack = response["Stacks"][0]
            began_at = stack.get("LastUpdatedTime") or stack.get("CreationTime")
            # "The following resource(s) failed to create: [A, B]. The following resource(s) failed to update: [C]."
            lists = re.findall(r"failed to \w+: \[([^\]]*)\]", stack.get("StackStatusReason", ""))
            return StackDescription(
                status=_string(stack, "StackStatus"),
                began_at=began_at and began_at.timestamp(),
                failed_resources=frozenset(name.strip() for names in lists for name in names.split(",")),
            )

        try:
            return self._call(
                "cloudformation",
                "DescribeStacks",
                stack_id,
                {"StackName": stack_id},
                read=read,
                not_retried={ErrorKind.DENIED},
                limit=QUESTION_LIMIT,
            )
        except AwsServiceError as error:
            # CloudFormation describes a deleted stack for some months only.
            if error.kind is ErrorKind.NOT_FOUND:
                return StackDescription("DELETE_COMPLETE", None)
            raise

    def describe_stack_resource(self, stack_id: str, logical_id: str) -> str | None:
        """Return the physical id that a resource of a stack has now; None if the stack has no such resource.

        The call takes at most ``QUESTION_LIMIT``, and a denied call is not retried.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html
        """
        try:
            return self._call(
                "cloudformation",
                "DescribeStackResource",
                stack_id,
                {"StackName": stack_id, "LogicalResourceId": logical_id},
                read=lambda response: _string(response["StackResourceDetail"], "PhysicalResourceId"),
                not_retried={ErrorKind.DENIED},
                limit=QUESTION_LIMIT,
            )
        except AwsServiceError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    def _describe(
        self, image_name: str, identifier: Mapping[str, Any], subject: str, arn: ImageVersionArn | None = None
    ) -> ImageVersionDescription | None:
        def read(response: Response) -> ImageVersionDescription:
            # The caller's ARN is a physical id: CloudFormation would treat another spelling as a replacement.
            described = arn or ImageVersionArn.parse(response["ImageVersionArn"])
            if described is None:
                raise AwsServiceError(
                    operation="DescribeImageVersion",
                    subject=subject,
                    code="UnexpectedResponse",
                    message=f"ImageVersionArn is {response['ImageVersionArn']!r}",
                    kind=ErrorKind.FINAL,
                )
            return ImageVersionDescription(
                arn=described.with_image_name(image_name),
                image_arn=response.get("ImageArn", ""),
                status=_string(response, "ImageVersionStatus"),
                base_image=response.get("BaseImage", ""),
                container_image=response.get("ContainerImage", ""),
                failure_reason=str(response.get("FailureReason", "")),
                created_at=_created_at(response),
                metadata={name: response[name] for name in METADATA if name in response},
            )

        parameters = {"ImageName": image_name, **identifier}
        try:
            return self._call("sagemaker", "DescribeImageVersion", subject, parameters, read=read)
        except AwsServiceError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    def _list(
        self, operation: str, subject: str, parameters: Mapping[str, Any], read: Callable[[Response], list[T]]
    ) -> list[T]:
        def read_page(response: Response) -> tuple[list[T], str]:
            return read(response), str(response.get("NextToken", ""))

        items, token = self._call("sagemaker", operation, subject, parameters, read=read_page)
        used = {""}
        # A repeated token would start the same pages again.
        while token not in used:
            used.add(token)
            if not self._deadline.wait(0):
                raise AwsServiceError(
                    operation=operation,
                    subject=subject,
                    code="IncompleteList",
                    message="the service returned more pages than could be read",
                    kind=ErrorKind.UNREACHABLE,
                )
            page, token = self._call(
                "sagemaker", operation, subject, {**parameters, "NextToken": token}, read=read_page
            )
            items += page
        return items

    def _call(
        self,
        service: str,
        operation: str,
        subject: str,
        parameters: Mapping[str, Any],
        *,
        read: Callable[[Response], T],
        region: str | None = None,
        not_retried: Collection[ErrorKind] = (),
        limit: float = math.inf,
    ) -> T:
        """Call an operation, and retry temporary errors.

        Args:
            service: the service.
            operation: the operation.
            subject: the resource, as error messages name it.
            parameters: the parameters of the operation.
            read: returns what the caller needs of the response. If it raises, the response is not usable.
            region: the region of the service. Default: the function's own.
            not_retried: the kinds of temporary errors that are raised at once.
            limit: the seconds that all attempts may take together. Default: until the deadline.
        """
        is_question = limit < math.inf
        if is_question and service in self._silent:
            raise self._silent[service]
        method = getattr(self._create_client(service, region), xform_name(operation))
        backoff = self._deadline.backoff()
        end = self._deadline.now() + limit
        while True:
            start = self._deadline.now()
            try:
                result = read(method(**parameters))
            except (ClientError, BotoCoreError, *_UNUSABLE_RESPONSE) as cause:
                never_reached = self._has_never_reached(service, cause)
                error = _service_error(cause, operation, subject, never_reached=never_reached)
                self._log_call(operation, parameters, start, error.code)
                if error.kind is ErrorKind.THROTTLED:
                    self._throttle_state.record_throttle(self._deadline.now())
                if error.kind in not_retried or not is_temporary(error, backoff.seconds):
                    raise error from cause
                # The next attempt may take its timeouts, or longer: a name may have several addresses.
                attempt = max(clients.ATTEMPT_TIMEOUT, self._deadline.now() - start)
                last_end = self._start + NEVER_REACHED_LIMIT if never_reached else end
                if not backoff.wait(not_after=last_end - attempt):
                    if is_question and error.kind is ErrorKind.UNREACHABLE:
                        self._silent[service] = error
                    raise error from cause
            else:
                self._sagemaker_responded |= service == "sagemaker"
                self._log_call(operation, parameters, start, "OK")
                return result

    def _has_never_reached(self, service: str, cause: Exception) -> bool:
        """Whether a call did not reach SageMaker, and no call before it has in this invocation."""
        if service != "sagemaker":
            return False
        # Any other exception means that there was a response.
        self._sagemaker_responded |= not isinstance(cause, BotoCoreError)
        return isinstance(cause, _NO_RESPONSE) and not self._sagemaker_responded

    def _log_call(self, operation: str, parameters: Mapping[str, Any], start: float, outcome: str) -> None:
        seconds = round(self._deadline.now() - start, 3)
        # The message repeats the outcome because the CDK CLI shows nothing but the message of a line.
        message = f"{operation}: {outcome}"
        self._log.info(message, operation=operation, parameters=parameters, outcome=outcome, seconds=seconds)


def is_temporary(error: AwsServiceError, seconds: float) -> bool:
    """Whether a call may succeed when it is repeated.

    Args:
        error: the error of the call.
        seconds: the seconds since the first attempt.
    """
    is_denied_for_good = error.kind is ErrorKind.DENIED and seconds > ACCESS_DENIED_RETRY_LIMIT
    return error.kind in _TEMPORARY and not is_denied_for_good


def _identifier(arn: ImageVersionArn) -> dict[str, Any]:
    return {"ImageName": arn.image_name, "Version": arn.version}


def _string(response: Response, name: str) -> str:
    """A member that the caller cannot do without."""
    value = response[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {value!r}")
    return value


def _created_at(response: Response) -> float:
    return float(response["CreationTime"].timestamp())


def _service_error(cause: Exception, operation: str, subject: str, *, never_reached: bool) -> AwsServiceError:
    kind = ErrorKind.UNREACHABLE
    code, message = type(cause).__name__, str(cause)
    if isinstance(cause, ClientError):
        details = cause.response.get("Error", {})
        code, message = details.get("Code") or "Unknown", details.get("Message") or "no reason given"
        kind = _error_kind(code, message, cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    elif isinstance(cause, BotoCoreError) and not isinstance(cause, _NO_RESPONSE):
        # botocore could not send the call, for example because it has no credentials.
        kind = ErrorKind.FINAL
    elif not isinstance(cause, BotoCoreError):
        code, message = "UnusableResponse", f"{code}: {message}"
    return AwsServiceError(
        operation=operation, subject=subject, code=code, message=message, kind=kind, never_reached=never_reached
    )


def _error_kind(code: str, message: str, status: int) -> ErrorKind:
    # Waiting does not stop the apps that keep a domain from being changed.
    if "InService App" in message:
        return ErrorKind.FINAL
    if code in _NOT_FOUND or (code in _VALIDATION and "does not exist" in message):
        return ErrorKind.NOT_FOUND
    # "Image … is in an invalid state" means that the image is still being created.
    if code in _BUSY or (code in _VALIDATION and "invalid state" in message):
        return ErrorKind.BUSY
    if code in _DENIED:
        return ErrorKind.DENIED
    if code in _THROTTLED or code.startswith("Throttl") or _TOO_MANY.search(message) or status in (429, 503, 509):
        return ErrorKind.THROTTLED
    if code in _UNREACHABLE or status == 408 or status >= 500:  # noqa: PLR2004 (HTTP's timeout and server errors)
        return ErrorKind.UNREACHABLE
    return ErrorKind.FINAL
