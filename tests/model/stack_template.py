"""The templates of the modelled stacks: resources, their references to each other, and the order that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

POLICY_TYPE = "AWS::IAM::Policy"


@dataclass(frozen=True)
class Attribute:
    """``Fn::GetAtt``."""

    logical_id: str
    name: str


@dataclass(frozen=True)
class Ref:
    """``Ref``, which returns the physical id of a resource."""

    logical_id: str


Scalar = str | Attribute | Ref
Properties = Mapping[str, Scalar | list[Scalar]]
ResolvedProperties = dict[str, str | list[str]]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a template.

    Args:
        type: the resource type. Only the types of this library are custom resources. A resource of any other type is
            one of another service, which the model creates itself.
        properties: the properties, with references to other resources.
        depends_on: ``DependsOn``.
        retained: whether the template has ``DeletionPolicy: Retain`` and ``UpdateReplacePolicy: Retain`` for it.
        fails_after: the seconds after which the creation of a resource of another service fails. Default: it succeeds.
    """

    type: str
    properties: Properties = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    retained: bool = False
    fails_after: float | None = None

    @property
    def is_custom(self) -> bool:
        """Whether CloudFormation sends the events of this resource to the function."""
        return self.type.startswith("Custom::")

    @property
    def dependencies(self) -> frozenset[str]:
        """The logical ids of the resources that are created first."""
        references = (value.logical_id for value in _scalars(self.properties) if not isinstance(value, str))
        return frozenset((*self.depends_on, *references))


Template = Mapping[str, Resource]


@dataclass(frozen=True, kw_only=True)
class Record:
    """The state of a resource in a stack."""

    type: str
    physical_id: str
    properties: ResolvedProperties
    data: dict[str, str]
    dependencies: frozenset[str]
    retained: bool


def resolved(resource: Resource, records: Mapping[str, Record]) -> ResolvedProperties:
    """The properties of a resource with the values that its references have."""

    def value_of(value: Scalar) -> str:
        if isinstance(value, str):
            return value
        record = records[value.logical_id]
        return record.physical_id if isinstance(value, Ref) else record.data[value.name]

    return {
        name: [value_of(item) for item in value] if isinstance(value, list) else value_of(value)
        for name, value in resource.properties.items()
    }


def _scalars(properties: Properties) -> Iterator[Scalar]:
    for value in properties.values():
        yield from value if isinstance(value, list) else [value]
