"""The rules of the API. Loaded from their file: the package's own import would bring the CDK along."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest

PACKAGE = Path(__file__).parents[3] / "imgver_constructs"
# What `import imgver_constructs._validation.rules` needs of its package when that is not to be imported.
WITHOUT_THE_PACKAGE = (
    "import sys, types\n"
    "package = types.ModuleType('imgver_constructs')\n"
    f"package.__path__ = [{str(PACKAGE)!r}]\n"
    "sys.modules['imgver_constructs'] = package\n"
)
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ALIAS_RULE = "must be 1 to 128 letters, digits, dots, hyphens and underscores, and must not start with a dot or hyphen"
IMAGE_NAME_RULE = "must be 1 to 63 letters and digits, with single hyphens or dots between them"
VERSION_RULE = "must be at most 128 characters: letters, at most one space, then two or three numbers separated by dots"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"pure_{name}", PACKAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


constraints = load("_validation/rules")
options = load("enums")


def run(code: str, *flags: str) -> str:
    command = [sys.executable, *flags, "-c", WITHOUT_THE_PACKAGE + code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_importing_the_rules_imports_no_cdk() -> None:
    imported = run("import imgver_constructs._validation.rules\nprint(*sys.modules)").split()

    assert "imgver_constructs._validation.rules" in imported
    assert not [name for name in imported if name.split(".")[0] in ("aws_cdk", "constructs", "jsii")]


def test_rules_hold_when_python_optimises() -> None:
    refusal = run(
        "from imgver_constructs._validation.rules import ALIAS, check_string\n"
        "try:\n    check_string('alias_name', '-x', ALIAS)\nexcept ValueError as error:\n    print(error)",
        "-O",
    )

    assert refusal == f"alias_name '-x' {ALIAS_RULE}: write it like 'latest' or '1.4.0'\n"


@pytest.fixture(scope="module")
def api() -> Any:
    """The service model that boto3 ships."""
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.mark.parametrize(
    ("operation", "parameter", "rule"),
    [
        ("CreateImage", "ImageName", "IMAGE_NAME"),
        ("CreateImage", "DisplayName", "DISPLAY_NAME"),
        ("CreateImage", "Description", "DESCRIPTION"),
        ("CreateImageVersion", "ImageName", "IMAGE_NAME"),
        ("CreateImageVersion", "BaseImage", "BASE_IMAGE"),
        ("CreateImageVersion", "Aliases", "ALIAS"),
        ("CreateImageVersion", "MLFramework", "ML_FRAMEWORK"),
        ("CreateImageVersion", "ProgrammingLang", "PROGRAMMING_LANG"),
        ("CreateImageVersion", "ReleaseNotes", "RELEASE_NOTES"),
    ],
)
def test_rule_is_the_apis(api: Any, operation: str, parameter: str, rule: str) -> None:
    shape = api.operation_model(operation).input_shape.members[parameter]
    ours = getattr(constraints, rule)

    theirs = (shape.member if shape.type_name == "list" else shape).metadata

    assert (ours.minimum, ours.maximum) == (theirs["min"], theirs["max"])
    if parameter != "BaseImage":  # the API's pattern takes anything there
        assert ours.pattern.replace(constraints._ONE_LINE, ".*") == theirs["pattern"]


def test_repository_names_are_ecrs() -> None:
    ecr = botocore.session.get_session().get_service_model("ecr")

    assert ecr.shape_for("RepositoryName").metadata["pattern"] == constraints._REPOSITORY_NAME


@pytest.mark.parametrize(
    ("value", "alike"),
    [
        (f"{REGISTRY}/data-science:1.0.0", True),
        (f" {REGISTRY}/data-science:1.0.0\n", True),
        (f"https://{REGISTRY}/data-science", True),
        (REGISTRY.upper(), True),
        ("1.dkr.ecr", True),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/", True),
        ("public.ecr.aws/docker/library/python:3.12", False),
        ("python:3.12", False),
        (f"mirror.example.com/{REGISTRY}/data-science:1.0.0", False),
        ("", False),
    ],
)
def test_what_looks_like_an_ecr_address(value: str, alike: bool) -> None:
    assert bool(constraints.LIKE_AN_ECR_ADDRESS.fullmatch(value)) is alike


@pytest.mark.parametrize("parameter", ["JobType", "Processor", "VendorGuidance"])
def test_choices_are_the_apis(api: Any, parameter: str) -> None:
    theirs = api.operation_model("CreateImageVersion").input_shape.members[parameter].enum

    assert [choice.value for choice in getattr(options, parameter)] == list(theirs)


def test_no_parameter_of_the_api_is_forgotten(api: Any) -> None:
    checked = {"Aliases", "BaseImage", "ImageName", "JobType", "MLFramework", "Processor", "ProgrammingLang"}
    checked |= {"ReleaseNotes", "VendorGuidance", "Horovod"}

    assert set(api.operation_model("CreateImageVersion").input_shape.members) == checked | {"ClientToken"}


# A digit to Python's \d, none to the API's.
ARABIC_ONE = "\N{ARABIC-INDIC DIGIT ONE}"


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("IMAGE_NAME", "a"),
        ("IMAGE_NAME", "Data-Science.2"),
        ("IMAGE_NAME", "a" * 63),
        ("IMAGE_NAME", "a-" * 31 + "a"),
        ("DISPLAY_NAME", "D"),
        ("DISPLAY_NAME", "Data Science, für alle"),
        ("DISPLAY_NAME", "x" * 128),
        ("DESCRIPTION", "x" * 512),
        *[
            ("BASE_IMAGE", value)
            for value in ("x", "public.ecr.aws/docker/library/python:3.12", f"{REGISTRY}/data-science:-x", "x" * 255)
        ],
        *[
            ("ECR_ADDRESS", value)
            for value in (
                f"{REGISTRY}/data-science",
                f"{REGISTRY}/team/data-science:1.0.0",
                f"{REGISTRY}/team.x/data_science-x--y__z",
                f"{REGISTRY}/data-science@sha256:{'0' * 64}",
                f"{REGISTRY}/data-science:1.0.0@sha256:{'0' * 64}",
                f"{REGISTRY}/" + "x" * (255 - len(REGISTRY) - 1),
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/data-science:1.0.0",
                "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/data-science:1.0.0",
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/data-science:1.0.0",
                "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/data-science:1.0.0",
                "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/data-science:1.0.0",
                "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/data-science:1.0.0",
                "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/data-science:1.0.0",
                "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/data-science:1.0.0",
                "123456789012.dkr-ecr.eu-west-1.on.aws/data-science:1.0.0",
                "123456789012.dkr-ecr-fips.us-east-1.on.aws/data-science:1.0.0",
                "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/data-science:1.0.0",
            )
        ],
        ("ALIAS", "latest"),
        ("ALIAS", "1.4.0"),
        ("ALIAS", "_x-y."),
        ("ALIAS", "x" * 128),
        ("ML_FRAMEWORK", "PyTorch 2.5"),
        ("ML_FRAMEWORK", "PyTorch2.5.1"),
        ("ML_FRAMEWORK", "x" * 124 + " 2.5"),
        ("PROGRAMMING_LANG", "Python 3.12"),
        ("RELEASE_NOTES", " "),
        ("RELEASE_NOTES", "x" * 255),
        ("IMAGE_TAG", "1.0.0_a-b"),
        ("IMAGE_DIGEST", f"sha256:{'0123456789abcdef' * 4}"),
    ],
)
def test_accepted(rule: str, value: str) -> None:
    constraints.check_string("parameter", value, getattr(constraints, rule))


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        *[
            ("IMAGE_NAME", value)
            for value in ("", "a" * 64, "bad name!", "-a", "a-", "a--b", "a_b", "a\n", "ä", ARABIC_ONE)
        ],
        *[("DISPLAY_NAME", value) for value in ("", " x", "x ", "x\ny", "x" * 129, "x\n")],
        *[("DESCRIPTION", value) for value in ("", "x" * 513, "x\ny")],
        *[
            ("BASE_IMAGE", value)
            for value in ("", "x" * 256, "x\n", "x\ty", "x\0y", "x\x7f", "x\x85y", "x\u2028y", None, 7, b"x")
        ],
        *[
            ("ECR_ADDRESS", value)
            for value in (
                "",
                "python:3.12",
                "public.ecr.aws/docker/library/python:3.12",
                "12345678901.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0",
                f"{REGISTRY}:1.0.0",
                f"{REGISTRY}/Data-Science:1.0.0",
                f"{REGISTRY}/-data:1.0.0",
                f"{REGISTRY}/data//science:1.0.0",
                f"{REGISTRY}/data-science:-1",
                f"{REGISTRY}/data-science@sha256:{'0' * 63}",
                f"{REGISTRY}/data-science@sha256:{'A' * 64}",
                f"{REGISTRY}/data-science@sha256:{'0' * 64}:1.0.0",
                f"https://{REGISTRY}/data-science:1.0.0",
                f"{REGISTRY}/",
                f"{REGISTRY}/data science:1.0.0",
                f"{REGISTRY}/data-science:",
                f"{REGISTRY}/data-science:1.0.0\n",
                f"{REGISTRY}/" + "x" * (255 - len(REGISTRY)),
                f"{REGISTRY.replace('1', ARABIC_ONE)}/data-science",
            )
        ],
        *[("ALIAS", value) for value in ("", ".x", "-x", "x y", "x/y", "x" * 129, "latest\n", "ä")],
        *[
            (rule, value)
            for rule in ("ML_FRAMEWORK", "PROGRAMMING_LANG")
            for value in (
                "",
                "Python",
                "Python 3",
                "Python  3.12",
                "Python 3.12.1.0",
                "scikit-learn 1.5",
                "Python 3.12\n",
            )
        ],
        ("ML_FRAMEWORK", f"PyTorch {ARABIC_ONE}.{ARABIC_ONE}"),
        ("ML_FRAMEWORK", "x" * 125 + " 2.5"),
        *[("RELEASE_NOTES", value) for value in ("", "x" * 256, "x\ny", "x\r", "x\u2028y")],
        *[("IMAGE_TAG", value) for value in ("", "-x", ".x", "x:y", "x" * 129, "x\n")],
        *[("IMAGE_DIGEST", value) for value in ("", "0" * 64, f"sha256:{'A' * 64}", f"sha256:{'0' * 64}\n")],
        *[
            (rule, value)
            for rule in ("ALIAS", "ML_FRAMEWORK", "RELEASE_NOTES")
            for value in (None, 2.5, b"latest", ["x"])
        ],
    ],
)
def test_refused(rule: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^parameter ") as refusal:
        constraints.check_string("parameter", value, getattr(constraints, rule))

    assert "\n" not in str(refusal.value)
    assert not str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ("IMAGE_NAME", "bad name!", f"p 'bad name!' {IMAGE_NAME_RULE}: write it like 'data-science'"),
        (
            "DISPLAY_NAME",
            " x",
            (
                "p ' x' must be 1 to 128 characters on one line, with no space at either end: "
                "shorten or trim it, or leave it out"
            ),
        ),
        ("DESCRIPTION", "", "p '' must be 1 to 512 characters on one line: shorten it, or leave it out"),
        (
            "BASE_IMAGE",
            "",
            (
                "p '' must be 1 to 255 characters without control characters: "
                "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
            ),
        ),
        (
            "ECR_ADDRESS",
            "python:3.12",
            (
                "p 'python:3.12' must be a valid Amazon ECR address of at most 255 characters: "
                "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
            ),
        ),
        ("ALIAS", "-x", f"p '-x' {ALIAS_RULE}: write it like 'latest' or '1.4.0'"),
        ("ML_FRAMEWORK", "PyTorch", f"p 'PyTorch' {VERSION_RULE}: write it like 'PyTorch 2.5'"),
        ("ML_FRAMEWORK", 2.5, f"p 2.5 {VERSION_RULE}: write it like 'PyTorch 2.5'"),
        ("PROGRAMMING_LANG", "Python 3", f"p 'Python 3' {VERSION_RULE}: write it like 'Python 3.12'"),
        ("RELEASE_NOTES", "a\nb", "p 'a\\nb' must be 1 to 255 characters on one line: shorten it, or leave it out"),
        (
            "RELEASE_NOTES",
            "x" * 300,
            f"p '{'x' * 58}… (300 characters) must be 1 to 255 characters on one line: shorten it, or leave it out",
        ),
        ("IMAGE_TAG", "x:y", f"p 'x:y' {ALIAS_RULE}: write it like '1.0.0'"),
        (
            "IMAGE_DIGEST",
            "sha256:0",
            "p 'sha256:0' must be 'sha256:' and 64 lower-case hexadecimal digits: copy it from the output of 'aws ecr describe-images'",
        ),
    ],
)
def test_message(rule: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"^p ") as refusal:
        constraints.check_string("p", value, getattr(constraints, rule))

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("check", "arguments", "message"),
    [
        (
            "check_choice",
            ("processor", "TPU", options.Processor),
            "processor 'TPU' must be one of CPU, GPU: use Processor, for example Processor.CPU",
        ),
        (
            "check_choice",
            ("job_type", ["TRAINING"], options.JobType),
            (
                "job_type ['TRAINING'] must be one of TRAINING, INFERENCE, NOTEBOOK_KERNEL: "
                "use JobType, for example JobType.TRAINING"
            ),
        ),
        (
            "check_flag",
            ("horovod", "yes"),
            "horovod 'yes' must be a bool: write True or False, or leave it out",
        ),
        *[
            (
                "check_number",
                ("adopt_version", value, "give the number of an existing version"),
                f"adopt_version {value!r} must be a whole number of at least 1: give the number of an existing version",
            )
            for value in (0, -1, 1.0, "3", True)
        ],
        (
            "check_distinct",
            ("aliases", ["a", "b", "a"]),
            "aliases 'a' must be named only once: remove the repetition",
        ),
    ],
)
def test_message_of_other_checks(check: str, arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        getattr(constraints, check)(*arguments)

    assert str(refusal.value) == message


@pytest.mark.parametrize("value", [options.JobType.INFERENCE, "INFERENCE"])
def test_choice_by_member_or_value(value: object) -> None:
    assert constraints.check_choice("job_type", value, options.JobType) is options.JobType.INFERENCE


def test_values_that_pass_the_other_checks() -> None:
    constraints.check_flag("horovod", False)
    constraints.check_number("adopt_version", 1, "give one")
    constraints.check_distinct("aliases", ["a", "A", "b"])
