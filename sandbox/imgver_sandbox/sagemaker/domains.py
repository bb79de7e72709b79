"""The operations on Studio domains, as far as custom images go: there are no users, apps and file systems."""

import hashlib
from collections.abc import Callable
from typing import Any

from imgver_sandbox.sagemaker.account import Account, Answer, Request
from imgver_sandbox.sagemaker.errors import does_not_exist, in_use, invalid, refuse_change_under_way
from imgver_sandbox.sagemaker.pagination import Order, page
from imgver_sandbox.sagemaker.records import GONE
from imgver_sandbox.sagemaker.service_model import ServiceError
from imgver_sandbox.sagemaker.studio_records import Domain, custom_images

# What an update changes member by member; all else it replaces.
_MERGED = ("DefaultUserSettings", "DefaultSpaceSettings", "DomainSettings")


def create_domain(account: Account, request: Request) -> Answer:
    """CreateDomain: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateDomain.html"""
    name, now = request["DomainName"], account.now()
    if any(domain.settings["DomainName"] == name for domain in account.domains()):
        raise in_use("The ID or Name specified is already in use.")
    _refuse_missing_images(account, request)
    settings = {"AppNetworkAccessType": "PublicInternetOnly", **request}
    settings.pop("Tags", None)
    domain_id = f"d-{hashlib.sha256(f'{account.number}/{account.region}/{name}/{now}'.encode()).hexdigest()[:12]}"
    domain = Domain(
        domain_id=domain_id,
        arn=account.arn(f"domain/{domain_id}"),
        created_at=now,
        modified_at=now,
        settings=settings,
    )
    _begin(account, domain, "Pending", then="InService")
    account.add_domain(domain)
    return {"DomainArn": domain.arn, "DomainId": domain_id, "Url": _url(account, domain)}


def describe_domain(account: Account, request: Request) -> Answer:
    """DescribeDomain: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeDomain.html"""
    domain = _found(account, request)
    file_system = domain.settings.get("HomeEfsFileSystemCreation") != "Disabled"
    return {
        **_summary(account, domain),
        **domain.settings,
        "HomeEfsFileSystemId": f"fs-{domain.domain_id[2:]}" if file_system else None,
    }


def update_domain(account: Account, request: Request) -> Answer:
    """UpdateDomain: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateDomain.html"""
    domain = _found(account, request)
    refuse_change_under_way(domain)
    _refuse_missing_images(account, request)
    changes = {_without_update(name): value for name, value in request.items() if name != "DomainId"}
    for name in _MERGED:
        if name in changes:
            members = {_without_update(member): value for member, value in changes[name].items()}
            changes[name] = domain.settings.get(name, {}) | members
    domain.settings = domain.settings | changes
    _begin(account, domain, "Updating", then="InService")
    return {"DomainArn": domain.arn}


def delete_domain(account: Account, request: Request) -> Answer:
    """DeleteDomain: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteDomain.html"""
    domain = _found(account, request)
    refuse_change_under_way(domain)
    _begin(account, domain, "Deleting", then=GONE)
    return {}


def list_domains(account: Account, request: Request) -> Answer:
    """ListDomains: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListDomains.html"""
    domains = {domain.domain_id: domain for domain in account.domains()}
    order = Order[str]((domain.created_at, domain.domain_id) for domain in domains.values())
    domain_ids, token = page("ListDomains", request, order)
    return {"Domains": [_summary(account, domains[domain_id]) for domain_id in domain_ids], "NextToken": token}


OPERATIONS: dict[str, Callable[[Account, Request], Answer]] = {
    "CreateDomain": create_domain,
    "DescribeDomain": describe_domain,
    "UpdateDomain": update_domain,
    "DeleteDomain": delete_domain,
    "ListDomains": list_domains,
}


def _found(account: Account, request: Request) -> Domain:
    domain = account.find_domain(request["DomainId"])
    if domain is None:
        raise does_not_exist("Domain", DomainId=request["DomainId"])
    return domain


def _refuse_missing_images(account: Account, request: Request) -> None:
    """Raise ServiceError if the request names a custom image whose version or app image config is not there.

    What AWS answers is not known, nor whether it looks. CreateDomain has no ResourceNotFound, so it is none.
    """
    for image_name, number, app_image_config_name in custom_images(request):
        try:
            account.version({"ImageName": image_name, "Version": number})
        except ServiceError as error:
            raise invalid(error.message) from None
        if app_image_config_name not in account.app_image_configs:
            raise invalid(does_not_exist("AppImageConfig", AppImageConfigName=app_image_config_name).message)


def _begin(account: Account, domain: Domain, status: str, *, then: str) -> None:
    domain.begin(status, now=account.now(), seconds=account.conditions.durations.domain, then=then)


def _without_update(name: str) -> str:
    """What Create and Describe call a parameter: two that UpdateDomain has end with `ForUpdate`."""
    return name.removesuffix("ForUpdate")


def _url(account: Account, domain: Domain) -> str:
    return f"https://{domain.domain_id}.studio.{account.region}.sagemaker.aws"


def _summary(account: Account, domain: Domain) -> dict[str, Any]:
    return {
        "CreationTime": domain.created_at,
        "DomainArn": domain.arn,
        "DomainId": domain.domain_id,
        "DomainName": domain.settings["DomainName"],
        "LastModifiedTime": domain.modified_at,
        "Status": domain.status,
        "Url": _url(account, domain),
    }
