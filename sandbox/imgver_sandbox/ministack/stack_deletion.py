"""The deletion of resources, and of a whole stack.

Resources that do not depend on each other are deleted in parallel. CloudFormation also deletes what a resource depends
on whose deletion has failed. MiniStack deletes one resource after the other.
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1508
"""

from collections.abc import Collection

from imgver_sandbox.ministack.hooks import HANDLERS, PROVISIONERS, module
from imgver_sandbox.ministack.stack_exports import check_exports, replace_exports
from imgver_sandbox.ministack.stack_template import NESTED_STACK, Record, StackTemplate, add_event, call, set_status


def retains(policy: str) -> bool:
    """Return whether a DeletionPolicy or an UpdateReplacePolicy retains a resource."""
    return policy in module(PROVISIONERS)._RETAINING_POLICIES


async def delete_resource(stack: Record, logical_id: str, record: Record, *, policy: str = "Delete") -> str | None:
    """Delete a resource, unless its policy retains it. Returns the reason if its deletion fails."""
    provisioners = module(PROVISIONERS)
    if retains(policy):
        add_event(stack, logical_id, record, "DELETE_SKIPPED")
        return None
    add_event(stack, logical_id, record, "DELETE_IN_PROGRESS")
    resource_type, physical_id, properties = (
        record[name] for name in ("ResourceType", "PhysicalResourceId", "Properties")
    )
    try:
        if policy == "Snapshot":
            provisioners._snapshot_resource(resource_type, physical_id, properties)
        if resource_type == NESTED_STACK:
            await _delete_nested_stack(physical_id)
        else:
            await call(
                resource_type,
                provisioners._delete_resource,
                resource_type,
                physical_id,
                properties,
                stack["StackName"],
                logical_id,
            )
    except Exception as error:  # noqa: BLE001  whatever a handler raises fails the deletion
        add_event(stack, logical_id, record, "DELETE_FAILED", str(error))
        return str(error)
    add_event(stack, logical_id, record, "DELETE_COMPLETE")
    return None


async def delete_stack(stack: Record, *, retained: Collection[str] = (), force: bool = False) -> str | None:
    """Delete the resources of a stack, and set its status. Returns the reason if the deletion fails.

    Args:
        stack: The record of the stack.
        retained: The logical ids of the resources that are not deleted.
        force: Whether a resource whose deletion fails, and what it depends on, leaves the stack without a deletion.
    """
    failed = await _delete_resources(stack, retained=retained, force=force)
    if failed:
        reason = f"The following resource(s) failed to delete: [{', '.join(sorted(failed))}]."
        set_status(stack, "DELETE_FAILED", reason)
        return reason
    replace_exports(stack, outputs=[])
    set_status(stack, "DELETE_COMPLETE")
    return None


async def _delete_nested_stack(stack_id: str) -> None:
    stack = module(HANDLERS)._resolve_stack(stack_id)
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        return
    check_exports(stack, outputs=[])
    set_status(stack, "DELETE_IN_PROGRESS")
    reason = await delete_stack(stack)
    if reason is not None:
        raise ValueError(f"Embedded stack {stack_id} was not successfully deleted: {reason}")


async def _delete_resources(stack: Record, *, retained: Collection[str], force: bool) -> list[str]:
    """Delete the resources of a stack in parallel, and return the logical ids of those whose deletion failed."""
    resources: dict[str, Record] = stack.setdefault("_resources", {})
    template = StackTemplate.of(stack, stack)
    retained = set(retained)

    def retain(logical_id: str) -> None:
        retained.update({logical_id}, template.dependencies.get(logical_id, ()))

    if force:
        for logical_id, record in resources.items():
            if record["ResourceStatus"] == "DELETE_FAILED":
                retain(logical_id)

    async def delete(logical_id: str) -> None:
        record = resources[logical_id]
        policy = "Retain" if logical_id in retained else template.policy(logical_id, "DeletionPolicy", resources)
        reason = await delete_resource(stack, logical_id, record, policy=policy)
        if reason is not None and force:
            retain(logical_id)
            reason = await delete_resource(stack, logical_id, record, policy="Retain")
        if reason is None:
            del resources[logical_id]
        else:
            record.update(ResourceStatus="DELETE_FAILED", ResourceStatusReason=reason)

    await template.for_each_reversed(list(resources), delete)
    return list(resources)
