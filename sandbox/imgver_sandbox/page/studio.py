"""The data of Studio domains on the page, as JSON objects: what they offer, and which apps run on which versions."""

from collections.abc import Iterator, Mapping
from typing import Any

from imgver_sandbox.faults.kinds import InServiceFault
from imgver_sandbox.sagemaker.account import SageMakerAccount
from imgver_sandbox.sagemaker.studio_records import (
    AppRecord,
    DomainRecord,
    SpaceRecord,
    StudioRecord,
    UserProfileRecord,
    offered_images,
)

_SETTINGS = {
    "DefaultUserSettings": "",
    "DefaultSpaceSettings": " in shared spaces",
    "UserSettings": "",
    "SpaceSettings": "",
}


def shown_domains(account: SageMakerAccount) -> list[dict[str, Any]]:
    """Return the domains of an account in a region, sorted by name, with their user profiles and spaces."""
    domains = sorted(account.domains.values(), key=lambda domain: str(domain.settings["DomainName"]))
    return [_shown_domain(account, domain) for domain in domains]


def user_name(record: StudioRecord) -> str:
    """The name of a record that uses a version, such as `space lab` or `JupyterLab of lab`."""
    if isinstance(record, AppRecord):
        return f"{record.app_type} of {record.owner.name}"
    if isinstance(record, UserProfileRecord | SpaceRecord):
        kind = "user profile" if isinstance(record, UserProfileRecord) else "space"
        return f"{kind} {record.name}"
    return f"domain {record.settings['DomainName']}"


def _shown_domain(account: SageMakerAccount, domain: DomainRecord) -> dict[str, Any]:
    profiles = [profile for profile in account.user_profiles.values() if profile.domain_id == domain.domain_id]
    members: list[UserProfileRecord | SpaceRecord] = [*profiles, *account.spaces_of(domain)]
    faults = [
        fault.id
        for fault in account.context.faults.left()
        if isinstance(fault.kind, InServiceFault) and fault.kind.domain in {None, domain.domain_id}
    ]
    return {
        "arn": domain.arn,
        "name": domain.settings["DomainName"],
        "status": domain.status,
        "failure_reason": domain.failure_reason,
        # The custom images, such as `JupyterLab: data-science 3`.
        "offers": list(_offers(domain.settings)),
        "members": [_shown_member(account, member) for member in members],
        # The id of the fault that lets an app run in the domain, or None.
        "fault": faults[0] if faults else None,
    }


def _shown_member(account: SageMakerAccount, member: UserProfileRecord | SpaceRecord) -> dict[str, Any]:
    apps = [app for app in account.apps_of(member) if app.owner is member and app.status != "Deleted"]
    return {
        "arn": member.arn,
        "name": member.name,
        # `user profile`, `space of ann`, `shared space of ann` or `shared space`.
        "kind": "user profile" if isinstance(member, UserProfileRecord) else _kind_of_space(member),
        "status": member.status,
        "failure_reason": member.failure_reason,
        "offers": list(_offers(member.settings)),
        "apps": [_shown_app(app) for app in apps],
    }


def _kind_of_space(space: SpaceRecord) -> str:
    kind = "shared space" if space.is_shared else "space"
    return f"{kind} of {space.owner_name}" if space.owner_name else kind


def _shown_app(app: AppRecord) -> dict[str, Any]:
    return {
        "arn": app.arn,
        "name": f"{app.app_type} {app.name}",
        "status": app.status,
        "failure_reason": app.failure_reason,
        # The image and the number, such as `data-science 3`, or "" for an image of SageMaker.
        "version": " ".join(map(str, app.image_version or ())),
    }


def _offers(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, where in _SETTINGS.items():
        for app, app_settings in settings.get(name, {}).items():
            for entry in offered_images(app_settings) if isinstance(app_settings, dict) else ():
                number = "latest" if entry.number is None else entry.number
                yield f"{app.removesuffix('AppSettings')}{where}: {entry.image_name} {number}"
