"""The parts of the demo, and its failures. `make demo` runs the whole demo."""

import io
import re
import signal
import subprocess

import pytest
from imgver_sandbox.cli.demo import brief
from imgver_sandbox.cli.progress import Steps
from rich.console import Console


class TestBrief:
    def test_an_event_is_shortened_to_status_and_construct(self):
        event = "ImgverDemo |  5/13 | 8:09:35 PM | CREATE_FAILED    | AWS::IAM::Role | Image/Role (ImageRole1) a | b \n"

        assert brief(event) == "CREATE_FAILED Image/Role (ImageRole1) a | b"

    def test_other_lines_remain_whole(self):
        assert brief("  ImgverDemo: creating stack...\n") == "ImgverDemo: creating stack..."


class TestSteps:
    def test_without_a_terminal_the_steps_are_plain_lines(self):
        output = io.StringIO()
        steps = Steps(Console(file=output, highlight=False))

        with steps.step("cdk deploy") as show:
            show("a line of its output")
        with pytest.raises(ValueError, match="no"), steps.step("cdk destroy"):
            raise ValueError("no")

        assert re.sub(r"\d+\.\d", "0.0", output.getvalue()) == (
            "        cdk deploy ...\n"
            "done    cdk deploy  (0.0 s)\n"
            "        cdk destroy ...\n"
            "failed  cdk destroy  (0.0 s)\n"
        )

    def test_on_a_terminal_the_latest_line_is_shown(self):
        output = io.StringIO()
        steps = Steps(Console(file=output, force_terminal=True, force_interactive=True, width=60, highlight=False))

        with steps.step("cdk deploy") as show:
            show(f"[1/3] {'x' * 100}")

        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue())
        assert re.search(r"cdk deploy 0:00:00 +\[1/3\] x+…", text)
        assert re.search(r"done    cdk deploy  \(\d+\.\d s\)\n$", text)


@pytest.fixture
def demo(tmp_path, started_command):
    """Start the demo in a folder with this app."""

    def start(app=None):
        folder = tmp_path / "a folder"
        folder.mkdir()
        if app is not None:
            (folder / "app.py").write_text(app)
        return started_command("demo", cwd=folder, environment={"TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE)

    return start


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_demo_and_its_processes(demo, tmp_path, eventually, eventually_dead, number, code):
    # GIVEN a demo whose app takes long
    pid = tmp_path / "a folder" / "pid"
    with demo(
        "import os, pathlib, time\n"
        "pathlib.Path('part').write_text(str(os.getpid()))\n"
        "os.rename('part', 'pid')\n"
        "time.sleep(600)\n"
    ) as process:
        try:
            eventually(pid.exists, seconds=20)

            process.send_signal(number)

            # THEN the demo ends, and neither the app nor a folder is left
            assert process.wait(10) == code
        finally:
            process.kill()
    eventually_dead(int(pid.read_text()))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("imgver-")] == []


def test_a_folder_without_an_app_is_an_error(demo, tmp_path):
    with demo() as process:
        output = process.communicate(timeout=60)

    folder = tmp_path / "a folder"
    error = f"imgver-sandbox: there is no app.py in {folder}: run the demo in the repository's folder\n"
    assert (process.returncode, *output) == (1, "", error)


def test_a_failed_command_is_reported_and_nothing_is_left(demo, tmp_path):
    # GIVEN an app that does not synthesize
    with demo("raise SystemExit('this app is broken')") as process:
        output, errors = process.communicate(timeout=60)

    # THEN the output of the CLI is shown
    assert process.returncode == 1
    assert "failed  cdk synth" in output
    assert "this app is broken" in output
    assert re.search(r"^imgver-sandbox: cdk synth .* failed with exit code 1$", errors, re.MULTILINE)
    # AND no folder of the demo or the sandbox is left, and the folder of the app is unchanged
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("imgver-")] == []
    assert [path.name for path in (tmp_path / "a folder").iterdir()] == ["app.py"]
