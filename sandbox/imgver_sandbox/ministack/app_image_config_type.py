"""The CloudFormation type AWS::SageMaker::AppImageConfig."""

from typing import Any

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceType


class AppImageConfigType(ResourceType):
    """The handler of AWS::SageMaker::AppImageConfig.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-appimageconfig.html
    """

    name = "AWS::SageMaker::AppImageConfig"
    required = ("AppImageConfigName",)
    optional = ("KernelGatewayImageConfig", "JupyterLabAppImageConfig", "CodeEditorAppImageConfig", "Tags")
    create_only = ("AppImageConfigName",)

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create an app image config."""
        name = properties["AppImageConfigName"]
        return name, self.call_create("CreateAppImageConfig", _parameters(properties), name)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:  # noqa: ARG002  the update sends all properties
        """Update an app image config."""
        return self.change("UpdateAppImageConfig", _parameters(new))

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the id is sufficient
        """Delete an app image config, if it exists."""
        self.delete_existing("DeleteAppImageConfig", {"AppImageConfigName": physical_id})


def _parameters(properties: Properties) -> dict[str, Any]:
    """Return the parameters of the API, in which environment variables are a map and not a list as in a template."""
    parameters = dict(properties)
    for name in ("JupyterLabAppImageConfig", "CodeEditorAppImageConfig"):
        container = properties.get(name, {}).get("ContainerConfig", {})
        if "ContainerEnvironmentVariables" in container:
            variables = {item["Key"]: item["Value"] for item in container["ContainerEnvironmentVariables"]}
            container = {**container, "ContainerEnvironmentVariables": variables}
            parameters[name] = {**properties[name], "ContainerConfig": container}
    return parameters
