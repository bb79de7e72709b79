"""AWS::SageMaker::AppImageConfig."""

from typing import Any

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceHandlerError, ResourceType, refusal
from imgver_sandbox.sagemaker.service import ServiceError


class AppImageConfigType(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-appimageconfig.html"""

    name = "AWS::SageMaker::AppImageConfig"
    required = ("AppImageConfigName",)
    optional = ("KernelGatewayImageConfig", "JupyterLabAppImageConfig", "CodeEditorAppImageConfig", "Tags")
    create_only = ("AppImageConfigName",)

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Make it."""
        name = properties["AppImageConfigName"]
        try:
            answer = self.call("CreateAppImageConfig", _parameters(properties))
        except ServiceError as error:
            if error.code != "ResourceInUse":
                raise refusal(error) from None
            message = f"Resource of type '{self.name}' with identifier '{name}' already exists."
            raise ResourceHandlerError("AlreadyExists", message) from None
        return name, answer

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  all is sent
        """Set what is declared."""
        return self.change("UpdateAppImageConfig", _parameters(new))

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is all it takes
        """Delete it, if it is there."""
        try:
            self.call("DeleteAppImageConfig", {"AppImageConfigName": physical_id})
        except ServiceError as error:
            if error.code != "ResourceNotFound":
                raise refusal(error) from None


def _parameters(properties: Properties) -> dict[str, Any]:
    """What the API takes: environment variables are a map there, and a list of keys and values in a template."""
    parameters = dict(properties)
    for name in ("JupyterLabAppImageConfig", "CodeEditorAppImageConfig"):
        container = properties.get(name, {}).get("ContainerConfig", {})
        if "ContainerEnvironmentVariables" in container:
            variables = {item["Key"]: item["Value"] for item in container["ContainerEnvironmentVariables"]}
            container = {**container, "ContainerEnvironmentVariables": variables}
            parameters[name] = {**properties[name], "ContainerConfig": container}
    return parameters
