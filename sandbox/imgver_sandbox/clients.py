"""Clients of botocore that ignore the user's AWS profile and files."""

import functools
import os
import threading
from typing import Any

import botocore.session
from botocore.client import BaseClient

_lock = threading.Lock()


def create_client(service_name: str, **options: Any) -> BaseClient:  # noqa: ANN401  botocore has no types
    """Create a client; the options are those of botocore's `Session.create_client`."""
    with _lock:  # a session is not thread-safe
        return _session().create_client(service_name, **options)


@functools.cache
def _session() -> botocore.session.Session:
    """Return the session of all clients, which reads the model of each service once."""
    return botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
