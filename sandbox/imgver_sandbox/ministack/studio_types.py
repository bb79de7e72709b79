"""The CloudFormation types of Studio, with the properties for custom images."""

from abc import abstractmethod
from typing import Any, ClassVar

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType


class _StudioType(ResourceType):
    """A type whose physical id is the values of the identifying properties, joined by `|`, as its schema says."""

    identifier: ClassVar[tuple[str, ...]]
    """The identifying properties in the order of the primaryIdentifier in the registry schema."""

    attributes: ClassVar[tuple[str, ...]]

    @property
    def resource(self) -> str:
        """The name of the resource in the operations of the API."""
        return self.name.rpartition("::")[2]

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create a resource and wait until it is in service. A resource that fails is deleted."""
        physical_id, response = self.begin_creation(properties)
        try:
            return physical_id, self._attributes(physical_id, response)
        except ResourceHandlerError:
            self.delete(physical_id, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  the update sends all properties
        """Update a resource and wait until it is in service."""
        parameters = self.changes(new)
        if parameters:
            self.change(f"Update{self.resource}", {**self._which(physical_id), **parameters})
        return self._attributes(physical_id, {})

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is sufficient
        """Delete a resource, if it exists, and wait until it is deleted."""
        which = self._which(physical_id)
        description = self.wait_until_stable(f"Describe{self.resource}", which, "Status")
        if description is not None and description["Status"] != "Deleted":
            self.change(f"Delete{self.resource}", which)
            self.wait_until_stable(f"Describe{self.resource}", which, "Status")

    def begin_creation(self, properties: Properties) -> tuple[str, Attributes]:
        """Call the operation that creates a resource. Returns its physical id and the response."""
        physical_id = "|".join(properties[name] for name in self.identifier)
        return physical_id, self.call_create(f"Create{self.resource}", properties, physical_id)

    @abstractmethod
    def changes(self, properties: Properties) -> dict[str, Any]:
        """The parameters of an update, without those that identify the resource; empty if there is no update."""

    def _which(self, physical_id: str) -> dict[str, str]:
        return dict(zip(self.identifier, physical_id.split("|"), strict=True))

    def _attributes(self, physical_id: str, response: Attributes) -> Attributes:
        described = response | self.wait_until_in_service(f"Describe{self.resource}", self._which(physical_id))
        return {name: described[name] for name in self.attributes if name in described}


class DomainType(_StudioType):
    """The handler of AWS::SageMaker::Domain, whose physical id is that of the domain.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-domain.html
    """

    name = "AWS::SageMaker::Domain"
    required = ("AuthMode", "DefaultUserSettings", "DomainName")
    optional = (
        *("AppNetworkAccessType", "AppSecurityGroupManagement", "DefaultSpaceSettings", "DomainSettings"),
        *("HomeEfsFileSystemCreation", "KmsKeyId", "SubnetIds", "TagPropagation", "Tags", "VpcId"),
    )
    create_only = ("AuthMode", "DomainName", "KmsKeyId")
    identifier = ("DomainId",)
    attributes = ("DomainArn", "DomainId", "HomeEfsFileSystemId", "Url")

    def begin_creation(self, properties: Properties) -> tuple[str, Attributes]:
        """Call CreateDomain, which assigns the id."""
        response = self.change("CreateDomain", properties)
        return response["DomainId"], response

    def changes(self, properties: Properties) -> dict[str, Any]:
        """All properties. UpdateDomain has other names for the settings of the domain."""
        parameters = dict(properties)
        settings = parameters.pop("DomainSettings", None)
        if settings is not None:
            names = {"RStudioServerProDomainSettings": "RStudioServerProDomainSettingsForUpdate"}
            renamed = {names.get(name, name): value for name, value in settings.items()}
            parameters["DomainSettingsForUpdate"] = renamed
        return parameters


class UserProfileType(_StudioType):
    """The handler of AWS::SageMaker::UserProfile.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-userprofile.html
    """

    name = "AWS::SageMaker::UserProfile"
    required = ("DomainId", "UserProfileName")
    optional = ("SingleSignOnUserIdentifier", "SingleSignOnUserValue", "Tags", "UserSettings")
    create_only = ("DomainId", "UserProfileName", "SingleSignOnUserIdentifier", "SingleSignOnUserValue")
    identifier = ("UserProfileName", "DomainId")
    attributes = ("UserProfileArn",)

    def changes(self, properties: Properties) -> dict[str, Any]:
        """The settings."""
        return {"UserSettings": properties.get("UserSettings", {})}


class SpaceType(_StudioType):
    """The handler of AWS::SageMaker::Space.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-space.html
    """

    name = "AWS::SageMaker::Space"
    required = ("DomainId", "SpaceName")
    optional = ("OwnershipSettings", "SpaceDisplayName", "SpaceSettings", "SpaceSharingSettings", "Tags")
    create_only = ("DomainId", "SpaceName", "OwnershipSettings", "SpaceSharingSettings")
    identifier = ("DomainId", "SpaceName")
    attributes = ("SpaceArn", "Url")

    def changes(self, properties: Properties) -> dict[str, Any]:
        """The name that Studio shows, and the settings without the app type, which the API does not update."""
        parameters = {name: properties[name] for name in ("SpaceDisplayName", "SpaceSettings") if name in properties}
        if "SpaceSettings" in parameters:
            settings = parameters["SpaceSettings"]
            parameters["SpaceSettings"] = {name: value for name, value in settings.items() if name != "AppType"}
        return parameters


class AppType(_StudioType):
    """The handler of AWS::SageMaker::App, an app of a user profile.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-app.html
    """

    name = "AWS::SageMaker::App"
    required = ("AppName", "AppType", "DomainId", "UserProfileName")
    optional = ("RecoveryMode", "ResourceSpec", "Tags")
    create_only = (*required, "ResourceSpec")
    identifier = required
    attributes = ("AppArn",)

    def changes(self, properties: Properties) -> dict[str, Any]:  # noqa: ARG002  the API has no UpdateApp
        """Nothing: only the tags change in place."""
        return {}


class StudioLifecycleConfigType(ResourceType):
    """The handler of AWS::SageMaker::StudioLifecycleConfig, of which every change is a replacement.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-studiolifecycleconfig.html
    """

    name = "AWS::SageMaker::StudioLifecycleConfig"
    required = ("StudioLifecycleConfigAppType", "StudioLifecycleConfigContent", "StudioLifecycleConfigName")
    optional = ("Tags",)
    create_only = (*required, *optional)

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create a lifecycle configuration."""
        name = properties["StudioLifecycleConfigName"]
        return name, self.call_create("CreateStudioLifecycleConfig", properties, name)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  there is no update
        """Return the attributes."""
        which = {"StudioLifecycleConfigName": physical_id}
        arn = self.change("DescribeStudioLifecycleConfig", which)["StudioLifecycleConfigArn"]
        return {"StudioLifecycleConfigArn": arn}

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is sufficient
        """Delete a lifecycle configuration, if it exists."""
        self.delete_existing("DeleteStudioLifecycleConfig", {"StudioLifecycleConfigName": physical_id})
