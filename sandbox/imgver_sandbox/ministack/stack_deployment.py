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

Here, only custom resources can be interrupted. The rollback starts when the resources of other types have ended.
"""

import asyncio
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from imgver_sandbox.ministack.custom_resources import CustomResourceError, generated_physical_id, is_custom
from imgver_sandbox.ministack.hooks import CLOUDFORMATION, ENGINE, PROVISIONERS, RESPONSES, STACKS, module
from imgver_sandbox.ministack.stack_deletion import delete_resource, retains
from imgver_sandbox.ministack.stack_template import Record, StackTemplate, add_event, call, set_status

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

    def __init__(self, stack: Record, template: StackTemplate, previous_state: Record | None) -> None:
        """Prepare the operation. `previous_state` has the members of the stack's record before an update."""
        self._stack = stack
        self._template = template
        self._previous_state = previous_state
        self._previous = StackTemplate.of(stack, previous_state or {})
        self._before: dict[str, Record] = (previous_state or {}).get("_resources", {})
        self._changes: dict[str, _Change] = {}
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

    async def run(self, *, disable_rollback: bool, retain_except_on_create: bool) -> None:
        """Create or update all resources, and set the status of the stack. A failure rolls them back."""
        await self._template.for_each(self._template.dependencies, self._apply)
        if not self._stopped.done():
            try:
                outputs, exports = self._outputs()
            except Exception as error:  # noqa: BLE001  whatever the evaluation raises fails the operation
                self.stop(str(error))
            else:
                await self._complete(outputs, exports)
                return
        if self._is_superseded:
            return
        reason = self._stopped.result() or self._failures()
        if disable_rollback:
            set_status(self._stack, "UPDATE_FAILED" if self._is_update else "CREATE_FAILED", reason)
            # For MiniStack's RollbackStack.
            self._stack["_failed_operation"] = {"deployment": self, "is_update": self._is_update}
        else:
            await self.roll_back(reason, retain_except_on_create=retain_except_on_create)

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

    async def roll_back(self, reason: str, *, retain_except_on_create: bool) -> None:
        """Update what was updated to its previous properties, and delete what was created."""
        self._stack.pop("_failed_operation", None)
        self._set_rollback_status("ROLLBACK_IN_PROGRESS", reason)
        unwanted = {name: change.after for name, change in self._changes.items() if change.after is not None}
        not_reverted: dict[str, Record] = {}

        async def revert(logical_id: str) -> None:
            unwanted.pop(logical_id, None)
            physical_id = self._before[logical_id]["PhysicalResourceId"]
            failure = await self._revert(logical_id)
            if failure is not None:
                not_reverted[logical_id] = failure
            elif self._before[logical_id]["PhysicalResourceId"] != physical_id:
                unwanted[logical_id] = {**self._before[logical_id], "PhysicalResourceId": physical_id}

        async def delete(logical_id: str) -> None:
            policy = self._template.policy(logical_id, "DeletionPolicy", self._resources)
            # CloudFormation deletes what RetainExceptOnCreate retains later.
            policy = "Retain" if policy == "Retain" and not retain_except_on_create else "Delete"
            failure = await delete_resource(self._stack, logical_id, unwanted[logical_id], policy=policy)
            if failure is None:
                self._resources.pop(logical_id, None)

        in_place = [name for name, change in self._changes.items() if change.before and not change.is_replacement]
        await self._previous.for_each(in_place, revert)
        if self._is_update and not not_reverted:
            self._set_rollback_status("ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        await self._template.for_each_reversed(unwanted, delete)
        not_deleted = self._resources.keys() & unwanted.keys()
        self._stack.update(self._previous_state or {})
        if not_reverted:
            # For MiniStack's ContinueUpdateRollback.
            self._stack["_rollback_failed"] = not_reverted
            self._set_rollback_status("ROLLBACK_FAILED", _failed_to("update", not_reverted))
        elif not_deleted and not self._is_update:
            self._set_rollback_status("ROLLBACK_FAILED", _failed_to("delete", not_deleted))
        else:
            self._set_rollback_status("ROLLBACK_COMPLETE")

    def _set_rollback_status(self, status: str, reason: str = "") -> None:
        if not self._is_superseded:
            set_status(self._stack, f"UPDATE_{status}" if self._is_update else status, reason)

    async def _revert(self, logical_id: str) -> Record | None:
        """Update a resource to its previous properties. If that fails, return what MiniStack needs to repeat it."""
        change, record, stacks = self._changes[logical_id], self._before[logical_id], module(STACKS)
        resource_type = record["ResourceType"]
        applied = self._template.tagged(logical_id, resource_type, change.wanted["Properties"])
        previous = self._previous.tagged(logical_id, resource_type, record["Properties"])
        if applied == previous or not (change.after or stacks._sends_back_failed_update(resource_type)):
            stacks._mark_rolled_back(record)
            add_event(self._stack, logical_id, record, "UPDATE_COMPLETE")
            return None
        physical_id, attributes = record["PhysicalResourceId"], (change.after or record)["Attributes"]
        try:
            await stacks._revert_update(
                self._stack["StackId"],
                self._stack["StackName"],
                logical_id,
                resource_type,
                physical_id,
                applied,
                previous,
                attributes,
                record,
            )
        except Exception:  # noqa: BLE001  MiniStack has added an event with the reason
            return {
                "PhysicalResourceId": physical_id,
                "ResourceType": resource_type,
                "RevertFrom": applied,
                "RevertTo": previous,
                "Attributes": attributes,
            }
        return None

    def _failures(self) -> str:
        """Return the reason of a rollback: the resources that failed or were cancelled."""
        failed = {name: change.verb for name, change in self._changes.items() if change.has_failed}
        sentences = [
            _failed_to(verb.lower(), [name for name in failed if failed[name] == verb])
            for verb in ("CREATE", "UPDATE")
            if verb in failed.values()
        ]
        return " ".join([*sentences, *([] if self._is_update else ["Rollback requested by user."])])

    def _outputs(self) -> tuple[list[Record], Record]:
        """Evaluate the outputs. Returns the outputs and the exports."""
        declared = {name: record for name, record in self._resources.items() if name in self._template.dependencies}
        parameters, conditions, mappings, *stack = self._template.values
        outputs, exports = module(STACKS)._resolve_stack_outputs(
            self._template.body.get("Outputs", {}), conditions, declared, parameters, mappings, *stack
        )
        return outputs, exports

    async def _complete(self, outputs: list[Record], exports: Record) -> None:
        """Publish the outputs. After an update, delete what was replaced or is no longer declared.

        CloudFormation no longer manages a resource whose deletion fails here.
        """
        self._stack.update(Outputs=outputs, _template=self._template.body, _resolved_params=self._template.parameters)
        module(CLOUDFORMATION)._exports.update(exports)
        if not self._is_update:
            set_status(self._stack, "CREATE_COMPLETE")
            return
        set_status(self._stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        replaced = {name for name, change in self._changes.items() if change.is_replacement}
        removed = self._before.keys() - self._template.dependencies.keys()

        async def delete(logical_id: str) -> None:
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

        await self._previous.for_each_reversed(replaced | removed, delete)
        set_status(self._stack, "UPDATE_COMPLETE")

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
            is_unchanged = before is not None and self._is_unchanged(logical_id, before, wanted)
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
        has_function = is_custom(change.wanted["ResourceType"])
        work = asyncio.create_task(self._provision(logical_id, change))
        ends: list[asyncio.Future[Any]] = [work, self._stopped]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        is_cancelled = not work.done()
        if is_cancelled:
            self._fail(change, _CANCELLED[change.verb])
            if has_function:
                work.add_done_callback(lambda ignored: ignored.exception())
                self._record_failed_creation(change, None)
                return
        try:
            change.after = self._resources[logical_id] = await work
        except Exception as error:  # noqa: BLE001  whatever a handler raises fails the resource
            if has_function and isinstance(error, CustomResourceError):
                self._record_failed_creation(change, error.physical_id)
            if not is_cancelled:
                self._fail(change, str(error))
        else:
            if not is_cancelled:
                add_event(self._stack, logical_id, change.after, change.after["ResourceStatus"])

    def _is_unchanged(self, logical_id: str, before: Record, wanted: Record) -> bool:
        resource_type = wanted["ResourceType"]
        previous = self._previous.tagged(logical_id, resource_type, before["Properties"])
        return previous == self._template.tagged(logical_id, resource_type, wanted["Properties"])

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

    def _fail(self, change: _Change, reason: str) -> None:
        """Add the event of a failed or cancelled change, and stop the operation."""
        change.has_failed = True
        logical_id = change.wanted["LogicalResourceId"]
        status = {"ResourceStatus": f"{change.verb}_FAILED", "ResourceStatusReason": reason}
        self._resources.get(logical_id, {}).update(status)
        add_event(self._stack, logical_id, change.wanted, status["ResourceStatus"], reason)
        self.stop()

    def _record_failed_creation(self, change: _Change, physical_id: str | None) -> None:
        """Record a custom resource whose creation failed or was cancelled, which CloudFormation deletes later."""
        if change.before is not None:
            return
        logical_id = change.wanted["LogicalResourceId"]
        change.after = self._resources[logical_id] = {
            **change.wanted,
            "PhysicalResourceId": physical_id or generated_physical_id(self._stack["StackName"], logical_id),
            "ResourceStatus": "CREATE_FAILED",
            "Attributes": {},
            "Timestamp": module(RESPONSES).now_iso(),
        }


def _failed_to(verb: str, names: Iterable[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(sorted(names))}]."
