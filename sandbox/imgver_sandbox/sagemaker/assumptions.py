"""What nobody outside AWS knows about the images API, as switches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_type_hints

AliasHeldElsewhere = Literal["resource_in_use", "validation_exception", "moved"]
RepeatOfDeadCreate = Literal["old_arn", "new_version"]
RepeatWithOtherParameters = Literal["refused", "old_arn"]
DeleteOfVersionInUse = Literal["refused", "allowed"]
HighestNumberAfterDelete = Literal["reused", "retired"]
ArnCase = Literal["lower", "kept"]
RejectedManifest = Literal["create_failed", "validation_exception"]


SHORT_NAMES: Mapping[str, str] = {
    "u1": "alias_held_elsewhere",
    "u2": "repeat_of_dead_create",
    "u2b": "repeat_with_other_parameters",
    "u3": "delete_of_version_in_use",
    "u4": "highest_number_after_delete",
    "u5": "arn_case",
    "u6": "rejected_manifest",
}
"""Names of the switches for the command line."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """How the service behaves where its real behaviour is not known. Each default is the value harder on the caller.

    What works under every combination works on AWS, whatever AWS does.
    """

    alias_held_elsewhere: AliasHeldElsewhere = "resource_in_use"
    """A create or update names an alias that another version holds. `resource_in_use`, `validation_exception`: it is
    refused with that error and changes nothing. `moved`: the alias silently leaves the other version."""

    repeat_of_dead_create: RepeatOfDeadCreate = "old_arn"
    """A ClientToken comes again after the version it made failed, is being deleted or is gone. `old_arn`: the answer is
    that version's ARN. `new_version`: a new version is made."""

    repeat_with_other_parameters: RepeatWithOtherParameters = "refused"
    """A ClientToken comes again with other parameters. `refused`: ValidationException. `old_arn`: as if they were the
    same."""

    delete_of_version_in_use: DeleteOfVersionInUse = "refused"
    """A version that was marked as in use (by a Studio domain, a running app), or its image, is deleted. `refused`:
    ResourceInUse. `allowed`: it goes."""

    highest_number_after_delete: HighestNumberAfterDelete = "reused"
    """The highest version is deleted and another one created. `reused`: it gets the same number. `retired`: the next
    one."""

    arn_case: ArnCase = "lower"
    """An image's name has capitals. `lower`: version ARNs are in lower case, as the model's pattern has it, and names
    are resolved whatever their case. `kept`: ARNs keep the name, and names are resolved as written."""

    rejected_manifest: RejectedManifest = "create_failed"
    """The base image's manifest is not Docker V2 schema 2. `create_failed`: there is a version, and it fails.
    `validation_exception`: the call is refused and there is no version."""

    @classmethod
    def parse(cls, switches: Sequence[str]) -> Self:
        """The assumptions that differ from the defaults as `switches` say, each like `u1=moved` or `arn_case=kept`.

        Raises ValueError when one names no switch or no value of it.
        """
        values: dict[str, Any] = {}
        for switch in switches:
            given, _, value = switch.partition("=")
            name = SHORT_NAMES.get(given, given)
            if name not in cls.choices():
                raise ValueError(f"'{switch}' must name one of {', '.join(cls.choices())}, like u1=moved")
            if value not in cls.choices()[name]:
                raise ValueError(f"'{switch}' must have one of the values {', '.join(cls.choices()[name])}")
            values[name] = value
        return cls(**values)

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """The values of every switch by its name, the default first."""
        return {name: get_args(kind) for name, kind in get_type_hints(cls).items()}

    def switches(self) -> list[str]:
        """What `parse` makes these assumptions of."""
        return [f"{name}={getattr(self, name)}" for name in self.choices()]
