"""AWS::SageMaker::Domain, as far as custom images go."""

from typing import Any

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType

_ATTRIBUTES = ("DomainArn", "DomainId", "HomeEfsFileSystemId", "Url")


class DomainType(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-domain.html"""

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
        """Make the domain and wait for it."""
        domain_id: str = self.change("CreateDomain", properties)["DomainId"]
        return domain_id, self._settled(domain_id)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  all is sent
        """Set what is declared."""
        parameters: dict[str, Any] = {**new, "DomainId": physical_id}
        settings = parameters.pop("DomainSettings", None)
        if settings is not None:
            names = {"RStudioServerProDomainSettings": "RStudioServerProDomainSettingsForUpdate"}
            renamed = {names.get(name, name): value for name, value in settings.items()}
            parameters["DomainSettingsForUpdate"] = renamed
        self.change("UpdateDomain", parameters)
        return self._settled(physical_id)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is all it takes
        """Delete the domain, if it is there, and wait until it is gone."""
        which = {"DomainId": physical_id}
        if self.settled("DescribeDomain", which, "Status") is not None:
            self.change("DeleteDomain", which)
            self.settled("DescribeDomain", which, "Status")

    def _settled(self, domain_id: str) -> Attributes:
        domain = self.settled("DescribeDomain", {"DomainId": domain_id}, "Status")
        if domain is None:
            message = f"Resource of type '{self.name}' with identifier '{domain_id}' was not found."
            raise ResourceHandlerError("NotFound", message)
        return {name: domain[name] for name in _ATTRIBUTES if name in domain}
