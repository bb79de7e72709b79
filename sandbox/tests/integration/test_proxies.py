"""Clients of the sandbox behind a proxy: no request to the sandbox goes to the proxy."""

import os
import socket
import subprocess
import sys
import threading

import pytest

_PROGRAM = """
import boto3, subprocess, sys
print(boto3.client("sts").get_caller_identity()["Account"])
for command in (["aws", "sts", "get-caller-identity", "--output", "text"], ["cdk", "bootstrap", "aws://000000000000/eu-west-1"]):
    subprocess.run(command, check=True, stdout=sys.stderr)
"""
_CLIENT = """
from imgver_sandbox import Sandbox
with Sandbox.start() as sandbox:
    sandbox.reset()
    print(sandbox.client("sts").get_caller_identity()["Account"])
"""


@pytest.fixture
def proxy():
    """The URL of a proxy that closes every connection, and the list of connections."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                connection, client = listener.accept()
                connection.close()
                if stopped:
                    return
                connections.append(client)

        stopped = []
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
        stopped.append(True)
        socket.create_connection(listener.getsockname()).close()
        thread.join()


_RUN = ["-m", "imgver_sandbox", "run", "--", sys.executable, "-c", _PROGRAM]


@pytest.mark.parametrize("arguments", [_RUN, ["-c", _CLIENT]])
def test_no_request_goes_to_the_proxy(proxy, arguments, tmp_path):
    url, connections = proxy
    variables = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    inherited = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}

    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env={**inherited, **dict.fromkeys(variables, url), "IMGVER_SANDBOX_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "000000000000\n"), done.stderr
    assert connections == []
