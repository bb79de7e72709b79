"""The command imgver-sandbox."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime.sandbox import ACCOUNT, REGION, Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture
def started(command, state_folder, eventually_dead):
    """The answer of `start`; what it started ends with the test."""
    answer = command("start")
    running = Sandbox.running()
    yield answer
    command("stop")
    if running:
        eventually_dead(running.supervisor_pid, running.server_pid)


def test_start_status_run_and_stop(command, started, is_alive, state_folder):
    # WHEN it was started THEN it says where it is and what to do
    running = Sandbox.running()
    assert (started.returncode, started.stderr) == (0, "")
    assert started.stdout == (
        f"The sandbox is running on {running.url} (account {ACCOUNT}, region {REGION}).\n"
        "Use:   imgver-sandbox run -- cdk bootstrap\n"
        f"Watch: {running.url}/_imgver/\n"
        "Logs:  imgver-sandbox logs\n"
        "Stop:  imgver-sandbox stop\n"
    )
    status = command("status")
    assert (status.returncode, status.stdout) == (
        0,
        f"The sandbox is running on {running.url} (process {running.server_pid}).\n",
    )

    # WHEN it is started once more, on another port even
    for again in (command("start"), command("start", "--port", str(running.port + 1))):
        # THEN it says so in a line
        assert (again.returncode, again.stdout, again.stderr) == (
            1,
            "",
            f"imgver-sandbox: a sandbox is already running on {running.url}: use it, or stop it with `imgver-sandbox stop`\n",
        )

    # WHEN a command runs THEN it uses this one, which runs on
    used = command("run", "--", sys.executable, "-c", "import os; print(os.environ['AWS_ENDPOINT_URL'])")
    assert used.stdout.strip() == running.url
    assert is_alive(running.server_pid)

    # WHEN it is ended THEN it is gone, with all that it wrote
    stopped = command("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"The sandbox on {running.url} has stopped.\n")
    assert not is_alive(running.supervisor_pid)
    assert not is_alive(running.server_pid)
    assert list(state_folder.iterdir()) == []


def test_stop_and_status_when_nothing_runs(command):
    stop, status = command("stop"), command("status")

    assert (stop.returncode, stop.stdout, stop.stderr) == (0, "No sandbox is running.\n", "")
    assert (status.returncode, status.stdout, status.stderr) == (1, "No sandbox is running.\n", "")


def test_a_state_file_that_was_left_behind_counts_for_nothing(command, state_folder, started):
    # GIVEN a sandbox that was killed, and its state file with the id of a process that lives: this one's
    running = Sandbox.running()
    os.kill(running.supervisor_pid, signal.SIGKILL)
    file = state_folder / "sandbox.json"
    left = json.loads(file.read_text())
    file.write_text(json.dumps({**left, "supervisor_pid": os.getpid(), "server_pid": os.getpid()}))

    # THEN nothing runs, nothing is killed, and another one can be started
    assert command("status").stdout == "No sandbox is running.\n"
    assert command("stop").stdout == "No sandbox is running.\n"
    assert command("start").returncode == 0


@pytest.mark.parametrize("arguments", [["start"], ["stop"], ["status"], ["run", "--", "true"]])
def test_a_state_file_that_cannot_be_used_is_said_in_a_line(command, tmp_path, arguments):
    # GIVEN a file where the folder should be
    (tmp_path / "state").touch()

    answer = command(*arguments)

    assert (answer.returncode, answer.stdout, answer.stderr) == (
        1,
        "",
        (
            f"imgver-sandbox: the state file {tmp_path}/state/sandbox.json cannot be used (not a directory): "
            "set IMGVER_SANDBOX_STATE_DIR to a folder that you may write\n"
        ),
    )


def test_a_state_folder_that_cannot_be_made_is_said_in_a_line(command, tmp_path):
    # GIVEN a link to nowhere where the folder should be
    (tmp_path / "state").symlink_to(tmp_path / "nowhere" / "at all")

    answer = command("start")

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        f"imgver-sandbox: the state file {tmp_path}/state/sandbox.json cannot be used (file exists): "
        "set IMGVER_SANDBOX_STATE_DIR to a folder that you may write\n"
    )


def test_the_state_folder_may_be_one_that_has_logs_of_the_users(command, state_folder):
    # GIVEN a folder with something else in it
    (state_folder / "logs").mkdir(parents=True)
    (state_folder / "logs" / "mine.log").write_text("mine\n")

    # WHEN a sandbox starts and ends there
    assert command("start").returncode == 0
    assert command("stop").returncode == 0

    # THEN that is left, and nothing else
    assert [path.name for path in state_folder.iterdir()] == ["logs"]
    assert (state_folder / "logs" / "mine.log").read_text() == "mine\n"


def test_the_state_folder_may_be_relative(command, tmp_path):
    # WHEN a sandbox starts and ends
    start, logs, stop = (command(name, IMGVER_SANDBOX_STATE_DIR="a folder/state") for name in ("start", "logs", "stop"))

    # THEN it has been in a folder of the one in which the command was run
    assert (start.returncode, start.stderr, stop.returncode) == (0, "", 0)
    assert logs.stdout.startswith(f"{tmp_path}/a folder/state/")


def test_no_place_for_the_logs_is_said_in_a_line(command, state_folder):
    # GIVEN a file where their folder should be
    state_folder.mkdir()
    (state_folder / "sandbox-logs").touch()

    answer = command("start")

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "imgver-sandbox: the sandbox cannot create its files ([Errno 17] File exists: "
        f"'{state_folder}/sandbox-logs'): set IMGVER_SANDBOX_STATE_DIR and TMPDIR to folders that you may write\n"
    )


class TestWithoutTheExtra:
    @pytest.fixture
    def plain(self, run_python):
        """Run imgver-sandbox in an environment that has the standard library only."""
        return lambda *arguments: run_python(
            "import sys; sys.path = [folder for folder in sys.path if 'site-packages' not in folder]; "
            "from imgver_sandbox.cli.main import main; sys.exit(main())",
            *arguments,
        )

    @pytest.mark.parametrize("arguments", [["start"], ["run", "--", "true"], ["demo"]])
    def test_what_needs_it_says_so_in_a_line(self, plain, arguments):
        answer = plain(*arguments)

        assert (answer.returncode, answer.stdout, answer.stderr) == (
            1,
            "",
            (
                "imgver-sandbox: the sandbox needs ministack 1.5.33, found none: "
                "install imgver-sandbox, or imgver-constructs with its extra `sandbox`\n"
            ),
        )

    def test_the_rest_works(self, plain):
        assert plain("status").stdout == "No sandbox is running.\n"


class TestPort:
    def test_a_named_port_is_used(self, free_port):
        with Sandbox.start(port=free_port) as sandbox:
            assert sandbox.url == f"http://127.0.0.1:{free_port}"

    @pytest.fixture
    def free_port(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    def test_a_named_port_that_is_taken_is_an_error(self, command, taken_port):
        answer = command("start", "--port", str(taken_port))

        assert (answer.returncode, answer.stdout, answer.stderr) == (
            1,
            "",
            f"imgver-sandbox: port {taken_port} is taken: choose another one, or leave it out to get a free port\n",
        )

    def test_without_a_name_a_free_port_is_found(self, monkeypatch, taken_port):
        monkeypatch.setattr("imgver_sandbox.runtime.sandbox.DEFAULT_PORT", taken_port)

        with Sandbox.start() as sandbox:
            assert sandbox.port != taken_port

    def test_who_loses_the_race_for_the_usual_port_finds_another(self, monkeypatch, free_port):
        # GIVEN another sandbox that begins to listen after both have bound the port
        monkeypatch.setattr("imgver_sandbox.runtime.sandbox.DEFAULT_PORT", free_port)
        bind = socket.socket.bind
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bind(other, ("127.0.0.1", free_port))

            def bind_while_the_other_listens(self, address):
                bind(self, address)
                other.listen()

            monkeypatch.setattr("imgver_sandbox.runtime.sandbox.socket.socket.bind", bind_while_the_other_listens)

            # WHEN
            with Sandbox.start() as sandbox:
                # THEN
                assert sandbox.port != free_port

    @pytest.mark.parametrize("port", [0, 65536, -1, "4566", True])
    def test_what_is_no_port_is_an_error_in_python_too(self, port):
        with pytest.raises(SandboxError) as raised:
            Sandbox.start(port=port)
        assert str(raised.value) == (f"port {port!r} must be a number from 1 to 65535: leave it out to get a free port")

    @pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
    def test_what_is_no_port_is_an_error(self, command, port):
        answer = command("start", f"--port={port}")

        assert answer.returncode == 2
        assert answer.stderr.endswith(f"argument --port: '{port}' must be a number from 1 to 65535\n")


class TestRun:
    def test_the_environment(self, command):
        # GIVEN a user with AWS settings
        users = {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL_S3": "https://s3.invalid"}

        # WHEN a command runs
        source = "import json, os; print(json.dumps(dict(os.environ)))"
        answer = command("run", "--", sys.executable, "-c", source, NO_PROXY="intranet", **users)

        # THEN it has all it needs to use the sandbox, and nothing else of AWS
        seen = json.loads(answer.stdout)
        endpoint = seen.pop("AWS_ENDPOINT_URL")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", endpoint)
        assert {name: value for name, value in seen.items() if name.startswith("AWS_")} == {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }
        assert (seen["CDK_DEFAULT_ACCOUNT"], seen["CDK_DEFAULT_REGION"]) == (ACCOUNT, REGION)
        assert seen["NO_PROXY"] == seen["no_proxy"] == "127.0.0.1,intranet"

        # AND the sandbox that it started has ended
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])), timeout=5)

    def test_the_cdk_cli_is_the_pinned_one_on_a_new_node(self, command):
        script = (
            "import subprocess; [print(subprocess.check_output([c, '--version'], text=True)) for c in ('cdk', 'node')]"
        )

        cdk, node = command("run", "--", sys.executable, "-c", script).stdout.split("\n\n")[:2]

        assert cdk.startswith("2.1148.1 ")
        assert int(node.strip().removeprefix("v").partition(".")[0]) >= 22

    @pytest.mark.parametrize(
        ("source", "code"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
    )
    def test_the_exit_code_is_the_commands(self, command, sandbox, state_folder, source, code):
        assert command("run", sys.executable, "-c", source).returncode == code

    def test_a_command_that_is_not_there(self, command):
        answer = command("run", "--", "no-such-command", "x")

        assert (answer.returncode, answer.stderr) == (127, "imgver-sandbox: no-such-command: command not found\n")

    def test_a_command_that_cannot_be_run(self, command, tmp_path, sandbox):
        # GIVEN a script for an interpreter that is not there
        script = tmp_path / "script"
        script.write_text("#!/no/such/interpreter\n")
        script.chmod(0o755)

        answer = command("run", "--", str(script))

        assert (answer.returncode, answer.stderr) == (
            126,
            f"imgver-sandbox: {script}: cannot be run: no such file or directory\n",
        )

    def test_no_command(self, command):
        answer = command("run", "--")

        assert answer.returncode == 2
        assert answer.stderr.endswith("error: COMMAND is missing\n")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_signals_go_to_the_command(self, number, tmp_path, eventually_dead):
        # GIVEN a command that ends in order when it is told to
        source = """
import os, signal, sys, time
def end(*_):
    print("told", flush=True)
    sys.exit(3)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, end)
print(os.environ["AWS_ENDPOINT_URL"], os.getpid(), flush=True)
time.sleep(600)
"""
        with subprocess.Popen(
            [sys.executable, "-m", "imgver_sandbox", "run", "--", sys.executable, "-c", source],
            env={**os.environ, "PYTHONPATH": str(ROOT), "IMGVER_SANDBOX_STATE_DIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            endpoint, pid = process.stdout.readline().split()
            try:
                # WHEN the outer process is signalled
                process.send_signal(number)

                # THEN the command is told, and both end with its exit code
                assert process.wait(5) == 3
                assert process.stdout.read() == "told\n"
            except BaseException:
                os.kill(int(pid), signal.SIGKILL)
                raise
        eventually_dead(int(pid))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(endpoint.rpartition(":")[2])), timeout=5)


def test_two_starts_at_once_make_one_sandbox(state_folder):
    # WHEN two processes start it at the same moment
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "imgver_sandbox", "start"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=30)[1] for process in both]

    # THEN one has it, and the other says so in a line
    assert sorted(process.returncode for process in both) == [0, 1]
    assert [len(line.splitlines()) for line in sorted(said, key=len)] == [0, 1]
    Sandbox.running().stop()
    assert Sandbox.running() is None


def test_help_names_every_command_and_what_it_does(command):
    answer = command("--help")

    assert answer.returncode == 0
    for name in ("start", "stop", "status", "logs", "faults", "fault", "run", "demo"):
        assert re.search(rf"^    {name} +\w", answer.stdout, re.MULTILINE)


def test_a_server_that_cannot_start_says_why_and_leaves_its_logs_only(command, tmp_path, state_folder):
    # GIVEN a package in which the server's adapter finds that a name has moved
    package = tmp_path / "broken" / "imgver_sandbox"
    package.parent.mkdir()
    subprocess.run(["cp", "-R", str(ROOT / "imgver_sandbox"), str(package)], check=True)
    hooks = package / "ministack" / "hooks.py"
    hooks.write_text(hooks.read_text().replace('"_runs_on_worker_thread"): "(', '"_no_such_name"): "('))
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    # WHEN it is started
    answer = command("start", PYTHONPATH=str(package.parent), TMPDIR=str(temporary))

    # THEN it says so in a line
    assert (answer.returncode, answer.stdout) == (1, "")
    assert re.fullmatch(
        r"imgver-sandbox: the sandbox's server did not start: ministack 1\.5\.33 is modified: "
        r"\S+stacks\._no_such_name must be .*\n",
        answer.stderr,
    )
    assert Sandbox.running() is None
    end = time.monotonic() + 5
    while list(temporary.iterdir()) or [path.name for path in state_folder.iterdir()] != ["sandbox-logs"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "_no_such_name must be" in (state_folder / "sandbox-logs" / "server.log").read_text()


@pytest.mark.parametrize("arguments", [["start"], ["run", "--", "true"], ["demo"]])
def test_another_ministack_is_refused_with_the_version_that_is_needed(command, tmp_path, state_folder, arguments):
    # GIVEN another version of it
    other = tmp_path / "other"
    (other / "ministack-9.9.9.dist-info").mkdir(parents=True)
    (other / "ministack-9.9.9.dist-info" / "METADATA").write_text("Name: ministack\nVersion: 9.9.9\n")

    # WHEN the sandbox is to start
    answer = command(*arguments, PYTHONPATH=f"{other}{os.pathsep}{ROOT}")

    # THEN it says so in a line
    assert (answer.returncode, answer.stdout, answer.stderr) == (
        1,
        "",
        (
            "imgver-sandbox: the sandbox needs ministack 1.5.33, found 9.9.9: "
            "install imgver-sandbox, or imgver-constructs with its extra `sandbox`\n"
        ),
    )
