"""App image configs: create, describe, update and delete. Their list is tested in test_lists.py."""

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


def test_an_app_image_config_from_create_to_delete(make_aws, not_found):
    aws = make_aws()
    start = aws.clock.now()
    tags = [{"Key": "team", "Value": "science"}]

    created = aws.CreateAppImageConfig(AppImageConfigName="lab", JupyterLabAppImageConfig=LAB, Tags=tags)

    assert created == {"AppImageConfigArn": ARN}
    described = {
        "AppImageConfigArn": ARN,
        "AppImageConfigName": "lab",
        "CreationTime": start,
        "LastModifiedTime": start,
        "JupyterLabAppImageConfig": LAB,
    }
    assert aws.DescribeAppImageConfig(AppImageConfigName="lab") == described

    # An update replaces the app configurations that it contains.
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

    assert aws.DeleteAppImageConfig(AppImageConfigName="lab") == {}
    for operation in ("DescribeAppImageConfig", "UpdateAppImageConfig", "DeleteAppImageConfig"):
        with not_found("AppImageConfig", AppImageConfigName="lab"):
            getattr(aws, operation)(AppImageConfigName="lab")


def test_two_app_image_configs_cannot_have_the_same_name(aws, refused):
    aws.CreateAppImageConfig(AppImageConfigName="lab")

    with refused("ResourceInUse", "The ID or Name specified is already in use."):
        aws.CreateAppImageConfig(AppImageConfigName="lab")
