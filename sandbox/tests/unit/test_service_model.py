"""Requests and responses are validated against botocore's model, in the words of AWS."""

from datetime import UTC, datetime

import pytest
from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service import OPERATIONS
from imgver_sandbox.sagemaker.service_model import modelled_service, python_pattern

SAGEMAKER = modelled_service("sagemaker")
ROLE = "arn:aws:iam::123456789012:role/images"
VERSION = {"ImageName": "i", "BaseImage": "b", "ClientToken": "t"}
USER = {"ExecutionRole": ROLE}
DOMAIN = {"DomainName": "d", "AuthMode": "IAM", "DefaultUserSettings": USER}
NAME_PATTERN = "Member must satisfy regular expression pattern: [a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}"
NOT_NULL = "Member must not be null"


def at_most(limit, measure="length"):
    return f"Member must have {measure} less than or equal to {limit}"


def at_least(limit, measure="length"):
    return f"Member must have {measure} greater than or equal to {limit}"


def image(**parameters):
    return "CreateImage", {"ImageName": "i", "RoleArn": ROLE, **parameters}


def version(**parameters):
    return "CreateImageVersion", VERSION | parameters


def lab_config(**container_config):
    config = {"ContainerConfig": container_config}
    return "CreateAppImageConfig", {"AppImageConfigName": "a", "JupyterLabAppImageConfig": config}


def domain(**lab_settings):
    return "CreateDomain", DOMAIN | {"DefaultUserSettings": USER | {"JupyterLabAppSettings": lab_settings}}


def custom_images(count, number=1):
    item = {"ImageName": "i", "ImageVersionNumber": number, "AppImageConfigName": "c"}
    return domain(CustomImages=[item] * count)


LAB = "defaultUserSettings.jupyterLabAppSettings"
VARIABLES = "jupyterLabAppImageConfig.containerConfig.containerEnvironmentVariables"


@pytest.mark.parametrize(
    ("call", "value", "path", "constraint"),
    [
        (("DescribeImage", {}), "null", "imageName", NOT_NULL),
        (("DescribeImage", {"ImageName": None}), "null", "imageName", NOT_NULL),
        (("DescribeImage", {"ImageName": "bad name!"}), "'bad name!'", "imageName", NAME_PATTERN),
        (("DescribeImage", {"ImageName": "newline\n"}), "'newline\n'", "imageName", NAME_PATTERN),
        (version(BaseImage="b" * 256), f"'{'b' * 256}'", "baseImage", at_most(255)),
        (version(ReleaseNotes=""), "''", "releaseNotes", at_least(1)),
        (version(Processor="TPU"), "'TPU'", "processor", "Member must satisfy enum value set: [CPU, GPU]"),
        (
            version(Aliases=["fine", "-not"]),
            "'[fine, -not]'",
            "aliases",
            (
                f"Member must satisfy constraint: [{at_most(128)}, {at_least(1)}, "
                "Member must satisfy regular expression pattern: (?!^[.-])^([a-zA-Z0-9-_.]+)]"
            ),
        ),
        (("DescribeImageVersion", {"ImageName": "i", "Version": -1}), "'-1'", "version", at_least(0, "value")),
        (("ListAliases", {"ImageName": "i", "MaxResults": 101}), "'101'", "maxResults", at_most(100, "value")),
        (image(Tags=[{"Key": "a", "Value": "b"}, {"Key": "a"}]), "null", "tags.2.member.value", NOT_NULL),
        (
            image(Tags=[{"Key": "a*", "Value": "b"}]),
            "'a*'",
            "tags.1.member.key",
            r"Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
        ),
        (
            lab_config(ContainerEnvironmentVariables={"A": "a" * 257, "B": "b"}),
            f"'{{A={'a' * 257}, B=b}}'",
            VARIABLES,
            f"Map value must satisfy constraint: [{at_most(256)}, {at_least(0)}]",
        ),
        (
            lab_config(ContainerEnvironmentVariables={" ": "b"}),
            "'{ =b}'",
            VARIABLES,
            (
                f"Map keys must satisfy constraint: [{at_most(256)}, {at_least(0)}, "
                r"Member must satisfy regular expression pattern: (?!\s*$).+]"
            ),
        ),
        (
            lab_config(ContainerEnvironmentVariables={f"n{number}": "v" for number in range(26)}),
            f"'{{{', '.join(f'n{number}=v' for number in range(26))}}}'",
            VARIABLES,
            at_most(25),
        ),
        (custom_images(1, -1), "'-1'", f"{LAB}.customImages.1.member.imageVersionNumber", at_least(0, "value")),
        (
            custom_images(201),
            f"'[{', '.join(['{ImageName=i, ImageVersionNumber=1, AppImageConfigName=c}'] * 201)}]'",
            f"{LAB}.customImages",
            at_most(200),
        ),
    ],
)
def test_an_invalid_value_is_refused_in_aws_words(call, value, path, constraint, refused):
    message = f"1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"
    with refused("ValidationException", message):
        SAGEMAKER.parse_input(*call)


def test_all_invalid_values_are_in_one_message(refused):
    with refused(
        "ValidationException",
        "2 validation errors detected: "
        f"Value null at 'baseImage' failed to satisfy constraint: {NOT_NULL}; "
        "Value 'BOTH' at 'jobType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [TRAINING, INFERENCE, NOTEBOOK_KERNEL]",
    ):
        SAGEMAKER.parse_input("CreateImageVersion", {"ImageName": "i", "ClientToken": "t", "JobType": "BOTH"})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (version(ImageName=1), "NUMBER_VALUE can not be converted to a String"),
        (version(ImageName=True), "TRUE_VALUE can not be converted to a String"),
        (version(ImageName={}), "START_OBJECT can not be converted to a String"),
        (version(Horovod="false"), "STRING_VALUE can not be converted to a Boolean"),
        (version(Aliases="latest"), "Unexpected STRING_VALUE"),
        (version(Aliases=[["latest"]]), "START_ARRAY can not be converted to a String"),
        (version(Aliases=[None]), "NULL_VALUE can not be converted to a String"),
        (("DescribeImageVersion", {"Version": "1"}), "STRING_VALUE can not be converted to an Integer"),
        (("DescribeImageVersion", {"Version": True}), "TRUE_VALUE can not be converted to an Integer"),
        (("DescribeImageVersion", {"Version": 1.5}), "NUMBER_VALUE can not be converted to an Integer"),
        (("DescribeImageVersion", {"Version": 2**31}), "NUMBER_VALUE can not be converted to an Integer"),
        (lab_config(ContainerEnvironmentVariables="MODE=fast"), "Unexpected STRING_VALUE"),
        (lab_config(ContainerEnvironmentVariables={"M": 1}), "NUMBER_VALUE can not be converted to a String"),
        (
            ("CreateDomain", DOMAIN | {"DefaultUserSettings": USER | {"CustomFileSystemConfigs": [{}]}}),
            "CustomFileSystemConfig must have exactly one member set",
        ),
    ],
)
def test_a_wrong_json_type_is_refused_before_any_value(call, message, refused):
    with refused("SerializationException", message):
        SAGEMAKER.parse_input(*call)


@pytest.mark.parametrize(
    "call",
    [
        version(ImageName="i" * 63, BaseImage="b" * 255, ClientToken="t" * 36, ReleaseNotes="n" * 255, Horovod=False),
        version(Aliases=["a" * 128, "1.0_-"], MLFramework="PyTorch 2.5.1", ProgrammingLang="Python3.12"),
        image(Tags=[{"Key": "équipe 名", "Value": "a\u00a0b"}]),
        ("DescribeImageVersion", {"ImageName": "i", "Version": 2**31 - 1}),
        custom_images(200),
        domain(CodeRepositories=[{"RepositoryUrl": url} for url in ("https://abc", "https://git.example/team/n.git")]),
    ],
)
def test_valid_values_are_accepted(call):
    operation, parameters = call

    assert SAGEMAKER.parse_input(operation, parameters) == parameters


def test_nulls_and_unknown_parameters_are_ignored():
    assert SAGEMAKER.parse_input("UpdateImage", {"ImageName": "i", "Description": None, "Colour": "red"}) == {
        "ImageName": "i"
    }


def test_settings_keep_members_that_the_model_does_not_have():
    item = {"ImageName": "i", "AppImageConfigName": "c", "Pinned": True}
    user = USER | {"JupyterLabAppSettings": {"CustomImages": [item], "Theme": {"Dark": None}}, "NewAppSettings": [1]}

    accepted = SAGEMAKER.parse_input("CreateDomain", DOMAIN | {"DefaultUserSettings": user | {"Gone": None}})

    assert accepted["DefaultUserSettings"] == user
    shown = SAGEMAKER.build_output("DescribeDomain", {"DefaultUserSettings": user})
    assert shown == {"DefaultUserSettings": user}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"NewAppSettings": {"Names": ["a", ""]}}, "newAppSettings.names.2.member"),
        ({"JupyterLabAppSettings": {"Theme": ""}}, "jupyterLabAppSettings.theme"),
        (
            {"CodeEditorAppSettings": {"CustomImages": [{"Note": ""}]}},
            "codeEditorAppSettings.customImages.1.member.note",
        ),
        ({"JupyterLabAppSettings": {"EmrSettings": {"": ""}}}, "jupyterLabAppSettings.emrSettings."),
        ({"ExecutionRole": ""}, "executionRole"),
    ],
)
def test_settings_have_no_empty_strings(settings, path):
    with pytest.raises(ServiceError) as caught:
        SAGEMAKER.parse_input("CreateDomain", DOMAIN | {"DefaultUserSettings": USER | settings})

    limit = at_least(20 if path == "executionRole" else 1)
    violation = f"Value '' at 'defaultUserSettings.{path}' failed to satisfy constraint: {limit}"
    assert (caught.value.code, violation in caught.value.message) == ("ValidationException", True)


@pytest.mark.parametrize("moment", [1_700_000_000, 1_700_000_000.0, datetime.fromtimestamp(1_700_000_000, UTC)])
def test_a_time_is_a_number_or_a_datetime(moment):
    assert SAGEMAKER.parse_input("ListImages", {"CreationTimeAfter": moment}) == {"CreationTimeAfter": 1_700_000_000}


# The pattern of the model would need years for the last value.
@pytest.mark.parametrize("url", ["https://ab", "https://abc//d", f"https://{'a' * 900}?"])
def test_an_invalid_url_is_refused_at_once(url):
    with pytest.raises(ServiceError, match="Member must satisfy regular expression"):
        SAGEMAKER.parse_input(*domain(CodeRepositories=[{"RepositoryUrl": url}]))


def patterns_in(shape):
    """The patterns of the shape and of all shapes in it."""
    members = {
        "structure": lambda: list(shape.members.values()),
        "list": lambda: [shape.member],
        "map": lambda: [shape.key, shape.value],
    }
    inner = [pattern for member in members.get(shape.type_name, list)() for pattern in patterns_in(member)]
    return {*inner, *([shape.metadata["pattern"]] if "pattern" in shape.metadata else [])}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_python_understands_all_patterns_of_the_model(operation):
    patterns = patterns_in(SAGEMAKER.input_shape(operation))

    assert patterns or operation == "ListImages"
    assert {pattern for pattern in patterns if python_pattern(pattern).fullmatch("\n")} <= {r"[\S\s]+"}


def test_a_response_has_no_nones_and_its_times_have_milliseconds():
    config = {"ContainerConfig": {"ContainerEnvironmentVariables": {"MODE": "fast"}}}
    members = {"JupyterLabAppImageConfig": config, "KernelGatewayImageConfig": None, "CreationTime": 1.23456}

    output = SAGEMAKER.build_output("DescribeAppImageConfig", members)

    assert output == {"JupyterLabAppImageConfig": config, "CreationTime": 1.235}


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("DescribeImage", {"Colour": "red"}, r"DescribeImage: the model does not have \['Colour'\] and requires \[\]"),
        (
            "DescribeImage",
            {"ImageStatus": "GONE"},
            "DescribeImage.ImageStatus: 'GONE' is not a valid string",
        ),
        (
            "DescribeImageVersion",
            {"Version": "1"},
            "DescribeImageVersion.Version: '1' is not a valid integer",
        ),
        (
            "ListImageVersions",
            {"ImageVersions": [{"Version": 1, "CreationTime": 1, "ImageVersionStatus": "CREATED", "ImageArn": "a"}]},
            (
                r"ListImageVersions.ImageVersions: the model does not have \[\] and requires "
                r"\['ImageVersionArn', 'LastModifiedTime'\]"
            ),
        ),
    ],
)
def test_a_response_that_the_model_does_not_allow_is_a_defect(operation, members, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        SAGEMAKER.build_output(operation, members)
