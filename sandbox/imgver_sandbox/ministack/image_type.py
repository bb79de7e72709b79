"""AWS::SageMaker::Image."""

from imgver_sandbox.ministack.resource_type import Attributes, Properties, ResourceType

_PARAMETERS = {
    "ImageName": "ImageName",
    "ImageRoleArn": "RoleArn",
    "ImageDisplayName": "DisplayName",
    "ImageDescription": "Description",
}


class ImageType(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-image.html"""

    name = "AWS::SageMaker::Image"
    required = ("ImageName", "ImageRoleArn")
    optional = ("ImageDisplayName", "ImageDescription", "Tags")
    create_only = ("ImageName",)

    def create(self, properties: Properties) -> tuple[str, Attributes]:
        """Make the image and wait for it. One that fails is deleted again."""
        tags = {"Tags": properties["Tags"]} if "Tags" in properties else {}
        self.change("CreateImage", _parameters(properties) | tags)
        try:
            arn = self._settled(properties["ImageName"])
        except ValueError:
            self.delete("", properties)
            raise
        return arn, {"ImageArn": arn}

    def update(self, physical_id: str, old: Properties, new: Properties) -> Attributes:
        """Set what is declared, and delete what is declared no more."""
        parameters = _parameters(new)
        removed = _parameters(old).keys() - parameters.keys()
        self.change("UpdateImage", {**parameters, **({"DeleteProperties": sorted(removed)} if removed else {})})
        self._settled(new["ImageName"])
        return {"ImageArn": physical_id}

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002  an image is known by its name
        """Delete the image with its versions, and wait until it is gone."""
        which = {"ImageName": properties["ImageName"]}
        if self.settled("DescribeImage", which, "ImageStatus") is not None:
            self.change("DeleteImage", which)
            self._settled(properties["ImageName"])

    def _settled(self, name: str) -> str:
        """The image's ARN. Raises ValueError when it has failed, and answers nothing when it is gone."""
        image = self.settled("DescribeImage", {"ImageName": name}, "ImageStatus")
        if image is None:
            return ""
        if image["ImageStatus"] != "CREATED":
            raise ValueError(f"image {name} is {image['ImageStatus']}: {image.get('FailureReason', 'no reason given')}")
        return str(image["ImageArn"])


def _parameters(properties: Properties) -> dict[str, str]:
    """What the API calls the properties."""
    return {_PARAMETERS[name]: value for name, value in properties.items() if name in _PARAMETERS}
