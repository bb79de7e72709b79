"""Removing what the tests made in an account."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from target import PREFIX, code, message

_SECONDS = 900
_PAUSE_SECONDS = 2.0
_AT_ONCE = 8
_GONE = {"ResourceNotFound", "RepositoryNotFoundException", "NoSuchEntity", "ResourceNotFoundException"}

Clients = Callable[[str], Any]
Thing = tuple[str, datetime]
"""Its name or id, and when it was made."""


def remove(clients: Clients, prefix: str, *, before: datetime | None = None) -> tuple[list[str], list[str]]:
    """Remove everything whose name begins with `prefix`, if it was made before the time; what went, and what did not.

    `clients` answers the boto3 client of a service. What another thing needs goes after it.
    """
    removed: list[str] = []
    left: list[str] = []
    for kind, list_them, remove_one in _KINDS:
        try:
            found = [name for name, made in list_them(clients, prefix) if before is None or made < before]
        except ClientError as error:
            # Who may not list them may not make them either.
            if "AccessDenied" not in code(error):
                left.append(f"{kind}s: {message(error)}")
            continue
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for name, done in [(name, pool.submit(remove_one, clients, name)) for name in found]:
                error = done.exception()
                if error is None:
                    removed.append(f"{kind} {name}")
                else:
                    left.append(f"{kind} {name}: {error}")
    return removed, left


def _paged(client: Any, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]


def _named(things: Iterator[dict[str, Any]], name: str, made: str, prefix: str, id_: str | None = None) -> list[Thing]:
    return [(thing[id_ or name], thing[made]) for thing in things if thing[name].startswith(prefix)]


def _stacks(clients: Clients, prefix: str) -> list[Thing]:
    stacks = _paged(clients("cloudformation"), "list_stacks", "StackSummaries")
    there = (stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE")
    return _named(there, "StackName", "CreationTime", prefix)


def _remove_stack(clients: Clients, name: str) -> None:
    cloudformation = clients("cloudformation")
    stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])

    _wait(lambda: status() == "DELETE_COMPLETE", name)


def _log_groups(clients: Clients, prefix: str) -> list[Thing]:
    groups = _paged(clients("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=f"/aws/lambda/{prefix}")
    return [(group["logGroupName"], datetime.fromtimestamp(group["creationTime"] / 1000, UTC)) for group in groups]


def _domains(clients: Clients, prefix: str) -> list[Thing]:
    domains = _paged(clients("sagemaker"), "list_domains", "Domains")
    return _named(domains, "DomainName", "CreationTime", prefix, "DomainId")


def _remove_domain(clients: Clients, domain_id: str) -> None:
    sagemaker = clients("sagemaker")
    describe = lambda: sagemaker.describe_domain(DomainId=domain_id)["Status"]  # noqa: E731
    _wait(lambda: not describe().endswith("ing"), domain_id)
    sagemaker.delete_domain(DomainId=domain_id, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    _wait_until_gone(describe, domain_id)


def _images(clients: Clients, prefix: str) -> list[Thing]:
    images = _paged(clients("sagemaker"), "list_images", "Images", NameContains=prefix.rstrip("-"))
    return _named(images, "ImageName", "CreationTime", prefix)


def _remove_image(clients: Clients, name: str) -> None:
    sagemaker = clients("sagemaker")

    def gone() -> bool:
        """Asks again while a version is being made, or deleted by a test that was interrupted."""
        try:
            sagemaker.delete_image(ImageName=name)
        except ClientError as error:
            if code(error) == "ResourceNotFound":
                return True
            if code(error) not in {"ResourceInUse", "ValidationException"}:
                raise
        return False

    _wait(gone, name)


def _wait_until_gone(look: Callable[[], object], name: str) -> None:
    def gone() -> bool:
        try:
            look()
        except ClientError as error:
            if code(error) in _GONE:
                return True
            raise
        return False

    _wait(gone, name)


def _wait(done: Callable[[], bool], name: str) -> None:
    end, pause = time.monotonic() + _SECONDS, 0.2
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} is still there after {_SECONDS} s")
        time.sleep(pause)
        pause = min(1.5 * pause, _PAUSE_SECONDS)


def _remove_role(clients: Clients, name: str) -> None:
    iam = clients("iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


_KINDS: list[tuple[str, Callable[[Clients, str], list[Thing]], Callable[[Clients, str], Any]]] = [
    ("stack", _stacks, _remove_stack),
    ("log group", _log_groups, lambda clients, name: clients("logs").delete_log_group(logGroupName=name)),
    ("domain", _domains, _remove_domain),
    (
        "app image config",
        lambda clients, prefix: _named(
            # NameContains takes no text that ends with a hyphen.
            _paged(clients("sagemaker"), "list_app_image_configs", "AppImageConfigs", NameContains=prefix.rstrip("-")),
            "AppImageConfigName",
            "CreationTime",
            prefix,
        ),
        lambda clients, name: clients("sagemaker").delete_app_image_config(AppImageConfigName=name),
    ),
    ("image", _images, _remove_image),
    (
        "repository",
        lambda clients, prefix: _named(
            _paged(clients("ecr"), "describe_repositories", "repositories"), "repositoryName", "createdAt", prefix
        ),
        lambda clients, name: clients("ecr").delete_repository(repositoryName=name, force=True),
    ),
    (
        "role",
        lambda clients, prefix: _named(
            _paged(clients("iam"), "list_roles", "Roles", PathPrefix=f"/{PREFIX.rstrip('-')}/"),
            "RoleName",
            "CreateDate",
            prefix,
        ),
        _remove_role,
    ),
]
