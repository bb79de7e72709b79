"""The output of Lambda functions in a file. MiniStack's CloudWatch Logs has it, too, until the sandbox stops."""

import time
from typing import Any

from imgver_sandbox.ministack.hooks import LAMBDA, module
from imgver_sandbox.runtime.log_files import RotatingLog


def log_invocations(log: RotatingLog) -> None:
    """Write every invocation to `log` when it ends, even if the role of the function denies logs."""
    lambda_ = module(LAMBDA)
    emit_to_cloudwatch = lambda_._emit_lambda_logs

    def emit(
        func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **options: object
    ) -> None:
        name = (func.get("config") or func)["FunctionName"]
        outcome = f"failed after {duration_ms} ms" if error else f"took {duration_ms} ms"
        at = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{at} {name} {outcome}, request {request_id}", *(f"    {line}" for line in log_text.splitlines())]
        log.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
        emit_to_cloudwatch(func, request_id, log_text, error, duration_ms, **options)

    lambda_._emit_lambda_logs = emit
