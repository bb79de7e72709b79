"""The operation on aliases, and who may have one."""

from collections.abc import Callable, Sequence

from imgver_sandbox.sagemaker.account import Account, Answer, Request
from imgver_sandbox.sagemaker.errors import in_use, invalid
from imgver_sandbox.sagemaker.image_records import Image, Version
from imgver_sandbox.sagemaker.pagination import Order, page


def list_aliases(account: Account, request: Request) -> Answer:
    """ListAliases: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListAliases.html"""
    if "Version" in request or "Alias" in request:
        _, version = account.version(request)
        order = Order[str]((alias,) for alias in version.aliases)
    else:
        order = account.image(request["ImageName"]).aliases
    aliases, token = page("ListAliases", request, order)
    return {"SageMakerImageVersionAliases": aliases, "NextToken": token}


OPERATIONS: dict[str, Callable[[Account, Request], Answer]] = {"ListAliases": list_aliases}


def refuse_held_aliases(account: Account, image: Image, aliases: Sequence[str], version: Version | None) -> None:
    """Raise ServiceError if another version than `version` holds one of the aliases, unless aliases move."""
    assumed = account.conditions.assumptions.alias_held_elsewhere
    if assumed == "moved":
        return
    for alias in aliases:
        owner = image.alias_owners.get(alias)
        if owner not in (None, version):
            text = f"Alias {alias} is already used by ImageVersion ({owner.arn})."
            raise in_use(text) if assumed == "resource_in_use" else invalid(text)
