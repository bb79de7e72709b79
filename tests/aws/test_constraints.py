"""What each parameter of the operations on image versions may be."""

import re

import pytest
from target import code, message


@pytest.fixture(scope="module")
def image(target):
    """An image that no version is made of."""
    return target.make_image("empty")


@pytest.mark.parametrize(
    ("parameters", "path", "constraint"),
    [
        ({"ImageName": "a" + ".a" * 32}, "imageName", "Member must have length less than or equal to 63"),
        ({"ImageName": "a--b"}, "imageName", "Member must satisfy regular expression pattern: "),
        ({"ImageName": "a_b"}, "imageName", "Member must satisfy regular expression pattern: "),
        ({"ImageName": "-a"}, "imageName", "Member must satisfy regular expression pattern: "),
        ({"BaseImage": "b" * 256}, "baseImage", "Member must have length less than or equal to 255"),
        ({"ClientToken": "t" * 37}, "clientToken", "Member must have length less than or equal to 36"),
        ({"ClientToken": "t_"}, "clientToken", "Member must satisfy regular expression pattern: "),
        ({"Aliases": ["a" * 129]}, "aliases", "Member must have length less than or equal to 128"),
        ({"Aliases": [".a"]}, "aliases", "Member must satisfy regular expression pattern: "),
        ({"Aliases": ["fine", "a:b"]}, "aliases", "Member must satisfy regular expression pattern: "),
        ({"MLFramework": "PyTorch"}, "mLFramework", "Member must satisfy regular expression pattern: "),
        ({"MLFramework": "Py 1." + "1" * 124}, "mLFramework", "Member must have length less than or equal to 128"),
        ({"ProgrammingLang": "Python  3.12"}, "programmingLang", "Member must satisfy regular expression pattern: "),
        ({"ReleaseNotes": "n" * 256}, "releaseNotes", "Member must have length less than or equal to 255"),
        ({"JobType": "BOTH"}, "jobType", "Member must satisfy enum value set: "),
        ({"Processor": "TPU"}, "processor", "Member must satisfy enum value set: "),
        ({"VendorGuidance": "NONE"}, "vendorGuidance", "Member must satisfy enum value set: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_value_out_of_bounds_is_refused(target, image, parameters, path, constraint):
    error = target.refusal("create_image_version", **{"ImageName": image, "BaseImage": target.base_image, **parameters})

    assert code(error) == "ValidationException"
    assert message(error).startswith("1 validation error detected: Value ")
    assert f" at '{path}' failed to satisfy constraint: " in message(error)
    assert constraint in message(error)
    assert target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"] == []


def test_all_that_is_wrong_is_told(target, image):
    error = target.refusal(
        "create_image_version", ImageName=image, BaseImage=target.base_image, Processor="TPU", JobType="BOTH"
    )

    assert code(error) == "ValidationException"
    assert message(error).startswith("2 validation errors detected: ")
    assert set(re.findall(r" at '(\w+)' failed to satisfy constraint: ", message(error))) == {"processor", "jobType"}


def test_values_on_the_bounds_are_accepted(target):
    name = target.name().ljust(63, "x")
    values = {
        "MLFramework": "A" * 64 + " 1." + "1" * 61,
        "ProgrammingLang": "Python3.12.1",
        "ReleaseNotes": "n" * 255,
        "JobType": "NOTEBOOK_KERNEL",
        "Processor": "CPU",
        "VendorGuidance": "TO_BE_ARCHIVED",
    }
    target.make_named_image(name)

    number = target.make_version(name, ClientToken="t" * 36, Aliases=["a" * 128, "1.0_-"], **values)

    version = target.describe(name, number)
    assert {parameter: version[parameter] for parameter in values} == values
    assert target.aliases(name, Version=number) == ["1.0_-", "a" * 128]
    assert len(version["ImageVersionArn"]) <= 256
