"""The adapter: the only package that touches MiniStack's names.

MiniStack publishes no way to add a service, so this hooks into private names of one pinned version. `install` looks at
every name before it changes any, and says which one has moved.
"""

import asyncio
from collections import deque

from imgver_sandbox.ministack.connections import breakable
from imgver_sandbox.ministack.deployments import deployments
from imgver_sandbox.ministack.execution_role import use_execution_roles
from imgver_sandbox.ministack.failed_creates import track_failed_creates
from imgver_sandbox.ministack.hooks import APP, check_hooks, module
from imgver_sandbox.ministack.iam import patch_iam
from imgver_sandbox.ministack.lambda_log import log_invocations
from imgver_sandbox.ministack.native_types import add_native_types
from imgver_sandbox.ministack.query_definitions import QueryDefinitions
from imgver_sandbox.ministack.registry import EcrRegistry
from imgver_sandbox.ministack.requests import record_requests
from imgver_sandbox.ministack.sagemaker import add_service
from imgver_sandbox.ministack.stack_polls import hold_stack_polls
from imgver_sandbox.ministack.state_changes import StateChanges
from imgver_sandbox.ministack.vpc_attributes import add_cidr_block_attribute
from imgver_sandbox.runtime.iam_decisions import IamDecision
from imgver_sandbox.runtime.ministack_release import check_version
from imgver_sandbox.runtime.routes import PREFIX, Receive, Routes, Scope, Send
from imgver_sandbox.sagemaker.service import ImagesService

__all__ = ["EcrRegistry", "QueryDefinitions", "deployments", "install", "log_invocations", "record_requests", "serve"]


def install(service: ImagesService, calls: deque[IamDecision]) -> None:
    """Add the SageMaker service and its CloudFormation types to MiniStack in this process, and mend what differs.

    Its settings are environment variables, which it reads when it is imported: set them before. What IAM decides is
    added to `calls`. Raises SandboxError when MiniStack is not the pinned version or not as that was published.
    """
    check_version()
    check_hooks()
    add_service(service)
    add_native_types(service)
    track_failed_creates()
    patch_iam(calls)
    use_execution_roles()
    add_cidr_block_attribute()
    hold_stack_polls()


def serve(listener: int, routes: Routes, service: ImagesService) -> None:
    """Answer requests on the listening socket with the file descriptor `listener`, until this process ends.

    `routes` answer the sandbox's own paths, MiniStack everything else. Its EventBridge hears of changes in `service`.
    """
    hypercorn = module("hypercorn.asyncio")
    config = module("hypercorn.config").Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # seconds, as MiniStack's own start sets it
    ministack = breakable(module(APP).app)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        await (routes if ours else ministack)(scope, receive, send)

    async def run() -> None:
        sending = asyncio.create_task(StateChanges(service).watch())
        await hypercorn.serve(app, config)
        sending.cancel()

    asyncio.run(run())
