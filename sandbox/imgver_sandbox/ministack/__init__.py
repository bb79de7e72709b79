"""The adapter to MiniStack: the only package that uses MiniStack's names.

MiniStack has no public interface for more services, so that the adapter replaces private names of one pinned version.
`install` checks all of these names before it changes any of them.
"""

import asyncio
from collections import deque

from imgver_sandbox.api.front import protected
from imgver_sandbox.api.iam_decisions import IamDecision
from imgver_sandbox.api.routes import PREFIX, Receive, Routes, Scope, Send
from imgver_sandbox.ministack.connections import breakable
from imgver_sandbox.ministack.credentials import has_credentials, use_role_sessions
from imgver_sandbox.ministack.custom_resources import invoke_asynchronously
from imgver_sandbox.ministack.execution_role import use_execution_roles
from imgver_sandbox.ministack.hooks import APP, check_hooks, module
from imgver_sandbox.ministack.iam import patch_iam
from imgver_sandbox.ministack.lambda_log import log_invocations
from imgver_sandbox.ministack.lambda_processes import fork_processes
from imgver_sandbox.ministack.lambda_starts import limit_starts
from imgver_sandbox.ministack.native_types import add_native_types
from imgver_sandbox.ministack.query_definitions import QueryDefinitions
from imgver_sandbox.ministack.registry import EcrRegistry
from imgver_sandbox.ministack.requests import record_requests
from imgver_sandbox.ministack.sagemaker import add_service
from imgver_sandbox.ministack.stack_activity import record_construct_paths, stack_activity
from imgver_sandbox.ministack.stack_operations import replace_stack_operations
from imgver_sandbox.ministack.stack_polls import hold_stack_polls
from imgver_sandbox.ministack.stack_requests import respond_during_operations
from imgver_sandbox.ministack.state_changes import StateChanges
from imgver_sandbox.ministack.vpc_attributes import add_cidr_block_attribute
from imgver_sandbox.sagemaker.service import ImagesService

__all__ = [
    "EcrRegistry",
    "QueryDefinitions",
    "install",
    "log_invocations",
    "record_requests",
    "serve",
    "stack_activity",
]


def install(service: ImagesService, decisions: deque[IamDecision]) -> None:
    """Add SageMaker and its CloudFormation types to MiniStack in this process, and patch differences to AWS.

    MiniStack reads its settings from environment variables when it is imported: set them before this call. Every
    decision of IAM is appended to `decisions`. Raises SandboxError if a name that the adapter uses has changed.
    """
    check_hooks()
    add_service(service)
    add_native_types(service)
    invoke_asynchronously()
    limit_starts()
    fork_processes()
    replace_stack_operations()
    respond_during_operations()
    patch_iam(decisions)
    use_role_sessions()
    use_execution_roles()
    add_cidr_block_attribute()
    hold_stack_polls()
    record_construct_paths()


def serve(listener: int, routes: Routes, service: ImagesService, *, token: str) -> None:
    """Respond to requests on the listening socket with the file descriptor `listener`, until this process ends.

    `routes` responds to the paths of the sandbox itself, and MiniStack to all others, each behind the front, which
    requires `token` for the paths that control the sandbox. MiniStack's EventBridge gets an event for every status
    change in `service`.
    """
    hypercorn = module("hypercorn.asyncio")
    config = module("hypercorn.config").Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # seconds, as in MiniStack itself
    ministack = breakable(module(APP).app)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_route = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        await (routes if is_route else ministack)(scope, receive, send)

    async def run() -> None:
        events = asyncio.create_task(StateChanges(service).watch())
        await hypercorn.serve(protected(app, token=token, has_credentials=has_credentials), config)
        events.cancel()

    asyncio.run(run())
