"""The operations on Studio lifecycle configurations. The sandbox stores their scripts and does not run them.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateStudioLifecycleConfig.html
"""

from typing import Any

from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import resource_in_use, resource_not_found
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.studio_records import LifecycleConfigRecord

_NAME = "StudioLifecycleConfigName"


def create_studio_lifecycle_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateStudioLifecycleConfig."""
    name = parameters[_NAME]
    if name in account.lifecycle_configs:
        raise resource_in_use("The ID or Name specified is already in use.")
    config = LifecycleConfigRecord(
        name=name,
        arn=account.arn(f"studio-lifecycle-config/{name}"),
        created_at=account.now(),
        content=parameters["StudioLifecycleConfigContent"],
        app_type=parameters["StudioLifecycleConfigAppType"],
    )
    account.lifecycle_configs[name] = config
    return {"StudioLifecycleConfigArn": config.arn}


def describe_studio_lifecycle_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeStudioLifecycleConfig."""
    config = _config(account, parameters)
    return {**_summary(config), "StudioLifecycleConfigContent": config.content}


def delete_studio_lifecycle_config(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteStudioLifecycleConfig, also for a configuration that settings name."""
    del account.lifecycle_configs[_config(account, parameters).name]
    return {}


def list_studio_lifecycle_configs(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListStudioLifecycleConfigs."""
    wanted = {
        name: config
        for name, config in account.lifecycle_configs.items()
        if parameters.get("AppTypeEquals", config.app_type) == config.app_type
    }
    configs, token = list_records(
        account, "ListStudioLifecycleConfigs", parameters, wanted, modified_time="ModifiedTime"
    )
    return {"StudioLifecycleConfigs": [_summary(config) for config in configs], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateStudioLifecycleConfig": create_studio_lifecycle_config,
    "DescribeStudioLifecycleConfig": describe_studio_lifecycle_config,
    "DeleteStudioLifecycleConfig": delete_studio_lifecycle_config,
    "ListStudioLifecycleConfigs": list_studio_lifecycle_configs,
}


def _config(account: SageMakerAccount, parameters: OperationInput) -> LifecycleConfigRecord:
    config = account.lifecycle_configs.get(parameters[_NAME])
    if config is None:
        raise resource_not_found("StudioLifecycleConfig", **{_NAME: parameters[_NAME]})
    return config


def _summary(config: LifecycleConfigRecord) -> dict[str, Any]:
    return {
        "CreationTime": config.created_at,
        "LastModifiedTime": config.modified_at,
        "StudioLifecycleConfigAppType": config.app_type,
        "StudioLifecycleConfigArn": config.arn,
        _NAME: config.name,
    }
