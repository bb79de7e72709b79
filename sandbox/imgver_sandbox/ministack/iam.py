"""IAM in MiniStack: patches to its policy evaluation, and a record of its decisions."""

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from imgver_sandbox.api.iam_decisions import Decision, IamDecision
from imgver_sandbox.ministack.hooks import APP, EVALUATOR, IAM_ACTIONS, RESPONSES, STS, module

_DECISIONS: Mapping[str, Decision] = {"Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def patch_iam(decisions: deque[IamDecision]) -> None:
    """Patch the differences between MiniStack's evaluation and that of AWS, and append every decision to `decisions`.

    MiniStack evaluates policies if its environment has AUTH=true. Otherwise it allows every call without a decision.
    """
    if module(APP).AUTH:
        _record(decisions)
        _treat_as_https()
        _add_resource_to_denials()


def denial(role_arn: str, action: str, resource: str, *, session: str) -> str | None:
    """Return the message of AWS if a role may not perform an action in the session, or None if it may.

    This evaluates the calls that services send with a role of the user. The decision is recorded as for any call.
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


def on_decision(callback: Callable[[str, str, str, Decision], None]) -> None:
    """Call `callback` for every decision with the access key, the action, the resource and the decision."""
    evaluator = module(EVALUATOR)
    decide = evaluator.enforce

    def enforce(  # noqa: PLR0917  the signature is MiniStack's
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> object:
        denied = decide(access_key_id, iam_action, service, region, resource_arn, service_context)
        # Invalid credentials cause an AuthError, which is not a decision.
        if not isinstance(denied, evaluator.AuthError):
            callback(access_key_id, iam_action, resource_arn, _DECISIONS[denied.decision] if denied else "allowed")
        return denied

    evaluator.enforce = enforce


def caller_of(access_key: str) -> str:
    """Return the ARN of the owner of the access key, or `anonymous`."""
    identity = module(EVALUATOR).resolve_caller_identity(access_key)
    return str(identity["userArn"]) if identity else "anonymous"


def _record(decisions: deque[IamDecision]) -> None:
    def record(access_key: str, action: str, resource: str, decision: Decision) -> None:
        decisions.append(IamDecision(caller=caller_of(access_key), action=action, resource=resource, decision=decision))

    on_decision(record)


def _treat_as_https() -> None:
    """Treat requests as HTTPS, since policies such as that of the CDK's bootstrap bucket deny plain HTTP.

    The sandbox listens on the loopback interface only, where HTTP is safe.
    """
    app = module(APP)
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure_transport: pin(source_ip, secure_transport=True)


def _add_resource_to_denials() -> None:
    """Add the resource to the message of every AccessDenied. MiniStack does so only for some services."""
    iam_actions = module(IAM_ACTIONS)
    respond = iam_actions.access_denied_response

    def access_denied_response(
        service: str,
        action: str,
        principal_arn: str,
        request_id: str,
        **details: Any,  # noqa: ANN401  MiniStack has no types
    ) -> object:
        resource = details.get("resource_arn", "*")
        by_identity = not any(details.get(name) for name in ("error_code", "message", "resource_policy_arn"))
        if by_identity and resource != "*":
            explicit = details.get("explicit_deny", False)
            details["message"] = iam_actions.identity_denial_message(action, principal_arn, resource, explicit)
        return respond(service, action, principal_arn, request_id, **details)

    iam_actions.access_denied_response = access_denied_response
