"""SIGKILL at any moment leaves no process, and the next start works."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imgver_sandbox.runtime.sandbox import Sandbox

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environments are in /proc")

_APP = """
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "Killed", synthesizer=cdk.BootstraplessSynthesizer())
properties = {"ImageName": "killed", "ImageRoleArn": "arn:aws:iam::000000000000:role/images"}
cdk.CfnResource(stack, "Image", type="AWS::SageMaker::Image", properties=properties)
app.synth()
"""


@pytest.fixture
def environment(tmp_path, state_folder):
    """The environment of each process of a test, also of the server: it contains the folder of the test."""
    (tmp_path / "tmp").mkdir()
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def processes(tmp_path):
    """The processes of the test that are still running, by their ids."""

    def find():
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if str(tmp_path).encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
            except OSError:  # it has ended, or is of another user
                continue
        return found

    return find


@pytest.fixture
def no_process_is_left(processes, eventually):
    return lambda seconds=15: eventually(lambda: not processes(), seconds)


@pytest.fixture
def start_again(command):
    """Start a sandbox in the background, and stop it."""

    def start():
        started = command("start")
        assert (started.returncode, started.stderr) == (0, "")
        assert command("stop").returncode == 0

    return start


_KILLED_AFTER_THE_SUPERVISOR_BEGAN = """
start_process = sandbox.subprocess.Popen
def kill(*arguments, **options):
    start_process(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
sandbox.subprocess.Popen = kill
"""
_KILLED_BEFORE_THE_ADDRESS_IS_READ = """
sandbox.json.loads = lambda _: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", [_KILLED_AFTER_THE_SUPERVISOR_BEGAN, _KILLED_BEFORE_THE_ADDRESS_IS_READ])
def test_the_command_start_is_killed(moment, environment, no_process_is_left, start_again):
    source = (
        f"import os, signal\nfrom imgver_sandbox.runtime import sandbox\n{moment}\n"
        "sandbox.Sandbox.start_in_background()"
    )

    killed = subprocess.run([sys.executable, "-c", source], env=environment, check=False)

    assert killed.returncode == -signal.SIGKILL
    no_process_is_left()
    start_again()


@pytest.fixture
def deploy(environment, tmp_path, started_command):
    """Start `imgver-sandbox run -- cdk deploy`."""
    (tmp_path / "app.py").write_text(_APP)
    app = shlex.join([sys.executable, "app.py"])
    cdk = ["cdk", "deploy", "--app", app, "--require-approval", "never", "--method", "direct", "--progress", "events"]

    return lambda: started_command(
        "run", "--", *cdk, "--ci", environment=environment, cwd=tmp_path, stderr=subprocess.STDOUT
    )


def wait_for_the_deployment(process):
    """Read the output until the first event of the stack."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "CREATE_IN_PROGRESS" in line:
            return
    raise AssertionError("".join(lines))


def test_the_command_run_is_killed_during_cdk_deploy(deploy, no_process_is_left, start_again):
    # GIVEN a deployment to the sandbox of `run`
    with deploy() as process:
        wait_for_the_deployment(process)

        # WHEN `run` is killed
        process.kill()

        # THEN the sandbox ends, and cdk, which has no sandbox any more, too
        no_process_is_left(60)
    start_again()


def test_cdk_deploy_is_killed(deploy, command, processes, no_process_is_left, state_folder):
    # GIVEN a deployment to a sandbox in the background, which takes some seconds
    assert command("start").returncode == 0
    sandbox = Sandbox.running()
    sandbox.faults.slow(6, operation="CreateImage")
    with deploy() as process:
        wait_for_the_deployment(process)

        # WHEN cdk is killed
        (pid,) = [
            pid for pid, line in processes().items() if ".bin/cdk deploy" in line and "imgver_sandbox" not in line
        ]
        os.kill(pid, signal.SIGKILL)
        assert process.wait(20) == 128 + signal.SIGKILL

    # THEN the next deployment works, and nothing is left after `stop`
    with deploy() as again:
        output = again.stdout.read()
    assert again.returncode == 0, output
    stacks = sandbox.client("cloudformation").describe_stacks(StackName="Killed")["Stacks"]
    assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]
    assert command("stop").returncode == 0
    no_process_is_left()


def test_the_demo_is_killed_during_cdk_deploy(environment, no_process_is_left, started_command):
    with started_command("demo", environment=environment, cwd=ROOT.parent) as process:
        for line in process.stdout:
            if line.strip().startswith("cdk deploy"):
                break
        time.sleep(1)

        process.kill()

        no_process_is_left(60)
