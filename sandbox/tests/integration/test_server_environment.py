"""The environment of the server: MiniStack with its pinned packages, beside the environment of the user."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from imgver_sandbox.errors import SandboxError
from imgver_sandbox.runtime import server_environment

# Installs an environment whose Python is a script. Another version of a package would be an error.
_UV = """\
[ -z "$UV_CONSTRAINT$PIP_CONSTRAINT" ] || exit 9
for folder; do :; done
case "$1" in
  venv) echo run >> "$folder/../runs"; /bin/mkdir -p "$folder/bin"; /bin/sleep 0.5 ;;
  pip) /bin/cp "$0" "$4" ;;
esac
"""

_INSTALL = "from imgver_sandbox.runtime import server_environment; print(server_environment.python())"


@pytest.fixture
def folder_names(cache):
    """The names in the cache, without the hashes."""
    return lambda: sorted(re.sub("-[0-9a-f]{16}", "", path.name) for path in cache.iterdir())


@pytest.fixture
def uv(only, cache):
    """Make only a uv available, which is this shell script."""

    def write(script):
        shutil.rmtree(cache.parents[1] / "bin", ignore_errors=True)
        only(uv=script)

    return write


def test_the_list_has_names_and_versions_only_and_is_complete():
    lines = server_environment._REQUIREMENTS.read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line)] == []
    check = [sys.executable, "-m", "pip", "--python", server_environment.python(), "check"]
    checked = subprocess.run(check, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_it_is_installed_once_and_without_the_constraints_of_the_user(uv, folder_names, cache, monkeypatch):
    uv(_UV)
    monkeypatch.setenv("UV_CONSTRAINT", "of the user's project")

    assert server_environment.python() == server_environment.python()

    assert folder_names() == ["ministack", "ministack.lock", "runs"]
    assert (cache / "runs").read_text() == "run\n"


def test_another_list_is_another_environment(uv, tmp_path, monkeypatch):
    uv(_UV)
    first = server_environment.python()

    other = tmp_path / "server-requirements.txt"
    other.write_text(server_environment._REQUIREMENTS.read_text().replace("ministack==1.5.33", "ministack==1.5.34"))
    monkeypatch.setattr(server_environment, "_REQUIREMENTS", other)

    assert server_environment.python() != first
    assert first.exists()


def test_an_environment_whose_python_was_removed_is_installed_again(uv, cache):
    uv(_UV)
    python = server_environment.python()
    python.unlink()
    python.symlink_to("/removed/python")

    assert server_environment.python().exists()
    assert (cache / "runs").read_text() == "run\nrun\n"


def test_after_a_failure_the_next_call_installs_it(uv, folder_names, sandbox_error):
    uv('case "$1" in venv) exit 0 ;; esac; echo "error: 503"; exit 2')

    remedy = "check the network, and the package index in the configuration of uv"
    with sandbox_error(
        f"uv could not install MiniStack 1.5.33: error: 503: {remedy}; "
        "once this is installed, the sandbox works without a network"
    ):
        server_environment.python()

    assert folder_names() == ["ministack.lock"]
    uv(_UV)
    assert server_environment.python().exists()


def test_a_full_disk_is_an_error(uv, cache, sandbox_error):
    uv('echo "error: failed to write: No space left on device (os error 28)"; exit 2')

    reason = f"MiniStack 1.5.33 cannot be installed into {cache} (the disk is full)"
    with sandbox_error(f"{reason}: delete files, or set XDG_CACHE_HOME to a folder on another disk"):
        server_environment.python()


def test_after_a_kill_the_next_call_waits_for_the_installer_and_installs_it(uv, cache, run_python, eventually):
    # GIVEN a process that was killed while uv installs
    uv(_UV.replace("0.5", "2"))
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {_INSTALL}"]
    ) as killed:
        eventually((cache / "runs").exists)
        killed.send_signal(signal.SIGKILL)

    # WHEN the next one starts
    result = run_python(_INSTALL)

    # THEN it installs the environment
    assert result.stderr.startswith("Waiting for another process that installs MiniStack 1.5.33 ...\nInstalling "), (
        result
    )
    assert Path(result.stdout.strip()).exists()


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv"])
class TestInstallers:
    @pytest.fixture
    def path(self, installer, tmp_path, monkeypatch):
        """A PATH with uv or without it, and no uv in the environment of this Python."""
        program = shutil.which("uv", path=f"{sys.prefix}:{sys.prefix}/bin")
        monkeypatch.setattr(shutil, "which", lambda name, path=None: program if installer == "uv" else None)
        if installer == "uv" and program is None:
            pytest.skip("uv is not installed")

    def test_it_is_installed(self, path, cache):
        python = server_environment.python()

        version = [python, "-c", "import importlib.metadata as m, ministack.app; print(m.version('ministack'))"]
        assert subprocess.run(version, capture_output=True, text=True, check=True, cwd=cache).stdout == "1.5.33\n"

    def test_an_index_that_cannot_be_reached_is_an_error(self, path, cache, installer, monkeypatch, tmp_path):
        monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        for name in (
            "PIP_INDEX_URL",
            "UV_INDEX_URL",
            "PIP_FIND_LINKS",
            "UV_FIND_LINKS",
            "PIP_EXTRA_INDEX_URL",
            "UV_INDEX",
            "UV_EXTRA_INDEX_URL",
        ):
            monkeypatch.delenv(name, raising=False)
        # pip is configured in the environment of the user.
        (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
        monkeypatch.setenv("PIP_RETRIES", "0")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip"))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

        with pytest.raises(
            SandboxError, match=rf"^{installer} could not install MiniStack 1\.5\.33: .*: check the network"
        ):
            server_environment.python()
