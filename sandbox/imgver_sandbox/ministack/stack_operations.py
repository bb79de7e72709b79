"""The tasks that create, update, roll back and delete stacks, instead of MiniStack's."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from imgver_sandbox.ministack.hooks import CHANGE_SETS, CLOUDFORMATION, HANDLERS, STACKS, module
from imgver_sandbox.ministack.stack_deletion import delete_stack
from imgver_sandbox.ministack.stack_deployment import Deployment
from imgver_sandbox.ministack.stack_template import Record, StackTemplate, set_status

_in_progress: dict[str, tuple[Deployment, asyncio.Event]] = {}
"""The creations, updates and rollbacks in progress by stack id, with the events that are set at their end."""


def replace_stack_operations() -> None:
    """Replace the tasks. Only templates that import existing resources are still deployed by MiniStack's task."""
    stacks, handlers, change_sets = module(STACKS), module(HANDLERS), module(CHANGE_SETS)
    ministack_deploy, ministack_roll_back = stacks._deploy_stack_async, stacks._roll_back_operation
    ministack_continue_rollback = handlers._continue_update_rollback_async

    async def deploy(  # noqa: PLR0917  the signature is MiniStack's
        stack_name: str,
        stack_id: str,
        template: Record,
        param_values: Record,
        disable_rollback: bool,
        tags: list[Record],
        is_update: bool = False,
        previous_stack: Record | None = None,
        retain_except_on_create: bool = False,
        imports: Record | None = None,
    ) -> None:
        stack = module(CLOUDFORMATION)._stacks[stack_name]
        state = {**stack, "_template": template, "_resolved_params": param_values}
        new = StackTemplate.of(stack, state)
        if imports or not new.is_ordered:
            await ministack_deploy(
                stack_name,
                stack_id,
                template,
                param_values,
                disable_rollback,
                tags,
                is_update,
                previous_stack,
                retain_except_on_create,
                imports,
            )
            return
        if not is_update:
            # As on AWS, a stack that has not been updated has no such time.
            stack.pop("LastUpdatedTime", None)
        if _is_invalid(stack, new, previous_stack, disable_rollback=disable_rollback):
            return
        deployment = Deployment(
            stack,
            new,
            previous_stack if is_update else None,
            disable_rollback=disable_rollback,
            retain_except_on_create=retain_except_on_create,
        )
        with _registered(stack_id, deployment):
            await deployment.run()

    async def roll_back(
        stack_name: str, stack_id: str, stack: Record, operation: Record, reason_override: str = ""
    ) -> None:
        if "deployment" not in operation:
            await ministack_roll_back(stack_name, stack_id, stack, operation, reason_override)
            return
        deployment = operation["deployment"]
        deployment.retain_except_on_create = operation.get("retain_except_on_create", False)
        with _registered(stack_id, deployment):
            await deployment.roll_back(reason_override)

    async def continue_rollback(stack_name: str, stack_id: str, resources_to_skip: Collection[str]) -> None:
        deployment = module(CLOUDFORMATION)._stacks[stack_name].pop("_rollback", None)
        if deployment is None:
            await ministack_continue_rollback(stack_name, stack_id, resources_to_skip)
            return
        with _registered(stack_id, deployment):
            await deployment.roll_back("User Initiated", skipped=resources_to_skip)

    for importer in (stacks, handlers, change_sets):  # they import them by name
        importer._deploy_stack_async = deploy
    for importer in (stacks, handlers):
        importer._delete_stack_async = _delete
    handlers._roll_back_operation = roll_back
    handlers._continue_update_rollback_async = continue_rollback


def cancel_update(stack: Record) -> None:
    """Cancel the update in progress of a stack, which then rolls back."""
    if stack["StackId"] in _in_progress:
        deployment, _ = _in_progress[stack["StackId"]]
        deployment.stop("User Initiated")
        del stack["_cancel_requested"]


async def _delete(stack_name: str, stack_id: str, retain_resources: Collection[str] = (), force: bool = False) -> None:
    """Delete a stack. The creation or the rollback in progress ends first, and does not start further resources."""
    stack = module(CLOUDFORMATION)._stacks.get(stack_name)
    if stack is None:
        return
    set_status(stack, "DELETE_IN_PROGRESS")
    if stack_id in _in_progress:
        deployment, ended = _in_progress[stack_id]
        deployment.supersede()
        await ended.wait()
    await delete_stack(stack, retained=retain_resources, force=force)


@contextmanager
def _registered(stack_id: str, deployment: Deployment) -> Iterator[None]:
    ended = asyncio.Event()
    _in_progress[stack_id] = deployment, ended
    try:
        yield
    finally:
        del _in_progress[stack_id]
        ended.set()


def _is_invalid(
    stack: Record, template: StackTemplate, previous_stack: Record | None, *, disable_rollback: bool
) -> bool:
    """Return whether MiniStack's validation of the properties has failed the operation."""
    if stack.get("_disable_validation"):
        return False
    parameters, conditions, mappings, *_ = template.values
    return bool(
        module(STACKS)._fail_property_validation(
            stack,
            template.stack_id,
            template.stack_name,
            template.resources,
            list(template.dependencies),
            parameters,
            conditions,
            mappings,
            disable_rollback,
            previous_stack,
        )
    )
