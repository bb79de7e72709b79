"""The names of MiniStack that the adapter uses, and the check that they are unchanged."""

import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.errors import SandboxError

APP = "ministack.app"
CHANGE_SETS = "ministack.services.cloudformation.changesets"
CLOUDFORMATION = "ministack.services.cloudformation"
CUSTOM_RESOURCE = "ministack.services.cloudformation.custom_resource"
ENGINE = "ministack.services.cloudformation.engine"
EVALUATOR = "ministack.core.iam_evaluator"
EVENTBRIDGE = "ministack.services.eventbridge"
HANDLERS = "ministack.services.cloudformation.handlers"
HELPERS = "ministack.services.cloudformation.helpers"
IAM = "ministack.services.iam"
IAM_ACTIONS = "ministack.core.iam_actions"
LAMBDA = "ministack.services.lambda_svc"
LAMBDA_RUNTIME = "ministack.core.lambda_runtime"
PROVISIONERS = "ministack.services.cloudformation.provisioners"
RESPONSES = "ministack.core.responses"
ROUTER = "ministack.core.router"
STACKS = "ministack.services.cloudformation.stacks"
STS = "ministack.services.sts"

_DEPLOY = (
    "(stack_name, stack_id, template, param_values, disable_rollback, tags, is_update, previous_stack, "
    "retain_except_on_create, imports)"
)
_ROLL_BACK = "(stack_name, stack_id, stack, operation, reason_override)"
_DELETE_STACK = "(stack_name, stack_id, retain_resources, force)"
# Every name that the adapter uses: its parameters if it is a function, otherwise the name of its type.
HOOKS: Mapping[tuple[str, str], str] = {
    (APP, "app"): "(scope, receive, send)",
    (APP, "AUTH"): "bool",
    (APP, "SERVICE_HANDLERS"): "dict",
    (APP, "_dispatch_service_request"): "(method, path, headers, body, query_params, request_id)",
    (APP, "_enforce_data_plane"): (
        "(service, iam_action, headers, query_params, request_id, resource_arn, service_context, auth_error_response, "
        "named_resource)"
    ),
    (APP, "_routing_params"): "(method, path, headers, body, query_params)",
    (APP, "pin_request_origin"): "(source_ip, secure_transport)",
    (ROUTER, "SERVICE_PATTERNS"): "dict",
    (ROUTER, "detect_service"): "(method, path, headers, query_params)",
    (ROUTER, "extract_access_key_id"): "(headers, query_params)",
    (EVALUATOR, "AuthError"): "type",
    (EVALUATOR, "EvalResult"): "type",
    (EVALUATOR, "enforce"): "(access_key_id, iam_action, service, region, resource_arn, service_context)",
    (EVALUATOR, "resolve_caller_identity"): "(access_key_id)",
    (IAM_ACTIONS, "SERVICE_TO_IAM_NAMESPACE"): "dict",
    (IAM_ACTIONS, "access_denied_response"): (
        "(service, action, principal_arn, request_id, error_code, message, headers, resource_arn, explicit_deny, "
        "resource_policy_arn)"
    ),
    (IAM_ACTIONS, "extract_iam_action"): "(service, method, path, headers, body, query_params)",
    (IAM_ACTIONS, "extract_resource_arn"): ("(service, method, path, headers, body, query_params, region, account_id)"),
    (IAM_ACTIONS, "identity_denial_message"): "(action, principal_arn, resource, explicit_deny)",
    (LAMBDA, "_emit_lambda_logs"): "(func, request_id, log_text, error, duration_ms, log_source)",
    (RESPONSES, "get_account_id"): "()",
    (RESPONSES, "get_region"): "()",
    (RESPONSES, "set_request_account_id"): "(access_key_id)",
    (RESPONSES, "set_request_region"): "(region)",
    (EVENTBRIDGE, "_put_events"): "(data, allow_aws_source)",
    (STS, "_sessions"): "dict",
    (STS, "register_session"): "(access_key, session)",
    (IAM, "_access_keys"): "AccountScopedDict",
    (LAMBDA, "acquire_worker"): "(func_name, config, code_zip, qualifier, max_concurrency)",
    (LAMBDA, "execution_credentials"): "(config)",
    (LAMBDA, "release_worker"): "(worker)",
    (LAMBDA_RUNTIME, "ensure_spawned"): "(worker)",
    (LAMBDA_RUNTIME, "execution_credentials"): "(config)",
    (LAMBDA_RUNTIME, "subprocess"): "module",
    ("ministack.services.ecr", "_images"): "AccountRegionScopedDict",
    (LAMBDA, "_execute_function"): "(func, event)",
    (LAMBDA, "_execution_record_for_config"): "(func, config)",
    (LAMBDA, "_get_func_record_for_ref"): "(function_ref)",
    (LAMBDA, "invoke_async_with_retry"): "(func, event)",
    (RESPONSES, "now_iso"): "()",
    (CLOUDFORMATION, "_exports"): "AccountRegionScopedDict",
    (CLOUDFORMATION, "_stacks"): "AccountRegionScopedDict",
    (CLOUDFORMATION, "_stack_events"): "AccountRegionScopedDict",
    (CUSTOM_RESOURCE, "_normalise_resource_properties"): "(value)",
    (CUSTOM_RESOURCE, "_pending"): "dict",
    (CUSTOM_RESOURCE, "_response_url"): "(token)",
    (CUSTOM_RESOURCE, "register_token"): "(token)",
    (CUSTOM_RESOURCE, "invoke_custom_resource"): (
        "(request_type, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props)"
    ),
    (CHANGE_SETS, "_deploy_stack_async"): _DEPLOY,
    (ENGINE, "_evaluate_conditions"): "(template, params)",
    (ENGINE, "_extract_deps"): "(resource_def, all_resource_names)",
    (ENGINE, "_parse_template"): "(template_body)",
    (ENGINE, "_resolve_dynamic_references"): "(value, previous, reuse_ssm, reuse_secrets)",
    (ENGINE, "_resolve_parameters"): "(template, provided_params, previous_params)",
    (ENGINE, "_resolve_refs"): "(value, resources, params, conditions, mappings, stack_name, stack_id)",
    (ENGINE, "_topological_sort"): "(resources, conditions)",
    (HANDLERS, "_ACTION_HANDLERS"): "dict",
    (HANDLERS, "_continue_update_rollback_async"): "(stack_name, stack_id, resources_to_skip)",
    (HANDLERS, "_deploy_stack_async"): _DEPLOY,
    (HANDLERS, "_imported_export_names"): "(stack, stack_name)",
    (HANDLERS, "_roll_back_operation"): _ROLL_BACK,
    (HANDLERS, "_delete_stack_async"): _DELETE_STACK,
    (HANDLERS, "_error"): "(code, message, status)",
    (HANDLERS, "_p"): "(params, key, default)",
    (HANDLERS, "_resolve_stack"): "(stack_name)",
    (HANDLERS, "_stack_has_no_updates"): "(stack, template, param_values, tags, use_previous_template, tags_given)",
    (HANDLERS, "_xml"): "(status, root_tag, inner)",
    (HELPERS, "_resolve_template"): "(params)",
    (PROVISIONERS, "_DEFERRED_PREDECESSOR_DELETES"): "ContextVar",
    (PROVISIONERS, "_NAME_SEED"): "ContextVar",
    (PROVISIONERS, "_RESOURCE_HANDLERS"): "dict",
    (PROVISIONERS, "_REPLACING_PROPERTIES"): "dict",
    (PROVISIONERS, "_RETAINING_POLICIES"): "tuple",
    (PROVISIONERS, "_RETAIN_REPLACED"): "ContextVar",
    (PROVISIONERS, "_check_nested_stack_capabilities"): "(parent_stack_name, template)",
    (PROVISIONERS, "_STACK_TAG_PROPERTY"): "dict",
    (PROVISIONERS, "_delete_resource"): "(resource_type, physical_id, props, stack_name, logical_id)",
    (PROVISIONERS, "_snapshot_resource"): "(resource_type, physical_id, props)",
    (PROVISIONERS, "_tag_map"): "(tags)",
    (PROVISIONERS, "_with_stack_tags"): ("(resource_type, props, stack_tags, stack_name, stack_id, logical_id)"),
    (STACKS, "_add_event"): (
        "(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)"
    ),
    (STACKS, "_deploy_stack_async"): _DEPLOY,
    (STACKS, "_delete_stack_async"): _DELETE_STACK,
    (STACKS, "_fail_property_validation"): (
        "(stack, stack_id, stack_name, resources_defs, ordered, param_values, conditions, mappings, disable_rollback, "
        "previous_stack)"
    ),
    (STACKS, "_mark_rolled_back"): "(record)",
    (STACKS, "_provision_keeping_seed"): "(args)",
    (STACKS, "_resolve_stack_outputs"): (
        "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)"
    ),
    (STACKS, "_resource_policy"): (
        "(res_def, attribute, resources, params, conditions, mappings, stack_name, stack_id)"
    ),
    (STACKS, "_revert_update"): (
        "(stack_id, stack_name, logical_id, rtype, physical_id, applied_props, previous_props, attrs, record)"
    ),
    (STACKS, "_roll_back_operation"): _ROLL_BACK,
    (STACKS, "_runs_on_worker_thread"): "(resource_type)",
    (STACKS, "_sends_back_failed_update"): "(resource_type)",
    (STACKS, "_update_keeping_seed"): "(args)",
    (STACKS, "run_reentrant"): "(fn, args, thread_name)",
}


def check_hooks() -> None:
    """Raise SandboxError for the first name of `HOOKS` that is missing or has changed."""
    for (module_name, name), expected in HOOKS.items():
        found = _shape(getattr(module(module_name), name, None))
        if found != expected:
            raise SandboxError(
                f"ministack {importlib.metadata.version('ministack')} is modified: {module_name}.{name} must be "
                f"{expected}, found {found}: remove the folder {sys.prefix}, which the next start installs again"
            )


def module(name: str) -> Any:  # noqa: ANN401  MiniStack has no types
    """Return a module of MiniStack. MiniStack reads the environment and configures logging when it is imported."""
    return importlib.import_module(name)


def _shape(found: object) -> str:
    if inspect.isroutine(found):
        return f"({', '.join(inspect.signature(found).parameters)})"
    return "nothing" if found is None else type(found).__name__
