"""The data of Studio domains on the page: what they offer, and which apps run on which versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class ShownApp:
    """One app that is not deleted."""

    arn: str
    name: str
    status: str
    failure_reason: str | None

    version: str
    """The image and the number, such as `data-science 3`, or "" for an image of SageMaker."""


@dataclass(frozen=True, kw_only=True)
class ShownMember:
    """One user profile or space."""

    arn: str
    name: str

    kind: str
    """`user profile`, `space of ann`, `shared space of ann` or `shared space`."""

    status: str
    failure_reason: str | None
    offers: Sequence[str]
    apps: Sequence[ShownApp]


@dataclass(frozen=True, kw_only=True)
class ShownDomain:
    """One domain."""

    arn: str
    name: str
    status: str
    failure_reason: str | None

    offers: Sequence[str]
    """The custom images, such as `JupyterLab: data-science 3`."""

    members: Sequence[ShownMember]

    fault: int | None
    """The id of the fault that lets an app run in the domain, or None."""


def shown_domains(account: SageMakerAccount) -> list[ShownDomain]:
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


def _shown_domain(account: SageMakerAccount, domain: DomainRecord) -> ShownDomain:
    profiles = [profile for profile in account.user_profiles.values() if profile.domain_id == domain.domain_id]
    members: list[UserProfileRecord | SpaceRecord] = [*profiles, *account.spaces_of(domain)]
    faults = [
        fault.id
        for fault in account.context.faults.left()
        if isinstance(fault.kind, InServiceFault) and fault.kind.domain in {None, domain.domain_id}
    ]
    return ShownDomain(
        arn=domain.arn,
        name=domain.settings["DomainName"],
        status=domain.status,
        failure_reason=domain.failure_reason,
        offers=list(_offers(domain.settings)),
        members=[_shown_member(account, member) for member in members],
        fault=faults[0] if faults else None,
    )


def _shown_member(account: SageMakerAccount, member: UserProfileRecord | SpaceRecord) -> ShownMember:
    return ShownMember(
        arn=member.arn,
        name=member.name,
        kind="user profile" if isinstance(member, UserProfileRecord) else _kind_of_space(member),
        status=member.status,
        failure_reason=member.failure_reason,
        offers=list(_offers(member.settings)),
        apps=[_shown_app(app) for app in account.apps_of(member) if app.owner is member and app.status != "Deleted"],
    )


def _kind_of_space(space: SpaceRecord) -> str:
    kind = "shared space" if space.is_shared else "space"
    return f"{kind} of {space.owner_name}" if space.owner_name else kind


def _shown_app(app: AppRecord) -> ShownApp:
    return ShownApp(
        arn=app.arn,
        name=f"{app.app_type} {app.name}",
        status=app.status,
        failure_reason=app.failure_reason,
        version=" ".join(map(str, app.image_version or ())),
    )


def _offers(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, where in _SETTINGS.items():
        for app, app_settings in settings.get(name, {}).items():
            for entry in offered_images(app_settings) if isinstance(app_settings, dict) else ():
                number = "latest" if entry.number is None else entry.number
                yield f"{app.removesuffix('AppSettings')}{where}: {entry.image_name} {number}"
