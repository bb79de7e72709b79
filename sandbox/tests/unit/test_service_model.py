"""Inputs and answers are held to botocore's own model."""

from datetime import UTC, datetime

import pytest
from imgver_sandbox.sagemaker.service import OPERATIONS, ServiceError
from imgver_sandbox.sagemaker.service_model import modelled_service, python_pattern

SAGEMAKER = modelled_service("sagemaker")
VERSION = {"ImageName": "i", "BaseImage": "b", "ClientToken": "t"}
ROLE = "arn:aws:iam::123456789012:role/images"


def one(problem: str) -> str:
    return f"1 validation error detected: {problem}"


NAME_PATTERN = "[a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}"
FRAMEWORK_PATTERN = r"[a-zA-Z]+ ?\d+\.\d+(\.\d+)?"
TAG_PATTERN = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
ALIAS_CONSTRAINTS = (
    "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length "
    "greater than or equal to 1, Member must satisfy regular expression pattern: (?!^[.-])^([a-zA-Z0-9-_.]+)]"
)


@pytest.mark.parametrize(
    ("operation", "parameters", "problem"),
    [
        ("DescribeImage", {}, "Value null at 'imageName' failed to satisfy constraint: Member must not be null"),
        (
            "DescribeImage",
            {"ImageName": None},
            "Value null at 'imageName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DescribeImage",
            {"ImageName": "bad name!"},
            (
                "Value 'bad name!' at 'imageName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
            ),
        ),
        (
            "DescribeImage",
            {"ImageName": "trailing\n"},
            (
                "Value 'trailing\n' at 'imageName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
            ),
        ),
        (
            "CreateImageVersion",
            VERSION | {"BaseImage": "b" * 256},
            (
                f"Value '{'b' * 256}' at 'baseImage' failed to satisfy constraint: "
                "Member must have length less than or equal to 255"
            ),
        ),
        (
            "CreateImageVersion",
            VERSION | {"ReleaseNotes": ""},
            (
                "Value '' at 'releaseNotes' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            "CreateImageVersion",
            VERSION | {"MLFramework": "PyTorch"},
            (
                "Value 'PyTorch' at 'mLFramework' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {FRAMEWORK_PATTERN}"
            ),
        ),
        (
            "CreateImageVersion",
            VERSION | {"Processor": "TPU"},
            "Value 'TPU' at 'processor' failed to satisfy constraint: Member must satisfy enum value set: [CPU, GPU]",
        ),
        (
            "CreateImageVersion",
            VERSION | {"Aliases": ["fine", "-not"]},
            f"Value '[fine, -not]' at 'aliases' failed to satisfy constraint: {ALIAS_CONSTRAINTS}",
        ),
        (
            "DescribeImageVersion",
            {"ImageName": "i", "Version": -1},
            "Value '-1' at 'version' failed to satisfy constraint: Member must have value greater than or equal to 0",
        ),
        (
            "ListAliases",
            {"ImageName": "i", "MaxResults": 101},
            (
                "Value '101' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 100"
            ),
        ),
        (
            "CreateImage",
            {"ImageName": "i", "RoleArn": ROLE, "Tags": [{"Key": "a", "Value": "b"}, {"Key": "a*", "Value": "b"}]},
            (
                "Value 'a*' at 'tags.2.member.key' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {TAG_PATTERN}"
            ),
        ),
        (
            "CreateImage",
            {"ImageName": "i", "RoleArn": ROLE, "Tags": [{"Key": "a"}]},
            "Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        ),
        (
            "UpdateImage",
            {"ImageName": "i", "DeleteProperties": ["Description"] * 3},
            (
                "Value '[Description, Description, Description]' at 'deleteProperties' failed to satisfy constraint: "
                "Member must have length less than or equal to 2"
            ),
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_aws_words(operation, parameters, problem, refused):
    with refused("ValidationException", one(problem)):
        SAGEMAKER.parse_input(operation, parameters)


def test_everything_wrong_is_told_at_once(refused):
    with refused(
        "ValidationException",
        "3 validation errors detected: "
        "Value null at 'baseImage' failed to satisfy constraint: Member must not be null; "
        "Value 't_' at 'clientToken' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9-]+; "
        "Value 'BOTH' at 'jobType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [TRAINING, INFERENCE, NOTEBOOK_KERNEL]",
    ):
        SAGEMAKER.parse_input("CreateImageVersion", {"ImageName": "i", "ClientToken": "t_", "JobType": "BOTH"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ImageName": 1}, "NUMBER_VALUE can not be converted to a String"),
        ({"ImageName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"ImageName": {}}, "START_OBJECT can not be converted to a String"),
        ({"Horovod": "false"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"Aliases": "latest"}, "Unexpected STRING_VALUE"),
        ({"Aliases": [["latest"]]}, "START_ARRAY can not be converted to a String"),
        ({"Aliases": [None]}, "NULL_VALUE can not be converted to a String"),
    ],
)
def test_a_wrong_json_type_is_refused_before_anything_else(parameters, message, refused):
    with refused("SerializationException", message):
        SAGEMAKER.parse_input("CreateImageVersion", parameters)


@pytest.mark.parametrize("number", ["1", True, 1.5])
def test_a_version_is_a_whole_number(number):
    with pytest.raises(ServiceError, match="can not be converted to an Integer"):
        SAGEMAKER.parse_input("DescribeImageVersion", {"ImageName": "i", "Version": number})


def test_values_on_the_bounds_are_accepted():
    parameters = {
        "ImageName": "i" * 63,
        "BaseImage": "b" * 255,
        "ClientToken": "t" * 36,
        "Aliases": ["a" * 128, "1.0_-"],
        "MLFramework": "PyTorch 2.5.1",
        "ProgrammingLang": "Python3.12",
        "ReleaseNotes": "n" * 255,
        "Horovod": False,
    }

    assert SAGEMAKER.parse_input("CreateImageVersion", parameters) == parameters


def test_members_that_the_model_lacks_and_nulls_are_ignored():
    assert SAGEMAKER.parse_input("DescribeImage", {"ImageName": "i", "Colour": "red"}) == {"ImageName": "i"}
    assert SAGEMAKER.parse_input("UpdateImage", {"ImageName": "i", "Description": None}) == {"ImageName": "i"}


@pytest.mark.parametrize("moment", [1_700_000_000, 1_700_000_000.0, datetime.fromtimestamp(1_700_000_000, UTC)])
def test_a_time_comes_as_a_number_or_as_a_datetime(moment):
    accepted = SAGEMAKER.parse_input("ListImages", {"CreationTimeAfter": moment})

    assert accepted == {"CreationTimeAfter": 1_700_000_000}


def test_tags_may_have_letters_and_spaces_of_any_language():
    tags = [{"Key": "équipe 名", "Value": "a\u00a0b"}]

    assert SAGEMAKER.parse_input("CreateImage", {"ImageName": "i", "RoleArn": ROLE, "Tags": tags})["Tags"] == tags


def shapes_in(shape):
    """The shape and all that are in it."""
    yield shape
    members = {
        "structure": lambda: list(shape.members.values()),
        "list": lambda: [shape.member],
        "map": lambda: [shape.key, shape.value],
    }
    for member in members.get(shape.type_name, list)():
        yield from shapes_in(member)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_operation_of_the_service_is_in_the_model_and_its_patterns_work(operation):
    patterns = {
        shape.metadata["pattern"]
        for shape in shapes_in(SAGEMAKER.input_shape(operation))
        if "pattern" in shape.metadata
    }

    assert patterns or operation == "ListImages"
    for pattern in patterns:
        assert python_pattern(pattern).fullmatch("\n") is None


def test_an_answer_has_no_nones_and_times_in_milliseconds():
    answer = SAGEMAKER.build_output("DescribeImage", {"ImageName": "i", "Description": None, "CreationTime": 1.23456})

    assert answer == {"ImageName": "i", "CreationTime": 1.235}


@pytest.mark.parametrize(
    ("operation", "values", "message"),
    [
        ("DescribeImage", {"Colour": "red"}, r"DescribeImage: the model lacks \['Colour'\] and requires \[\]"),
        (
            "DescribeImage",
            {"ImageStatus": "GONE"},
            "DescribeImage.ImageStatus: 'GONE' is no string that the model allows",
        ),
        (
            "DescribeImageVersion",
            {"Version": "1"},
            "DescribeImageVersion.Version: '1' is no integer that the model allows",
        ),
        (
            "ListImageVersions",
            {"ImageVersions": [{"Version": 1, "CreationTime": 1, "ImageVersionStatus": "CREATED"}]},
            (
                r"ListImageVersions.ImageVersions: the model lacks \[\] and requires "
                r"\['ImageArn', 'ImageVersionArn', 'LastModifiedTime'\]"
            ),
        ),
    ],
)
def test_an_answer_that_the_model_does_not_allow_is_a_defect(operation, values, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        SAGEMAKER.build_output(operation, values)


CONTAINER = {"ContainerArguments": ["serve"], "ContainerEnvironmentVariables": {"MODE": "fast"}}
USER = {"ExecutionRole": ROLE}
DOMAIN = {"DomainName": "d", "AuthMode": "IAM", "DefaultUserSettings": USER}
NAME_CONSTRAINTS = (
    "[Member must have length less than or equal to 256, Member must have length greater than or equal to 0, "
    r"Member must satisfy regular expression pattern: (?!\s*$).+]"
)


def custom_image(**parameters):
    apps = {"JupyterLabAppSettings": {"CustomImages": [parameters]}}
    return DOMAIN | {"DefaultUserSettings": USER | apps}


@pytest.mark.parametrize(
    ("operation", "parameters", "problem"),
    [
        (
            "CreateAppImageConfig",
            {"AppImageConfigName": "a", "KernelGatewayImageConfig": {"KernelSpecs": []}},
            (
                "Value '[]' at 'kernelGatewayImageConfig.kernelSpecs' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            "CreateAppImageConfig",
            {"AppImageConfigName": "a", "KernelGatewayImageConfig": {"KernelSpecs": [{"DisplayName": "Python"}]}},
            (
                "Value null at 'kernelGatewayImageConfig.kernelSpecs.1.member.name' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
        (
            "UpdateAppImageConfig",
            {
                "AppImageConfigName": "a",
                "JupyterLabAppImageConfig": {
                    "ContainerConfig": {"ContainerEnvironmentVariables": {"A": "a" * 257, "B": "b"}}
                },
            },
            (
                f"Value '{{A={'a' * 257}, B=b}}' at "
                "'jupyterLabAppImageConfig.containerConfig.containerEnvironmentVariables' failed to satisfy "
                "constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, "
                "Member must have length greater than or equal to 0]"
            ),
        ),
        (
            "UpdateAppImageConfig",
            {
                "AppImageConfigName": "a",
                "JupyterLabAppImageConfig": {"ContainerConfig": {"ContainerEnvironmentVariables": {" ": "b"}}},
            },
            (
                "Value '{ =b}' at 'jupyterLabAppImageConfig.containerConfig.containerEnvironmentVariables' failed "
                f"to satisfy constraint: Map keys must satisfy constraint: {NAME_CONSTRAINTS}"
            ),
        ),
        (
            "UpdateAppImageConfig",
            {
                "AppImageConfigName": "a",
                "CodeEditorAppImageConfig": {
                    "ContainerConfig": {"ContainerEnvironmentVariables": {f"n{number}": "v" for number in range(26)}}
                },
            },
            (
                f"Value '{{{', '.join(f'n{number}=v' for number in range(26))}}}' at "
                "'codeEditorAppImageConfig.containerConfig.containerEnvironmentVariables' failed to satisfy "
                "constraint: Member must have length less than or equal to 25"
            ),
        ),
        (
            "CreateDomain",
            custom_image(ImageName="i", ImageVersionNumber=-1, AppImageConfigName="c"),
            (
                "Value '-1' at 'defaultUserSettings.jupyterLabAppSettings.customImages.1.member.imageVersionNumber' "
                "failed to satisfy constraint: Member must have value greater than or equal to 0"
            ),
        ),
        (
            "CreateDomain",
            DOMAIN | {"DomainSettings": {"SecurityGroupIds": [], "DockerSettings": {"VpcOnlyTrustedAccounts": ["1"]}}},
            (
                "Value '[1]' at 'domainSettings.dockerSettings.vpcOnlyTrustedAccounts' failed to satisfy constraint: "
                "Member must satisfy constraint: [Member must have length less than or equal to 12, Member must have "
                r"length greater than or equal to 12, Member must satisfy regular expression pattern: \d+]"
            ),
        ),
        ("DescribeDomain", {}, "Value null at 'domainId' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_what_studio_takes_is_checked_however_deep_it_is(operation, parameters, problem, refused):
    with refused("ValidationException", one(problem)):
        SAGEMAKER.parse_input(operation, parameters)


def test_a_domain_has_at_most_200_custom_images_for_an_app(refused):
    items = [{"ImageName": "i", "ImageVersionNumber": 1, "AppImageConfigName": "c"}]

    def domain(count):
        return DOMAIN | {"DefaultUserSettings": USER | {"KernelGatewayAppSettings": {"CustomImages": items * count}}}

    assert SAGEMAKER.parse_input("CreateDomain", domain(200)) == domain(200)
    shown = ", ".join(["{ImageName=i, ImageVersionNumber=1, AppImageConfigName=c}"] * 201)
    with refused(
        "ValidationException",
        one(
            f"Value '[{shown}]' at 'defaultUserSettings.kernelGatewayAppSettings.customImages' failed to satisfy "
            "constraint: Member must have length less than or equal to 200"
        ),
    ):
        SAGEMAKER.parse_input("CreateDomain", domain(201))


@pytest.mark.parametrize(
    ("variables", "message"),
    [("MODE=fast", "Unexpected STRING_VALUE"), ({"MODE": 1}, "NUMBER_VALUE can not be converted to a String")],
)
def test_a_map_of_the_wrong_type(variables, message, refused):
    config = {"ContainerConfig": {"ContainerEnvironmentVariables": variables}}

    with refused("SerializationException", message):
        SAGEMAKER.parse_input("CreateAppImageConfig", {"AppImageConfigName": "a", "JupyterLabAppImageConfig": config})


@pytest.mark.parametrize(
    "members",
    [{}, {"EFSFileSystemConfig": {"FileSystemId": "fs-12345678"}, "S3FileSystemConfig": {"S3Uri": "s3://b/k"}}],
)
def test_a_union_has_one_member(members, refused):
    parameters = DOMAIN | {"DefaultUserSettings": USER | {"CustomFileSystemConfigs": [members]}}

    with refused("SerializationException", "CustomFileSystemConfig must have exactly one member set"):
        SAGEMAKER.parse_input("CreateDomain", parameters)


@pytest.mark.parametrize(("number", "fits"), [(2**31 - 1, True), (2**31, False)])
def test_a_number_has_32_bits(number, fits, refused):
    parameters = {"ImageName": "i", "Version": number}

    if fits:
        assert SAGEMAKER.parse_input("DescribeImageVersion", parameters) == parameters
    else:
        with refused("SerializationException", "NUMBER_VALUE can not be converted to an Integer"):
            SAGEMAKER.parse_input("DescribeImageVersion", parameters)


def test_a_map_is_answered_as_it_is():
    config = {"ContainerConfig": CONTAINER}

    answer = SAGEMAKER.build_output("DescribeAppImageConfig", {"JupyterLabAppImageConfig": config})

    assert answer == {"JupyterLabAppImageConfig": config}


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://git.example/team/notebooks", True),
        ("https://abc", True),
        ("https://ab", False),
        ("https://abc//d", False),
        (f"https://{'a' * 900}?", False),
    ],
)
def test_a_pattern_that_would_take_for_ever_does_not(url, accepted):
    apps = {"JupyterLabAppSettings": {"CodeRepositories": [{"RepositoryUrl": url}]}}
    parameters = DOMAIN | {"DefaultUserSettings": USER | apps}

    if accepted:
        SAGEMAKER.parse_input("CreateDomain", parameters)
    else:
        with pytest.raises(ServiceError, match="Member must satisfy regular expression"):
            SAGEMAKER.parse_input("CreateDomain", parameters)
