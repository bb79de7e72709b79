"""Values of templates, which CloudFormation converts to the type in the schema."""

import pytest
from imgver_sandbox.ministack.template_values import typed
from imgver_sandbox.sagemaker.service_model import modelled_service


@pytest.mark.parametrize(
    ("operation", "given", "converted"),
    [
        ("CreateImageVersion", {"Horovod": "true"}, {"Horovod": True}),
        ("CreateImageVersion", {"Horovod": "false"}, {"Horovod": False}),
        ("CreateImageVersion", {"Horovod": "maybe"}, {"Horovod": "maybe"}),
        ("CreateImageVersion", {"ReleaseNotes": 2024}, {"ReleaseNotes": "2024"}),
        ("CreateImageVersion", {"ReleaseNotes": True}, {"ReleaseNotes": "true"}),
        ("CreateImageVersion", {"Aliases": ["latest", 1.5]}, {"Aliases": ["latest", "1.5"]}),
        ("CreateImageVersion", {"Aliases": "latest", "Color": 1}, {"Aliases": "latest", "Color": 1}),
        ("DescribeImageVersion", {"Version": "12"}, {"Version": 12}),
        ("DescribeImageVersion", {"Version": "twelve"}, {"Version": "twelve"}),
        (
            "CreateAppImageConfig",
            {"JupyterLabAppImageConfig": {"ContainerConfig": {"ContainerEnvironmentVariables": {"LEVEL": 3}}}},
            {"JupyterLabAppImageConfig": {"ContainerConfig": {"ContainerEnvironmentVariables": {"LEVEL": "3"}}}},
        ),
        (
            "CreateDomain",
            {"DefaultUserSettings": {"JupyterLabAppSettings": {"CustomImages": [{"ImageVersionNumber": "3"}]}}},
            {"DefaultUserSettings": {"JupyterLabAppSettings": {"CustomImages": [{"ImageVersionNumber": 3}]}}},
        ),
    ],
)
def test_a_scalar_is_converted_to_the_type_in_the_schema_if_possible(operation, given, converted):
    assert typed(modelled_service("sagemaker").input_shape(operation), given) == converted
