"""The Delete event that CloudFormation sends for a custom resource whose Create failed."""

import contextvars
import uuid
from typing import Any

from imgver_sandbox.ministack.hooks import CUSTOM_RESOURCE, HANDLERS, STACKS, module

# The key of the failed resources in a stack's record.
_FAILED_CREATES = "_imgver_failed_creates"


def track_failed_creates() -> None:
    """Send the Delete event that follows a failed Create, which MiniStack does not send.

    CloudFormation stores the physical id of a FAILED response, or generates one if there is none. It sends a Delete
    event for it when the stack rolls back, is deleted, or creates that resource again.
    """
    custom_resource, stacks, handlers = module(CUSTOM_RESOURCE), module(STACKS), module(HANDLERS)
    cloudformation = module("ministack.services.cloudformation")
    register_token = custom_resource.register_token
    invoke_custom_resource = custom_resource.invoke_custom_resource
    roll_back_operation = stacks._roll_back_operation
    delete_stack_async = stacks._delete_stack_async
    sent: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("sent", default=None)

    def remember_token(token: str) -> object:
        event = register_token(token)
        # MiniStack stores the response in this record, and discards it after the wait.
        sent.set(custom_resource._pending[token])
        return event

    def invoke(  # noqa: PLR0917  the signature is MiniStack's
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        failed = (cloudformation._stacks.get(stack_name) or {}).setdefault(_FAILED_CREATES, {})
        if request_type == "Create" and logical_id in failed:
            invoke_custom_resource(
                "Delete",
                logical_id,
                failed[logical_id]["Properties"],
                stack_name,
                stack_id,
                failed[logical_id]["ResourceType"],
                physical_id=failed[logical_id]["PhysicalResourceId"],
            )
            del failed[logical_id]
        sent.set(None)
        try:
            result: tuple[str, dict[str, Any]] = invoke_custom_resource(
                request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props
            )
        except (RuntimeError, TimeoutError):
            request = sent.get()
            if request_type == "Create" and request is not None:
                generated = f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
                failed[logical_id] = {
                    "PhysicalResourceId": (request["result"] or {}).get("PhysicalResourceId") or generated,
                    "ResourceType": resource_type,
                    "ResourceStatus": "CREATE_FAILED",
                    "LogicalResourceId": logical_id,
                    "Properties": props,
                    "Attributes": {},
                }
            raise
        return result

    def restore_failed(stack: dict[str, Any]) -> list[str]:
        failed = stack.pop(_FAILED_CREATES, {})
        stack.setdefault("_resources", {}).update(failed)
        return list(failed)

    async def roll_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], reason_override: str = ""
    ) -> None:
        created = [*operation.get("created", []), *restore_failed(stack)]
        await roll_back_operation(stack_name, stack_id, stack, {**operation, "created": created}, reason_override)

    async def delete_stack(
        stack_name: str, stack_id: str, retain_resources: frozenset[str] = frozenset(), force: bool = False
    ) -> None:
        restore_failed(cloudformation._stacks.get(stack_name) or {})
        await delete_stack_async(stack_name, stack_id, retain_resources, force)

    custom_resource.register_token = remember_token
    custom_resource.invoke_custom_resource = invoke
    for importer in (stacks, handlers):  # handlers imports them by name
        importer._roll_back_operation = roll_back
        importer._delete_stack_async = delete_stack
