"""A VPC's attribute `CidrBlock`, which MiniStack lacks: the security groups of CDK's interface endpoints ask for it."""

from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import PROVISIONERS, module

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]

_TYPE = "AWS::EC2::VPC"


def add_cidr_block_attribute() -> None:
    """Let a VPC of a template answer the CIDR block that it declares."""
    handlers = module(PROVISIONERS)._RESOURCE_HANDLERS[_TYPE]
    create: Callable[..., Provisioned] = handlers["create"]
    update: Callable[..., Provisioned] = handlers["update"]

    def answering_create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        return _with_cidr_block(create(logical_id, properties, stack_name), properties)

    def answering_update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        return _with_cidr_block(update(physical_id, old, new, stack_name, logical_id), new)

    handlers.update(create=answering_create, update=answering_update)


def _with_cidr_block(provisioned: Provisioned, properties: Properties) -> Provisioned:
    physical_id, attributes = provisioned
    if "CidrBlock" not in properties:  # it comes from an IPAM pool
        return provisioned
    return physical_id, attributes | {"CidrBlock": properties["CidrBlock"]}
