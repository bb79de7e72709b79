"""The switches for behaviour of the images API that is not documented."""

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
UpdateWithRunningApps = Literal["refused", "allowed"]
UnsentAppSettings = Literal["dropped", "kept"]


SHORT_NAMES: Mapping[str, str] = {
    "u1": "alias_held_elsewhere",
    "u2": "repeat_of_dead_create",
    "u2b": "repeat_with_other_parameters",
    "u3": "delete_of_version_in_use",
    "u4": "highest_number_after_delete",
    "u5": "arn_case",
    "u6": "rejected_manifest",
    "u10": "update_with_running_apps",
    "u11": "unsent_app_settings",
}
"""The short names of the switches, for the command line."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """The behaviour of the service where the behaviour of AWS is unknown.

    Each default is the value that is harder for the caller. Code that works with every combination of values works
    on AWS too, whatever AWS does.
    """

    alias_held_elsewhere: AliasHeldElsewhere = "resource_in_use"
    """A create or update names an alias that another version has. `resource_in_use`, `validation_exception`: the call
    is refused with that error. `moved`: the alias moves from the other version without an error."""

    repeat_of_dead_create: RepeatOfDeadCreate = "old_arn"
    """A ClientToken is sent again after its version failed, is being deleted or was deleted. `old_arn`: the response
    has the ARN of that version. `new_version`: the service creates a new version."""

    repeat_with_other_parameters: RepeatWithOtherParameters = "refused"
    """A ClientToken is sent again with other parameters. `refused`: ValidationException. `old_arn`: the response is
    the same as for the first call."""

    delete_of_version_in_use: DeleteOfVersionInUse = "refused"
    """A version that a Studio domain or a running app uses, or its image, is deleted. `refused`: ResourceInUse.
    `allowed`: it is deleted."""

    highest_number_after_delete: HighestNumberAfterDelete = "reused"
    """A version is created after the version with the highest number was deleted. `reused`: it gets the same number.
    `retired`: it gets the next number."""

    arn_case: ArnCase = "lower"
    """The name of an image has capital letters. `lower`: version ARNs are in lower case, as the pattern in the service
    model requires, and names are not case-sensitive. `kept`: ARNs keep the name as written, and names are
    case-sensitive."""

    rejected_manifest: RejectedManifest = "create_failed"
    """The manifest of the base image is not Docker V2 schema 2. `create_failed`: the version is created and gets the
    status CREATE_FAILED. `validation_exception`: the call is refused and no version is created."""

    update_with_running_apps: UpdateWithRunningApps = "refused"
    """A domain or a user profile is updated while an app runs in it. `refused`: ValidationException. `allowed`: it is
    updated, unless the update contains a setting such as AppNetworkAccessType that AWS documents as fixed meanwhile."""

    unsent_app_settings: UnsentAppSettings = "dropped"
    """An update of a domain or a user profile contains the settings of an app, such as JupyterLabAppSettings, without
    some of their members. `dropped`: the app no longer has these members. `kept`: it keeps them."""

    @classmethod
    def parse(cls, switches: Sequence[str]) -> Self:
        """Parse switches such as `u1=moved` or `arn_case=kept`; other switches have their defaults.

        Raises ValueError for an unknown switch or value.
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
        """The values of each switch by its name, the default first."""
        return {name: get_args(values) for name, values in get_type_hints(cls).items()}

    def switches(self) -> list[str]:
        """All switches with their values, as `parse` accepts them."""
        return [f"{name}={getattr(self, name)}" for name in self.choices()]
