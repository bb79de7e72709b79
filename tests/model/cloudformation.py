"""A model of CloudFormation: the events of a custom resource in deployments, rollbacks, cleanups and deletions.

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

from deployed_function import Delivery, DeployedFunction, Disruption
from harness import ACCOUNT, REGION
from simulated_time import Simulation


@dataclass(frozen=True)
class Attribute:
    """``Fn::GetAtt``."""

    logical_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a template. With ``fails`` it stands for a resource of another service that cannot be created."""

    type: str
    properties: Mapping[str, str | Attribute] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    fails: bool = False

    @property
    def dependencies(self) -> set[str]:
        """The logical ids of the resources that are created first."""
        return {*self.depends_on, *(v.logical_id for v in self.properties.values() if isinstance(v, Attribute))}


Template = Mapping[str, Resource]


@dataclass(frozen=True, kw_only=True)
class Record:
    """The state of a resource in the stack."""

    type: str
    physical_id: str
    properties: dict[str, str]
    data: dict[str, str]


Records = list[tuple[str, Record]]
"""Resources with their logical ids."""


@dataclass
class Operation:
    """A deployment that is running."""

    done: dict[str, Record] = field(default_factory=dict)
    updated: dict[str, tuple[Record, Record]] = field(default_factory=dict)
    """The states before and after every Update. After a failed Update the physical id is the same."""
    created: dict[str, Record] = field(default_factory=dict)
    """The states after every Create, including failed ones."""
    failure: str | None = None


class ModelStack:
    """A stack.

    With ``updates_before_delete`` a rollback sends an Update of a replaced resource before the new id's Delete.
    """

    def __init__(
        self,
        name: str,
        *,
        simulation: Simulation,
        function: DeployedFunction,
        updates_before_delete: bool,
        disruption: Callable[[], Disruption],
    ) -> None:
        self.id = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/51af3dc0-da77-11e4-872e-1234567db123"
        self.status = "REVIEW_IN_PROGRESS"
        self.records: dict[str, Record] = {}
        self.template: Template = {}
        self.forgotten: list[str] = []
        """The physical ids of resources that exist although CloudFormation does not know them: their Delete failed in
        the cleanup phase, a rollback left them, or a second delivery succeeded after the first had failed."""
        self.deliveries: list[Delivery] = []
        self.failures: list[str] = []
        self._simulation = simulation
        self._function = function
        self._updates_before_delete = updates_before_delete
        self._disruption = disruption
        self._numbers = itertools.count()

    def deploy(self, template: Template) -> bool:
        """Create or update the stack. Returns False when it was rolled back."""
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
        deletions = [
            (logical_id, old)
            for logical_id, (old, new) in operation.updated.items()
            if old.physical_id != new.physical_id
        ]
        deletions += [item for item in self.records.items() if item[0] not in template]
        self.records, self.template = operation.done, template
        self._clean_up(deletions)
        return True

    def delete(self) -> bool:
        """Delete the stack. Returns False when a resource could not be deleted, which then stays in it."""
        self.status = "DELETE_IN_PROGRESS"
        remaining = self._delete(list(self.records.items()))
        self.records = dict(remaining)
        self.template = {logical_id: self.template[logical_id] for logical_id in self.records}
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
            response = self._send("Create", logical_id, new)
            operation.created[logical_id] = new = _recorded(new, response)
        else:
            response = self._send("Update", logical_id, replace(new, physical_id=old.physical_id), old.properties)
            new = _recorded(new, response)
            operation.updated[logical_id] = (old, new)
        if response["Status"] == "SUCCESS":
            operation.done[logical_id] = new
        else:
            operation.failure = operation.failure or response["Reason"]

    def _roll_back(self, operation: Operation) -> None:
        self.status = "UPDATE_ROLLBACK_IN_PROGRESS" if self.records else "ROLLBACK_IN_PROGRESS"
        deletions = list(operation.created.items())
        for layer in _layers(operation.updated, self.template):
            for logical_id in layer:
                old, new = operation.updated[logical_id]
                replaced = old.physical_id != new.physical_id
                if replaced and not self._updates_before_delete:
                    deletions.append((logical_id, new))
                    continue
                if replaced:
                    self.forgotten.append(old.physical_id)
                wanted = replace(old, properties=_resolved(self.template[logical_id], self.records))
                back = replace(wanted, physical_id=new.physical_id)
                response = self._send("Update", logical_id, back, new.properties)
                if response["Status"] != "SUCCESS":
                    self.failures.append(f"rollback of {logical_id}: {response['Reason']}")
                    continue
                self.records[logical_id] = _recorded(wanted, response)
                if response["PhysicalResourceId"] != new.physical_id:
                    deletions.append((logical_id, new if replaced else old))
        self.status = self.status.replace("IN_PROGRESS", "COMPLETE")
        self._clean_up(deletions)

    def _clean_up(self, deletions: Records) -> None:
        self.forgotten += [record.physical_id for _, record in self._delete(deletions)]

    def _delete(self, deletions: Records) -> Records:
        """Delete dependents first. Returns the deletions that failed."""
        failed: Records = []

        def delete(logical_id: str, record: Record) -> None:
            response = self._send("Delete", logical_id, record)
            if response["Status"] != "SUCCESS":
                self.failures.append(f"delete of {logical_id}: {response['Reason']}")
                failed.append((logical_id, record))

        # An alias has no dependents, and every other resource may have aliases.
        for aliases in (True, False):
            layer = [item for item in deletions if item[1].type.endswith("Alias") is aliases]
            self._simulation.join([self._simulation.start(lambda item=item: delete(*item)) for item in layer])
        return failed

    def _date(self) -> str:
        return datetime.fromtimestamp(self._simulation.now(), UTC).strftime("%Y%m%dT%H%M%SZ")

    def _send(
        self, request_type: str, logical_id: str, record: Record, old_properties: dict[str, str] | None = None
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "RequestType": request_type,
            "ResponseURL": f"https://example.invalid/response?X-Amz-Date={self._date()}&X-Amz-Signature=0b1c2d3e",
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
        delivery, tasks = self._function.invoke(event, self._disruption())
        self.deliveries.append(delivery)
        # Lambda's second delivery may run longer than the first. It ends before anything else happens.
        self._simulation.join(tasks)
        response = _first_response(delivery)
        if response["Status"] == "FAILED":
            later = {one["PhysicalResourceId"] for one in delivery.responses if one["Status"] == "SUCCESS"}
            self.forgotten += later - {record.physical_id}
        return response


def _first_response(delivery: Delivery) -> dict[str, Any]:
    """The first response, which CloudFormation uses. A later one must not contradict it."""
    event, responses = delivery.event, delivery.responses
    assert len(responses) == (2 if delivery.disruption.duplicate else 1), "an event without its response"
    for response in responses:
        assert response["Status"] in ("SUCCESS", "FAILED")
        assert (response["Reason"] == "") is (response["Status"] == "SUCCESS")
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            assert response[name] == event[name]
        if response["Status"] == "FAILED" and event["RequestType"] != "Create":
            assert response["PhysicalResourceId"] == event["PhysicalResourceId"]
        if event["RequestType"] == "Delete":
            assert response["PhysicalResourceId"] == event["PhysicalResourceId"]
    # The previous owner in the id of an alias may be lost between two deliveries.
    succeeded = {_resource(response["PhysicalResourceId"]) for response in responses if response["Status"] == "SUCCESS"}
    assert len(succeeded) <= 1, "one event, two resources"
    return responses[0]


def _resource(physical_id: str) -> str:
    return physical_id if physical_id.startswith("arn:") else "/".join(physical_id.split("/")[:2])


def _recorded(record: Record, response: dict[str, Any]) -> Record:
    return replace(record, physical_id=response["PhysicalResourceId"], data=response["Data"])


def _resolved(resource: Resource, records: Mapping[str, Record]) -> dict[str, str]:
    return {
        name: records[value.logical_id].data[value.name] if isinstance(value, Attribute) else value
        for name, value in resource.properties.items()
    }


def _layers(logical_ids: Iterable[str], template: Template) -> list[list[str]]:
    """The ids in dependency order, in groups of ids that do not depend on each other."""
    remaining = set(logical_ids)
    layers = []
    while remaining:
        layer = sorted(one for one in remaining if not template[one].dependencies & remaining)
        layers.append(layer)
        remaining -= set(layer)
    return layers
