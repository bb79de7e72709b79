"""The ARN of an image version."""

import pytest
from harness import ARN
from imgver_handler.aws.arn import ImageVersionArn

PREFIX = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/"


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"{PREFIX}data-science",
        f"{PREFIX}data-science/latest",
        "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science",
        "arn:aws:sagemaker:eu-west-1:12345678901:image-version/data-science/1",
        f"{PREFIX}data_science/1",
        f"{ARN}\n",
        f"{PREFIX}{'a' * (257 - len(PREFIX) - 2)}/1",
    ],
)
def test_values_that_are_not_an_image_version_arn(value):
    assert ImageVersionArn.parse(value) is None


@pytest.mark.parametrize(
    ("partition", "name", "version"),
    [
        ("aws", "data-science", 1),
        ("aws-cn", "Data.Science-2", 42),
        ("aws-iso-b", "d", 999999),
        ("aws", "a" * (256 - len(PREFIX) - 2), 1),
    ],
)
def test_an_arn_is_parsed_into_its_parts(partition, name, version):
    value = f"arn:{partition}:sagemaker:eu-west-1:123456789012:image-version/{name}/{version}"

    arn = ImageVersionArn.parse(value)

    assert arn == ImageVersionArn.from_parts(
        partition=partition, region="eu-west-1", account="123456789012", image_name=name, version=version
    )
    assert (str(arn), arn.partition, arn.image_name, arn.version) == (value, partition, name, version)


def test_the_spelling_of_the_name_does_not_change_the_value():
    arn = ImageVersionArn.parse(ARN).with_image_name("Data-Science")

    assert (arn.image_name, arn.value) == ("Data-Science", ARN)
