"""IAM in MiniStack: what its evaluation lacks of AWS's, and a record of what it decides."""

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.ministack.hooks import APP, EVALUATOR, IAM_ACTIONS, RESPONSES, STS, module
from imgver_sandbox.runtime.iam_decisions import Decision, IamDecision

_DECISIONS: Mapping[str, Decision] = {"Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def patch_iam(calls: deque[IamDecision]) -> None:
    """Make the evaluation what AWS's is where the sandbox needs it, and add every decision to `calls`.

    MiniStack evaluates policies when AUTH=true is in its environment; otherwise everybody may do everything, and
    nothing is decided.
    """
    if module(APP).AUTH:
        _record(calls)
        _count_as_secure_transport()
        _name_the_resource()


def denial(role_arn: str, action: str, resource: str, *, session: str) -> str | None:
    """What AWS says when a role may not do something in a session of that name; None when it may.

    For what AWS's services do with the roles that they are given. It is a call like any other: decided on and recorded.
    """
    evaluator = module(EVALUATOR)
    account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    key = f"ASIA{hashlib.sha256(f'{role_arn}/{session}'.encode()).hexdigest()[:16].upper()}"
    credentials = {"SecretAccessKey": secrets.token_hex(), "SessionToken": secrets.token_hex()}
    caller = {"Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "UserId": f"{role}:{session}"}
    module(STS).register_session(key, {**credentials, **caller})
    denied = evaluator.enforce(key, action, action.partition(":")[0], module(RESPONSES).get_region(), resource)
    if not isinstance(denied, evaluator.EvalResult):
        return None
    explicit = denied.decision == "Deny"
    return str(module(IAM_ACTIONS).identity_denial_message(action, caller["Arn"], resource, explicit))


def on_decision(tell: Callable[[str, str, str, Decision], None]) -> None:
    """Tell of every decision: the caller's access key, the action, the resource, and what was decided."""
    evaluator = module(EVALUATOR)
    decide = evaluator.enforce

    def enforce(  # noqa: PLR0917  MiniStack calls it so
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> object:
        denied = decide(access_key_id, iam_action, service, region, resource_arn, service_context)
        # A call whose credentials are refused is not decided on.
        if not isinstance(denied, evaluator.AuthError):
            tell(access_key_id, iam_action, resource_arn, _DECISIONS[denied.decision] if denied else "allowed")
        return denied

    evaluator.enforce = enforce


def caller_of(access_key: str) -> str:
    """The ARN of whoever has the access key."""
    identity = module(EVALUATOR).resolve_caller_identity(access_key)
    return str(identity["userArn"]) if identity else "anonymous"


def _record(calls: deque[IamDecision]) -> None:
    def record(access_key: str, action: str, resource: str, decision: Decision) -> None:
        calls.append(IamDecision(caller=caller_of(access_key), action=action, resource=resource, decision=decision))

    on_decision(record)


def _count_as_secure_transport() -> None:
    """Let policies that deny plain HTTP, as that of CDK's bootstrap bucket does, take the sandbox for TLS.

    It listens on the loopback interface only, so nobody reads along.
    """
    app = module(APP)
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure_transport: pin(source_ip, secure_transport=True)


def _name_the_resource() -> None:
    """Name the resource in the message of every AccessDenied, as AWS does; MiniStack does for some services only."""
    iam_actions = module(IAM_ACTIONS)
    respond = iam_actions.access_denied_response

    def access_denied_response(
        service: str,
        action: str,
        principal_arn: str,
        request_id: str,
        *,
        error_code: str = "",
        message: str = "",
        headers: dict[str, str] | None = None,
        resource_arn: str = "*",
        explicit_deny: bool = False,
        resource_policy_arn: str = "",
    ) -> object:
        by_identity = not (error_code or message or resource_policy_arn)
        if by_identity and resource_arn != "*":
            message = iam_actions.identity_denial_message(action, principal_arn, resource_arn, explicit_deny)
        return respond(
            service,
            action,
            principal_arn,
            request_id,
            error_code=error_code,
            message=message,
            headers=headers,
            resource_arn=resource_arn,
            explicit_deny=explicit_deny,
            resource_policy_arn=resource_policy_arn,
        )

    iam_actions.access_denied_response = access_denied_response
