"""IAM in MiniStack: what its evaluation lacks of AWS's, and a record of what it decides."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.calls import Call, Decision
from imgver_sandbox.ministack.hooks import APP, EVALUATOR, IAM_ACTIONS, LAMBDA, LAMBDA_RUNTIME, RESPONSES, module

_DECISIONS: Mapping[str, Decision] = {"Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def mend_iam(calls: deque[Call]) -> None:
    """Make the evaluation what AWS's is where the sandbox needs it, and add every decision to `calls`.

    MiniStack evaluates policies when AUTH=true is in its environment; otherwise everybody may do everything, and
    nothing is decided.
    """
    if module(APP).AUTH:
        _record(calls)
        _count_as_secure_transport()
        _name_the_resource()
        _write_logs_as_the_functions_role()


def _record(calls: deque[Call]) -> None:
    # A call whose credentials are refused is not decided on.
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
        if not isinstance(denied, evaluator.AuthError):
            caller = evaluator.resolve_caller_identity(access_key_id)
            calls.append(
                Call(
                    caller=caller["userArn"] if caller else "anonymous",
                    action=iam_action,
                    resource=resource_arn,
                    decision=_DECISIONS[denied.decision] if denied else "allowed",
                )
            )
        return denied

    evaluator.enforce = enforce


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


def _write_logs_as_the_functions_role() -> None:
    """Write a Lambda function's log only if its role may: AWS's Lambda drops the lines without a word, too."""
    lambda_, evaluator, responses = module(LAMBDA), module(EVALUATOR), module(RESPONSES)
    write = lambda_._emit_lambda_logs

    def may(config: Mapping[str, Any], action: str, resource: str) -> bool:
        key = module(LAMBDA_RUNTIME).execution_credentials(config)["AWS_ACCESS_KEY_ID"]
        denied = evaluator.enforce(key, f"logs:{action}", "logs", responses.get_region(), resource_arn=resource)
        return not isinstance(denied, evaluator.EvalResult)

    def emit(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,
        duration_ms: int,
        *,
        log_source: str | None = None,
    ) -> None:
        config = func.get("config") or func
        name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        group = f"arn:aws:logs:{responses.get_region()}:{responses.get_account_id()}:log-group:{name}"
        # Each invocation has a stream of its own, whose name MiniStack makes up later.
        if may(config, "CreateLogStream", f"{group}:log-stream:") and may(
            config, "PutLogEvents", f"{group}:log-stream:*"
        ):
            write(func, request_id, log_text, error, duration_ms, log_source=log_source)

    lambda_._emit_lambda_logs = emit
