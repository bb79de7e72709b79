"""The faults of a running sandbox: how it shows and takes them over HTTP, and how another process gets at them."""

import json
from typing import Any

from imgver_sandbox.faults.kinds import Kind, from_json, to_json
from imgver_sandbox.faults.queue import Fault, Faults
from imgver_sandbox.runtime.routes import PREFIX, Request, Response, Routes, ask

PATH = f"{PREFIX}/faults"
"""GET answers all of them, POST adds one, DELETE ends all or, with `?id=3`, one of them."""


def add_fault_routes(routes: Routes, faults: Faults) -> None:
    """Answer requests for `PATH` from `faults`."""

    def left(_request: Request) -> Response:
        return Response(body=json.dumps([_encode(fault) for fault in faults.left()]).encode())

    def add(request: Request) -> Response:
        try:
            settings = json.loads(request.body)
        except (ValueError, RecursionError):
            settings = None  # which is none, either
        return Response(status=201, body=json.dumps(_encode(faults.add(from_json(settings)))).encode())

    def end(request: Request) -> Response:
        if "id" in request.query:
            faults.remove(_number(request.query["id"]))
        else:
            faults.reset()
        return left(request)

    routes.add("GET", PATH, left)
    routes.add("POST", PATH, add)
    routes.add("DELETE", PATH, end)


class RemoteFaults(Faults):
    """The faults of the sandbox on a port of this machine. Every method raises OSError when it has ended."""

    def __init__(self, port: int) -> None:
        """Use the sandbox on `port`."""
        self._port = port

    def add(self, kind: Kind) -> Fault:
        """Add a fault. Raises ValueError when the service has no such operation."""
        return _decode(json.loads(ask(self._port, "POST", PATH, json.dumps(to_json(kind)).encode())))

    def left(self) -> list[Fault]:
        """The faults that are not used up yet, in the order in which they were added."""
        return [_decode(fault) for fault in json.loads(ask(self._port, "GET", PATH))]

    def remove(self, fault_id: int) -> None:
        """End the fault with this `id`. Raises ValueError when there is none."""
        ask(self._port, "DELETE", f"{PATH}?id={fault_id}")

    def reset(self) -> None:
        """End all of them."""
        ask(self._port, "DELETE", PATH)


def _encode(fault: Fault) -> dict[str, Any]:
    return {"id": fault.id, **to_json(fault.kind), "left": fault.left}


def _decode(fault: dict[str, Any]) -> Fault:
    fault_id, left = fault.pop("id"), fault.pop("left")
    return Fault(id=fault_id, kind=from_json(fault), left=left)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"id {text!r} must be a number")
    return int(text)
