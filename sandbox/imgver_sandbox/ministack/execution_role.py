"""The permissions of a function's execution role for logs and network interfaces, which MiniStack does not check."""

from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import APP, LAMBDA, PROVISIONERS, RESPONSES, module
from imgver_sandbox.ministack.iam import denial

_FUNCTION_TYPE = "AWS::Lambda::Function"


def use_execution_roles() -> None:
    """Enforce the role of a function for its logs and its VPC, if IAM is enforced."""
    if module(APP).AUTH:
        _enforce_log_permissions()
        _enforce_network_permissions()


def _enforce_log_permissions() -> None:
    """Write the log of a function only if its role allows it. AWS discards the lines without an error, too."""
    lambda_, responses = module(LAMBDA), module(RESPONSES)
    emit_lambda_logs = lambda_._emit_lambda_logs

    def emit(func: dict[str, Any], *invocation: object, **options: object) -> None:
        config = func.get("config") or func
        name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        group = f"arn:aws:logs:{responses.get_region()}:{responses.get_account_id()}:log-group:{name}"
        # Each invocation has its own stream, whose name MiniStack chooses later.
        for action, resource in (
            ("logs:CreateLogStream", f"{group}:log-stream:"),
            ("logs:PutLogEvents", f"{group}:log-stream:*"),
        ):
            if denial(config["Role"], action, resource, session=config["FunctionName"]):
                return
        emit_lambda_logs(func, *invocation, **options)

    lambda_._emit_lambda_logs = emit


def _enforce_network_permissions() -> None:
    """Refuse a function in a VPC unless its role may create, describe and delete network interfaces."""
    handlers = module(PROVISIONERS)._RESOURCE_HANDLERS[_FUNCTION_TYPE]
    create: Callable[..., object] = handlers["create"]
    update: Callable[..., object] = handlers["update"]

    def check(properties: Mapping[str, Any]) -> None:
        if not properties.get("VpcConfig", {}).get("SubnetIds"):
            return
        for operation in ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface"):
            if denial(properties["Role"], f"ec2:{operation}", "*", session="awslambda"):
                raise ValueError(
                    f"The provided execution role does not have permissions to call {operation} on EC2 "
                    "(Service: Lambda, Status Code: 400)"
                )

    def checked_create(logical_id: str, properties: Mapping[str, Any], *stack: object) -> object:
        check(properties)
        return create(logical_id, properties, *stack)

    def checked_update(physical_id: str, old: object, new: Mapping[str, Any], *stack: object) -> object:
        check(new)
        return update(physical_id, old, new, *stack)

    handlers.update(create=checked_create, update=checked_update)
