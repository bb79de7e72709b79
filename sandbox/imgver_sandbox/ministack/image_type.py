"""The CloudFormation type AWS::SageMaker::Image."""

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceType

_PARAMETERS = {
    "ImageName": "ImageName",
    "ImageRoleArn": "RoleArn",
    "ImageDisplayName": "DisplayName",
    "ImageDescription": "Description",
}


class ImageType(ResourceType):
    """The handler of AWS::SageMaker::Image.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-image.html
    """

    name = "AWS::SageMaker::Image"
    required = ("ImageName", "ImageRoleArn")
    optional = ("ImageDisplayName", "ImageDescription", "Tags")
    create_only = ("ImageName",)
    has_tags = True

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Create an image and wait until it is created. An image that fails is deleted."""
        self.change("CreateImage", {**_parameters(properties), "Tags": properties.get("Tags", [])})
        try:
            arn = self._wait(properties["ImageName"])
        except ValueError:
            self.delete("", properties)
            raise
        return arn, {"ImageArn": arn}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Update the declared properties and tags, and delete those that are no longer declared."""
        parameters = _parameters(new)
        removed = _parameters(old).keys() - parameters.keys()
        if parameters != _parameters(old):
            self.change("UpdateImage", {**parameters, **({"DeleteProperties": sorted(removed)} if removed else {})})
            self._wait(new["ImageName"])
        self.update_tags(physical_id, old["Tags"], new["Tags"])
        return {"ImageArn": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  the name identifies the image
        """Delete an image with its versions, if it exists, and wait until it is deleted."""
        identifier = {"ImageName": properties["ImageName"]}
        if self.wait_until_stable("DescribeImage", identifier, "ImageStatus") is not None:
            self.change("DeleteImage", identifier)
            self._wait(properties["ImageName"])

    def _wait(self, name: str) -> str:
        """Return the ARN of the stable image, or "" if it does not exist. Raises ValueError if it has failed."""
        image = self.wait_until_stable("DescribeImage", {"ImageName": name}, "ImageStatus")
        if image is None:
            return ""
        if image["ImageStatus"] != "CREATED":
            raise ValueError(f"image {name} is {image['ImageStatus']}: {image.get('FailureReason', 'no reason given')}")
        return str(image["ImageArn"])


def _parameters(properties: Properties) -> dict[str, str]:
    """Return the properties under their names in the API."""
    return {_PARAMETERS[name]: value for name, value in properties.items() if name in _PARAMETERS}
