"""A template with the values that a stack uses it with, and the order of its resources."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from imgver_sandbox.ministack.hooks import ENGINE, PROVISIONERS, STACKS, module

NESTED_STACK = "AWS::CloudFormation::Stack"
"""The type of a nested stack in its parent, and of a stack in its own events."""

Record = dict[str, Any]
"""The record of a stack or of a resource in MiniStack."""


@dataclass(frozen=True, kw_only=True)
class StackTemplate:
    """A template with the parameters, conditions and tags of one operation on a stack."""

    stack_name: str
    stack_id: str
    body: Mapping[str, Any]
    parameters: Mapping[str, Any]
    conditions: Mapping[str, bool]
    tags: list[dict[str, str]]

    @classmethod
    def of(cls, stack: Record, state: Record) -> "StackTemplate":
        """Return the template of a stack in a state: its record, or the members of its record at another time."""
        return cls(
            stack_name=stack["StackName"],
            stack_id=stack["StackId"],
            body=state.get("_template") or {},
            parameters=state.get("_resolved_params") or {},
            conditions=state.get("_conditions") or {},
            tags=state.get("Tags") or [],
        )

    @property
    def resources(self) -> Mapping[str, Record]:
        """The definitions of all resources by logical id."""
        definitions: Mapping[str, Record] = self.body.get("Resources", {})
        return definitions

    @cached_property
    def dependencies(self) -> Mapping[str, set[str]]:
        """For each resource whose condition is true, the resources on which it depends, directly or indirectly.

        Raises ValueError if they depend on each other.
        """
        engine = module(ENGINE)
        found: dict[str, set[str]] = {}
        for logical_id in engine._topological_sort(self.resources, self.conditions):
            direct = engine._extract_deps(self.resources[logical_id], found.keys())
            found[logical_id] = direct.union(*(found[other] for other in direct))
        return found

    @property
    def is_ordered(self) -> bool:
        """Whether no resources depend on each other."""
        try:
            return self.dependencies is not None
        except ValueError:
            return False

    @property
    def values(self) -> tuple[Any, ...]:
        """The arguments of MiniStack's functions that evaluate a part of the template."""
        return self.parameters, self.conditions, self.body.get("Mappings", {}), self.stack_name, self.stack_id

    def has_same_values(self, other: "StackTemplate") -> bool:
        """Return whether another template and its parameters are equal."""
        return self.body == other.body and self.parameters == other.parameters

    def policy(self, logical_id: str, policy: str, resources: Mapping[str, Record]) -> str:
        """Return the value of a policy attribute of a resource."""
        definition = self.resources.get(logical_id)
        return str(module(STACKS)._resource_policy(definition, policy, resources, *self.values))

    def tagged(self, logical_id: str, resource_type: str, properties: Record) -> Record:
        """Return the properties of a resource with the tags of the stack."""
        tagged: Record = module(PROVISIONERS)._with_stack_tags(
            resource_type, properties, self.tags, self.stack_name, self.stack_id, logical_id
        )
        return tagged

    async def for_each(self, names: Iterable[str], step: Callable[[str], Awaitable[None]]) -> None:
        """Run `step` for resources in parallel. A resource waits for those on which it depends."""
        names = set(names)
        await _in_parallel({name: self.dependencies.get(name, set()) & names for name in names}, step)

    async def for_each_reversed(self, names: Iterable[str], step: Callable[[str], Awaitable[None]]) -> None:
        """Run `step` for resources in parallel. A resource waits for those that depend on it."""
        names = set(names)
        dependents = {name: {other for other in names if name in self.dependencies.get(other, ())} for name in names}
        await _in_parallel(dependents, step)


async def _in_parallel(predecessors: Mapping[str, Collection[str]], step: Callable[[str], Awaitable[None]]) -> None:
    ended = {name: asyncio.Event() for name in predecessors}

    async def run(name: str) -> None:
        for predecessor in predecessors[name]:
            await ended[predecessor].wait()
        try:
            await step(name)
        finally:
            ended[name].set()

    # Sorted, so that the events of resources without delay have the same order in each run.
    await asyncio.gather(*(run(name) for name in sorted(predecessors)))


def add_event(stack: Record, logical_id: str, record: Record, status: str, reason: str = "") -> None:
    """Add an event of a resource to the events of its stack."""
    module(STACKS)._add_event(
        stack["StackId"],
        stack["StackName"],
        logical_id,
        record["ResourceType"],
        status,
        reason,
        record.get("PhysicalResourceId", ""),
    )


def set_status(stack: Record, status: str, reason: str = "") -> None:
    """Set the status of a stack, and add the event of it."""
    stack.update(StackStatus=status, StackStatusReason=reason)
    record = {"ResourceType": NESTED_STACK, "PhysicalResourceId": stack["StackId"]}
    add_event(stack, stack["StackName"], record, status, reason)


async def call(resource_type: str, function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  MiniStack has no types
    """Call a function of MiniStack that creates, updates or deletes a resource."""
    stacks = module(STACKS)
    if stacks._runs_on_worker_thread(resource_type):
        return await stacks.run_reentrant(function, *arguments)
    return function(*arguments)
