"""The faults of a running sandbox over HTTP: the server's routes, and the client that other processes use."""

import json
from typing import Any

from imgver_sandbox.api.routes import PREFIX, HttpRequest, HttpResponse, Routes, send_request
from imgver_sandbox.faults.control import Fault, Faults
from imgver_sandbox.faults.kinds import FaultKind, from_json, to_json

PATH = f"{PREFIX}/faults"
"""GET returns the active faults, POST adds one, DELETE removes all of them or, with `?id=3`, one."""


def add_fault_routes(routes: Routes, faults: Faults) -> None:
    """Add the routes of `PATH`, which read and change `faults`."""

    def list_faults(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=json.dumps([_encode(fault) for fault in faults.left()]).encode())

    def add_fault(request: HttpRequest) -> HttpResponse:
        try:
            settings = json.loads(request.body)
        except (ValueError, RecursionError):
            settings = None  # from_json refuses it
        return HttpResponse(status=201, body=json.dumps(_encode(faults.add(from_json(settings)))).encode())

    def remove_faults(request: HttpRequest) -> HttpResponse:
        if "id" in request.query:
            faults.remove(_fault_id(request.query["id"]))
        else:
            faults.reset()
        return list_faults(request)

    routes.add("GET", PATH, list_faults)
    routes.add("POST", PATH, add_fault)
    routes.add("DELETE", PATH, remove_faults)


class RemoteFaults(Faults):
    """The faults of the sandbox on a port of this machine. Every method raises OSError if that sandbox has ended."""

    def __init__(self, port: int, token: str) -> None:
        """Use the sandbox on `port`, whose token is `token`."""
        self._port = port
        self._token = token

    def add(self, kind: FaultKind) -> Fault:
        """Add a fault. Raises ValueError if the fault cannot apply to its operation."""
        return _decode(json.loads(self._send("POST", PATH, json.dumps(to_json(kind)).encode())))

    def left(self) -> list[Fault]:
        """The active faults, in the order in which they were added."""
        return [_decode(fault) for fault in json.loads(self._send("GET", PATH))]

    def remove(self, fault_id: int) -> None:
        """Remove the fault with this id. Raises ValueError if no active fault has it."""
        self._send("DELETE", f"{PATH}?id={fault_id}")

    def reset(self) -> None:
        """Remove all faults."""
        self._send("DELETE", PATH)

    def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        return send_request(self._port, method, path, body, token=self._token)


def _encode(fault: Fault) -> dict[str, Any]:
    return {"id": fault.id, **to_json(fault.kind), "left": fault.left}


def _decode(fault: dict[str, Any]) -> Fault:
    fault_id, left = fault.pop("id"), fault.pop("left")
    return Fault(id=fault_id, kind=from_json(fault), left=left)


def _fault_id(value: str) -> int:
    if not value.isdecimal():
        raise ValueError(f"id {value!r} must be a number")
    return int(value)
