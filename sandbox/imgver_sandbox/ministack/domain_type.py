"""The CloudFormation type AWS::SageMaker::Domain, with the properties for custom images."""

from typing import Any

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType

_ATTRIBUTES = ("DomainArn", "DomainId", "HomeEfsFileSystemId", "Url")


class DomainType(ResourceType):
    """The handler of AWS::SageMaker::Domain.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-domain.html
    """

    name = "AWS::SageMaker::Domain"
    required = ("AuthMode", "DefaultUserSettings", "DomainName")
    optional = (
        "AppNetworkAccessType",
        "AppSecurityGroupManagement",
        "DefaultSpaceSettings",
        "DomainSettings",
        "HomeEfsFileSystemCreation",
        "KmsKeyId",
        "SubnetIds",
        "TagPropagation",
        "Tags",
        "VpcId",
    )
    create_only = ("AuthMode", "DomainName", "KmsKeyId")

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create a domain and wait until it is in service. A domain that fails is deleted."""
        domain_id: str = self.change("CreateDomain", properties)["DomainId"]
        try:
            return domain_id, self._attributes(domain_id)
        except ResourceHandlerError:
            self.delete(domain_id, properties)
            raise

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  the update sends all properties
        """Update a domain and wait until it is in service."""
        parameters: dict[str, Any] = {**new, "DomainId": physical_id}
        settings = parameters.pop("DomainSettings", None)
        if settings is not None:
            names = {"RStudioServerProDomainSettings": "RStudioServerProDomainSettingsForUpdate"}
            renamed = {names.get(name, name): value for name, value in settings.items()}
            parameters["DomainSettingsForUpdate"] = renamed
        self.change("UpdateDomain", parameters)
        return self._attributes(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is sufficient
        """Delete a domain, if it exists, and wait until it is deleted."""
        identifier = {"DomainId": physical_id}
        if self.wait_until_stable("DescribeDomain", identifier, "Status") is not None:
            self.change("DeleteDomain", identifier)
            self.wait_until_stable("DescribeDomain", identifier, "Status")

    def _attributes(self, domain_id: str) -> Attributes:
        domain = self.wait_until_in_service("DescribeDomain", {"DomainId": domain_id})
        return {name: domain[name] for name in _ATTRIBUTES if name in domain}
