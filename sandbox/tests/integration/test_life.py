"""A sandbox leaves nothing behind, however it ends, even while a Lambda function is running."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import Sandbox
from imgver_sandbox.runtime.state_file import SandboxState

ROOT = Path(__file__).parents[2]

_OWNER = """
import json, time
from imgver_sandbox.runtime.sandbox import Sandbox

with Sandbox.start() as sandbox:
    print(json.dumps(vars(sandbox._running)), flush=True)
    time.sleep(600)
"""


class Owner:
    """A process that started a sandbox, in which a function is running."""

    def __init__(self, process, sandbox, workers):
        self.pid = process.pid
        self.wait = process.wait
        self.sandbox = sandbox
        self.left = [sandbox.supervisor_pid, sandbox.server_pid, *workers]


@pytest.fixture
def owner(keep_busy):
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            sandbox = Sandbox(SandboxState(**json.loads(process.stdout.readline())))
            yield Owner(process, sandbox, keep_busy(sandbox))
        finally:
            process.kill()


@pytest.fixture
def nothing_is_left(owner, eventually_dead):
    def check():
        eventually_dead(*owner.left)
        assert not owner.sandbox.logs.parent.exists()

    return check


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_owner_is_killed(owner, nothing_is_left, how):
    # On Ctrl-C, a terminal signals the whole foreground process group.
    os.killpg(owner.pid, how)

    assert owner.wait(10) == -how
    nothing_is_left()


@pytest.mark.parametrize("of", ["server_pid", "supervisor_pid"])
def test_a_process_of_the_sandbox_is_killed(owner, nothing_is_left, of):
    os.kill(getattr(owner.sandbox, of), signal.SIGKILL)

    nothing_is_left()


def test_stop_waits_until_the_processes_have_ended(keep_busy, is_alive, eventually_dead):
    with Sandbox.start() as sandbox:
        workers = keep_busy(sandbox)
        assert all(map(is_alive, workers))

    assert not is_alive(sandbox.server_pid)
    assert not sandbox.logs.parent.exists()
    eventually_dead(*workers)
    sandbox.stop()  # once more does nothing


def test_a_state_file_that_is_removed_while_it_is_locked_is_created_again(state_folder, monkeypatch):
    # GIVEN a sandbox that ends and removes its file after the file was opened and before it is locked
    lock, removed = state._locked, []

    def remove_first(file, kind):
        if not removed:
            removed.append(state.state_file("sandbox").unlink())
        return lock(file, kind)

    monkeypatch.setattr(state, "_locked", remove_first)

    # WHEN another sandbox locks the file, THEN it has the file at the path
    with state.claim("sandbox") as claimed:
        assert os.path.samestat(os.fstat(claimed.fileno()), state.state_file("sandbox").stat())


def test_a_function_does_not_see_the_settings_of_the_user(monkeypatch, make_environment_reader):
    # GIVEN a user with settings for AWS, Python and MiniStack
    users = {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAUSERSOWN",
        "AWS_SESSION_TOKEN": "users-own-token",
        "AWS_CONFIG_FILE": "/users/own/config",
        "AWS_ENDPOINT_URL": "https://users-own.invalid",
        "PYTHONPATH": "/users/own/packages",
        "SERVICES": "s3",
        "HTTPS_PROXY": "http://users-own-proxy.invalid",
    }
    for name, value in users.items():
        monkeypatch.setenv(name, value)

    # WHEN a function runs in a sandbox of this user
    with Sandbox.start() as sandbox:
        seen = make_environment_reader(sandbox)

    # THEN it has the settings of the sandbox
    assert not set(users.values()) & set(seen.values())
    assert seen["AWS_ENDPOINT_URL"] == sandbox.url
    assert (seen["AWS_CONFIG_FILE"], seen["AWS_SHARED_CREDENTIALS_FILE"]) == (os.devnull, os.devnull)
    assert seen["HOME"] != os.environ["HOME"]
    assert "PYTHONPATH" not in seen


@pytest.fixture
def make_environment_reader(make_function_in):
    def read(sandbox):
        name = make_function_in(sandbox, "import os\ndef handler(event, context):\n    return dict(os.environ)\n")
        return json.load(sandbox.client("lambda").invoke(FunctionName=name)["Payload"])

    return read


def test_it_listens_on_the_loopback_interface_only(sandbox):
    socket.create_connection(("127.0.0.1", sandbox.port), timeout=5).close()

    # Another loopback address, on which a server that listens on all interfaces would respond.
    with pytest.raises(OSError, match=r"refused|assign|timed out"):
        socket.create_connection(("127.0.0.2", sandbox.port), timeout=5)
