"""Custom::SageMakerImageAlias: an alias that CloudFormation's own ordering moves, and moves back.

The physical id is ``<ImageName>/<Alias>``, or ``<ImageName>/<Alias>/<N>`` when Create found the alias on version N:
Delete then hands it back, so that a rollback loses no alias. N is the declared version itself when that one, adopted
perhaps, had the alias before.
"""

from __future__ import annotations

from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersion
from imgver_handler.cloudformation.properties import ImageAliasProperties
from imgver_handler.cloudformation.request import Request
from imgver_handler.cloudformation.response import Result
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind, HandlerError
from imgver_handler.logging import JsonLogger


class ImageAliasResource:
    """Handles the events of one invocation."""

    def __init__(self, *, gateway: AwsGateway, deadline: Deadline, log: JsonLogger) -> None:  # noqa: ARG002 (made as the others)
        self._gateway = gateway
        self._log = log

    def create(self, request: Request) -> Result:
        """Point the alias at the declared version, taking it from the version that has it."""
        declared = ImageAliasProperties.parse(request.properties)
        owner = self._point(request, declared)
        return _outcome(_physical_id(declared, found_on=owner), declared)

    def update(self, request: Request) -> Result:
        """Move the alias; another image or another alias is a replacement."""
        declared = ImageAliasProperties.parse(request.properties)
        if not _is_about(request, declared):
            return self.create(request)
        self._point(request, declared)
        return _outcome(request.physical_resource_id, declared)

    def delete(self, request: Request) -> Result:
        """Remove the alias if it still points at the declared version, and hand it back to whom it was taken from."""
        declared = ImageAliasProperties.parse(request.properties)
        done = Result(physical_id=request.physical_resource_id)
        if not _is_about(request, declared):
            self._log.info("nothing to delete: the physical id is not this alias", physical_id=done.physical_id)
            return done
        if _former_owner(request) == declared.version:
            self._log.info("left alone: the alias was here before", alias=declared.alias)
            return done
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and owner.arn.version != declared.version:
            self._log.info("left alone: the alias was moved meanwhile", alias=declared.alias, owner=owner.arn.text)
            return done
        if owner is not None:
            self._remove(owner.arn, declared.alias)
        self._hand_back(request, declared)
        return done

    def _point(self, request: Request, declared: ImageAliasProperties) -> ImageVersion | None:
        """Point the alias at the declared version; answers the version that had it."""
        target = _arn(request, declared, declared.version)
        owner = self._gateway.describe_alias(declared.image_name, declared.alias)
        if owner is not None and owner.arn.version == declared.version:
            return owner
        # Whether adding an alias that another version holds moves it or fails is not documented, so never rely on it.
        if owner is not None:
            self._remove(owner.arn, declared.alias)
        try:
            self._add(target, declared.alias)
        except HandlerError as failure:
            if owner is None:
                raise
            physical_id = self._restore(owner, declared)
            raise HandlerError(failure.reason, physical_id=physical_id) from failure
        return owner

    def _restore(self, owner: ImageVersion, declared: ImageAliasProperties) -> str:
        """Put the alias back on its owner; answers the id under which CloudFormation's Delete does what is left."""
        try:
            self._add(owner.arn, declared.alias)
        except HandlerError as failure:
            self._log.error(
                "could not put the alias back", alias=declared.alias, arn=owner.arn.text, reason=failure.reason
            )
            return _physical_id(declared, found_on=owner)
        return _physical_id(declared)

    def _hand_back(self, request: Request, declared: ImageAliasProperties) -> None:
        former = _former_owner(request)
        if former is None:
            return
        previous = self._gateway.describe(_arn(request, declared, former))
        if previous is None or previous.status != "CREATED":
            self._log.info("not handed back: the version before is gone", alias=declared.alias, version=former)
            return
        self._add(previous.arn, declared.alias)

    def _add(self, arn: ImageVersionArn, alias: str) -> None:
        self._gateway.update(arn, {"AliasesToAdd": [alias]})

    def _remove(self, arn: ImageVersionArn, alias: str) -> None:
        try:
            self._gateway.update(arn, {"AliasesToDelete": [alias]})
        except AwsServiceError as failure:
            # The version went meanwhile, and the alias with it.
            if failure.kind is not ErrorKind.NOT_FOUND:
                raise


def _physical_id(declared: ImageAliasProperties, *, found_on: ImageVersion | None = None) -> str:
    alias = f"{declared.image_name}/{declared.alias}"
    return alias if found_on is None else f"{alias}/{found_on.arn.version}"


def _former_owner(request: Request) -> int | None:
    """The version that had the alias when Create came, as the physical id remembers it."""
    remembered = request.physical_resource_id.split("/")[2:]
    return int(remembered[0]) if remembered else None


def _is_about(request: Request, declared: ImageAliasProperties) -> bool:
    image_name, _, rest = request.physical_resource_id.partition("/")
    alias, _, former = rest.partition("/")
    known = not former or (former.isascii() and former.isdigit())
    return known and (image_name, alias) == (declared.image_name, declared.alias)


def _arn(request: Request, declared: ImageAliasProperties, version: int) -> ImageVersionArn:
    return ImageVersionArn.of(
        partition=request.partition,
        region=request.region,
        account=request.account,
        image_name=declared.image_name,
        version=version,
    )


def _outcome(physical_id: str, declared: ImageAliasProperties) -> Result:
    return Result(physical_id=physical_id, data={"Alias": declared.alias, "Version": str(declared.version)})
