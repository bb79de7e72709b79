"""Custom::SageMakerImageAlias: an alias of an image version.

An alias is a separate resource, so that CloudFormation moves it to a new version, and back again in a rollback. The
physical id is ``<ImageName>/<Alias>``, or ``<ImageName>/<Alias>/<N>`` when Create found the alias on version N. Delete
then gives the alias back to that version, so that a rollback loses no alias. N is the declared version itself when that
version already had the alias, for example because it was adopted.
"""

from __future__ import annotations

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription
from imgver_handler.cloudformation.properties import ImageAliasProperties
from imgver_handler.cloudformation.request import CustomResourceRequest
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger


class ImageAliasResource:
    """Handles the events of one invocation."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:  # noqa: ARG002 (all resources have the same arguments)
        """Handle the events through ``gateway``, until ``deadline``."""
        self._gateway = gateway
        self._log = log

    def create(self, request: CustomResourceRequest) -> Result:
        """Move the alias to the declared version, from whichever version has it."""
        declared = ImageAliasProperties.parse(request.properties)
        previous_owner = self._move(request, declared)
        return _result(_physical_id(declared, found_on=previous_owner), declared)

    def update(self, request: CustomResourceRequest) -> Result:
        """Move the alias to the declared version. Another image or another alias is a replacement."""
        declared = ImageAliasProperties.parse(request.properties)
        if not _identifies(request, declared):
            return self.create(request)
        self._move(request, declared)
        return _result(request.physical_resource_id, declared)

    def delete(self, request: CustomResourceRequest) -> Result:
        """Remove the alias if the declared version still has it, and give it back to its previous owner."""
        declared = ImageAliasProperties.parse(request.properties)
        result = Result(physical_id=request.physical_resource_id)
        if not _identifies(request, declared):
            self._log.info("nothing to delete: the physical id is not this alias", physical_id=result.physical_id)
            return result
        if _previous_owner(request) == declared.version:
            self._log.info("retained: the version had the alias before this resource", alias=declared.alias)
            return result
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and owner.arn.version != declared.version:
            self._log.info("retained: another version has the alias now", alias=declared.alias, owner=owner.arn.value)
            return result
        if owner is not None:
            self._remove(owner.arn, declared.alias)
        self._give_back(request, declared)
        return result

    def _move(self, request: CustomResourceRequest, declared: ImageAliasProperties) -> ImageVersionDescription | None:
        """Move the alias to the declared version. Returns the version that had it before."""
        target = _arn(request, declared, declared.version)
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and owner.arn.version == declared.version:
            return owner
        # It is not documented whether adding an alias that another version has moves it or fails.
        if owner is not None:
            self._remove(owner.arn, declared.alias)
        try:
            self._add(target, declared.alias)
        except HandlerError as error:
            if owner is None:
                raise
            physical_id = self._restore(owner, declared)
            raise HandlerError(error.reason, physical_id=physical_id) from error
        return owner

    def _restore(self, owner: ImageVersionDescription, declared: ImageAliasProperties) -> str:
        """Give the alias back to its owner. Returns the physical id for the Delete that follows."""
        try:
            self._add(owner.arn, declared.alias)
        except HandlerError as error:
            self._log.error(
                "could not give the alias back", alias=declared.alias, arn=owner.arn.value, reason=error.reason
            )
            return _physical_id(declared, found_on=owner)
        return _physical_id(declared)

    def _give_back(self, request: CustomResourceRequest, declared: ImageAliasProperties) -> None:
        number = _previous_owner(request)
        if number is None:
            return
        previous = self._gateway.describe(_arn(request, declared, number))
        if previous is None or previous.status != "CREATED":
            self._log.info("not given back: the previous version is gone", alias=declared.alias, version=number)
            return
        self._add(previous.arn, declared.alias)

    def _add(self, arn: ImageVersionArn, alias: str) -> None:
        self._gateway.update(arn, {"AliasesToAdd": [alias]})

    def _remove(self, arn: ImageVersionArn, alias: str) -> None:
        try:
            self._gateway.update(arn, {"AliasesToDelete": [alias]})
        except AwsServiceError as error:
            # The version was deleted in the meantime, which also removed its aliases.
            if error.kind is not ErrorKind.NOT_FOUND:
                raise


def _physical_id(declared: ImageAliasProperties, *, found_on: ImageVersionDescription | None = None) -> str:
    alias = f"{declared.image_name}/{declared.alias}"
    return alias if found_on is None else f"{alias}/{found_on.arn.version}"


def _previous_owner(request: CustomResourceRequest) -> int | None:
    """The version that had the alias before Create, from the physical id."""
    number = request.physical_resource_id.split("/")[2:]
    return int(number[0]) if number else None


def _identifies(request: CustomResourceRequest, declared: ImageAliasProperties) -> bool:
    """Whether the physical id is that of the declared alias."""
    image_name, _, rest = request.physical_resource_id.partition("/")
    alias, _, number = rest.partition("/")
    valid = not number or (number.isascii() and number.isdigit())
    return valid and (image_name, alias) == (declared.image_name, declared.alias)


def _arn(request: CustomResourceRequest, declared: ImageAliasProperties, version: int) -> ImageVersionArn:
    return ImageVersionArn.from_parts(
        partition=request.partition,
        region=request.region,
        account=request.account,
        image_name=declared.image_name,
        version=version,
    )


def _result(physical_id: str, declared: ImageAliasProperties) -> Result:
    return Result(physical_id=physical_id, data={"Alias": declared.alias, "Version": str(declared.version)})
