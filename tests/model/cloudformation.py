"""A model of CloudFormation: what it sends to a custom resource in deployments, rollbacks, cleanups and deletions.

Modelled after what the service's documentation and aws-cdk's notes on it say: creates and updates in dependency order
with parallel branches; a failure sends every resource that was updated back, with the two sets of properties swapped;
deletes come last, in a cleanup phase whose failures are not the deployment's.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from deployed_function import Delivery, DeployedFunction, Trouble
from harness import ACCOUNT, REGION
from simulated_time import Simulation


@dataclass(frozen=True)
class Attribute:
    """``Fn::GetAtt``."""

    logical_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a template; ``fails`` makes a resource of another service that cannot be created."""

    type: str
    properties: Mapping[str, str | Attribute] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    fails: bool = False

    @property
    def dependencies(self) -> set[str]:
        """The logical ids that have to be there first."""
        return {*self.depends_on, *(v.logical_id for v in self.properties.values() if isinstance(v, Attribute))}


Template = Mapping[str, Resource]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A resource as the stack has it."""

    type: str
    physical_id: str
    properties: dict[str, str]
    data: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """What the cleanup phase has to delete."""

    logical_id: str
    record: Record


@dataclass
class Operation:
    """A deployment under way."""

    done: dict[str, Record] = field(default_factory=dict)
    updated: dict[str, tuple[Record, Record]] = field(default_factory=dict)
    """Before and after, for every resource that got an Update; a failed one has the old physical id in both."""
    created: dict[str, Record] = field(default_factory=dict)
    """Every resource that got a Create, also one that failed, under the physical id of its answer."""
    failure: str | None = None


class Stack:
    """One stack.

    Args:
        name: its name.
        simulation: where its deployments run.
        function: the provider of its resources.
        updates_before_delete: whether a rollback sends a replaced resource an Update before the new id's Delete.
        trouble: what goes wrong with the next event.
    """

    def __init__(
        self,
        name: str,
        *,
        simulation: Simulation,
        function: DeployedFunction,
        updates_before_delete: bool,
        trouble: Callable[[], Trouble],
    ) -> None:
        self.id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/51af3dc0-da77-11e4-872e-1234567db123"
        self.status = "REVIEW_IN_PROGRESS"
        self.records: dict[str, Record] = {}
        self.template: Template = {}
        self.forgotten: list[str] = []
        """The physical ids that CloudFormation does not know although they exist: their deletes failed in cleanup, a
        rollback left them, or a second delivery succeeded after the first had failed."""
        self.deliveries: list[Delivery] = []
        self.failures: list[str] = []
        self._simulation = simulation
        self._function = function
        self._updates_before_delete = updates_before_delete
        self._trouble = trouble
        self._numbers = itertools.count()

    def deploy(self, template: Template) -> bool:
        """Create or update the stack; False when it was rolled back."""
        self.status = "UPDATE_IN_PROGRESS" if self.records else "CREATE_IN_PROGRESS"
        operation = Operation()
        tasks = [
            self._simulation.start(lambda logical_id=logical_id: self._apply(operation, template, logical_id))
            for logical_id in template
        ]
        self._simulation.join(tasks)
        if operation.failure is not None:
            self._roll_back(operation)
            return False
        self.status = self.status.replace("IN_PROGRESS", "COMPLETE")
        doomed = [
            Doomed(logical_id=logical_id, record=old)
            for logical_id, (old, new) in operation.updated.items()
            if old.physical_id != new.physical_id
        ]
        doomed += [
            Doomed(logical_id=logical_id, record=record)
            for logical_id, record in self.records.items()
            if logical_id not in template
        ]
        self.records, self.template = operation.done, template
        self._clean_up(doomed)
        return True

    def delete(self) -> bool:
        """Delete the stack; False when a resource could not be deleted, which then stays in it."""
        self.status = "DELETE_IN_PROGRESS"
        doomed = [Doomed(logical_id=logical_id, record=record) for logical_id, record in self.records.items()]
        remaining = self._delete(doomed)
        self.records = {one.logical_id: one.record for one in remaining}
        self.template = {one.logical_id: self.template[one.logical_id] for one in remaining}
        self.status = "DELETE_FAILED" if remaining else "DELETE_COMPLETE"
        return not remaining

    def _apply(self, operation: Operation, template: Template, logical_id: str) -> None:
        resource = template[logical_id]
        self._simulation.wait_until(
            lambda: operation.failure is not None or resource.dependencies <= operation.done.keys()
        )
        if operation.failure is not None:
            return
        if resource.fails:
            operation.failure = f"{logical_id} failed"
            return
        properties = _resolved(resource, operation.done)
        old = self.records.get(logical_id)
        new = Record(type=resource.type, physical_id="", properties=properties, data={})
        if old is not None and old.properties == properties:
            operation.done[logical_id] = old
            return
        if old is None:
            answer = self._send("Create", logical_id, new)
            operation.created[logical_id] = new = _answered(new, answer)
        else:
            answer = self._send("Update", logical_id, replace(new, physical_id=old.physical_id), old.properties)
            new = _answered(new, answer)
            operation.updated[logical_id] = (old, new)
        if answer["Status"] == "SUCCESS":
            operation.done[logical_id] = new
        else:
            operation.failure = operation.failure or answer["Reason"]

    def _roll_back(self, operation: Operation) -> None:
        self.status = "UPDATE_ROLLBACK_IN_PROGRESS" if self.records else "ROLLBACK_IN_PROGRESS"
        doomed = [Doomed(logical_id=logical_id, record=record) for logical_id, record in operation.created.items()]
        for layer in _layers(operation.updated, self.template):
            for logical_id in layer:
                old, new = operation.updated[logical_id]
                replaced = old.physical_id != new.physical_id
                if replaced and not self._updates_before_delete:
                    doomed.append(Doomed(logical_id=logical_id, record=new))
                    continue
                if replaced:
                    self.forgotten.append(old.physical_id)
                wanted = replace(old, properties=_resolved(self.template[logical_id], self.records))
                back = replace(wanted, physical_id=new.physical_id)
                answer = self._send("Update", logical_id, back, new.properties)
                if answer["Status"] != "SUCCESS":
                    self.failures.append(f"rollback of {logical_id}: {answer['Reason']}")
                    continue
                self.records[logical_id] = _answered(wanted, answer)
                if answer["PhysicalResourceId"] != new.physical_id:
                    doomed.append(Doomed(logical_id=logical_id, record=new if replaced else old))
        self.status = self.status.replace("IN_PROGRESS", "COMPLETE")
        self._clean_up(doomed)

    def _clean_up(self, doomed: list[Doomed]) -> None:
        self.forgotten += [one.record.physical_id for one in self._delete(doomed)]

    def _delete(self, doomed: list[Doomed]) -> list[Doomed]:
        """Delete dependents first; answers what could not be deleted."""
        failed = []

        def delete(one: Doomed) -> None:
            answer = self._send("Delete", one.logical_id, one.record)
            if answer["Status"] != "SUCCESS":
                self.failures.append(f"delete of {one.logical_id}: {answer['Reason']}")
                failed.append(one)

        # An alias has no dependents; everything that is no alias may have aliases.
        for aliases in (True, False):
            layer = [one for one in doomed if one.record.type.endswith("Alias") is aliases]
            self._simulation.join([self._simulation.start(lambda one=one: delete(one)) for one in layer])
        return failed

    def _date(self) -> str:
        return datetime.fromtimestamp(self._simulation.now(), UTC).strftime("%Y%m%dT%H%M%SZ")

    def _send(
        self, request_type: str, logical_id: str, record: Record, old_properties: dict[str, str] | None = None
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "RequestType": request_type,
            "ResponseURL": f"https://example.invalid/answer?X-Amz-Date={self._date()}&X-Amz-Signature=0b1c2d3e",
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
        delivery, tasks = self._function.invoke(event, self._trouble())
        self.deliveries.append(delivery)
        # Lambda's second delivery may still run when the first has answered; it is over before anything else happens.
        self._simulation.join(tasks)
        answer = _the_answer(delivery)
        if answer["Status"] == "FAILED":
            later = {one["PhysicalResourceId"] for one in delivery.answers if one["Status"] == "SUCCESS"}
            self.forgotten += later - {record.physical_id}
        return answer


def _the_answer(delivery: Delivery) -> dict[str, Any]:
    """What CloudFormation took: the first answer. Later ones must not say anything else."""
    event, answers = delivery.event, delivery.answers
    assert len(answers) == (2 if delivery.trouble.duplicate else 1), "an event without its answer"
    for answer in answers:
        assert answer["Status"] in ("SUCCESS", "FAILED")
        assert (answer["Reason"] == "") is (answer["Status"] == "SUCCESS")
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert answer[name] == event[name]
        if answer["Status"] == "FAILED" and event["RequestType"] != "Create":
            assert answer["PhysicalResourceId"] == event["PhysicalResourceId"]
        if event["RequestType"] == "Delete":
            assert answer["PhysicalResourceId"] == event["PhysicalResourceId"]
    # What an alias remembers of its former owner may be lost between two deliveries.
    succeeded = {_resource(answer["PhysicalResourceId"]) for answer in answers if answer["Status"] == "SUCCESS"}
    assert len(succeeded) <= 1, "one event, two resources"
    return answers[0]


def _resource(physical_id: str) -> str:
    return physical_id if physical_id.startswith("arn:") else "/".join(physical_id.split("/")[:2])


def _answered(record: Record, answer: dict[str, Any]) -> Record:
    return replace(record, physical_id=answer["PhysicalResourceId"], data=answer["Data"])


def _resolved(resource: Resource, records: Mapping[str, Record]) -> dict[str, str]:
    return {
        name: records[value.logical_id].data[value.name] if isinstance(value, Attribute) else value
        for name, value in resource.properties.items()
    }


def _layers(logical_ids: Iterable[str], template: Template) -> list[list[str]]:
    """The ids in dependency order, those that do not wait for each other together."""
    remaining = set(logical_ids)
    layers = []
    while remaining:
        layer = sorted(one for one in remaining if not template[one].dependencies & remaining)
        layers.append(layer)
        remaining -= set(layer)
    return layers
