"""AWS::SageMaker::ImageVersion, to compare with: it does what AWS's own handler does, which is open source."""

import uuid

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType
from imgver_sandbox.sagemaker.image_versions import METADATA
from imgver_sandbox.sagemaker.service import ServiceError


class ImageVersionType(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-imageversion.html

    ResourceInUse is not waited out, and the reason of a failure is not told.
    """

    name = "AWS::SageMaker::ImageVersion"
    required = ("ImageName", "BaseImage")
    optional = ("Alias", "Aliases", *sorted(METADATA))
    create_only = ("ImageName", "BaseImage")

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Make a version and wait for it. One that fails is deleted at once, which AWS leaves to the rollback."""
        parameters = {name: properties[name] for name in (*self.required, *METADATA) if name in properties}
        name = properties["ImageName"]
        try:
            arn: str = self.call(
                "CreateImageVersion",
                {**parameters, "ClientToken": str(uuid.uuid4()), "Aliases": _aliases(properties)},
            )["ImageVersionArn"]
        except ServiceError as error:
            if error.code == "ResourceNotFound":
                message = f"Invalid request provided: Image: [{name}] not found. Failed to create Image Version"
                raise ResourceHandlerError("InvalidRequest", message) from None
            raise self._refused("CREATE", name, error) from None
        version = self.settled("DescribeImageVersion", _which(arn), "ImageVersionStatus")
        if version is None or version["ImageVersionStatus"] != "CREATED":
            self.delete(arn, properties)
            message = f"Error occurred during operation '{self.name} [{arn}] failed to create.'."
            raise ResourceHandlerError("GeneralServiceException", message)
        return arn, {name: version[name] for name in ("ImageVersionArn", "ImageArn", "ContainerImage", "Version")}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Set the metadata and the aliases that are declared otherwise than before.

        Metadata that is declared no more stays. Aliases are write-only: those that others gave or took away are not
        noticed.
        """
        which = _which(physical_id)
        changes: dict[str, object] = {name: new[name] for name in METADATA & new.keys() if new[name] != old.get(name)}
        wanted, declared = _aliases(new), _aliases(old)
        if set(wanted) != set(declared):
            held = self._held(which)
            changes["AliasesToAdd"] = [alias for alias in wanted if alias not in held]
            changes["AliasesToDelete"] = [alias for alias in declared if alias in held and alias not in wanted]
        if changes:
            try:
                self.call("UpdateImageVersion", {**which, **changes})
            except ServiceError as error:
                raise self._refused("UPDATE", physical_id, error) from None
        version = self.change("DescribeImageVersion", which)
        return {name: version[name] for name in ("ImageVersionArn", "ImageArn", "ContainerImage", "Version")}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the version unless it is gone or going, and wait until it is gone."""
        which = _which(physical_id)
        try:
            if self.call("DescribeImageVersion", which)["ImageVersionStatus"] != "DELETING":
                self.call("DeleteImageVersion", which)
        except ServiceError as error:
            if error.code == "ResourceNotFound":
                return
            raise self._refused("DELETE", properties["ImageName"], error) from None
        if self.settled("DescribeImageVersion", which, "ImageVersionStatus") is not None:
            message = f"Resource of type '{self.name}' with identifier '{physical_id}' did not stabilize."
            raise ResourceHandlerError("NotStabilized", message)

    def _held(self, which: Properties) -> set[str]:
        """The aliases of a version."""
        held: set[str] = set()
        page: dict[str, str] = {}
        while True:
            answer = self.change("ListAliases", {**which, **page, "MaxResults": 100})
            held.update(answer["SageMakerImageVersionAliases"])
            if "NextToken" not in answer:
                return held
            page = {"NextToken": answer["NextToken"]}

    def _refused(self, operation: str, identifier: str, error: ServiceError) -> ResourceHandlerError:
        if error.code == "ResourceInUse":
            # It says "create" of a deletion, too.
            reason = f"Image: [{identifier}] is in use. Could not create new Image Version."
            message = f"Resource of type '{self.name}' with identifier '{identifier}' has a conflict. Reason: {reason}."
            return ResourceHandlerError("ResourceConflict", message)
        if "validation error detected" in error.message:
            return ResourceHandlerError("InvalidRequest", f"Invalid request provided: {operation}")
        return ResourceHandlerError("GeneralServiceException", f"Error occurred during operation '{operation}'.")


def _which(arn: str) -> dict[str, object]:
    """The parameters that name the version with that ARN."""
    _, name, number = arn.split("/")
    return {"ImageName": name, "Version": int(number)}


def _aliases(properties: Properties) -> list[str]:
    alias = [properties["Alias"]] if "Alias" in properties else []
    return list(dict.fromkeys([*properties.get("Aliases", []), *alias]))
