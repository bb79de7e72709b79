"""The rules that the operations on Studio domains, user profiles, spaces and apps share."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from imgver_sandbox.sagemaker import errors
from imgver_sandbox.sagemaker.account import OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.records import GONE, StoredRecord
from imgver_sandbox.sagemaker.studio_records import (
    AppRecord,
    DomainRecord,
    SpaceRecord,
    StudioRecord,
    UserProfileRecord,
    custom_images,
)

_STATUSES = {"Create": ("Pending", "InService"), "Update": ("Updating", "InService"), "Delete": ("Deleting", GONE)}

# The documentation of UpdateDomain, or a public report, says that these need a domain without apps.
_FIXED_WHILE_APPS_RUN = {"AppNetworkAccessType", "AppSecurityGroupManagement"}

_Member = TypeVar("_Member", SpaceRecord, UserProfileRecord)
_Record = TypeVar("_Record", bound=StoredRecord)

MissingError = Literal["not_found", "validation"]
"""The error for a resource that a call names and that does not exist: ResourceNotFound, or ValidationException for an
operation whose service model has no ResourceNotFound."""


def find_domain(
    account: SageMakerAccount, parameters: OperationInput, *, missing: MissingError = "not_found"
) -> DomainRecord:
    """The domain that the parameters identify. Raises ServiceError if it does not exist."""
    domain_id = parameters["DomainId"]
    return _found(account.domains.get(domain_id), missing, "Domain", DomainId=domain_id)


def find_user_profile(
    account: SageMakerAccount, parameters: OperationInput, *, missing: MissingError = "not_found"
) -> UserProfileRecord:
    """The user profile that the parameters identify. Raises ServiceError if it does not exist."""
    domain_id, name = parameters["DomainId"], parameters["UserProfileName"]
    found = account.user_profiles.get((domain_id, name.lower()))
    return _found(found, missing, "UserProfile", DomainId=domain_id, UserProfileName=name)


def find_space(
    account: SageMakerAccount, parameters: OperationInput, *, missing: MissingError = "not_found"
) -> SpaceRecord:
    """The space that the parameters identify. Raises ServiceError if it does not exist."""
    domain_id, name = parameters["DomainId"], parameters["SpaceName"]
    return _found(account.spaces.get((domain_id, name)), missing, "Space", DomainId=domain_id, SpaceName=name)


def domain_for_new_resource(account: SageMakerAccount, parameters: OperationInput) -> DomainRecord:
    """The domain in which a call creates a resource. Raises ServiceError if it does not exist or is not in service."""
    domain = find_domain(account, parameters, missing="validation")
    errors.refuse_change_in_progress(domain, unless="Updating")
    return domain


def domain_url(account: SageMakerAccount, domain_id: str) -> str:
    """The address of Studio in a domain."""
    return f"https://{domain_id}.studio.{account.region}.sagemaker.aws"


def begin(account: SageMakerAccount, record: StudioRecord, operation: str, *, problem: str | None = None) -> bool:
    """Begin the change of `operation` on a record.

    Returns False if the change will fail: because of the `problem`, or because of a fault.
    """
    seconds, failure_reason = account.context.plan_change(operation, account.context.durations.domain)
    failure_reason = failure_reason or problem
    status, then = _STATUSES[operation[:6]]
    if operation == "DeleteApp":
        then = "Deleted"
    record.begin(status, now=account.now(), seconds=seconds, then=then, failure_reason=failure_reason)
    return failure_reason is None


def updated(account: SageMakerAccount, settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of users or spaces after an update: the members that are sent replace those that exist.

    Lists are replaced as a whole. The members of an app's settings follow the assumption `unsent_app_settings`.
    """
    if account.context.assumptions.unsent_app_settings == "kept":
        changes = {
            name: {**settings.get(name, {}), **value} if isinstance(value, dict) else value
            for name, value in changes.items()
        }
    return {**settings, **changes}


def refuse_running_apps(
    account: SageMakerAccount, record: DomainRecord | UserProfileRecord, parameters: OperationInput
) -> None:
    """Raise ServiceError if an app runs in a domain or for a user whose settings are updated.

    Whether AWS refuses each update follows the assumption `update_with_running_apps`, unless a fault says so.
    """
    if account.context.faults.has_running_app(record.domain_id):
        must_refuse = True
    else:
        assumed = account.context.assumptions.update_with_running_apps == "refused"
        must_refuse = (assumed or bool(_FIXED_WHILE_APPS_RUN & parameters.keys())) and any(
            app.is_running for app in account.apps_of(record)
        )
    if must_refuse:
        where = (
            "in the domain including shared Apps for [domain-shared] User Profile"
            if isinstance(record, DomainRecord)
            else "of the user profile"
        )
        raise errors.validation_exception(
            f"Unable to update {record.type_name} [{record.arn}] with InService App. "
            f"Delete all InService apps {where}, and try again."
        )


def delete(
    account: SageMakerAccount,
    record: StudioRecord,
    *,
    apps: Sequence[AppRecord],
    spaces: Sequence[SpaceRecord] = (),
    user_profiles: Sequence[UserProfileRecord] = (),
) -> OperationOutput:
    """Begin the deletion of a domain, a user profile or a space, and return the response.

    Raises ServiceError (ResourceInUse) during another change, or if other resources are in it.
    """
    errors.refuse_change_in_progress(record)
    for kind, resources in (("App", apps), ("Space", spaces), ("UserProfile", user_profiles)):
        if any(resource.status != "Deleted" for resource in resources):
            raise errors.resource_in_use(
                f"Unable to delete {record.type_name} [{record.arn}] because {kind}(s) are associated with it."
            )
    begin(account, record, f"Delete{record.type_name}")
    return {}


def list_members(
    account: SageMakerAccount, operation: str, parameters: OperationInput, records: Mapping[tuple[str, str], _Member]
) -> tuple[list[_Member], str | None]:
    """One page of the spaces or the user profiles that a call asks for, and the token of the next page."""
    wanted = {
        key: record
        for key, record in records.items()
        if parameters.get("DomainIdEquals", record.domain_id) == record.domain_id
        and parameters.get(f"{record.type_name}NameContains", "") in record.name
    }
    return list_records(account, operation, {"SortOrder": "Ascending", **parameters}, wanted)


def refuse_missing_images(account: SageMakerAccount, parameters: OperationInput) -> None:
    """Raise ServiceError if the parameters name a version or an app image config that does not exist.

    Whether AWS checks this, and with which error, is unknown. The service model has no ResourceNotFound for
    CreateDomain and CreateUserProfile, so the error is a ValidationException.
    """
    for image_name, number, app_image_config_name in custom_images(parameters):
        try:
            account.version({"ImageName": image_name, "Version": number})
        except errors.ServiceError as error:
            raise errors.validation_exception(error.message) from None
        config = account.app_image_configs.get(app_image_config_name)
        _found(config, "validation", "AppImageConfig", AppImageConfigName=app_image_config_name)


def _found(record: _Record | None, missing: MissingError, type_name: str, **identifier: str) -> _Record:
    if record is None:
        error = errors.resource_not_found(type_name, **identifier)
        raise error if missing == "not_found" else errors.validation_exception(error.message)
    return record
