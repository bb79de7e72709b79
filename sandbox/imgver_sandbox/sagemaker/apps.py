"""The operations on the apps that run in Studio. An app is a record that runs on a version of an image.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateApp.html
"""

import re
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.sagemaker import errors, studio
from imgver_sandbox.sagemaker.account import AppKey, Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.studio_records import AppRecord, SpaceRecord, UserProfileRecord, offered_images

# The app types that run on custom images, and the settings that offer these images.
_SETTINGS = {
    "JupyterLab": "JupyterLabAppSettings",
    "CodeEditor": "CodeEditorAppSettings",
    "KernelGateway": "KernelGatewayAppSettings",
    "RSessionGateway": "RSessionAppSettings",
}
_ONLY_IN_SPACES = ("JupyterLab", "CodeEditor")
_IMAGE_ARN = re.compile(r"arn:[\w-]+:sagemaker:[^:]+:(\d{12}):image(?:-version)?/([^/]+)(?:/(\d+))?")


def create_app(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateApp."""
    domain = studio.domain_for_new_resource(account, parameters)
    owner = _owner(account, parameters)
    app_type = parameters["AppType"]
    if app_type in _ONLY_IN_SPACES and not isinstance(owner, SpaceRecord):
        raise errors.validation_exception(f"An app of type {app_type} requires a SpaceName.")
    key = _key(parameters)
    existing = account.apps.get(key)
    if existing is not None and existing.status not in {"Deleted", "Failed"}:
        raise errors.resource_in_use("The ID or Name specified is already in use.")
    spec = _resource_spec(owner, app_type, parameters.get("ResourceSpec", {}))
    arn = account.arn(f"app/{domain.domain_id}/{owner.name}/{app_type.lower()}/{parameters['AppName']}")
    image_version, problem = None, None
    try:
        image_version = _image_version(account, owner, app_type, spec, arn)
    except errors.ServiceError as error:
        problem = f"{error.code}Error: {error.message}"
    app = AppRecord(
        domain_id=domain.domain_id,
        name=parameters["AppName"],
        app_type=app_type,
        owner=owner,
        image_version=image_version,
        arn=arn,
        created_at=account.now(),
        settings={"ResourceSpec": spec},
    )
    studio.begin(account, app, "CreateApp", problem=problem)
    account.apps[key] = app
    return {"AppArn": app.arn}


def describe_app(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeApp. As on AWS, a deleted app can still be described."""
    app = _app(account, parameters)
    return {**_summary(app), "AppArn": app.arn, "FailureReason": app.failure_reason}


def delete_app(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteApp."""
    app = _app(account, parameters)
    errors.refuse_change_in_progress(app)
    if app.status == "Deleted":
        raise _not_found(parameters)
    studio.begin(account, app, "DeleteApp")
    return {}


def list_apps(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListApps."""
    filters = {
        name: parameters[f"{name}Equals"]
        for name in ("DomainId", "SpaceName", "UserProfileName")
        if f"{name}Equals" in parameters
    }
    wanted = {key: app for key, app in account.apps.items() if filters.items() <= _summary(app).items()}
    apps, token = list_records(account, "ListApps", {"SortOrder": "Ascending", **parameters}, wanted)
    return {"Apps": [_summary(app) for app in apps], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateApp": create_app,
    "DescribeApp": describe_app,
    "DeleteApp": delete_app,
    "ListApps": list_apps,
}


def _owner(account: SageMakerAccount, parameters: OperationInput) -> SpaceRecord | UserProfileRecord:
    """The space or the user profile of a new app. Raises ServiceError (ValidationException)."""
    if len(parameters.keys() & {"SpaceName", "UserProfileName"}) != 1:
        raise errors.validation_exception("Exactly one of UserProfileName and SpaceName must be specified.")
    find = studio.find_space if "SpaceName" in parameters else studio.find_user_profile
    owner = find(account, parameters, missing="validation")
    errors.refuse_change_in_progress(owner, unless="Updating")
    return owner


def _key(parameters: OperationInput) -> AppKey:
    owner = parameters.get("SpaceName", ""), parameters.get("UserProfileName", "").lower()
    return parameters["DomainId"], *owner, parameters["AppType"], parameters["AppName"]


def _app(account: SageMakerAccount, parameters: OperationInput) -> AppRecord:
    app = account.apps.get(_key(parameters))
    if app is None:
        raise _not_found(parameters)
    return app


def _not_found(parameters: OperationInput) -> errors.ServiceError:
    return errors.resource_not_found("App", **parameters)


def _resource_spec(owner: SpaceRecord | UserProfileRecord, app_type: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The resource specification of an app. The image is that of the call, or the default of the space or the user."""
    settings = owner.settings.get("SpaceSettings" if isinstance(owner, SpaceRecord) else "UserSettings", {})
    default = settings.get(_SETTINGS.get(app_type, ""), {}).get("DefaultResourceSpec", {})
    if any(name.startswith("SageMakerImage") for name in given):
        default = {name: value for name, value in default.items() if not name.startswith("SageMakerImage")}
    return {**default, **given}


def _image_version(
    account: SageMakerAccount,
    owner: SpaceRecord | UserProfileRecord,
    app_type: str,
    spec: Mapping[str, Any],
    arn: str,
) -> tuple[str, int] | None:
    """The name of the image and the number of the version on which an app runs, or None for an image of SageMaker.

    Raises ServiceError (ResourceNotFound) if the version does not exist or is not offered.
    """
    match = _IMAGE_ARN.fullmatch(spec.get("SageMakerImageVersionArn", spec.get("SageMakerImageArn", "")))
    if match is None or match[1] != account.number:
        return None
    offered = [
        entry
        for entry in offered_images(_offering_settings(account, owner, _SETTINGS.get(app_type, "")))
        if account.has_same_name(entry.image_name, match[2])
    ]
    number = match[3] and int(match[3])
    alias = None if number else spec.get("SageMakerImageVersionAlias")
    if not number and not alias and offered:
        number = offered[0].number
    image, version = account.version({"ImageName": match[2], "Version": number, "Alias": alias})
    if version.number not in {entry.number or image.latest_number for entry in offered}:
        raise errors.ServiceError(
            "ResourceNotFound",
            f"Unable to launch App [{arn}] with Image [{image.name}] because it is not present in list of custom "
            f"images in AppSettings. Please update AppSettings to add Image [{image.name}] in list of custom images.",
        )
    return image.name, version.number


def _offering_settings(
    account: SageMakerAccount, owner: SpaceRecord | UserProfileRecord, settings_name: str
) -> Mapping[str, Any]:
    """The settings of an app type that apply to a space or a user: their own before those of the domain."""
    domain = account.domains[owner.domain_id]
    profile = owner if isinstance(owner, UserProfileRecord) else account.owner_of(owner)
    is_shared = isinstance(owner, SpaceRecord) and owner.is_shared
    candidates = [
        owner.settings.get("SpaceSettings", {}),
        profile.settings.get("UserSettings", {}) if profile and not is_shared else {},
        domain.settings.get("DefaultSpaceSettings" if is_shared else "DefaultUserSettings", {}),
    ]
    found = [settings[settings_name] for settings in candidates if "CustomImages" in settings.get(settings_name, {})]
    return found[0] if found else {}


def _summary(app: AppRecord) -> dict[str, Any]:
    return {
        "SpaceName" if isinstance(app.owner, SpaceRecord) else "UserProfileName": app.owner.name,
        "AppName": app.name,
        "AppType": app.app_type,
        "CreationTime": app.created_at,
        "DomainId": app.domain_id,
        "ResourceSpec": app.settings["ResourceSpec"],
        "Status": app.status,
    }
