"""A process that has imported boto3, and forks a process for each function that the server wants to start.

This is a script: it must import nothing else, since a function must not find modules that Lambda does not have. Its
argument is the file descriptor of a socket. Each request is a JSON object with the file descriptors of the standard
streams and of a pipe. The new process writes its id to the pipe, which closes when the process ends.
"""

import json
import os
import runpy
import signal
import socket
import sys
import time

import boto3  # noqa: F401
import botocore.handlers  # noqa: F401

_LONGEST_REQUEST = 1 << 20
_DESCRIPTORS = 4


def main() -> None:
    """Serve requests until the server closes the socket."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel removes processes that end
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, _DESCRIPTORS)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _run(*descriptors, **json.loads(request))
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _run(
    stdin: int, stdout: int, stderr: int, pipe: int, *, script: str, folder: str, environment: dict[str, str]
) -> None:
    """Run a script in this process as Python would run it."""
    os.write(pipe, b"%d\n" % os.getpid())
    os.set_inheritable(pipe, False)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate((stdin, stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = []
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
