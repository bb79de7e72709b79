"""The operations on Studio domains, with the parts that custom images use: no networks or file systems.

Each function performs the operation of its name; the pages of the API are called like
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateDomain.html
"""

import hashlib
from typing import Any

from imgver_sandbox.sagemaker import studio
from imgver_sandbox.sagemaker.account import Operation, OperationInput, OperationOutput, SageMakerAccount
from imgver_sandbox.sagemaker.errors import refuse_change_in_progress, resource_in_use
from imgver_sandbox.sagemaker.listing import list_records
from imgver_sandbox.sagemaker.studio_records import DomainRecord

# UpdateDomain changes these settings member by member, and replaces all others.
_MERGED_SETTINGS = ("DefaultUserSettings", "DefaultSpaceSettings", "DomainSettings")


def create_domain(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform CreateDomain."""
    name, now = parameters["DomainName"], account.now()
    if any(domain.settings["DomainName"] == name for domain in account.domains.values()):
        raise resource_in_use("The ID or Name specified is already in use.")
    studio.refuse_missing_images(account, parameters)
    settings = {"AppNetworkAccessType": "PublicInternetOnly", **parameters}
    settings.pop("Tags", None)
    domain_id = f"d-{hashlib.sha256(f'{account.number}/{account.region}/{name}/{now}'.encode()).hexdigest()[:12]}"
    domain = DomainRecord(
        domain_id=domain_id,
        arn=account.arn(f"domain/{domain_id}"),
        created_at=now,
        settings=settings,
    )
    studio.begin(account, domain, "CreateDomain")
    account.domains[domain_id] = domain
    return {"DomainArn": domain.arn, "DomainId": domain_id, "Url": studio.domain_url(account, domain.domain_id)}


def describe_domain(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DescribeDomain."""
    domain = studio.find_domain(account, parameters)
    has_file_system = domain.settings.get("HomeEfsFileSystemCreation") != "Disabled"
    return {
        **_summary(account, domain),
        **domain.settings,
        "FailureReason": domain.failure_reason,
        "HomeEfsFileSystemId": f"fs-{domain.domain_id[2:]}" if has_file_system else None,
    }


def update_domain(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform UpdateDomain."""
    domain = studio.find_domain(account, parameters)
    refuse_change_in_progress(domain)
    studio.refuse_running_apps(account, domain, parameters)
    studio.refuse_missing_images(account, parameters)
    changes = {_setting_name(name): value for name, value in parameters.items() if name != "DomainId"}
    for name in _MERGED_SETTINGS:
        if name in changes:
            members = {_setting_name(member): value for member, value in changes[name].items()}
            changes[name] = studio.updated(account, domain.settings.get(name, {}), members)
    if studio.begin(account, domain, "UpdateDomain"):
        domain.settings = domain.settings | changes
    return {"DomainArn": domain.arn}


def delete_domain(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform DeleteDomain."""
    domain = studio.find_domain(account, parameters)
    profiles = [profile for profile in account.user_profiles.values() if profile.domain_id == domain.domain_id]
    apps, spaces = account.apps_of(domain), account.spaces_of(domain)
    return studio.delete(account, domain, apps=apps, spaces=spaces, user_profiles=profiles)


def list_domains(account: SageMakerAccount, parameters: OperationInput) -> OperationOutput:
    """Perform ListDomains."""
    in_order = {"SortOrder": "Ascending", **parameters}
    domains, token = list_records(account, "ListDomains", in_order, account.domains)
    return {"Domains": [_summary(account, domain) for domain in domains], "NextToken": token}


OPERATIONS: dict[str, Operation] = {
    "CreateDomain": create_domain,
    "DescribeDomain": describe_domain,
    "UpdateDomain": update_domain,
    "DeleteDomain": delete_domain,
    "ListDomains": list_domains,
}


def _setting_name(name: str) -> str:
    """The name of a parameter in CreateDomain and DescribeDomain: UpdateDomain adds `ForUpdate` to two names."""
    return name.removesuffix("ForUpdate")


def _summary(account: SageMakerAccount, domain: DomainRecord) -> dict[str, Any]:
    return {
        "CreationTime": domain.created_at,
        "DomainArn": domain.arn,
        "DomainId": domain.domain_id,
        "DomainName": domain.settings["DomainName"],
        "LastModifiedTime": domain.modified_at,
        "Status": domain.status,
        "Url": studio.domain_url(account, domain.domain_id),
    }
