"""App image configs: their life, and lists of them."""

import pytest

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:app-image-config/lab"
LAB = {
    "ContainerConfig": {
        "ContainerArguments": ["--port", "8888"],
        "ContainerEntrypoint": ["jupyter-lab"],
        "ContainerEnvironmentVariables": {"MODE": "fast"},
    },
    "FileSystemConfig": {"MountPath": "/home/sagemaker-user", "DefaultUid": 0, "DefaultGid": 0},
}
KERNEL = {"KernelSpecs": [{"Name": "python3", "DisplayName": "Python 3"}]}
NOT_THERE = "AppImageConfig with AppImageConfigName lab does not exist. Please provide a valid AppImageConfigName."


def test_the_life_of_an_app_image_config(make_aws, refused):
    # WHEN one is made
    aws = make_aws()
    start = aws.clock.now()
    tags = [{"Key": "team", "Value": "science"}]
    answer = aws.CreateAppImageConfig(AppImageConfigName="lab", JupyterLabAppImageConfig=LAB, Tags=tags)

    # THEN it is there at once, with all that it was given
    assert answer == {"AppImageConfigArn": ARN}
    described = {
        "AppImageConfigArn": ARN,
        "AppImageConfigName": "lab",
        "CreationTime": start,
        "LastModifiedTime": start,
        "JupyterLabAppImageConfig": LAB,
    }
    assert aws.DescribeAppImageConfig(AppImageConfigName="lab") == described

    # WHEN it is updated, THEN what the update names is replaced, and the rest stays
    container = {"ContainerConfig": {"ContainerArguments": ["serve"]}}
    update = {"AppImageConfigName": "lab", "JupyterLabAppImageConfig": container}
    assert aws.UpdateAppImageConfig(**update) == {"AppImageConfigArn": ARN}
    aws.clock.advance(10)
    aws.UpdateAppImageConfig(AppImageConfigName="lab", KernelGatewayImageConfig=KERNEL)
    assert aws.DescribeAppImageConfig(AppImageConfigName="lab") == described | {
        "LastModifiedTime": start + 10,
        "JupyterLabAppImageConfig": container,
        "KernelGatewayImageConfig": KERNEL,
    }

    # WHEN it goes, THEN it is gone
    assert aws.DeleteAppImageConfig(AppImageConfigName="lab") == {}
    with refused("ResourceNotFound", NOT_THERE):
        aws.DescribeAppImageConfig(AppImageConfigName="lab")


def test_a_name_is_taken_once(make_aws, refused):
    aws = make_aws()
    aws.CreateAppImageConfig(AppImageConfigName="lab")

    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        aws.CreateAppImageConfig(AppImageConfigName="lab")


@pytest.mark.parametrize("operation", ["DescribeAppImageConfig", "UpdateAppImageConfig", "DeleteAppImageConfig"])
def test_one_that_is_not_there(make_aws, operation, refused):
    with refused("ResourceNotFound", NOT_THERE):
        getattr(make_aws(), operation)(AppImageConfigName="lab")


@pytest.fixture
def shelf(make_aws):
    """App image configs a, b, c of times 0, 10, 20; a was changed last, at 30."""
    aws = make_aws()
    aws.start_of_time = aws.clock.now()
    for name in "abc":
        aws.CreateAppImageConfig(AppImageConfigName=name, KernelGatewayImageConfig=KERNEL)
        aws.clock.advance(10)
    aws.UpdateAppImageConfig(AppImageConfigName="a")
    return aws


def names(answer):
    return "".join(config["AppImageConfigName"] for config in answer["AppImageConfigs"])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, "cba"),
        ({"SortOrder": "Ascending"}, "abc"),
        ({"SortBy": "CreationTime"}, "cba"),
        ({"SortBy": "LastModifiedTime"}, "acb"),
        ({"SortBy": "LastModifiedTime", "SortOrder": "Ascending"}, "bca"),
        ({"SortBy": "Name"}, "cba"),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, "abc"),
        ({"NameContains": "b"}, "b"),
    ],
)
def test_they_are_sorted_newest_first_unless_told(shelf, order, expected):
    assert names(shelf.ListAppImageConfigs(**order)) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"CreationTimeAfter": 10}, "cb"),
        ({"CreationTimeBefore": 10}, "ba"),
        ({"ModifiedTimeAfter": 20}, "ca"),
        ({"ModifiedTimeBefore": 20}, "cb"),
    ],
)
def test_time_filters_include_their_bounds(shelf, bounds, expected):
    filters = {name: shelf.start_of_time + seconds for name, seconds in bounds.items()}

    assert names(shelf.ListAppImageConfigs(**filters)) == expected


def test_a_list_shows_all_of_each_and_comes_in_pages(shelf):
    first = shelf.ListAppImageConfigs(MaxResults=2)
    second = shelf.ListAppImageConfigs(MaxResults=2, NextToken=first["NextToken"])

    assert (names(first), names(second)) == ("cb", "a")
    assert "NextToken" not in second
    assert first["AppImageConfigs"][0] == shelf.DescribeAppImageConfig(AppImageConfigName="c")


def test_accounts_and_regions_are_apart(make_aws):
    aws = make_aws()
    parameters = {"AppImageConfigName": "lab"}

    for account, region in [
        ("123456789012", "eu-west-1"),
        ("210987654321", "eu-west-1"),
        ("123456789012", "us-east-1"),
    ]:
        answer = aws.service.call("CreateAppImageConfig", parameters, account=account, region=region)
        assert answer == {"AppImageConfigArn": f"arn:aws:sagemaker:{region}:{account}:app-image-config/lab"}
