"""ListAliases, and the rule for an alias that another version has.

API: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListAliases.html
"""

from collections.abc import Sequence

from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import resource_in_use, validation_exception
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord
from imgver_sandbox.sagemaker.listing import list_ordered


def list_aliases(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListAliases."""
    if "Version" in parameters or "Alias" in parameters:
        found = sorted(account.version(parameters)[1].aliases)
    else:
        found = account.image(parameters["ImageName"]).aliases
    aliases, token = list_ordered(account, "ListAliases", parameters, found, key=lambda alias: (alias,))
    return {"SageMakerImageVersionAliases": aliases, "NextToken": token}


OPERATIONS: dict[str, Operation] = {"ListAliases": list_aliases}


def refuse_held_aliases(
    account: SageMakerAccount, image: ImageRecord, aliases: Sequence[str], version: ImageVersionRecord | None
) -> None:
    """Raise ServiceError if a version other than `version` has one of the aliases, unless aliases may move."""
    assumed = account.context.assumptions.alias_held_elsewhere
    if assumed == "moved":
        return
    for alias in aliases:
        owner = image.alias_owner(alias)
        if owner is not None and owner is not version:
            message = f"Alias {alias} is already used by ImageVersion ({owner.arn})."
            raise resource_in_use(message) if assumed == "resource_in_use" else validation_exception(message)
