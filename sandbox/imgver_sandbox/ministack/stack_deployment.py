"""The creation and the update of a stack, and their rollback.

MiniStack processes the resources of a stack one after the other. CloudFormation processes resources that do not depend
on each other in parallel, so that a failure finds other resources in progress. CloudFormation cancels them:

- A resource that is being created becomes CREATE_FAILED with the reason "Resource creation cancelled". The rollback
  deletes it at once. The Delete event of a custom resource then has a physical id that CloudFormation generated, and
  can reach the function while the function still handles the Create event.
- A resource that is being updated becomes UPDATE_FAILED with the reason "Resource update cancelled". The rollback
  sends an Update event with the previous properties, which can also reach the function during the first one.

The response to a cancelled event is ignored. CancelUpdateStack, and DeleteStack during a creation, cancel in the same
way. https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1814 and /1730 describe it.

Here, only custom resources and those of nested stacks can be interrupted. The rollback starts when the resources of
other types have ended.
"""

import asyncio
import copy
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from imgver_sandbox.ministack import custom_resources, nested_stacks
from imgver_sandbox.ministack.hooks import ENGINE, PROVISIONERS, RESPONSES, STACKS, module
from imgver_sandbox.ministack.stack_deletion import delete_resource, retains
from imgver_sandbox.ministack.stack_exports import check_exports, replace_exports
from imgver_sandbox.ministack.stack_template import NESTED_STACK, Record, StackTemplate, add_event, call, set_status

_CANCELLED = {"CREATE": "Resource creation cancelled", "UPDATE": "Resource update cancelled"}


@dataclass(kw_only=True)
class _Change:
    """The creation or the update of one resource."""

    before: Record | None
    """The record of the resource before the operation. None if the operation creates the resource."""
    wanted: Record
    """The record that the resource is to have, without the results of the change."""
    after: Record | None = None
    """The record of what exists after the change. None if there is nothing, or the update failed or was cancelled."""
    has_failed: bool = False
    """Whether the change failed or was cancelled."""
    is_reverted: bool = False
    """Whether a rollback has updated the resource to its previous properties, or skipped it."""
    nested: "Deployment | None" = None
    """The operation on a nested stack."""
    postponed: list[tuple[Any, Any, Any]] = field(default_factory=list)
    """Deletions of the replaced resource, which MiniStack's handlers add: functions with their arguments."""

    @property
    def verb(self) -> str:
        return "CREATE" if self.before is None else "UPDATE"

    @property
    def is_replacement(self) -> bool:
        if self.before is None or self.after is None:
            return False
        return bool(self.postponed) or self.before["PhysicalResourceId"] != self.after["PhysicalResourceId"]


class Deployment:
    """One creation or update of a stack."""

    def __init__(
        self,
        stack: Record,
        template: StackTemplate,
        previous_state: Record | None,
        *,
        disable_rollback: bool,
        retain_except_on_create: bool,
    ) -> None:
        """Prepare the operation.

        Args:
            stack: The record of the stack.
            template: The template that the stack is to have.
            previous_state: The members of the stack's record before an update. None for a creation.
            disable_rollback: Whether a failure leaves the stack as it is.
            retain_except_on_create: Whether a rollback deletes new resources whose DeletionPolicy is Retain.
        """
        self._stack = stack
        self._template = template
        self._previous_state = previous_state
        self._previous = StackTemplate.of(stack, previous_state or {})
        self._before: dict[str, Record] = (previous_state or {}).get("_resources", {})
        self._disable_rollback = disable_rollback
        self.retain_except_on_create = retain_except_on_create  # RollbackStack can change it
        self._changes: dict[str, _Change] = {}
        self._unwanted: dict[str, Record] = {}
        self._stopped: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._is_superseded = False

    @property
    def _is_update(self) -> bool:
        return self._previous_state is not None

    @property
    def _resources(self) -> dict[str, Record]:
        """The records of the resources that the stack has now."""
        resources: dict[str, Record] = self._stack["_resources"]
        return resources

    async def run(self) -> None:
        """Create or update all resources, and set the status of the stack. A failure rolls them back."""
        reason = await self._deploy()
        if reason is None:
            await self._clean_up()
        elif self._is_superseded:
            return
        elif self._disable_rollback:
            set_status(self._stack, "UPDATE_FAILED" if self._is_update else "CREATE_FAILED", reason)
            # For MiniStack's RollbackStack.
            self._stack["_failed_operation"] = {"deployment": self, "is_update": self._is_update}
        else:
            await self.roll_back(reason if self._is_update else f"{reason} Rollback requested by user.")

    def stop(self, reason: str | None = None) -> None:
        """Cancel the resources in progress, and start no others.

        `reason` is the reason of the rollback. None: the resources that failed or were cancelled.
        """
        if not self._stopped.done():
            self._stopped.set_result(reason)

    def supersede(self) -> None:
        """Leave the stack to its deletion: stop without a rollback, and do not set its status any more."""
        self._is_superseded = True
        self.stop()

    async def roll_back(self, reason: str, *, skipped: Collection[str] = ()) -> None:
        """Update what was updated to its previous properties, and delete what was created.

        `skipped` has the logical ids of resources that stay as they are.
        """
        for logical_id in skipped:
            self._changes[logical_id].is_reverted = True
            add_event(
                self._stack,
                logical_id,
                self._before[logical_id],
                "UPDATE_COMPLETE",
                "Resource rollback skipped by user",
            )
        await self._revert_all(reason)
        await self._clean_up_rollback()

    async def _deploy(self) -> str | None:
        """Create or update all resources, and publish the outputs. Returns the reason if that fails."""
        await self._template.for_each(self._template.dependencies, self._apply)
        if not self._stopped.done():
            await self._functions_end()  # during which the operation can be cancelled
        if not self._stopped.done():
            try:
                self._publish_outputs()
            except Exception as error:  # noqa: BLE001  whatever the evaluation raises fails the operation
                self.stop(str(error))
            else:
                set_status(self._stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" if self._is_update else "CREATE_COMPLETE")
                return None
        return self._stopped.result() or self._failures()

    async def _clean_up(self) -> None:
        """After an update, delete what was replaced or is no longer declared.

        CloudFormation no longer manages a resource whose deletion fails here.
        """
        if not self._is_update:
            return
        replaced = {name for name, change in self._changes.items() if change.is_replacement}
        removed = self._before.keys() - self._template.dependencies.keys()
        nested = self._nested_updates_in_progress()

        async def clean_up(logical_id: str) -> None:
            if logical_id in nested:
                await nested[logical_id]._clean_up()
                return
            before = self._before[logical_id]
            if logical_id in removed:
                policy = self._previous.policy(logical_id, "DeletionPolicy", self._before)
                del self._resources[logical_id]
            else:
                policy = self._template.policy(logical_id, "UpdateReplacePolicy", self._resources)
                if not retains(policy):
                    for function, arguments, options in self._changes[logical_id].postponed:
                        function(*arguments, **options)
                if before["PhysicalResourceId"] == self._resources[logical_id]["PhysicalResourceId"]:
                    return
            await delete_resource(self._stack, logical_id, before, policy=policy)

        await self._previous.for_each_reversed({*replaced, *removed, *nested}, clean_up)
        set_status(self._stack, "UPDATE_COMPLETE")

    async def _revert_all(self, reason: str | None) -> None:
        """Update what was updated in place to its previous properties, unless an earlier attempt did so.

        `reason` is the reason in the event of the stack. None: the stack already has the event.
        """
        self._stack.pop("_failed_operation", None)
        if reason is not None:
            self._set_rollback_status("ROLLBACK_IN_PROGRESS", reason)
        self._unwanted = {}
        for logical_id in self._not_reverted:
            change = self._changes[logical_id]
            change.is_reverted = change.before is None or change.is_replacement
            if change.is_reverted and change.after is not None:
                self._unwanted[logical_id] = change.after

        async def revert(logical_id: str) -> None:
            record = self._before[logical_id]
            physical_id = record["PhysicalResourceId"]
            self._changes[logical_id].is_reverted = await self._revert(logical_id)
            if record["PhysicalResourceId"] != physical_id:
                self._unwanted[logical_id] = {**record, "PhysicalResourceId": physical_id}

        await self._previous.for_each(self._not_reverted, revert)
        await self._functions_end()
        if self._is_update and not self._not_reverted:
            self._set_rollback_status("ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    async def _clean_up_rollback(self) -> None:
        """Delete what was created, and set the status at the end of the rollback."""
        nested = self._nested_updates_in_progress()

        async def delete(logical_id: str) -> None:
            if logical_id in nested:
                await nested[logical_id]._clean_up_rollback()
                return
            policy = self._template.policy(logical_id, "DeletionPolicy", self._resources)
            # CloudFormation deletes what RetainExceptOnCreate retains later.
            policy = "Retain" if policy == "Retain" and not self.retain_except_on_create else "Delete"
            failure = await delete_resource(self._stack, logical_id, self._unwanted[logical_id], policy=policy)
            if failure is None:
                self._resources.pop(logical_id, None)

        await self._template.for_each_reversed({*self._unwanted, *nested}, delete)
        not_deleted = self._resources.keys() & self._unwanted.keys()
        if self._previous_state is not None:
            replace_exports(self._stack, self._previous_state["Outputs"])
            self._stack.update(self._previous_state)
        if self._not_reverted:
            # For ContinueUpdateRollback.
            self._stack.update(_rollback_failed=dict.fromkeys(self._not_reverted), _rollback=self)
            self._set_rollback_status("ROLLBACK_FAILED", _failed_to("update", self._not_reverted))
        elif not_deleted and not self._is_update:
            self._set_rollback_status("ROLLBACK_FAILED", _failed_to("delete", not_deleted))
        else:
            self._set_rollback_status("ROLLBACK_COMPLETE")

    async def _functions_end(self) -> None:
        await asyncio.to_thread(custom_resources.wait_for_functions, self._stack["StackId"])

    @property
    def _not_reverted(self) -> list[str]:
        return [logical_id for logical_id, change in self._changes.items() if not change.is_reverted]

    def _nested_updates_in_progress(self) -> "dict[str, Deployment]":
        return {
            logical_id: change.nested
            for logical_id, change in self._changes.items()
            if change.before and change.nested and change.nested._stack["StackStatus"].endswith("_IN_PROGRESS")
        }

    def _set_rollback_status(self, status: str, reason: str = "") -> None:
        if not self._is_superseded:
            set_status(self._stack, f"UPDATE_{status}" if self._is_update else status, reason)

    async def _revert(self, logical_id: str) -> bool:
        """Update a resource to its previous properties. Returns whether that succeeded."""
        change, record, stacks = self._changes[logical_id], self._before[logical_id], module(STACKS)
        if change.nested is not None:
            return await self._revert_nested_stack(logical_id, change.nested)
        resource_type = record["ResourceType"]
        applied = self._template.tagged(logical_id, resource_type, change.wanted["Properties"])
        previous = self._previous.tagged(logical_id, resource_type, record["Properties"])
        if applied == previous or not (change.after or stacks._sends_back_failed_update(resource_type)):
            self._record_rollback(logical_id)
            return True
        try:
            await stacks._revert_update(
                self._stack["StackId"],
                self._stack["StackName"],
                logical_id,
                resource_type,
                record["PhysicalResourceId"],
                applied,
                previous,
                (change.after or record)["Attributes"],
                record,
            )
        except Exception:  # noqa: BLE001  MiniStack has added an event with the reason
            return False
        return True

    async def _revert_nested_stack(self, logical_id: str, nested: "Deployment") -> bool:
        record = self._before[logical_id]
        add_event(self._stack, logical_id, record, "UPDATE_IN_PROGRESS")
        has_begun = nested._stack["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
        await nested._revert_all(None if has_begun else "")
        if nested._not_reverted:
            reason = _failed_to("update", nested._not_reverted)
            add_event(
                self._stack, logical_id, record, "UPDATE_FAILED", nested._failure("UPDATE_ROLLBACK_FAILED", reason)
            )
            return False
        self._record_rollback(logical_id)
        return True

    def _record_rollback(self, logical_id: str) -> None:
        module(STACKS)._mark_rolled_back(self._before[logical_id])
        add_event(self._stack, logical_id, self._before[logical_id], "UPDATE_COMPLETE")

    def _failures(self) -> str:
        """Return the reason of a failure: the resources that failed or were cancelled."""
        failed = {name: change.verb for name, change in self._changes.items() if change.has_failed}
        return " ".join(
            _failed_to(verb.lower(), [name for name in failed if failed[name] == verb])
            for verb in ("CREATE", "UPDATE")
            if verb in failed.values()
        )

    def _publish_outputs(self) -> None:
        """Evaluate the outputs, and record them and the new template. Raises ExportError for an export in use."""
        declared = {name: record for name, record in self._resources.items() if name in self._template.dependencies}
        parameters, conditions, mappings, *stack = self._template.values
        outputs, _ = module(STACKS)._resolve_stack_outputs(
            self._template.body.get("Outputs", {}), conditions, declared, parameters, mappings, *stack
        )
        check_exports(self._stack, outputs)
        replace_exports(self._stack, outputs)
        self._stack.update(Outputs=outputs, _template=self._template.body, _resolved_params=self._template.parameters)

    async def _apply(self, logical_id: str) -> None:
        """Create or update a resource, unless it is unchanged or the operation has stopped."""
        if self._stopped.done():
            return
        definition = self._template.resources[logical_id]
        before = self._before.get(logical_id)
        if before and before["ResourceStatus"] == "CREATE_FAILED":
            # The operation before this one failed and was not rolled back.
            await delete_resource(self._stack, logical_id, self._before.pop(logical_id))
            before = None
        wanted = {
            "LogicalResourceId": logical_id,
            "ResourceType": definition.get("Type", "AWS::CloudFormation::CustomResource"),
            "PhysicalResourceId": before["PhysicalResourceId"] if before else "",
            "Properties": before["Properties"] if before else {},
        }
        change = self._changes[logical_id] = _Change(before=before, wanted=wanted)
        try:
            wanted.update(self._properties(logical_id, before))
            is_unchanged = self._is_unchanged(logical_id, change)
        except Exception as error:  # noqa: BLE001  whatever the evaluation raises fails the resource
            self._fail(change, str(error))
            return
        if is_unchanged:
            del self._changes[logical_id]
            return
        add_event(self._stack, logical_id, wanted, f"{change.verb}_IN_PROGRESS")
        await self._carry_out(logical_id, change)

    async def _carry_out(self, logical_id: str, change: _Change) -> None:
        """Carry out a change until it ends or is cancelled."""
        has_function = custom_resources.is_custom(change.wanted["ResourceType"])
        is_nested = change.wanted["ResourceType"] == NESTED_STACK
        provision = self._provision_nested_stack if is_nested else self._provision
        work = asyncio.create_task(provision(logical_id, change))
        ends: list[asyncio.Future[Any]] = [work, self._stopped]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        is_cancelled = not work.done()
        if is_cancelled:
            self._fail(change, _CANCELLED[change.verb])
            if change.nested is not None:
                change.nested.stop()
            if has_function:
                work.add_done_callback(lambda ignored: ignored.exception())
                self._record_failed_creation(change, None)
                return
        try:
            change.after = self._resources[logical_id] = await work
        except Exception as error:  # noqa: BLE001  whatever a handler raises fails the resource
            if has_function and isinstance(error, custom_resources.CustomResourceError):
                self._record_failed_creation(change, error.physical_id)
            elif change.nested is not None:
                self._record_failed_creation(change, change.nested._stack["StackId"])
            if not is_cancelled:
                self._fail(change, str(error))
        else:
            if not is_cancelled:
                add_event(self._stack, logical_id, change.after, change.after["ResourceStatus"])

    def _is_unchanged(self, logical_id: str, change: _Change) -> bool:
        if change.before is None:
            return False
        resource_type = change.wanted["ResourceType"]
        previous = self._previous.tagged(logical_id, resource_type, change.before["Properties"])
        wanted = self._template.tagged(logical_id, resource_type, change.wanted["Properties"])
        if previous != wanted:
            return False
        # The template of a nested stack can have changed at the same address.
        return resource_type != NESTED_STACK or not nested_stacks.has_updates(
            nested_stacks.updated_stack(change.before["PhysicalResourceId"], self._stack, wanted)
        )

    def _properties(self, logical_id: str, before: Record | None) -> Record:
        """Evaluate the properties of a resource, and the dynamic references in them."""
        engine, definition = module(ENGINE), self._template.resources[logical_id]
        properties = engine._resolve_refs(
            copy.deepcopy(definition.get("Properties", {})), self._resources, *self._template.values
        )
        known = (before or {}).get("_dynamic", {})
        properties, dynamic = engine._resolve_dynamic_references(
            properties,
            known,
            reuse_ssm=bool(known) and self._previous.has_same_values(self._template),
            reuse_secrets=bool(known) and self._previous.resources.get(logical_id) == definition,
        )
        return {"Properties": properties, **({"_dynamic": dynamic} if dynamic else {})}

    async def _provision(self, logical_id: str, change: _Change) -> Record:
        """Create or update a resource with MiniStack, and return its record."""
        provisioners, stacks = module(PROVISIONERS), module(STACKS)
        resource_type, stack_name = change.wanted["ResourceType"], self._stack["StackName"]
        properties = self._template.tagged(logical_id, resource_type, change.wanted["Properties"])
        if change.before is None:
            (physical_id, attributes), seed = await call(
                resource_type, stacks._provision_keeping_seed, resource_type, logical_id, properties, stack_name
            )
        else:
            previous = self._previous.tagged(logical_id, resource_type, change.before["Properties"])
            # The handlers read these in the context of this task.
            policy = self._template.policy(logical_id, "UpdateReplacePolicy", self._resources)
            provisioners._RETAIN_REPLACED.set(retains(policy))
            provisioners._DEFERRED_PREDECESSOR_DELETES.set(change.postponed)
            provisioners._NAME_SEED.set(change.before.get("_name_seed", ""))
            (physical_id, attributes), seed = await call(
                resource_type,
                stacks._update_keeping_seed,
                resource_type,
                change.before["PhysicalResourceId"],
                previous,
                properties,
                stack_name,
                logical_id,
                change.before["Attributes"],
            )
        return {
            **change.wanted,
            "PhysicalResourceId": physical_id,
            "ResourceStatus": f"{change.verb}_COMPLETE",
            "Attributes": attributes,
            "Timestamp": module(RESPONSES).now_iso(),
            **({"_name_seed": seed} if seed else {}),
        }

    async def _provision_nested_stack(self, logical_id: str, change: _Change) -> Record:
        """Create or update a nested stack, and return its record in this stack."""
        properties = self._template.tagged(logical_id, NESTED_STACK, change.wanted["Properties"])
        if change.before is None:
            wanted, previous_state = nested_stacks.new_stack(self._stack, logical_id, properties), None
            stack = nested_stacks.begin_creation(wanted)
        else:
            wanted = nested_stacks.updated_stack(change.before["PhysicalResourceId"], self._stack, properties)
            stack, previous_state = nested_stacks.begin_update(wanted)
        change.wanted["PhysicalResourceId"] = stack["StackId"]
        if previous_state is None:
            add_event(self._stack, logical_id, change.wanted, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        nested = change.nested = Deployment(
            stack,
            StackTemplate.of(stack, wanted),
            previous_state,
            disable_rollback=self._disable_rollback,
            retain_except_on_create=self.retain_except_on_create,
        )
        reason = await nested._deploy()
        if reason is not None:
            status = "CREATE_FAILED" if previous_state is None else "UPDATE_ROLLBACK_IN_PROGRESS"
            if previous_state is not None and self._disable_rollback:
                status = "UPDATE_FAILED"
            set_status(stack, status, reason)
            raise ValueError(nested._failure(status, reason))
        return {
            **change.wanted,
            "ResourceStatus": f"{change.verb}_COMPLETE",
            "Attributes": nested_stacks.outputs_as_attributes(stack),
            "Timestamp": module(RESPONSES).now_iso(),
        }

    def _failure(self, status: str, reason: str) -> str:
        """Return the reason with which a failed operation on a nested stack fails the resource of its parent."""
        embedded = f"Embedded stack {self._stack['StackId']} was not successfully"
        if not self._is_update:
            return f"{embedded} created: {reason}"
        return f"{embedded} updated. Currently in {status} with reason: {reason}"

    def _fail(self, change: _Change, reason: str) -> None:
        """Add the event of a failed or cancelled change, and stop the operation."""
        change.has_failed = True
        logical_id = change.wanted["LogicalResourceId"]
        status = {"ResourceStatus": f"{change.verb}_FAILED", "ResourceStatusReason": reason}
        self._resources.get(logical_id, {}).update(status)
        add_event(self._stack, logical_id, change.wanted, status["ResourceStatus"], reason)
        self.stop()

    def _record_failed_creation(self, change: _Change, physical_id: str | None) -> None:
        """Record a resource whose creation failed or was cancelled, which CloudFormation deletes later."""
        if change.before is not None:
            return
        logical_id = change.wanted["LogicalResourceId"]
        change.after = self._resources[logical_id] = {
            **change.wanted,
            "PhysicalResourceId": physical_id
            or custom_resources.generated_physical_id(self._stack["StackName"], logical_id),
            "ResourceStatus": "CREATE_FAILED",
            "Attributes": {},
            "Timestamp": module(RESPONSES).now_iso(),
        }


def _failed_to(verb: str, names: Iterable[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(sorted(names))}]."
