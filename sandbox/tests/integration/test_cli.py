"""The command imgver-sandbox."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from imgver_sandbox.runtime import state_file as state
from imgver_sandbox.runtime.sandbox import ACCOUNT, REGION, Sandbox
from imgver_sandbox.runtime.state_file import SandboxState

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def started(command, state_folder, eventually_dead):
    """The result of `start`. The sandbox ends with the test."""
    result = command("start")
    running = Sandbox.running()
    yield result
    command("stop")
    if running:
        eventually_dead(running.supervisor_pid, running.server_pid)


def test_start_status_run_and_stop(command, error_of, started, is_alive, eventually_dead, state_folder):
    # WHEN it was started, THEN the output has the address and the next commands
    running = Sandbox.running()
    assert (started.returncode, started.stderr) == (0, "")
    assert started.stdout == (
        f"The sandbox is running on {running.url} (account {ACCOUNT}, region {REGION}).\n"
        "Use:   imgver-sandbox run -- cdk bootstrap\n"
        f"Watch: {running.url}/_imgver/#{running.token}\n"
        "Logs:  imgver-sandbox logs\n"
        "Stop:  imgver-sandbox stop\n"
    )
    status = command("status")
    assert (status.returncode, status.stdout) == (
        0,
        (
            f"The sandbox is running on {running.url} (process {running.server_pid}).\n"
            f"Watch: {running.url}/_imgver/#{running.token}\n"
        ),
    )

    # WHEN it is started again, also on another port
    for again in (error_of("start"), error_of("start", "--port", str(running.port + 1))):
        # THEN that is an error
        assert again == (
            f"a sandbox is already running on {running.url}: use it, or stop it with `imgver-sandbox stop`\n"
        )

    # WHEN a command runs, THEN it uses this sandbox, which continues
    used = command("run", "--", sys.executable, "-c", "import os; print(os.environ['AWS_ENDPOINT_URL'])")
    assert used.stdout.strip() == running.url
    assert is_alive(running.server_pid)

    # WHEN it is stopped, THEN its processes and files are gone
    stopped = command("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"The sandbox on {running.url} has stopped.\n")
    assert not is_alive(running.server_pid)
    eventually_dead(running.supervisor_pid)
    assert list(state_folder.iterdir()) == []


def test_the_versions(command):
    result = command("--version")

    assert re.fullmatch(
        r"imgver-sandbox \d+\.\d+\.\d+ \(MiniStack 1\.5\.33, CDK CLI 2\.1148\.1, Python 3\.\d+\.\d+\)\n", result.stdout
    )


def test_stop_and_status_without_a_sandbox(command):
    stop, status = command("stop"), command("status")

    assert (stop.returncode, stop.stdout, stop.stderr) == (0, "No sandbox is running.\n", "")
    assert (status.returncode, status.stdout, status.stderr) == (1, "No sandbox is running.\n", "")


def test_a_stale_state_file_is_ignored(command, state_folder, started):
    # GIVEN a killed sandbox whose state file has the id of a running process: this one
    running = Sandbox.running()
    os.kill(running.supervisor_pid, signal.SIGKILL)
    file = state_folder / "sandbox.json"
    left = json.loads(file.read_text())
    file.write_text(json.dumps({**left, "supervisor_pid": os.getpid(), "server_pid": os.getpid()}))

    # THEN nothing is running, nothing is killed, and a new sandbox can be started
    assert command("status").stdout == "No sandbox is running.\n"
    assert command("stop").stdout == "No sandbox is running.\n"
    assert command("start").returncode == 0


@pytest.mark.parametrize("arguments", [["start"], ["stop"], ["status"], ["run", "--", "true"]])
def test_a_state_file_that_cannot_be_used_is_an_error(error_of, tmp_path, arguments):
    # GIVEN a file in the place of the folder
    (tmp_path / "state").touch()

    assert error_of(*arguments) == (
        f"the state file {tmp_path}/state/sandbox.json cannot be used (not a directory): "
        "set IMGVER_SANDBOX_STATE_DIR to a folder that you may write\n"
    )


def test_other_files_in_the_state_folder_remain(command, state_folder):
    # GIVEN a folder with other files
    (state_folder / "logs").mkdir(parents=True)
    (state_folder / "logs" / "mine.log").write_text("mine\n")

    # WHEN a sandbox starts and ends there
    assert command("start").returncode == 0
    assert command("stop").returncode == 0

    # THEN only the other files are left
    assert [path.name for path in state_folder.iterdir()] == ["logs"]
    assert (state_folder / "logs" / "mine.log").read_text() == "mine\n"


def test_a_log_folder_that_cannot_be_created_is_an_error(error_of, state_folder):
    # GIVEN a file in the place of the folder
    state_folder.mkdir()
    (state_folder / "sandbox-logs").touch()

    assert error_of("start") == (
        f"the sandbox cannot create its files in {state_folder}/sandbox-logs (file exists): "
        "set IMGVER_SANDBOX_STATE_DIR and TMPDIR to a folder that you may write\n"
    )


class TestFullDisk:
    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full fail as on a full disk")
    def test_a_state_file(self, state_folder, sandbox_error):
        running = SandboxState(**dict.fromkeys(SandboxState.__annotations__, "any"))
        message = (
            f"the state file {state_folder}/sandbox.json cannot be used (the disk is full): "
            "delete files, or set IMGVER_SANDBOX_STATE_DIR to a folder on another disk"
        )

        with Path("/dev/full").open("w") as full, sandbox_error(message):
            state.write("sandbox", full, running)

    def test_a_command_that_fails(self, run_python):
        source = (
            "import shutil, sys; from imgver_sandbox.cli.main import main\n"
            "usage = shutil.disk_usage('/')\n"
            "shutil.disk_usage = lambda folder: usage._replace(free=0)\n"
            "sys.exit(main())"
        )

        failed, succeeded = (run_python(source, "run", "--", program) for program in ("false", "true"))

        assert re.fullmatch(
            r"imgver-sandbox: the disk of \S+ is full, which can be the reason: delete files\n", failed.stderr
        )
        assert (failed.returncode, succeeded.returncode, succeeded.stderr) == (1, 0, "")


class TestPort:
    @pytest.fixture
    def free_port(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    def test_a_named_port_that_is_taken_is_an_error(self, error_of, taken_port):
        assert error_of("start", "--port", str(taken_port)) == (
            f"port {taken_port} is taken: choose another one, or leave it out to get a free port\n"
        )

    def test_without_a_port_a_free_one_is_used(self, monkeypatch, taken_port):
        monkeypatch.setattr("imgver_sandbox.runtime.sandbox.DEFAULT_PORT", taken_port)

        with Sandbox.start() as sandbox:
            assert sandbox.port != taken_port

    def test_a_port_that_another_process_takes_meanwhile_is_not_used(self, monkeypatch, free_port):
        # GIVEN another process that listens after both have bound the port
        monkeypatch.setattr("imgver_sandbox.runtime.sandbox.DEFAULT_PORT", free_port)
        bind = socket.socket.bind
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bind(other, ("127.0.0.1", free_port))

            def bind_while_the_other_listens(self, address):
                bind(self, address)
                other.listen()

            monkeypatch.setattr("imgver_sandbox.runtime.sandbox.socket.socket.bind", bind_while_the_other_listens)

            with Sandbox.start() as sandbox:
                assert sandbox.port != free_port

    @pytest.mark.parametrize("port", [0, 65536, -1, "4566", True])
    def test_an_invalid_port_is_an_error_in_python(self, port, sandbox_error):
        with sandbox_error(f"port {port!r} must be a number from 1 to 65535: leave it out to get a free port"):
            Sandbox.start(port=port)

    @pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
    def test_an_invalid_port_is_an_error(self, command, port):
        result = command("start", f"--port={port}")

        assert result.returncode == 2
        assert result.stderr.endswith(f"argument --port: '{port}' must be a number from 1 to 65535\n")


@pytest.fixture(scope="module")
def background(tmp_path_factory):
    """The state folder of a background sandbox, for the commands that only use it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv("IMGVER_SANDBOX_STATE_DIR", str(folder))
        with Sandbox.start_in_background():
            yield {"IMGVER_SANDBOX_STATE_DIR": str(folder)}


class TestRun:
    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            ([sys.executable, "-c", "raise SystemExit(7)"], 7, ""),
            ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 128 + 9, ""),
            (["no-such-command", "x"], 127, "imgver-sandbox: no-such-command: command not found\n"),
            (["./script"], 126, "imgver-sandbox: ./script: cannot be run: no such file or directory\n"),
        ],
    )
    def test_the_exit_code_is_that_of_the_command(self, command, background, tmp_path, arguments, code, message):
        (tmp_path / "script").write_text("#!/no/such/interpreter\n")
        (tmp_path / "script").chmod(0o755)

        result = command("run", "--", *arguments, **background)

        assert (result.returncode, result.stderr) == (code, message)

    def test_the_cdk_cli_is_the_pinned_version_on_a_new_node(self, command, background):
        script = "import subprocess; [subprocess.check_call([name, '--version']) for name in ('cdk', 'node')]"

        cdk, node = command("run", sys.executable, "-c", script, **background).stdout.split("\n")[:2]

        assert cdk.startswith("2.1148.1 ")
        assert int(node.removeprefix("v").partition(".")[0]) >= 22

    def test_without_a_command(self, command):
        result = command("run", "--")

        assert result.returncode == 2
        assert result.stderr.endswith("error: COMMAND is missing\n")

    def test_the_environment(self, command):
        # GIVEN a user with AWS settings
        users = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_S3": "https://s3.invalid"}

        # WHEN a command runs
        source = "import json, os; print(json.dumps(dict(os.environ)))"
        result = command("run", "--", sys.executable, "-c", source, NO_PROXY="intranet", **users)

        # THEN the environment has the settings of the sandbox and no other AWS settings
        seen = json.loads(result.stdout)
        endpoint = seen.pop("AWS_ENDPOINT_URL")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", endpoint)
        assert re.fullmatch("AKIA[0-9A-F]{16}", seen.pop("AWS_ACCESS_KEY_ID"))
        secret, token = seen.pop("AWS_SECRET_ACCESS_KEY"), seen.pop("AWS_SESSION_TOKEN")
        assert (len(secret), len(token)) == (40, 40)
        assert secret != token
        assert {name: value for name, value in seen.items() if name.startswith("AWS_")} == {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        assert (seen["CDK_DEFAULT_ACCOUNT"], seen["CDK_DEFAULT_REGION"]) == (ACCOUNT, REGION)
        assert seen["NO_PROXY"] == seen["no_proxy"] == "127.0.0.1,localhost,::1,intranet"

        # AND the sandbox of the command has ended
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])), timeout=5)

    def test_an_old_client_in_path_causes_a_warning(self, command, tmp_path):
        aws = tmp_path / "v2" / "2.12.0" / "aws"
        aws.parent.mkdir(parents=True)
        aws.touch(0o755)

        path = os.pathsep.join([str(aws.parent), os.environ["PATH"]])
        result = command("run", "--", "true", PATH=path, VIRTUAL_ENV="active")

        assert result.returncode == 0
        assert result.stderr.startswith(f"imgver-sandbox: {aws} is version 2.12 of the AWS CLI, which does not read ")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_signals_are_forwarded_to_the_command(self, number, tmp_path, started_command, eventually_dead):
        # GIVEN a command that handles signals
        source = """
import os, signal, sys, time
def end(*_):
    print("received", flush=True)
    sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, end)
print(os.environ["AWS_ENDPOINT_URL"], os.getpid(), flush=True)
time.sleep(600)
"""
        environment = {"IMGVER_SANDBOX_STATE_DIR": str(tmp_path)}
        with started_command("run", "--", sys.executable, "-c", source, environment=environment) as process:
            endpoint, pid = process.stdout.readline().split()
            try:
                # WHEN the outer process is signalled
                process.send_signal(number)

                # THEN the command receives the signal, and both end with its exit code
                assert process.wait(5) == 3
                assert process.stdout.read() == "received\n"
            except BaseException:
                os.kill(int(pid), signal.SIGKILL)
                raise
        eventually_dead(int(pid))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])), timeout=5)


def test_two_concurrent_starts_start_one_sandbox(state_folder, started_command):
    # WHEN two processes start it at the same moment
    both = [started_command("start", stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=30)[1] for process in both]

    # THEN one starts it, and the other reports one error
    assert sorted(process.returncode for process in both) == [0, 1]
    assert [len(line.splitlines()) for line in sorted(said, key=len)] == [0, 1]
    Sandbox.running().stop()
    assert Sandbox.running() is None


def test_a_server_that_cannot_start_reports_the_reason_and_leaves_only_its_logs(
    error_of, tmp_path, state_folder, eventually
):
    # GIVEN a package whose adapter misses a name of MiniStack
    package = tmp_path / "broken" / "imgver_sandbox"
    package.parent.mkdir()
    subprocess.run(["cp", "-R", str(ROOT / "imgver_sandbox"), str(package)], check=True)
    hooks = package / "ministack" / "hooks.py"
    hooks.write_text(hooks.read_text().replace('"_runs_on_worker_thread"): "(', '"_no_such_name"): "('))
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    # WHEN it is started, THEN the error has the reason
    assert re.fullmatch(
        r"the sandbox's server did not start: ministack 1\.5\.33 is modified: "
        r"\S+stacks\._no_such_name must be .*\n",
        error_of("start", PYTHONPATH=str(package.parent), TMPDIR=str(temporary)),
    )
    assert Sandbox.running() is None
    eventually(lambda: not [*temporary.iterdir(), *state_folder.glob("*.json")])
    assert [path.name for path in state_folder.iterdir()] == ["sandbox-logs"]
    assert "_no_such_name must be" in (state_folder / "sandbox-logs" / "server.log").read_text()
