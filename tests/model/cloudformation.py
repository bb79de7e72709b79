"""A model of CloudFormation: the events of custom resources in deployments, rollbacks, cancellations and deletions.

Modelled after the service's documentation, aws-cdk's notes on custom resources, and reports of its users:

- Creates and updates run in dependency order, in parallel branches. Deletes run in the opposite order. The deletes of
  an update come last, in a cleanup phase whose failures are not the deployment's.
- A failure rolls back every resource that was updated: a second Update has the two sets of properties swapped.
- A failure also cancels what is in flight, and so do CancelUpdateStack and, during a creation, DeleteStack.
  CloudFormation does not wait for the response. A resource that was being created gets a Delete with a physical id that
  CloudFormation made up, and a resource that was being updated gets the rollback's Update, while the first invocation
  still runs.
- The reason of the rollback's status names the resources that failed and those that were cancelled.
- DescribeStacks may show the new status up to two seconds later, and the next event may follow up to two seconds after.
- A resource with ``DeletionPolicy: Retain`` gets no Delete, neither when it is removed nor after its creation failed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from deployed_function import Delivery, DeployedFunction, Disruption
from harness import ACCOUNT, REGION
from simulated_time import Simulation
from stack_template import POLICY_TYPE, Record, ResolvedProperties, Resource, Template, resolved

MAX_GAP = 2.0
"""The largest number of seconds between two steps of CloudFormation."""

MAX_SIGNATURE_AGE = 3.0
"""The largest number of seconds by which CloudFormation signs the ResponseURL before it sends the event."""

USER_INITIATED = "User Initiated"
"""The reason of an operation that a user requested."""

Records = list[tuple[str, Record]]
"""Resources with their logical ids. A replaced resource is two of them."""


@dataclass(frozen=True, kw_only=True)
class Unknowns:
    """The behaviour of CloudFormation that is not documented.

    Args:
        updates_before_delete: whether a rollback sends a replaced resource an Update before the Delete of the new id.
        uses_late_responses: whether CloudFormation uses a response that arrives after a cancellation, but before the
            end of the rollback: it then deletes the physical id in that response as well.
        shows_start_of_creation: whether the stack has a LastUpdatedTime before its first update, as stacks have that a
            change set created.
    """

    updates_before_delete: bool
    uses_late_responses: bool
    shows_start_of_creation: bool


@dataclass
class Operation:
    """A creation or an update of a stack that is running."""

    done: dict[str, Record] = field(default_factory=dict)
    updated: dict[str, tuple[Record, Record]] = field(default_factory=dict)
    """The states before and after every Update. After a failed or cancelled Update the physical id is the same."""
    created: dict[str, Record] = field(default_factory=dict)
    """The states after every Create, including failed and cancelled ones."""
    failed: set[str] = field(default_factory=set)
    """The logical ids of the resources whose Create or Update failed or was cancelled."""
    waiting: dict[str, Delivery] = field(default_factory=dict)
    """The events without a response."""
    cancelled: list[tuple[str, Delivery]] = field(default_factory=list)
    reason: str | None = None
    """The reason why the operation does not continue."""

    @property
    def is_stopped(self) -> bool:
        return self.reason is not None

    @property
    def status_reason(self) -> str:
        """The reason of the rollback's status, which names the resources that failed or were cancelled."""
        if self.reason == USER_INITIATED:
            return USER_INITIATED
        failed = {"create": self.failed - self.updated.keys(), "update": self.failed & self.updated.keys()}
        return " ".join(
            f"The following resource(s) failed to {verb}: [{', '.join(sorted(names))}]."
            for verb, names in failed.items()
            if names
        )

    def stop(self, reason: str) -> None:
        """Cancel everything that is in flight. No other resource begins."""
        if self.is_stopped:
            return
        self.reason = reason
        for logical_id, delivery in self.waiting.items():
            if delivery.response is None:
                delivery.is_cancelled = True
                self.cancelled.append((logical_id, delivery))


class ModelStack:
    """A stack from its creation to its deletion."""

    def __init__(
        self,
        name: str,
        *,
        simulation: Simulation,
        function: DeployedFunction,
        unknowns: Unknowns,
        disruption: Callable[[], Disruption],
        random_fraction: Callable[[], float],
    ) -> None:
        self.name = name
        self.id = (
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{uuid.UUID(int=int(random_fraction() * 2**96))}"
        )
        self.status = "REVIEW_IN_PROGRESS"
        self.created_at = simulation.now()
        self.updated_at: float | None = None
        self.status_reason = USER_INITIATED
        self.records: dict[str, Record] = {}
        self.template: Template = {}
        self.policies: set[str] = set()
        """The logical ids of the policies, without which the function has no permission."""
        self.left: list[str] = []
        """The physical ids of resources that exist although CloudFormation does not know them: their Delete failed, or
        the template retains them."""
        self.without_delete: set[str] = set()
        """The logical ids of the resources whose Create was cancelled or failed, and that got no Delete."""
        self.deliveries: list[Delivery] = []
        self.failures: list[str] = []
        self._simulation = simulation
        self._function = function
        self._unknowns = unknowns
        self._disruption = disruption
        self._random_fraction = random_fraction
        self._numbers = itertools.count()
        self._operation: Operation | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether the stack has no resources and cannot get any."""
        return self.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_COMPLETE")

    def describe(self) -> dict[str, Any]:
        """The response of DescribeStacks, as far as the handler reads it."""
        times = {"CreationTime": self.created_at}
        if self.updated_at is not None:
            times["LastUpdatedTime"] = self.updated_at
        dates = {name: datetime.fromtimestamp(time, UTC) for name, time in times.items()}
        stack = {"StackId": self.id, "StackName": self.name, "StackStatus": self.status, **dates}
        if self.status in ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            stack["StackStatusReason"] = self.status_reason
        return {"Stacks": [stack]}

    # Operations

    def deploy(self, template: Template) -> bool:
        """Create or update the stack. Returns False when it did not get the template."""
        creates = self.status == "REVIEW_IN_PROGRESS"
        self.status = "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS"
        if not creates or self._unknowns.shows_start_of_creation:
            self.updated_at = self._simulation.now()
        operation = self._operation = Operation()
        self._in_parallel(list(template), lambda logical_id: self._apply(operation, template, logical_id))
        self._operation = None
        if self.status == "DELETE_IN_PROGRESS":
            self._finish_deletion(self._undo_creates(operation), operation)
        elif operation.is_stopped and creates:
            self._roll_back_creation(operation)
        elif operation.is_stopped:
            self._roll_back_update(operation)
        else:
            self._complete(operation, template, creates=creates)
        return not operation.is_stopped

    def cancel(self) -> None:
        """CancelUpdateStack, which is possible only before the cleanup phase of an update."""
        if self.status == "UPDATE_IN_PROGRESS" and self._operation is not None:
            self._operation.stop(USER_INITIATED)

    def delete(self) -> None:
        """DeleteStack. During a creation, ``deploy`` does the rest. It has no effect in any other operation.

        The function is gone after a deletion that failed. The next one therefore retains the resources that could not
        be deleted, as ``aws cloudformation delete-stack --retain-resources`` does.
        """
        if self.status == "CREATE_IN_PROGRESS" and self._operation is not None:
            self.status = "DELETE_IN_PROGRESS"
            self._operation.stop(USER_INITIATED)
            return
        if self.status.endswith("IN_PROGRESS"):
            return
        if self.status == "DELETE_FAILED":
            self.left += [record.physical_id for record in self.records.values()]
            self.records = {}
        self.status = "DELETE_IN_PROGRESS"
        self._finish_deletion(list(self.records.items()), Operation())

    # Creates and updates

    def _apply(self, operation: Operation, template: Template, logical_id: str) -> None:
        """Create or update one resource."""
        resource = template[logical_id]
        self._simulation.wait_until(lambda: operation.is_stopped or resource.dependencies <= operation.done.keys())
        if operation.is_stopped:
            return
        old = self.records.get(logical_id)
        new = Record(
            type=resource.type,
            physical_id="",
            properties=resolved(resource, operation.done),
            data={},
            dependencies=resource.dependencies,
            retained=resource.retained,
        )
        if not resource.is_custom:
            self._create_elsewhere(operation, logical_id, resource, new)
        elif old is None:
            new = replace(new, physical_id=f"{self.name}-{logical_id}-1ABCDEF")
            operation.created[logical_id] = new
            new = self._wait(operation, logical_id, new, self._send("Create", logical_id, new))
            operation.created[logical_id] = new
        elif old.properties == new.properties:
            # CloudFormation sends no event to a resource whose properties did not change.
            operation.done[logical_id] = replace(old, dependencies=new.dependencies, retained=new.retained)
        else:
            new = replace(new, physical_id=old.physical_id)
            operation.updated[logical_id] = (old, new)
            new = self._wait(operation, logical_id, new, self._send("Update", logical_id, new, old.properties))
            operation.updated[logical_id] = (old, new)
        if logical_id not in operation.done:
            operation.failed.add(logical_id)

    def _wait(self, operation: Operation, logical_id: str, new: Record, delivery: Delivery) -> Record:
        """Wait for the response to a Create or an Update, or for a cancellation. Returns the state of the resource."""
        operation.waiting[logical_id] = delivery
        self._simulation.wait_until(lambda: delivery.response is not None or delivery.is_cancelled)
        response = delivery.response
        if response is None:
            return new
        operation.waiting.pop(logical_id, None)
        new = _recorded(new, response)
        if response["Status"] == "SUCCESS":
            operation.done[logical_id] = new
        else:
            operation.stop(response["Reason"])
        return new

    def _create_elsewhere(self, operation: Operation, logical_id: str, resource: Resource, new: Record) -> None:
        """Create a resource of another service."""
        if resource.fails_after is not None:
            self._simulation.start(lambda: self._fail(operation, logical_id, resource.fails_after))
            self._simulation.wait_until(lambda: operation.is_stopped)
            return
        if resource.type == POLICY_TYPE:
            self.policies.add(logical_id)
        if logical_id not in self.records:
            operation.created[logical_id] = new
        operation.done[logical_id] = new

    def _fail(self, operation: Operation, logical_id: str, seconds: float | None) -> None:
        self._simulation.sleep(seconds or 0.0)
        operation.stop(f"{logical_id} failed")

    def _complete(self, operation: Operation, template: Template, *, creates: bool) -> None:
        self._gap()
        replaced = [
            (logical_id, old)
            for logical_id, (old, new) in operation.updated.items()
            if old.physical_id != new.physical_id
        ]
        removed = [item for item in self.records.items() if item[0] not in template]
        self.records, self.template = operation.done, template
        if creates:
            self.status = "CREATE_COMPLETE"
            return
        self.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        self._gap()
        self._clean_up([*replaced, *removed], operation)
        self.status = "UPDATE_COMPLETE"

    # Rollbacks and deletions

    def _roll_back_creation(self, operation: Operation) -> None:
        self._gap()
        self.status, self.status_reason = "ROLLBACK_IN_PROGRESS", operation.status_reason
        self._gap()
        failed = self._delete(self._undo_creates(operation), operation)
        self.left += [record.physical_id for _, record in failed]
        self.status = "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE"
        self.policies.clear()

    def _roll_back_update(self, operation: Operation) -> None:
        self._gap()
        self.status, self.status_reason = "UPDATE_ROLLBACK_IN_PROGRESS", operation.status_reason
        self._gap()
        deletions = self._undo_creates(operation)
        undone: set[str] = set()

        def undo(logical_id: str) -> None:
            dependencies = operation.updated[logical_id][0].dependencies & operation.updated.keys()
            self._simulation.wait_until(lambda: dependencies <= undone)
            deletions.extend(self._undo_update(logical_id, *operation.updated[logical_id], operation))
            undone.add(logical_id)

        self._in_parallel(list(operation.updated), undo)
        self._gap()
        self.status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
        self._gap()
        self._clean_up(deletions, operation)
        self.status = "UPDATE_ROLLBACK_COMPLETE"

    def _undo_creates(self, operation: Operation) -> Records:
        """What the operation created, except the resources that failed and that the template retains."""
        self.without_delete |= {
            one for one in operation.failed if one in operation.created and operation.created[one].retained
        }
        return [
            (logical_id, record)
            for logical_id, record in operation.created.items()
            if not (record.retained and logical_id in operation.failed)
        ]

    def _undo_update(self, logical_id: str, old: Record, new: Record, operation: Operation) -> Records:
        """Update one resource back to its old state. Returns what the cleanup then deletes."""
        replaced = old.physical_id != new.physical_id
        if replaced and not self._unknowns.updates_before_delete:
            return [(logical_id, new)]
        wanted = replace(old, properties=resolved(self.template[logical_id], self.records))
        delivery = self._send("Update", logical_id, replace(wanted, physical_id=new.physical_id), new.properties)
        response = self._response(delivery)
        if response["Status"] != "SUCCESS":
            # ContinueUpdateRollback with ResourcesToSkip.
            self.failures.append(f"rollback of {logical_id}: {response['Reason']}")
            return [(logical_id, new)] if replaced else []
        self.records[logical_id] = _recorded(wanted, response)
        if replaced:
            self.left.append(old.physical_id)
        if response["PhysicalResourceId"] == new.physical_id:
            return []
        return [(logical_id, new if replaced else old)]

    def _finish_deletion(self, deletions: Records, operation: Operation) -> None:
        self._gap()
        remaining = self._delete(deletions, operation)
        self.records = dict(remaining)
        self.status = "DELETE_FAILED" if remaining else "DELETE_COMPLETE"
        # CloudFormation deletes what a failed Delete depends on all the same: the policies, the function and its role.
        self.policies.clear()

    def _clean_up(self, deletions: Records, operation: Operation) -> None:
        self.left += [record.physical_id for _, record in self._delete(deletions, operation)]

    def _delete(self, deletions: Records, operation: Operation) -> Records:
        """Delete resources, each after those that depend on it. Returns the deletions that failed."""
        failed: Records = []
        remaining = list(range(len(deletions)))
        is_over = False

        def delete(position: int) -> None:
            logical_id, record = deletions[position]
            self._simulation.wait_until(
                lambda: not any(logical_id in deletions[other][1].dependencies for other in remaining)
            )
            if record.retained:
                self.left.append(record.physical_id)
            elif record.type == POLICY_TYPE:
                self._gap()
                self.policies.discard(logical_id)
            elif record.type.startswith("Custom::"):
                failed.extend(self._delete_resource(logical_id, record))
            remaining.remove(position)

        def use_late_response(logical_id: str, delivery: Delivery) -> None:
            self._simulation.wait_until(lambda: delivery.late_response is not None or is_over)
            response, known = delivery.late_response, self.records.get(logical_id)
            if response is None or (known is not None and known.physical_id == response["PhysicalResourceId"]):
                return
            if delivery.event["RequestType"] == "Update" and response["Status"] == "FAILED":
                return
            record = operation.created.get(logical_id) or operation.updated[logical_id][1]
            if record.retained:
                self.left.append(response["PhysicalResourceId"])
            else:
                failed.extend(self._delete_resource(logical_id, _recorded(record, response)))

        late = operation.cancelled if self._unknowns.uses_late_responses else []
        tasks = [self._simulation.start(lambda item=item: use_late_response(*item)) for item in late]
        self._in_parallel(list(remaining), delete)
        is_over = True
        self._simulation.join(tasks)
        return failed

    def _delete_resource(self, logical_id: str, record: Record) -> Records:
        """Delete one custom resource. Returns it if that failed."""
        response = self._response(self._send("Delete", logical_id, record))
        if response["Status"] == "SUCCESS":
            return []
        self.failures.append(f"delete of {logical_id}: {response['Reason']}")
        return [(logical_id, record)]

    # Events

    def _send(
        self, request_type: str, logical_id: str, record: Record, old_properties: ResolvedProperties | None = None
    ) -> Delivery:
        signed_at = self._simulation.now() - self._random_fraction() * MAX_SIGNATURE_AGE
        date = datetime.fromtimestamp(signed_at, UTC).strftime("%Y%m%dT%H%M%SZ")
        event: dict[str, Any] = {
            "RequestType": request_type,
            "ResponseURL": f"https://example.invalid/response?X-Amz-Date={date}&X-Amz-Signature=0b1c2d3e",
            "StackId": self.id,
            "RequestId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id}{next(self._numbers)}")),
            "LogicalResourceId": logical_id,
            "ResourceType": record.type,
            "ResourceProperties": record.properties,
        }
        if request_type != "Create":
            event["PhysicalResourceId"] = record.physical_id
        if old_properties is not None:
            event["OldResourceProperties"] = old_properties
        delivery = self._function.invoke(event, self._disruption())
        self.deliveries.append(delivery)
        return delivery

    def _response(self, delivery: Delivery) -> dict[str, Any]:
        self._simulation.wait_until(lambda: delivery.response is not None)
        assert delivery.response is not None
        return delivery.response

    def _gap(self) -> None:
        self._simulation.sleep(self._random_fraction() * MAX_GAP)

    def _in_parallel(self, items: list[Any], work: Callable[[Any], None]) -> None:
        self._simulation.join([self._simulation.start(lambda item=item: work(item)) for item in items])


def _recorded(record: Record, response: dict[str, Any]) -> Record:
    return replace(record, physical_id=response["PhysicalResourceId"], data=response["Data"])
