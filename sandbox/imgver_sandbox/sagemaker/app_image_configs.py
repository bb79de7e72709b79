"""The operations on app image configs."""

from collections.abc import Callable
from typing import Any

from imgver_sandbox.sagemaker.account import Account, Answer, Request
from imgver_sandbox.sagemaker.errors import does_not_exist, in_use
from imgver_sandbox.sagemaker.listing import in_time, time_of
from imgver_sandbox.sagemaker.pagination import Order, page
from imgver_sandbox.sagemaker.studio_records import AppImageConfig

_APPS = frozenset({"KernelGatewayImageConfig", "JupyterLabAppImageConfig", "CodeEditorAppImageConfig"})


def create_app_image_config(account: Account, request: Request) -> Answer:
    """CreateAppImageConfig: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html"""
    name = request["AppImageConfigName"]
    if name in account.app_image_configs:
        raise in_use("The ID or Name specified is already in use.")
    now = account.now()
    config = AppImageConfig(
        name=name,
        arn=account.arn(f"app-image-config/{name}"),
        created_at=now,
        modified_at=now,
        apps=_apps(request),
    )
    account.app_image_configs[name] = config
    return {"AppImageConfigArn": config.arn}


def describe_app_image_config(account: Account, request: Request) -> Answer:
    """DescribeAppImageConfig:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeAppImageConfig.html"""
    return _described(_found(account, request))


def update_app_image_config(account: Account, request: Request) -> Answer:
    """UpdateAppImageConfig: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateAppImageConfig.html

    What it names is replaced, the rest stays.
    """
    config = _found(account, request)
    config.apps |= _apps(request)
    config.modified_at = account.now()
    return {"AppImageConfigArn": config.arn}


def delete_app_image_config(account: Account, request: Request) -> Answer:
    """DeleteAppImageConfig: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteAppImageConfig.html

    The model knows no error for one that a domain names, so it goes.
    """
    del account.app_image_configs[_found(account, request).name]
    return {}


def list_app_image_configs(account: Account, request: Request) -> Answer:
    """ListAppImageConfigs: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListAppImageConfigs.html"""
    sort_by = request.get("SortBy", "CreationTime")
    names, token = page(
        "ListAppImageConfigs",
        request,
        Order[str](
            (name,) if sort_by == "Name" else (time_of(config, sort_by), name)
            for name, config in account.app_image_configs.items()
            if request.get("NameContains", "") in name and in_time(config, request, modified="ModifiedTime")
        ),
        descending=request.get("SortOrder", "Descending") == "Descending",
    )
    return {"AppImageConfigs": [_described(account.app_image_configs[name]) for name in names], "NextToken": token}


OPERATIONS: dict[str, Callable[[Account, Request], Answer]] = {
    "CreateAppImageConfig": create_app_image_config,
    "DescribeAppImageConfig": describe_app_image_config,
    "UpdateAppImageConfig": update_app_image_config,
    "DeleteAppImageConfig": delete_app_image_config,
    "ListAppImageConfigs": list_app_image_configs,
}


def _found(account: Account, request: Request) -> AppImageConfig:
    name = request["AppImageConfigName"]
    config = account.app_image_configs.get(name)
    if config is None:
        raise does_not_exist("AppImageConfig", AppImageConfigName=name)
    return config


def _apps(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name in _APPS}


def _described(config: AppImageConfig) -> dict[str, Any]:
    return {
        "AppImageConfigArn": config.arn,
        "AppImageConfigName": config.name,
        "CreationTime": config.created_at,
        "LastModifiedTime": config.modified_at,
        **config.apps,
    }
