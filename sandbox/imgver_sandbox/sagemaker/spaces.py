"""The operations on the spaces of Studio domains.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateSpace.html
"""

from typing import Any

from imgver_sandbox.sagemaker import studio
from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import refuse_change_in_progress, resource_in_use, validation_exception
from imgver_sandbox.sagemaker.studio_records import SpaceRecord

_IDENTIFIER = ("DomainId", "SpaceName", "Tags")
_SUMMARIES = {
    "SpaceSettings": ("AppType", "RemoteAccess", "SpaceStorageSettings"),
    "SpaceSharingSettings": ("SharingType",),
    "OwnershipSettings": ("OwnerUserProfileName",),
}


def create_space(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateSpace."""
    domain = studio.domain_for_new_resource(account, parameters)
    key = domain.domain_id, parameters["SpaceName"]
    if key in account.spaces:
        raise resource_in_use("The ID or Name specified is already in use.")
    if "OwnershipSettings" in parameters:
        owner = parameters["OwnershipSettings"]["OwnerUserProfileName"]
        studio.find_user_profile(
            account, {"DomainId": domain.domain_id, "UserProfileName": owner}, missing="validation"
        )
    studio.refuse_missing_images(account, parameters)
    space = SpaceRecord(
        domain_id=domain.domain_id,
        name=parameters["SpaceName"],
        arn=account.arn(f"space/{'/'.join(key)}"),
        created_at=account.now(),
        settings={name: value for name, value in parameters.items() if name not in _IDENTIFIER},
    )
    studio.begin(account, space, "CreateSpace")
    account.spaces[key] = space
    return {"SpaceArn": space.arn}


def describe_space(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeSpace."""
    space = studio.find_space(account, parameters)
    app_type = space.settings.get("SpaceSettings", {}).get("AppType", "JupyterLab")
    return {
        **_identity(space),
        **space.settings,
        "SpaceArn": space.arn,
        "FailureReason": space.failure_reason,
        "Url": f"{studio.domain_url(account, space.domain_id)}/{app_type.lower()}/default",
    }


def update_space(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateSpace."""
    space = studio.find_space(account, parameters)
    refuse_change_in_progress(space)
    if "AppType" in parameters.get("SpaceSettings", {}):
        raise validation_exception("Updating AppType for Space is not supported.")
    studio.refuse_missing_images(account, parameters)
    changes = {name: value for name, value in parameters.items() if name not in _IDENTIFIER}
    if "SpaceSettings" in changes:
        changes["SpaceSettings"] = studio.updated(
            account, space.settings.get("SpaceSettings", {}), changes["SpaceSettings"]
        )
    if studio.begin(account, space, "UpdateSpace"):
        space.settings = {**space.settings, **changes}
    return {"SpaceArn": space.arn}


def delete_space(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteSpace."""
    space = studio.find_space(account, parameters)
    return studio.delete(account, space, apps=account.apps_of(space))


def list_spaces(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListSpaces."""
    spaces, token = studio.list_members(account, "ListSpaces", parameters, account.spaces)
    return {"Spaces": [_summary(space) for space in spaces], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateSpace": create_space,
    "DescribeSpace": describe_space,
    "UpdateSpace": update_space,
    "DeleteSpace": delete_space,
    "ListSpaces": list_spaces,
}


def _identity(space: SpaceRecord) -> dict[str, Any]:
    return {
        "CreationTime": space.created_at,
        "DomainId": space.domain_id,
        "LastModifiedTime": space.modified_at,
        "SpaceName": space.name,
        "Status": space.status,
    }


def _summary(space: SpaceRecord) -> dict[str, Any]:
    summaries = {
        f"{name}Summary": {member: space.settings[name].get(member) for member in members}
        for name, members in _SUMMARIES.items()
        if name in space.settings
    }
    return {**_identity(space), **summaries, "SpaceDisplayName": space.settings.get("SpaceDisplayName")}
