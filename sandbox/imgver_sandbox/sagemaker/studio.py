"""The rules that the operations on Studio domains and on their user profiles share."""

from collections.abc import Mapping
from typing import Any

from imgver_sandbox.sagemaker.account import OperationInput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import ServiceError, resource_not_found, validation_exception
from imgver_sandbox.sagemaker.records import GONE
from imgver_sandbox.sagemaker.studio_records import DomainRecord, StudioRecord, UserProfileRecord, custom_images

_STATUSES = {"Create": ("Pending", "InService"), "Update": ("Updating", "InService"), "Delete": ("Deleting", GONE)}


def find_domain(account: SageMakerAccount, parameters: OperationInput) -> DomainRecord:
    """The domain that the parameters identify. Raises ServiceError (ResourceNotFound) if it does not exist."""
    domain = account.domains.get(parameters["DomainId"])
    if domain is None:
        raise resource_not_found("Domain", DomainId=parameters["DomainId"])
    return domain


def find_user_profile(account: SageMakerAccount, parameters: OperationInput) -> UserProfileRecord:
    """The user profile that the parameters identify. Raises ServiceError (ResourceNotFound) if it does not exist."""
    identifier = {name: parameters[name] for name in ("DomainId", "UserProfileName")}
    profile = account.user_profiles.get((identifier["DomainId"], identifier["UserProfileName"]))
    if profile is None:
        raise resource_not_found("UserProfile", **identifier)
    return profile


def begin(account: SageMakerAccount, record: StudioRecord, operation: str) -> bool:
    """Begin the change of `operation` on a record. Returns False if a fault lets the change fail."""
    seconds, failure_reason = account.context.plan_change(operation, account.context.durations.domain)
    status, then = _STATUSES[operation[:6]]
    record.begin(status, now=account.now(), seconds=seconds, then=then, failure_reason=failure_reason)
    return failure_reason is None


def updated(account: SageMakerAccount, settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a user or a space after an update: the members that are sent replace those that exist.

    Lists are replaced as a whole. The members of an app's settings follow the assumption `unsent_app_settings`.
    """
    if account.context.assumptions.unsent_app_settings == "dropped":
        return {**settings, **changes}
    return {
        **settings,
        **{
            name: {**settings[name], **value}
            if isinstance(value, dict) and isinstance(settings.get(name), dict)
            else value
            for name, value in changes.items()
        },
    }


def refuse_missing_images(account: SageMakerAccount, parameters: OperationInput) -> None:
    """Raise ServiceError if the parameters name a version or an app image config that does not exist.

    Whether AWS checks this, and with which error, is unknown. The service model has no ResourceNotFound for
    CreateDomain and CreateUserProfile, so the error is a ValidationException.
    """
    for image_name, number, app_image_config_name in custom_images(parameters):
        try:
            account.version({"ImageName": image_name, "Version": number})
        except ServiceError as error:
            raise validation_exception(error.message) from None
        if app_image_config_name not in account.app_image_configs:
            missing = resource_not_found("AppImageConfig", AppImageConfigName=app_image_config_name)
            raise validation_exception(missing.message)
