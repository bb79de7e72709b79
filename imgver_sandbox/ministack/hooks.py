"""The names of MiniStack that the adapter hooks into, and the check that none has moved."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.errors import SandboxError
from imgver_sandbox.ministack_release import MINISTACK_VERSION

CUSTOM_RESOURCE = "ministack.services.cloudformation.custom_resource"
HANDLERS = "ministack.services.cloudformation.handlers"
PROVISIONERS = "ministack.services.cloudformation.provisioners"
STACKS = "ministack.services.cloudformation.stacks"

_ROLL_BACK = "(stack_name, stack_id, stack, operation, reason_override)"
_DELETE_STACK = "(stack_name, stack_id, retain_resources, force)"
# Every name used here, with its parameters if it is a function and its type's name otherwise.
HOOKS: Mapping[tuple[str, str], str] = {
    ("ministack.app", "app"): "(scope, receive, send)",
    ("ministack.app", "SERVICE_HANDLERS"): "dict",
    ("ministack.core.router", "SERVICE_PATTERNS"): "dict",
    ("ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"): "dict",
    ("ministack.core.iam_actions", "extract_resource_arn"): (
        "(service, method, path, headers, body, query_params, region, account_id)"
    ),
    ("ministack.core.responses", "get_account_id"): "()",
    ("ministack.core.responses", "get_region"): "()",
    ("ministack.services.ecr", "_images"): "AccountRegionScopedDict",
    ("ministack.services.cloudformation", "_stacks"): "AccountRegionScopedDict",
    (CUSTOM_RESOURCE, "_pending"): "dict",
    (CUSTOM_RESOURCE, "register_token"): "(token)",
    (CUSTOM_RESOURCE, "invoke_custom_resource"): (
        "(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props)"
    ),
    (HANDLERS, "_roll_back_operation"): _ROLL_BACK,
    (HANDLERS, "_delete_stack_async"): _DELETE_STACK,
    (PROVISIONERS, "_RESOURCE_HANDLERS"): "dict",
    (PROVISIONERS, "_REPLACING_PROPERTIES"): "dict",
    (STACKS, "_roll_back_operation"): _ROLL_BACK,
    (STACKS, "_delete_stack_async"): _DELETE_STACK,
    (STACKS, "_runs_on_worker_thread"): "(resource_type)",
}


def check_hooks() -> None:
    """Raise SandboxError for the first name of `HOOKS` that is missing or not what this package was written for."""
    for (place, name), wanted in HOOKS.items():
        found = _shape(getattr(module(place), name, None))
        if found != wanted:
            raise SandboxError(
                f"ministack {MINISTACK_VERSION} is not as it was published: {place}.{name} must be {wanted}, "
                f"found {found}: run `pip install --force-reinstall ministack=={MINISTACK_VERSION}`"
            )


def module(name: str) -> Any:  # noqa: ANN401  MiniStack has no types
    """A module of MiniStack. Imported late: it reads the environment and sets up logging when it is imported."""
    return importlib.import_module(name)


def _shape(found: object) -> str:
    if inspect.isroutine(found):
        return f"({', '.join(inspect.signature(found).parameters)})"
    return "nothing" if found is None else type(found).__name__
