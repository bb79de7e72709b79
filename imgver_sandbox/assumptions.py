"""What nobody outside AWS knows about the images API, as switches."""

from dataclasses import dataclass
from typing import Literal

AliasHeldElsewhere = Literal["resource_in_use", "validation_exception", "moved"]
RepeatOfDeadCreate = Literal["old_arn", "new_version"]
RepeatWithOtherParameters = Literal["refused", "old_arn"]
DeleteOfVersionInUse = Literal["refused", "allowed"]
HighestNumberAfterDelete = Literal["reused", "retired"]
ArnCase = Literal["lower", "kept"]
RejectedManifest = Literal["create_failed", "validation_exception"]


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
