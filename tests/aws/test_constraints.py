"""The constraints of the parameters of CreateImageVersion."""

import pytest
from target import code, message

LENGTH = "Member must have length less than or equal to "
PATTERN = "Member must satisfy regular expression pattern: "
VALUES = "Member must satisfy enum value set: "


@pytest.fixture(scope="module")
def image(target):
    """An image that never has a version."""
    return target.make_image("empty")


@pytest.mark.parametrize(
    ("parameter", "value", "constraint"),
    [
        ("ImageName", "a" + ".a" * 32, f"{LENGTH}63"),
        ("ImageName", "a--b", PATTERN),
        ("ImageName", "a_b", PATTERN),
        ("ImageName", "-a", PATTERN),
        ("BaseImage", "b" * 256, f"{LENGTH}255"),
        ("ClientToken", "t" * 37, f"{LENGTH}36"),
        ("ClientToken", "t_", PATTERN),
        ("Aliases", ["a" * 129], f"{LENGTH}128"),
        ("Aliases", [".a"], PATTERN),
        ("Aliases", ["fine", "a:b"], PATTERN),
        ("MLFramework", "PyTorch", PATTERN),
        ("MLFramework", "Py 1." + "1" * 124, f"{LENGTH}128"),
        ("ProgrammingLang", "Python  3.12", PATTERN),
        ("ReleaseNotes", "n" * 256, f"{LENGTH}255"),
        ("JobType", "BOTH", VALUES),
        ("Processor", "TPU", VALUES),
        ("VendorGuidance", "NONE", VALUES),
    ],
)
def test_a_value_out_of_bounds_is_refused(target, image, parameter, value, constraint):
    parameters = {"ImageName": image, "BaseImage": target.base_image, parameter: value}

    error = target.refusal("create_image_version", **parameters)

    assert code(error) == "ValidationException"
    assert message(error).startswith("1 validation error detected: Value ")
    path = parameter[0].lower() + parameter[1:]
    assert f" at '{path}' failed to satisfy constraint: " in message(error)
    assert constraint in message(error)
    assert target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"] == []


def test_values_on_the_bounds_are_accepted(target):
    values = {
        "MLFramework": "A" * 64 + " 1." + "1" * 61,
        "ProgrammingLang": "Python3.12.1",
        "ReleaseNotes": "n" * 255,
        "JobType": "NOTEBOOK_KERNEL",
        "Processor": "CPU",
        "VendorGuidance": "TO_BE_ARCHIVED",
    }
    image = target.make_image(name=target.name().ljust(63, "x"))

    number = target.make_version(image, ClientToken="t" * 36, Aliases=["a" * 128, "1.0_-"], **values)

    version = target.describe(image, number)
    assert {parameter: version[parameter] for parameter in values} == values
    assert target.aliases(image, Version=number) == ["1.0_-", "a" * 128]
