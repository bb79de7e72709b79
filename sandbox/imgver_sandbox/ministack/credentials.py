"""The credentials of requests and of Lambda functions. They are different in each sandbox and after each start."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from typing import Any

from imgver_sandbox.api.front import FrontRequest
from imgver_sandbox.ministack.hooks import IAM, LAMBDA, LAMBDA_RUNTIME, ROUTER, STS, module


def has_credentials(request: FrontRequest) -> bool:
    """Return whether the access key of a request is from this sandbox, with its session token if it has one.

    The keys are that of the root user, those of IAM users, and those of sessions. MiniStack accepts any key, and none,
    unless its environment has AUTH=true. Even then, an account id, `test` and no key are the root user, whose signature
    it does not check.
    """
    key = module(ROUTER).extract_access_key_id(request.headers, request.query)
    if key == os.environ["AWS_ACCESS_KEY_ID"]:
        return _equal(request.token, os.environ["AWS_SESSION_TOKEN"])
    session = module(STS)._sessions.get(key)
    if session is not None:
        return _equal(request.token, session["SessionToken"])
    return any(key == stored for _, stored in module(IAM)._access_keys.to_dict())


def use_role_sessions() -> None:
    """Give each function the credentials of a session of its role that nobody can guess.

    MiniStack gives a function the account id as its access key or, if its environment has AUTH=true, a key and a secret
    that it derives from the ARNs of the function and of its role.
    """
    salt = secrets.token_bytes()

    def execution_credentials(config: Mapping[str, Any]) -> dict[str, str]:
        function_arn, role_arn = config["FunctionArn"], config.get("Role", "")

        def derive(name: str) -> str:
            return hmac.new(salt, f"{name}:{function_arn}:{role_arn}".encode(), hashlib.sha256).hexdigest()

        key, secret, token = f"ASIA{derive('key')[:16].upper()}", derive("secret"), derive("token")
        account, role, session = function_arn.split(":")[4], role_arn.rpartition("/")[2], config["FunctionName"][:64]
        module(STS).register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
                "UserId": f"{role}:{session}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    for name in (LAMBDA, LAMBDA_RUNTIME):
        module(name).execution_credentials = execution_credentials


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
