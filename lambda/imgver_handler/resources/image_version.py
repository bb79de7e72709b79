"""Custom::SageMakerImageVersion: creates, updates, replaces, adopts, archives and deletes image versions.

=======  ==========================================================================================================
event    what happens
=======  ==========================================================================================================
Create   a version is created, or the adopted one checked; the answer waits until it is CREATED
Update   the declared state is compared with the version itself, never with the old properties: after a failed
         update CloudFormation sends a second one with the two sets of properties swapped, and then the version
         already is what is asked for. What cannot be changed in place becomes a new version with a new physical
         id; CloudFormation then deletes the old one. Only a Create adopts: no rollback has to take an adoption back
Delete   the version is deleted or archived, but only if it is this resource's to delete
=======  ==========================================================================================================
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersion
from imgver_handler.cloudformation.properties import ARCHIVE, ImageVersionProperties, adopted_version, on_delete
from imgver_handler.cloudformation.request import Request
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger
from imgver_handler.resources import failure_hints as diagnosis
from imgver_handler.resources.deletion import delete_version

CREATE_ATTEMPTS = 5
"""Client tokens tried by one event, each after a dead version was found behind the one before."""

POLLS_BEFORE_GONE = 4
"""Polls that must miss a version just created before it counts as gone: reads may lag behind writes."""

CLEANUP_TIME_BUDGET = 90.0
"""Seconds kept back in an update for deleting the new version when it fails."""

CLOCKS_DIFFER = 10.0
"""Seconds by which a version may seem older than it is: clocks differ, and times of the API are rounded. Lambda waits
longer than that before it delivers an event again."""

_TOKEN_NAMESPACE = uuid.UUID("5f0a6f0e-6f5c-5d0c-9a53-0d2a3f5d6f5b")

_UNSET: Mapping[str, str | bool] = {"VendorGuidance": "NOT_PROVIDED", "Horovod": False}
"""The metadata that has a value for "not declared"; the rest cannot be unset, only replaced with its version."""


_NOT_WORTH_KEEPING = ("CREATE_FAILED", "DELETE_FAILED", "DELETING")


class ImageVersionResource:
    """Handles the events of one invocation."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:
        self._gateway = gateway
        self._deadline = deadline
        self._log = log

    def create(self, request: Request) -> Result:
        """Create the declared version, or take over the one that is to be adopted."""
        declared = ImageVersionProperties.parse(request.properties)
        if declared.adopted_version is not None:
            return self._adopt(request, declared, declared.adopted_version)
        return _outcome(self._create(request, declared, self._deadline), declared)

    def update(self, request: Request) -> Result:
        """Make the version what is declared, in place where the API allows it."""
        declared = ImageVersionProperties.parse(request.properties)
        arn = ImageVersionArn.parse(request.physical_resource_id)
        if arn is not None and not arn.is_of_image(declared.image_name):
            arn = None
        adopted = declared.adopted_version
        known = () if arn is None else (arn.version, adopted_version(request.old_properties))
        # A rollback is not refused: it brings a declaration back whose adoption is long done.
        if adopted is not None and adopted not in known and not self._is_rolling_back(request, "nothing is adopted"):
            raise HandlerError(
                f"cannot adopt version {adopted} of image {declared.image_name}: this resource stands for "
                f"{request.physical_resource_id} already, and would lose it. Declare another ImageVersion to adopt it."
            )
        if arn is None:
            return self._replace(request, declared, "ImageName changed")
        current = self._settled(arn.addressed_as(declared.image_name))
        if current is None:
            return self._replace(request, declared, "the version is gone")
        reason = self._replacement_reason(request, declared, current)
        if reason is not None:
            return self._replace(request, declared, reason)
        changes = _changes(current, declared, request.old_properties)
        if changes:
            self._gateway.update(current.arn, changes)
        return _outcome(current, declared)

    def delete(self, request: Request) -> Result:
        """Delete or archive the version behind the physical id, if it is this resource's to delete."""
        kept = Result(physical_id=request.physical_resource_id)
        arn = ImageVersionArn.parse(request.physical_resource_id)
        if arn is None:
            self._log.info("nothing to delete: the physical id is no image version", physical_id=kept.physical_id)
            return kept
        _refuse_foreign(arn, request)
        arn = arn.addressed_as(request.properties.get("ImageName", arn.image_name))
        archives = on_delete(request.properties) == ARCHIVE
        if adopted_version(request.properties) == arn.version:
            self._log.info("left alone: the version was adopted, not created", arn=arn.text)
            return kept
        version = self._settled(arn) if archives else self._gateway.describe(arn)
        if version is None:
            self._log.info("nothing to delete: the version is gone", arn=arn.text)
        elif version.created_at >= request.sent_by:
            # Lambda may deliver an event twice, and the service may give the number of a deleted version again.
            self._log.warning("left alone: a younger version has its number", arn=arn.text)
        elif archives and version.status not in _NOT_WORTH_KEEPING:
            self._archive(arn)
        else:
            delete_version(arn, gateway=self._gateway, deadline=self._deadline)
        return kept

    def _adopt(self, request: Request, declared: ImageVersionProperties, number: int) -> Result:
        arn = ImageVersionArn.of(
            partition=request.partition,
            region=request.region,
            account=request.account,
            image_name=declared.image_name,
            version=number,
        )
        version = self._gateway.describe(arn)
        if version is None:
            raise HandlerError(
                f"cannot adopt {arn}: it does not exist. Correct adopt_version, or leave it out to create one."
            )
        if version.status != "CREATED":
            raise HandlerError(
                f"cannot adopt {arn}: its status is {version.status}, not CREATED. Adopt another version."
            )
        if version.base_image != declared.base_image:
            raise HandlerError(
                f"cannot adopt {arn}: its base image is {version.base_image}, not {declared.base_image}. "
                "Declare the base image that the version has; change it in a later deployment."
            )
        differing = sorted(_changes(version, declared, {}))
        if differing:
            self._log.warning("the adopted version differs until the next update", arn=arn.text, metadata=differing)
        return _outcome(version, declared)

    def _create(self, request: Request, declared: ImageVersionProperties, deadline: Deadline) -> ImageVersion:
        began = deadline.now() - CLOCKS_DIFFER
        dead: list[ImageVersionArn] = []
        try:
            for attempt in range(CREATE_ATTEMPTS):
                arn = self._started(request, declared, attempt)
                try:
                    version = self._created(arn, declared, began, deadline)
                except AwsServiceError as failure:
                    # It could not be looked at, but it is there, and would be nobody's.
                    failure.physical_id = arn.text
                    raise
                if version is None:
                    self._log.warning("found a dead version behind the client token", arn=arn.text, attempt=attempt)
                elif version.status == "CREATED":
                    return version
                else:
                    dead.append(arn)
        finally:
            # Only now: the number of a deleted version may be given again, and its token still answers that number.
            for arn in dead:
                self._remove_quietly(arn, deadline)
        raise HandlerError(
            f"CreateImageVersion of image {declared.image_name} answered dead versions {CREATE_ATTEMPTS} times. "
            "Deploy again."
        )

    def _started(self, request: Request, declared: ImageVersionProperties, attempt: int) -> ImageVersionArn:
        try:
            answer = self._gateway.create(
                image_name=declared.image_name,
                base_image=declared.base_image,
                metadata=declared.metadata,
                client_token=client_token(request, attempt),
            )
        except AwsServiceError as failure:
            hint = diagnosis.of_refusal(failure, declared.base_image, self._gateway)
            raise HandlerError(f"{failure.reason} {hint}".rstrip()) from failure
        arn = ImageVersionArn.parse(answer)
        if arn is None:
            raise HandlerError(
                f"CreateImageVersion of image {declared.image_name} answered {answer!r}, which is no image version "
                "ARN. Look for a new version of the image and delete it."
            )
        return arn.addressed_as(declared.image_name)

    def _created(
        self, arn: ImageVersionArn, declared: ImageVersionProperties, began: float, deadline: Deadline
    ) -> ImageVersion | None:
        """Wait until the version is CREATED.

        A version that is dead at first sight was made by an earlier delivery of the event. It is answered if there is
        something left to delete, and None if not: also when its number has been given to somebody else's version.
        """
        alive = False
        misses = 0
        for _ in deadline.polls(throttled=self._gateway.is_throttled):
            version = self._gateway.describe(arn)
            if version is None:
                misses += 1
                if alive:
                    raise HandlerError(f"{arn} was deleted while it was being created. Deploy again.")
                if misses == POLLS_BEFORE_GONE:
                    return None
            elif not alive and version.created_at < began and version.base_image != declared.base_image:
                return None
            elif version.status == "CREATED":
                return version
            elif alive and version.status in ("DELETING", "DELETE_FAILED"):
                raise HandlerError(f"{arn} was deleted while it was being created. Deploy again.", physical_id=arn.text)
            elif version.status == "DELETING":
                return None
            elif version.status == "DELETE_FAILED":
                return version
            elif version.status == "CREATE_FAILED":
                if not alive and version.created_at < began:
                    return version
                hint = diagnosis.of_failed_creation(version, self._gateway)
                raise HandlerError(
                    f"{arn} could not be created: {version.failure_reason.removesuffix('.')}. {hint}".rstrip(),
                    physical_id=arn.text,
                )
            else:
                # CREATING, or a status that this release does not know.
                alive = True
        raise HandlerError(
            f"{arn} was not CREATED before the function's time was up. Deploy again; if it happens again, look at the "
            "version in SageMaker.",
            physical_id=arn.text,
        )

    def _replace(self, request: Request, declared: ImageVersionProperties, why: str) -> Result:
        self._log.info("replacing the image version", physical_id=request.physical_resource_id, why=why)
        try:
            return _outcome(self._create(request, declared, self._deadline.keeping(CLEANUP_TIME_BUDGET)), declared)
        except HandlerError as failure:
            # CloudFormation keeps the old version and never hears of the new one, so nobody else would delete it.
            orphan = ImageVersionArn.parse(failure.physical_id)
            reason = failure.reason
            if orphan is not None:
                reason += self._remove_quietly(orphan.addressed_as(declared.image_name), self._deadline)
            raise HandlerError(reason) from failure

    def _remove_quietly(self, arn: ImageVersionArn, deadline: Deadline) -> str:
        """Delete a version that nothing will ever refer to; what remains to be done if that fails, or nothing."""
        try:
            delete_version(arn, gateway=self._gateway, deadline=deadline)
        except HandlerError as failure:
            self._log.error("could not delete a version that nothing uses", arn=arn.text, reason=failure.reason)
            return f" The new version is still there and must be deleted by hand: {failure.reason}"
        return ""

    def _replacement_reason(
        self, request: Request, declared: ImageVersionProperties, current: ImageVersion
    ) -> str | None:
        """Why the declared state needs a new version; None when the version can be made what is declared."""
        if current.status != "CREATED":
            return f"the version is {current.status}"
        if current.base_image != declared.base_image:
            return "BaseImage changed"
        stuck = [
            name
            for name in current.metadata
            if name in request.old_properties and name not in declared.metadata and name not in _UNSET
        ]
        if stuck and not self._is_rolling_back(request, f"{', '.join(stuck)} cannot be unset"):
            return f"{', '.join(stuck)} cannot be unset"
        if declared.follows_tag and self._tag_moved(request, current):
            return "the tag names another container image"
        return None

    def _tag_moved(self, request: Request, current: ImageVersion) -> bool:
        try:
            image = self._gateway.container_image(current.base_image)
        except AwsServiceError as failure:
            if failure.kind is not ErrorKind.NOT_FOUND:
                self._log.warning("the tag was not compared", base_image=current.base_image, reason=failure.reason)
                return False
            if self._is_rolling_back(request, "the tag is gone"):
                return False
            raise HandlerError(
                f"cannot follow {current.base_image}: {failure.message}. Push the tag again, or declare another one."
            ) from failure
        if image is None:
            self._log.warning("the tag was not compared: this is no ECR address", base_image=current.base_image)
            return False
        moved = not current.container_image.endswith(f"@{image.digest}")
        return moved and not self._is_rolling_back(request, "the tag names another container image")

    def _is_rolling_back(self, request: Request, finding: str) -> bool:
        """Whether this update takes back a failed one.

        A rollback must end with the version it began with: what is not in the stack's template any more, such as a
        moved tag, is no reason for a new version then, and what depends on the version would not hear of a new one.
        """
        try:
            rolling_back = self._gateway.is_rolling_back(request.stack_id)
        except AwsServiceError as failure:
            self._log.warning("taken for no rollback: CloudFormation did not say", reason=failure.reason)
            return False
        if rolling_back:
            self._log.warning("decided for a rollback", finding=finding)
        return rolling_back

    def _settled(self, arn: ImageVersionArn) -> ImageVersion | None:
        version = self._gateway.describe(arn)
        if version is None or version.status != "CREATING":
            return version
        for _ in self._deadline.polls(throttled=self._gateway.is_throttled):
            version = self._gateway.describe(arn)
            if version is None or version.status != "CREATING":
                return version
        raise HandlerError(f"{arn} was still CREATING when the function's time was up. Deploy again.")

    def _archive(self, arn: ImageVersionArn) -> None:
        try:
            self._gateway.update(arn, {"VendorGuidance": "ARCHIVED"})
        except AwsServiceError as failure:
            if failure.kind is not ErrorKind.NOT_FOUND:
                raise


def client_token(request: Request, attempt: int) -> str:
    """The same for every delivery of one event, another for every other event."""
    name = f"{request.stack_id}|{request.logical_resource_id}|{request.request_id}|{attempt}"
    return str(uuid.uuid5(_TOKEN_NAMESPACE, name))


def _changes(
    current: ImageVersion, declared: ImageVersionProperties, old_properties: Mapping[str, Any]
) -> dict[str, str | bool | list[str]]:
    """The metadata that UpdateImageVersion has to set: what differs from the version, declared or to be unset."""
    unset = {name: value for name, value in _UNSET.items() if name in old_properties and name in current.metadata}
    wanted = {**unset, **declared.metadata}
    return {name: value for name, value in wanted.items() if current.metadata.get(name) != value}


def _refuse_foreign(arn: ImageVersionArn, request: Request) -> None:
    if (arn.partition, arn.region, arn.account) != (request.partition, request.region, request.account):
        raise HandlerError(
            f"{arn} is of another account or region than the stack {request.stack_id}: nothing was deleted."
        )
    image_name = request.properties.get("ImageName")
    if image_name is not None and not arn.is_of_image(image_name):
        raise HandlerError(
            f"{arn} is no version of the image {image_name} that the resource names: nothing was deleted."
        )


def _outcome(version: ImageVersion, declared: ImageVersionProperties) -> Result:
    return Result(
        physical_id=version.arn.text,
        data={
            "ImageVersionArn": version.arn.text,
            "ImageArn": version.image_arn,
            "ImageName": declared.image_name,
            "Version": str(version.arn.version),
            "BaseImage": version.base_image,
            "ContainerImage": version.container_image,
        },
    )
