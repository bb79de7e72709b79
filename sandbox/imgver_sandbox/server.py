"""The server process: MiniStack with the images service. The supervisor starts it and sets its environment.

The server leads a session of its own, and the Lambda workers are in its process group. When the supervisor ends, for
whatever reason, the server kills the whole group.
"""

import argparse
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from imgver_sandbox import ministack
from imgver_sandbox.api import iam_decisions
from imgver_sandbox.api.api_calls import ApiCalls
from imgver_sandbox.api.routes import RESET_PATH, HttpRequest, HttpResponse, Routes
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults.remote import add_fault_routes
from imgver_sandbox.page import add_page
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import SystemClock
from imgver_sandbox.sagemaker.service import ImagesService

_FAST: Mapping[str, float] = {
    "create_seconds": 1.0,
    "delete_seconds": 0.0,
    "write_seconds": 0.0,
    "image_seconds": 0.1,
    "domain_seconds": 0.1,
}
"""The durations of a sandbox that is started with `fast=True`. A poll still finds a version in CREATING."""


def main() -> None:
    """Serve on the socket until the supervisor ends, and then remove the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("listener", type=int, help="file descriptor of the bound socket")
    parser.add_argument("supervisor", type=int, help="file descriptor of the connection to the supervisor")
    parser.add_argument("folder", type=Path, help="the server's folder, which is removed when it ends")
    parser.add_argument("logs_folder", type=Path, help="the folder of the logs")
    parser.add_argument("--assume", action="append", default=[], help="an assumption about the images service")
    parser.add_argument("--fast", action="store_true", help="let SageMaker operations take at most 1 s")
    arguments = parser.parse_args()
    supervisor = socket.socket(fileno=arguments.supervisor)
    threading.Thread(target=_end_with_supervisor, args=(supervisor, arguments.folder), daemon=True).start()
    try:
        registry, queries, record = ministack.EcrRegistry(), ministack.QueryDefinitions(), iam_decisions.record()
        service = ImagesService(
            clock=SystemClock(),
            registry=registry,
            assumptions=Assumptions.parse(arguments.assume),
            **(_FAST if arguments.fast else {}),
        )
        ministack.install(service, record)
        queries.add()
    except SandboxError as error:
        sys.exit(str(error))
    ministack.log_invocations(logs.RotatingLog(arguments.logs_folder / logs.LAMBDA))
    api_calls = ApiCalls()
    ministack.record_requests(api_calls)

    def reset(_request: HttpRequest) -> HttpResponse:
        service.reset()
        queries.clear()
        record.clear()
        return HttpResponse(body=b"{}")

    routes = Routes()
    routes.add("GET", iam_decisions.PATH, lambda _request: HttpResponse(body=iam_decisions.encode(list(record))))
    routes.add("POST", RESET_PATH, reset)
    add_fault_routes(routes, service.faults)
    add_page(routes, service=service, api_calls=api_calls, stacks=ministack.stack_activity)
    ministack.serve(arguments.listener, routes, service, token=os.environ["AWS_SESSION_TOKEN"])


def _end_with_supervisor(supervisor: socket.socket, folder: Path) -> None:
    while supervisor.recv(1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    # getpid, not getpgrp: if this process did not lead its group, the group would have other processes.
    os.killpg(os.getpid(), signal.SIGKILL)
