"""The requests that concern an operation in progress, as CloudFormation responds to them."""

from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import HANDLERS, module
from imgver_sandbox.ministack.stack_exports import ExportError, check_exports
from imgver_sandbox.ministack.stack_operations import cancel_update
from imgver_sandbox.ministack.stack_template import set_status

_Parameters = Mapping[str, Any]
_Response = tuple[int, dict[str, str], bytes]


def respond_during_operations() -> None:
    """Patch the responses of three operations of the API.

    - CancelUpdateStack cancels the resources in progress. MiniStack only starts no further resource.
    - DeleteStack is refused during an update and its rollback, and has no effect during a deletion.
      https://github.com/aws/aws-toolkit-azure-devops/issues/317 has the error. MiniStack starts a deletion.
      DeleteStack of a stack whose export is in use has no effect but an event. MiniStack responds with an error.
      https://github.com/rlister/stax/issues/40 has the event.
    - DescribeStacks has LastUpdatedTime only if the stack has been updated.
      https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
    """
    handlers = module(HANDLERS)
    actions: dict[str, Callable[[_Parameters], _Response]] = handlers._ACTION_HANDLERS
    cancel_update_stack, delete_stack, describe_stacks = (
        actions[name] for name in ("CancelUpdateStack", "DeleteStack", "DescribeStacks")
    )

    def cancel(parameters: _Parameters) -> _Response:
        response = cancel_update_stack(parameters)
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName"))
        if stack and stack.get("_cancel_requested"):
            cancel_update(stack)
        return response

    def delete(parameters: _Parameters) -> _Response:
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName")) or {}
        status = stack.get("StackStatus", "")
        if status == "DELETE_IN_PROGRESS":
            return _deleted()
        if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
            message = f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            refusal: _Response = handlers._error("ValidationError", message)
            return refusal
        is_stable = status.endswith("_COMPLETE") and status != "DELETE_COMPLETE"
        if is_stable and not stack.get("EnableTerminationProtection"):
            try:
                check_exports(stack, outputs=[])
            except ExportError as error:
                set_status(stack, status, str(error))
                return _deleted()
        return delete_stack(parameters)

    def describe(parameters: _Parameters) -> _Response:
        status, headers, body = describe_stacks(parameters)
        return status, headers, body.replace(b"<LastUpdatedTime></LastUpdatedTime>", b"")

    actions.update(CancelUpdateStack=cancel, DeleteStack=delete, DescribeStacks=describe)


def _deleted() -> _Response:
    response: _Response = module(HANDLERS)._xml(200, "DeleteStackResponse", "")
    return response
