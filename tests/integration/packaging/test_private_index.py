"""The guide on sharing: its commands, run against an index on this machine and a stand-in for CodeArtifact."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

GUIDE = (Path(__file__).parents[3] / "docs" / "how-to" / "share-in-your-company.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", GUIDE, re.MULTILINE))
SERVER = "http://127.0.0.1:8080"
VERSIONS = ("0.1.0", "0.1.1", "0.2.0")


def shell(section: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", SECTIONS[section], re.DOTALL)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The guide's index, on a port that is free."""
    folder = tmp_path_factory.mktemp("index")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make_folder, command = shell("Another index")[0].splitlines()
    program, *options = shlex.split(command.replace("8080", str(port)))
    subprocess.run(shlex.split(make_folder), cwd=folder, check=True)
    server = subprocess.Popen(
        [Path(sys.executable).parent / program, *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def codeartifact(index: str) -> Iterator[str]:
    """Answers the AWS CLI as CodeArtifact would whose repository were this index; knows nothing of permissions."""
    answers = {
        ("POST", "/v1/domain"): {"domain": {"name": "my-company"}},
        ("POST", "/v1/repository"): {"repository": {"name": "python"}},
        ("POST", "/v1/repository/external-connection"): {"repository": {"name": "python"}},
        ("POST", "/v1/authorization-token"): {"authorizationToken": "secret", "expiration": time.time() + 43200},
        ("GET", "/v1/repository/endpoint"): {"repositoryEndpoint": f"{index}/"},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(answers[self.command, urlsplit(self.path).path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of an app."""
    folder = tmp_path_factory.mktemp("app")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def bash(app: Path, tmp_path: Path, index: str, codeartifact: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a block of the guide in an app's environment, with nothing configured but by the guide."""
    # The AWS CLI's own script does not start from a folder with a space in its name.
    aws = tmp_path / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m awscli "$@"\n')
    aws.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PIP_", "TWINE_"))}
    environment = {
        **kept,
        "PATH": os.pathsep.join(
            [str(aws.parent), str(app / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": codeartifact,
        # There is nothing else on this index: what the package needs is what the test of the wheel installs.
        "PIP_NO_DEPS": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }

    def bash(block: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.replace(SERVER, index)],
            cwd=tmp_path,
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return bash


def test_the_commands_of_the_guide(
    bash: Callable[..., subprocess.CompletedProcess[str]],
    build_wheel: Callable[[str], Path],
    index: str,
    tmp_path: Path,
) -> None:
    # GIVEN what `make dist` makes, of three releases
    assert shell("Build") == ["make dist\n"]
    (tmp_path / "dist").mkdir()
    for version in VERSIONS:
        shutil.copy(build_wheel(version), tmp_path / "dist")

    # WHEN the repository is made, and they are uploaded
    (make,), (upload,), (install,) = (shell(title) for title in ("An index in AWS CodeArtifact", "Upload", "Install"))
    for block in (make, upload):
        done = bash(block)
        assert done.returncode == 0, (block, done.stdout, done.stderr)

    # THEN an app gets fixes by itself, from this index, and nothing that is breaking
    installed = bash(install)
    assert installed.returncode == 0, installed.stderr
    assert f"{index}/packages/imgver_constructs-0.1.1-py3-none-any.whl" in installed.stdout
    assert "Successfully installed imgver-constructs-0.1.1" in installed.stdout

    # THEN each requirement of the table takes what it says
    requirements = re.findall(r"^\| `(imgver-constructs.*?)` \|", SECTIONS["Install"], re.MULTILINE)
    taken = {
        requirement: re.findall(
            r"Would install imgver-constructs-(\S+)",
            bash(f"pip install --dry-run --force-reinstall {shlex.quote(requirement)}").stdout,
        )
        for requirement in requirements
    }
    assert taken == {
        "imgver-constructs==0.1.0": ["0.1.0"],
        "imgver-constructs~=0.1.0": ["0.1.1"],
        "imgver-constructs>=0.1.0": ["0.2.0"],
    }

    # THEN a version that is there is not taken again
    (other_upload,) = shell("Another index")[1:]
    again = bash(other_upload)
    assert again.returncode == 1
    assert "imgver_constructs-0.1.0-py3-none-any.whl" in again.stdout
    assert "400 Bad Request" in again.stdout  # pypiserver's words for it


def test_an_index_that_is_not_codeartifact(
    bash: Callable[..., subprocess.CompletedProcess[str]],
    build_wheel: Callable[[str], Path],
    index: str,
    tmp_path: Path,
) -> None:
    # GIVEN a release that is not there yet
    (tmp_path / "dist").mkdir()
    shutil.copy(build_wheel("0.3.0"), tmp_path / "dist")

    # WHEN
    (upload,) = shell("Another index")[1:]
    done = bash(upload)
    assert done.returncode == 0, done.stdout

    # THEN an app with the guide's pip.conf finds it
    (configuration,) = re.findall(r"```ini\n(.*?)```", SECTIONS["Another index"], re.DOTALL)
    (tmp_path / "pip.conf").write_text(configuration.replace(SERVER, index))
    installed = bash("pip install imgver-constructs==0.3.0", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert installed.returncode == 0, installed.stderr
    assert f"{index}/packages/imgver_constructs-0.3.0-py3-none-any.whl" in installed.stdout
