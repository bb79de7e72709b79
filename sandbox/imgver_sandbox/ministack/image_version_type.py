"""The CloudFormation type AWS::SageMaker::ImageVersion, which behaves like AWS's handler, which is open source."""

import uuid

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType
from imgver_sandbox.sagemaker.image_versions import METADATA
from imgver_sandbox.sagemaker.service import ServiceError


class ImageVersionType(ResourceType):
    """The handler of AWS::SageMaker::ImageVersion.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-imageversion.html

    It does not retry after ResourceInUse, and does not report the reason of a failure.
    """

    name = "AWS::SageMaker::ImageVersion"
    required = ("ImageName", "BaseImage")
    optional = ("Alias", "Aliases", *sorted(METADATA))
    create_only = ("ImageName", "BaseImage")

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create a version and wait until it is created.

        A version that fails is deleted at once; on AWS, the rollback deletes it.
        """
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
            raise self._error("CREATE", name, error) from None
        version = self.wait_until_stable("DescribeImageVersion", _identifier(arn), "ImageVersionStatus")
        if version is None or version["ImageVersionStatus"] != "CREATED":
            self.delete(arn, properties)
            message = f"Error occurred during operation '{self.name} [{arn}] failed to create.'."
            raise ResourceHandlerError("GeneralServiceException", message)
        return arn, {name: version[name] for name in ("ImageVersionArn", "ImageArn", "ContainerImage", "Version")}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Update the metadata and the aliases whose declaration changed.

        Metadata that is no longer declared stays. Aliases are write-only: drift of the aliases is not detected.
        """
        identifier = _identifier(physical_id)
        changes: dict[str, object] = {name: new[name] for name in METADATA & new.keys() if new[name] != old.get(name)}
        wanted, previous = _aliases(new), _aliases(old)
        if set(wanted) != set(previous):
            current = self._current_aliases(identifier)
            changes["AliasesToAdd"] = [alias for alias in wanted if alias not in current]
            changes["AliasesToDelete"] = [alias for alias in previous if alias in current and alias not in wanted]
        if changes:
            try:
                self.call("UpdateImageVersion", {**identifier, **changes})
            except ServiceError as error:
                raise self._error("UPDATE", physical_id, error) from None
        version = self.change("DescribeImageVersion", identifier)
        return {name: version[name] for name in ("ImageVersionArn", "ImageArn", "ContainerImage", "Version")}

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete a version, unless it is deleted or being deleted, and wait until it is deleted."""
        identifier = _identifier(physical_id)
        try:
            if self.call("DescribeImageVersion", identifier)["ImageVersionStatus"] != "DELETING":
                self.call("DeleteImageVersion", identifier)
        except ServiceError as error:
            if error.code == "ResourceNotFound":
                return
            raise self._error("DELETE", properties["ImageName"], error) from None
        if self.wait_until_stable("DescribeImageVersion", identifier, "ImageVersionStatus") is not None:
            message = f"Resource of type '{self.name}' with identifier '{physical_id}' did not stabilize."
            raise ResourceHandlerError("NotStabilized", message)

    def _current_aliases(self, identifier: Properties) -> set[str]:
        """Return the aliases that a version has now."""
        aliases: set[str] = set()
        page: dict[str, str] = {}
        while True:
            response = self.change("ListAliases", {**identifier, **page, "MaxResults": 100})
            aliases.update(response["SageMakerImageVersionAliases"])
            if "NextToken" not in response:
                return aliases
            page = {"NextToken": response["NextToken"]}

    def _error(self, operation: str, identifier: str, error: ServiceError) -> ResourceHandlerError:
        if error.code == "ResourceInUse":
            # AWS reports "create" for a deletion, too.
            reason = f"Image: [{identifier}] is in use. Could not create new Image Version."
            message = f"Resource of type '{self.name}' with identifier '{identifier}' has a conflict. Reason: {reason}."
            return ResourceHandlerError("ResourceConflict", message)
        if "validation error detected" in error.message:
            return ResourceHandlerError("InvalidRequest", f"Invalid request provided: {operation}")
        return ResourceHandlerError("GeneralServiceException", f"Error occurred during operation '{operation}'.")


def _identifier(arn: str) -> dict[str, object]:
    """Return the parameters that identify the version with this ARN."""
    _, name, number = arn.split("/")
    return {"ImageName": name, "Version": int(number)}


def _aliases(properties: Properties) -> list[str]:
    alias = [properties["Alias"]] if "Alias" in properties else []
    return list(dict.fromkeys([*properties.get("Aliases", []), *alias]))
