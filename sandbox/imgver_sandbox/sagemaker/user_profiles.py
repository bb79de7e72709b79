"""The operations on the user profiles of Studio domains.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateUserProfile.html
"""

from typing import Any

from imgver_sandbox.sagemaker import studio
from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import refuse_change_in_progress, resource_in_use
from imgver_sandbox.sagemaker.studio_records import UserProfileRecord

_IDENTIFIER = ("DomainId", "UserProfileName", "Tags")


def create_user_profile(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateUserProfile."""
    domain = studio.domain_for_new_resource(account, parameters)
    name = parameters["UserProfileName"]
    key = domain.domain_id, name.lower()
    if key in account.user_profiles:
        raise resource_in_use("The ID or Name specified is already in use.")
    studio.refuse_missing_images(account, parameters)
    profile = UserProfileRecord(
        domain_id=domain.domain_id,
        name=name,
        arn=account.arn(f"user-profile/{domain.domain_id}/{name}"),
        created_at=account.now(),
        settings={name: value for name, value in parameters.items() if name not in _IDENTIFIER},
    )
    studio.begin(account, profile, "CreateUserProfile")
    account.user_profiles[key] = profile
    return {"UserProfileArn": profile.arn}


def describe_user_profile(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeUserProfile."""
    profile = studio.find_user_profile(account, parameters)
    return {
        **_summary(profile),
        **profile.settings,
        "UserProfileArn": profile.arn,
        "FailureReason": profile.failure_reason,
    }


def update_user_profile(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateUserProfile."""
    profile = studio.find_user_profile(account, parameters)
    refuse_change_in_progress(profile)
    studio.refuse_running_apps(account, profile, parameters)
    studio.refuse_missing_images(account, parameters)
    settings = studio.updated(account, profile.settings.get("UserSettings", {}), parameters.get("UserSettings", {}))
    if studio.begin(account, profile, "UpdateUserProfile"):
        profile.settings = {**profile.settings, "UserSettings": settings}
    return {"UserProfileArn": profile.arn}


def delete_user_profile(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteUserProfile."""
    profile = studio.find_user_profile(account, parameters)
    return studio.delete(account, profile, apps=account.apps_of(profile), spaces=account.spaces_of(profile))


def list_user_profiles(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListUserProfiles."""
    profiles, token = studio.list_members(account, "ListUserProfiles", parameters, account.user_profiles)
    return {"UserProfiles": [_summary(profile) for profile in profiles], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateUserProfile": create_user_profile,
    "DescribeUserProfile": describe_user_profile,
    "UpdateUserProfile": update_user_profile,
    "DeleteUserProfile": delete_user_profile,
    "ListUserProfiles": list_user_profiles,
}


def _summary(profile: UserProfileRecord) -> dict[str, Any]:
    return {
        "CreationTime": profile.created_at,
        "DomainId": profile.domain_id,
        "LastModifiedTime": profile.modified_at,
        "Status": profile.status,
        "UserProfileName": profile.name,
    }
