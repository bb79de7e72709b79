"""Removes the resources that the probe created in an account."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from target import PREFIX, code, message

_SECONDS = 900
_LONGEST_PAUSE_SECONDS = 2.0
_AT_ONCE = 8
_LOG_GROUPS = "/aws/lambda/"


@dataclass(frozen=True)
class Kind:
    """How resources of one kind are listed and deleted."""

    name: str
    service: str
    operation: str
    """Lists the resources in pages."""
    key: str
    """The list in each page."""
    named: str
    created: str
    delete: Callable[[Any, str], object]
    """Deletes the resource with an id, given a client."""
    id: str = ""
    """The member that identifies a resource, if it is not `named`."""
    pages: tuple[tuple[str, str], ...] = ()
    """Parameters of the operation."""

    def find(self, client: Any, prefix: str, before: datetime | None) -> Iterator[str]:
        """The ids of the resources whose name starts with `prefix` and that were created before a time."""
        for page in client.get_paginator(self.operation).paginate(**dict(self.pages)):
            for found in page[self.key]:
                created = found[self.created]
                if isinstance(created, int):
                    created = datetime.fromtimestamp(created / 1000, UTC)
                if (
                    found[self.named].removeprefix(_LOG_GROUPS).startswith(prefix)
                    and found.get("StackStatus") != "DELETE_COMPLETE"
                    and (before is None or created < before)
                ):
                    yield found[self.id or self.named]


def remove(
    clients: Callable[[str], Any], prefix: str, *, before: datetime | None = None
) -> tuple[list[str], list[str]]:
    """Remove every resource whose name starts with `prefix`, and that was created before a time if one is given.

    `clients` returns the boto3 client of a service. The first list has the removed resources, the second one those that
    are left, with the reason.
    """
    removed: list[str] = []
    left: list[str] = []
    for kind in _KINDS:
        client = clients(kind.service)
        try:
            found = list(kind.find(client, prefix, before))
        except ClientError as error:
            # An identity that may not list resources of a kind has not created any.
            if "AccessDenied" not in code(error):
                left.append(f"{kind.name}s: {message(error)}")
            continue
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            deletions = [(f"{kind.name} {name}", pool.submit(kind.delete, client, name)) for name in found]
        for resource, deletion in deletions:
            if failure := deletion.exception():
                left.append(f"{resource}: {failure}")
            else:
                removed.append(resource)
    return removed, left


def _delete_stack(cloudformation: Any, name: str) -> None:
    stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)

    def deleted() -> bool:
        stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        return bool(stack["StackStatus"] == "DELETE_COMPLETE")

    _wait(deleted, name)


def _delete_domain(sagemaker: Any, domain_id: str) -> None:
    _wait(lambda: _is_empty(sagemaker, domain_id), domain_id)

    def delete() -> None:
        status = sagemaker.describe_domain(DomainId=domain_id)["Status"]
        if not status.endswith("ing"):
            sagemaker.delete_domain(DomainId=domain_id, RetentionPolicy={"HomeEfsFileSystem": "Delete"})

    _wait(lambda: _is_gone(delete), domain_id)


def _is_empty(sagemaker: Any, domain_id: str) -> bool:
    """Delete the apps of a domain, then its spaces, and then its user profiles. Return whether none of them is left."""
    for kind, names in (
        ("App", ("AppType", "AppName", "SpaceName", "UserProfileName")),
        ("Space", ("SpaceName",)),
        ("UserProfile", ("UserProfileName",)),
    ):
        pages = sagemaker.get_paginator(f"list_{_snake(kind)}s").paginate(DomainIdEquals=domain_id)
        left = [one for page in pages for one in page[f"{kind}s"] if one["Status"] != "Deleted"]
        for one in left:
            if not one["Status"].endswith("ing"):
                which = {name: one[name] for name in names if name in one}
                getattr(sagemaker, f"delete_{_snake(kind)}")(DomainId=domain_id, **which)
        if left:
            return False
    return True


def _snake(kind: str) -> str:
    return "user_profile" if kind == "UserProfile" else kind.lower()


def _delete_image(sagemaker: Any, name: str) -> None:
    _wait(lambda: _is_gone(lambda: sagemaker.delete_image(ImageName=name)), name)


def _is_gone(delete: Callable[[], object]) -> bool:
    """Try to delete a resource. It is refused while the resource, or a version of an image, is changing."""
    try:
        delete()
    except ClientError as error:
        if code(error) not in {"ResourceNotFound", "ResourceInUse", "ValidationException"}:
            raise
        return code(error) == "ResourceNotFound"
    return False


def _delete_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _wait(done: Callable[[], bool], name: str) -> None:
    end, pause = time.monotonic() + _SECONDS, 0.2
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} is still there after {_SECONDS} s")
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE_SECONDS)


# A resource comes before those that it uses.
_KINDS = [
    Kind("stack", "cloudformation", "list_stacks", "StackSummaries", "StackName", "CreationTime", _delete_stack),
    Kind(
        "log group",
        "logs",
        "describe_log_groups",
        "logGroups",
        "logGroupName",
        "creationTime",
        lambda logs, name: logs.delete_log_group(logGroupName=name),
        pages=(("logGroupNamePrefix", _LOG_GROUPS + PREFIX),),
    ),
    Kind("domain", "sagemaker", "list_domains", "Domains", "DomainName", "CreationTime", _delete_domain, id="DomainId"),
    Kind(
        "app image config",
        "sagemaker",
        "list_app_image_configs",
        "AppImageConfigs",
        "AppImageConfigName",
        "CreationTime",
        lambda sagemaker, name: sagemaker.delete_app_image_config(AppImageConfigName=name),
    ),
    Kind("image", "sagemaker", "list_images", "Images", "ImageName", "CreationTime", _delete_image),
    Kind(
        "repository",
        "ecr",
        "describe_repositories",
        "repositories",
        "repositoryName",
        "createdAt",
        lambda ecr, name: ecr.delete_repository(repositoryName=name, force=True),
    ),
    Kind("role", "iam", "list_roles", "Roles", "RoleName", "CreateDate", _delete_role),
]
