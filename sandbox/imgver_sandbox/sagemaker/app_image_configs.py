"""The operations on app image configs.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html
"""

from typing import Any

from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import resource_in_use, resource_not_found
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.studio_records import AppImageConfigRecord
from imgver_sandbox.sagemaker.tags import parse_tags

_APP_CONFIGS = frozenset({"KernelGatewayImageConfig", "JupyterLabAppImageConfig", "CodeEditorAppImageConfig"})


def create_app_image_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateAppImageConfig."""
    name = parameters["AppImageConfigName"]
    if name in account.app_image_configs:
        raise resource_in_use("The ID or Name specified is already in use.")
    config = AppImageConfigRecord(
        name=name,
        arn=account.arn(f"app-image-config/{name}"),
        created_at=account.now(),
        app_configs=_app_configs(parameters),
    )
    account.tags[config.arn] = parse_tags(parameters.get("Tags", []))
    account.app_image_configs[name] = config
    return {"AppImageConfigArn": config.arn}


def describe_app_image_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeAppImageConfig."""
    return _details(_config(account, parameters))


def update_app_image_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateAppImageConfig: the call replaces the app configurations that it contains."""
    config = _config(account, parameters)
    config.app_configs |= _app_configs(parameters)
    config.modified_at = account.now()
    return {"AppImageConfigArn": config.arn}


def delete_app_image_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteAppImageConfig.

    The service model has no error for a config that a domain names, so such a config is deleted too.
    """
    del account.app_image_configs[_config(account, parameters).name]
    return {}


def list_app_image_configs(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListAppImageConfigs."""
    configs, token = list_records(
        account, "ListAppImageConfigs", parameters, account.app_image_configs, modified_time="ModifiedTime"
    )
    return {"AppImageConfigs": [_details(config) for config in configs], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateAppImageConfig": create_app_image_config,
    "DescribeAppImageConfig": describe_app_image_config,
    "UpdateAppImageConfig": update_app_image_config,
    "DeleteAppImageConfig": delete_app_image_config,
    "ListAppImageConfigs": list_app_image_configs,
}


def _config(account: SageMakerAccount, parameters: OperationInput) -> AppImageConfigRecord:
    name = parameters["AppImageConfigName"]
    config = account.app_image_configs.get(name)
    if config is None:
        raise resource_not_found("AppImageConfig", AppImageConfigName=name)
    return config


def _app_configs(parameters: OperationInput) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name in _APP_CONFIGS}


def _details(config: AppImageConfigRecord) -> dict[str, Any]:
    return {
        "AppImageConfigArn": config.arn,
        "AppImageConfigName": config.name,
        "CreationTime": config.created_at,
        "LastModifiedTime": config.modified_at,
        **config.app_configs,
    }
