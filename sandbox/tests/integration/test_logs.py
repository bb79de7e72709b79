"""The logs of the sandbox: their paths, content, rotation and removal."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from imgver_sandbox.runtime import log_files as logs
from imgver_sandbox.runtime.log_files import RotatingLog
from imgver_sandbox.runtime.sandbox import Sandbox


@pytest.fixture
def folder(tmp_path):
    """A folder of logs."""
    (tmp_path / "server.log").touch()
    (tmp_path / "lambda.log").touch()
    return tmp_path


class TestLog:
    def test_it_is_rotated(self, tmp_path):
        log = RotatingLog(tmp_path / "x.log", max_bytes=10)

        for number in range(100):
            log.write(b"line %02d\n" % number)
        log.close()

        assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1"]
        assert (tmp_path / "x.log.1").read_bytes() == b"line 96\nline 97\n"
        assert (tmp_path / "x.log").read_bytes() == b"line 98\nline 99\n"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full fail as on a full disk")
    def test_a_full_disk_causes_a_notice_and_no_error(self, tmp_path):
        # GIVEN a log whose disk is full
        log = RotatingLog(tmp_path / "x.log")
        log._file.close()
        log._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
        log.write(b"lost\n")

        # WHEN the disk has space again
        log._file.close()
        log._file = (tmp_path / "x.log").open("wb", buffering=0)
        log.write(b"one\n")
        log.write(b"two\n")
        log.close()

        shown = (tmp_path / "x.log").read_text()
        assert shown == "\n(Lines are missing here, because the disk was full.)\none\ntwo\n"

    def test_threads_may_write_to_it(self, tmp_path):
        log = RotatingLog(tmp_path / "x.log", max_bytes=4_000)
        threads = [threading.Thread(target=lambda: [log.write(b"line\n") for _ in range(250)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        log.close()

        assert (tmp_path / "x.log.1").read_bytes() + (tmp_path / "x.log").read_bytes() == b"line\n" * 1000


class TestFollow:
    @pytest.fixture
    def follow(self, folder):
        """Follow the logs, with one of the steps after each read, and return the output."""

        def run(*steps):
            shown, left = [], list(steps)

            def has_ended():
                if left:
                    left.pop(0)()
                return not left

            logs.follow(folder, has_ended=has_ended, write=shown.append)
            return "".join(shown)

        return run

    def test_existing_and_new_lines_are_below_the_path_of_their_file(self, follow, folder):
        server, functions = folder / "server.log", folder / "lambda.log"
        server.write_text("begun\n")

        def append(path, text):
            def step():
                with path.open("a") as file:
                    file.write(text)

            return step

        shown = follow(
            lambda: None, append(server, "one\n"), append(functions, "called\n"), append(functions, "Größe\n")
        )

        assert shown == f"==> {server} <==\nbegun\none\n==> {functions} <==\ncalled\nGröße\n"

    def test_a_rotated_file(self, follow, folder):
        log = RotatingLog(folder / "server.log", max_bytes=4)

        shown = follow(lambda: log.write(b"one\n"), lambda: log.write(b"two\n"), lambda: log.write(b"three\n"))

        log.close()
        assert shown == f"==> {folder / 'server.log'} <==\none\ntwo\nthree\n"

    def test_files_that_are_removed(self, follow, folder):
        def remove():
            (folder / "server.log").write_text("last words\n")
            (folder / "server.log").unlink()

        assert follow(remove) == f"==> {folder / 'server.log'} <==\nlast words\n"

    def test_a_server_that_could_not_start_has_only_one_file(self, follow, folder):
        (folder / "lambda.log").unlink()
        (folder / "server.log").write_text("why\n")

        assert follow(lambda: None) == f"==> {folder / 'server.log'} <==\nwhy\n"


def test_the_output_of_functions_is_logged(sandbox, make_function):
    # GIVEN a function that prints lines and can fail
    function = make_function(
        "def handler(event, context):\n"
        "    print('one\\ntwo')\n"
        "    if event.get('Fail'):\n"
        "        raise KeyError('mine')\n"
    )
    name = function.rpartition(":")[2]

    # WHEN it has run
    for payload in (b"{}", b'{"Fail": true}'):
        sandbox.client("lambda").invoke(FunctionName=function, Payload=payload)

    # THEN the log has both invocations with their output
    lines = (sandbox.logs / "lambda.log").read_text().splitlines()
    heads = [number for number, line in enumerate(lines) if f" {name} " in line]
    first, second = (lines[heads[0] : heads[1]], lines[heads[1] :])
    assert f" {name} took " in first[0]
    assert first[1:] == ["    one", "    two"]
    assert f" {name} failed after " in second[0]
    assert second[1:3] == ["    one", "    two"]
    assert second[-1] == "    KeyError: 'mine'"

    # AND the log of the server is in the same folder
    assert "services available on port" in (sandbox.logs / "server.log").read_text()


class TestOnTheCommandLine:
    @pytest.fixture
    def started(self, state_folder):
        return Sandbox.start_in_background()

    def test_the_paths_are_shown_until_the_sandbox_stops(self, command, started, state_folder):
        result = command("logs")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout == f"{state_folder}/sandbox-logs/server.log\n{state_folder}/sandbox-logs/lambda.log\n"
        assert all(Path(line).exists() for line in result.stdout.splitlines())

        started.stop()

        result = command("logs")
        assert (result.returncode, result.stdout, result.stderr) == (1, "No sandbox is running.\n", "")

    @pytest.mark.parametrize("who", ["server_pid", "supervisor_pid"])
    def test_the_logs_remain_after_an_unexpected_end(
        self, command, started, state_folder, eventually, eventually_dead, who
    ):
        # GIVEN a log that the server has begun: it may respond some moments earlier
        log = state_folder / "sandbox-logs/server.log"
        eventually(lambda: "services available" in log.read_text())

        # WHEN the sandbox is killed
        os.kill(getattr(started, who), signal.SIGKILL)
        eventually_dead(started.server_pid, started.supervisor_pid)

        # THEN the logs are still there
        where = command("logs")
        assert where.returncode == 0
        assert "services available" in Path(where.stdout.splitlines()[0]).read_text()
        assert "services available" in command("logs", "--follow").stdout

        # WHEN another sandbox starts, THEN the old logs are removed
        (state_folder / "sandbox-logs" / "lambda.log").write_text("old\n")
        Sandbox.start_in_background()
        assert (state_folder / "sandbox-logs" / "lambda.log").read_text() == ""

    def test_a_reader_may_close_the_pipe(self, started, started_command):
        with started_command("logs", stderr=subprocess.PIPE) as command:
            command.stdout.close()

            assert (command.stderr.read(), command.wait(5)) == ("", 128 + signal.SIGPIPE)

    def test_the_logs_are_followed_until_the_sandbox_stops(self, started, started_command, make_function_in):
        with started_command("logs", "--follow") as following:
            # WHEN a function runs, THEN its output is shown
            function = make_function_in(started, "def handler(event, context):\n    print('here I am')\n")
            started.client("lambda").invoke(FunctionName=function)
            end = time.monotonic() + 10
            for line in following.stdout:
                assert time.monotonic() < end
                if line == "    here I am\n":
                    break

            # WHEN the sandbox stops, THEN the command ends
            started.stop()
            assert following.wait(5) == 0


def test_the_log_of_a_function_survives_the_rollback_that_deletes_its_log_group(sandbox, stack):
    # GIVEN a stack with a function, its log group, and a custom resource that fails
    source = (
        "import json, urllib.request\n"
        "def handler(event, context):\n"
        "    print('the reason is in this line')\n"
        "    status = 'SUCCESS' if event['RequestType'] == 'Delete' else 'FAILED'\n"
        "    body = {name: event[name] for name in ('StackId', 'RequestId', 'LogicalResourceId')}\n"
        "    body |= {'Status': status, 'PhysicalResourceId': 'x'}\n"
        "    urllib.request.urlopen(urllib.request.Request(\n"
        "        event['ResponseURL'], data=json.dumps(body).encode(), method='PUT'))\n"
    )
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{sandbox.account}:role/any",
        "Code": {"ZipFile": source},
        "LoggingConfig": {"LogGroup": {"Ref": "LogGroup"}},
    }
    resources = {
        "LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": stack.name}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Thing": {"Type": "Custom::Thing", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
    }

    # WHEN the rollback has deleted the log group
    assert stack.create(resources) == "ROLLBACK_COMPLETE"
    assert sandbox.client("logs").describe_log_groups(logGroupNamePrefix=stack.name)["logGroups"] == []

    # THEN the file has the line
    assert "the reason is in this line" in (sandbox.logs / "lambda.log").read_text()
