"""The calls of a run, counted on a sandbox instead of an account."""

import os
from collections import Counter
from typing import Any

import boto3
from imgver_sandbox import Sandbox

# CloudFormation makes these itself, with the permissions of the caller.
_BY_CLOUDFORMATION = (
    *("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRolePolicy", "iam:DeleteRole", "iam:GetRole"),
    *("lambda:CreateFunction", "lambda:GetFunction", "lambda:InvokeFunction", "lambda:DeleteFunction"),
)


class DryRun:
    """A sandbox in the place of the account, and a count of all calls that it gets."""

    def __init__(self, sandbox: Sandbox) -> None:
        # The operations take as long as on AWS only there. Their results are the same.
        for operation in ("CreateImage", "UpdateImage", "DeleteImage", "CreateImageVersion", "DeleteImageVersion"):
            sandbox.faults.slow(0.05, operation=operation, times=1000)
        self._url = sandbox.url
        self._calls: Counter[str] = Counter()
        # The settings of the user lead to the account.
        environment = sandbox.environment()
        os.environ.clear()
        os.environ.update(environment)
        self.session = boto3.Session(region_name=sandbox.region)
        self.session.events.register("before-call", self._count)
        self.session.events.register("before-send", self._refuse)

    def _count(self, model: Any, **_: object) -> None:
        service = model.service_model.service_name
        self._calls[f"{'servicequotas' if service == 'service-quotas' else service}:{model.name}"] += 1

    def _refuse(self, request: Any, **_: object) -> None:
        """Refuse to send a request to anything else than the sandbox."""
        if not request.url.startswith(f"{self._url}/"):
            raise RuntimeError(f"a dry run must not call {request.url}")

    def listed(self) -> str:
        """The calls by name, with their numbers."""
        width = max(map(len, self._calls))
        lines = [f"  {name:<{width}}  {count:>4}" for name, count in sorted(self._calls.items())]
        return "\n".join(
            [
                "A run makes these calls. Reads are repeated until a change is complete, so AWS gets more of them:",
                *lines,
                "CloudFormation makes these calls for three stacks, with your permissions:",
                *(f"  {name}" for name in _BY_CLOUDFORMATION),
                "Nothing was called on AWS: a sandbox on this machine responded.",
            ]
        )
