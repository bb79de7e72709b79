"""The server process: MiniStack with the images service. The supervisor starts it and sets its environment.

It is the leader of a session of its own, and Lambda workers are in its process group. When the supervisor is gone,
however that came about, the whole group ends with it.
"""

import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from imgver_sandbox import ministack
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.faults.remote import add_fault_routes
from imgver_sandbox.page import add_page
from imgver_sandbox.runtime import iam_decisions as calls
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.runtime.activity import ApiCalls
from imgver_sandbox.runtime.routes import RESET_PATH, Request, Response, Routes
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import SystemClock
from imgver_sandbox.sagemaker.service import ImagesService


def main() -> None:
    """Serve on the socket, watch the supervisor and remove the folder at the end.

    In argv: the two file descriptors, the paths of the folder and that of the logs, and the switches of the
    assumptions.
    """
    listener, supervisor, folder = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), sys.argv[3]
    logs_folder, assumptions = Path(sys.argv[4]), Assumptions.parse(sys.argv[5:])
    threading.Thread(target=_end_with, args=(supervisor, folder), daemon=True).start()
    try:
        registry, queries, record = ministack.EcrRegistry(), ministack.QueryDefinitions(), calls.record()
        service = ImagesService(clock=SystemClock(), registry=registry, assumptions=assumptions)
        ministack.install(service, record)
        queries.add()
    except SandboxError as error:
        sys.exit(str(error))
    ministack.log_invocations(logs.Log(logs_folder / logs.LAMBDA))
    api_calls = ApiCalls()
    ministack.record_requests(api_calls)

    def reset(_request: Request) -> Response:
        service.reset()
        queries.clear()
        record.clear()
        return Response(body=b"{}")

    routes = Routes()
    routes.add("GET", calls.PATH, lambda _request: Response(body=calls.encode(list(record))))
    routes.add("POST", RESET_PATH, reset)
    add_fault_routes(routes, service.faults)
    add_page(routes, service=service, api_calls=api_calls, deployments=ministack.deployments)
    ministack.serve(listener, routes, service)


def _end_with(supervisor: socket.socket, folder: str) -> None:
    while supervisor.recv(1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    # getpid, not getpgrp: if this were no group leader, it would end somebody else's processes.
    os.killpg(os.getpid(), signal.SIGKILL)
