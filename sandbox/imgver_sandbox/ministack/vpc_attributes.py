"""The attribute `CidrBlock` of a VPC, which MiniStack lacks and the security groups of CDK's endpoints use."""

from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import PROVISIONERS, module

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]

_TYPE = "AWS::EC2::VPC"


def add_cidr_block_attribute() -> None:
    """Add the declared CIDR block to the attributes of a VPC."""
    handlers = module(PROVISIONERS)._RESOURCE_HANDLERS[_TYPE]
    create: Callable[..., Provisioned] = handlers["create"]
    update: Callable[..., Provisioned] = handlers["update"]

    def patched_create(logical_id: str, properties: Properties, *stack: object) -> Provisioned:
        return _with_cidr_block(create(logical_id, properties, *stack), properties)

    def patched_update(physical_id: str, old: Properties, new: Properties, *stack: object) -> Provisioned:
        return _with_cidr_block(update(physical_id, old, new, *stack), new)

    handlers.update(create=patched_create, update=patched_update)


def _with_cidr_block(provisioned: Provisioned, properties: Properties) -> Provisioned:
    physical_id, attributes = provisioned
    if "CidrBlock" not in properties:  # an IPAM pool assigns it
        return provisioned
    return physical_id, attributes | {"CidrBlock": properties["CidrBlock"]}
