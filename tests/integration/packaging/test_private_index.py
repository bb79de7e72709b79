"""The guide on sharing: its commands, run with pypiserver and a program that imitates CodeArtifact."""

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
import sysconfig
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CHECKOUT = Path(__file__).parents[3]
GUIDE = (CHECKOUT / "docs" / "how-to" / "share-in-your-company.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", GUIDE, re.MULTILINE))
SERVER = "http://127.0.0.1:8080"
VERSIONS = ("0.1.0", "0.1.1", "0.2.0")

Bash = Callable[..., subprocess.CompletedProcess[str]]


def shell(section: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", SECTIONS[section], re.DOTALL)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The guide's index, on a free port."""
    folder = tmp_path_factory.mktemp("index")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    create_folder, command = shell("Another index")[0].splitlines()
    program, *options = shlex.split(command.replace("8080", str(port)))
    subprocess.run(shlex.split(create_folder), cwd=folder, check=True)
    command_line = [str(Path(sys.executable).parent / program), *options]
    with subprocess.Popen(command_line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture
def codeartifact(index: str) -> Iterator[str]:
    """Responds to the AWS CLI as a CodeArtifact whose repository is the index; it checks no permissions."""
    responses = {
        ("POST", "/v1/domain"): {"domain": {"name": "my-company"}},
        ("POST", "/v1/repository"): {"repository": {"name": "python"}},
        ("POST", "/v1/repository/external-connection"): {"repository": {"name": "python"}},
        ("POST", "/v1/authorization-token"): {"authorizationToken": "secret", "expiration": time.time() + 43200},
        ("GET", "/v1/repository/endpoint"): {"repositoryEndpoint": f"{index}/"},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(responses[self.command, urlsplit(self.path).path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond  # noqa: N815 (the names of http.server)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def bash(tmp_path: Path, index: str, codeartifact: str) -> Bash:
    """Run a block of the guide in the environment of an app, without any other configuration."""
    app = tmp_path / "app"
    subprocess.run([sys.executable, "-m", "venv", app], check=True)
    # The script of the AWS CLI does not start from a folder with a space in its name.
    aws = app / "bin" / "aws"
    aws.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m awscli "$@"\n')
    aws.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PIP_", "TWINE_"))}
    environment = {
        **inherited,
        "PATH": os.pathsep.join([f"{app}/bin", str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": codeartifact,
        "PIP_CONFIG_FILE": str(app / "pip.conf"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # The other dependencies, which the index does not have, count as installed.
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }

    def bash(block: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-euo", "pipefail", "-c", block.replace(SERVER, index)]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return bash


def test_the_commands_of_the_guide(bash: Bash, build, index: str, tmp_path: Path) -> None:
    # GIVEN three releases of both distributions
    (tmp_path / "dist").mkdir()
    for version in VERSIONS:
        for built in build(version).values():
            shutil.copy(built.wheel, tmp_path / "dist")

    # WHEN the index in CodeArtifact is created, and the releases are uploaded
    (create,), (upload,), (install,) = (shell(name) for name in ("An index in AWS CodeArtifact", "Upload", "Install"))
    for block in (create, upload):
        done = bash(block)
        assert done.returncode == 0, (block, done.stdout, done.stderr)

    # THEN pip installs the newest fix from this index, and no breaking release
    (login, requirement) = install.splitlines()
    assert bash(login).returncode == 0
    installed = bash(f"{requirement} --dry-run --ignore-installed --no-deps")
    assert f"{index.removeprefix('http://')}/simple/" in installed.stdout
    assert "Would install imgver-constructs-0.1.1" in installed.stdout

    # THEN each requirement of the table selects the releases that the table names
    selected = {
        requirement: re.findall(
            r"Would install imgver-constructs-(\S+)",
            bash(f"pip install --dry-run --ignore-installed --no-deps {shlex.quote(requirement)}").stdout,
        )
        for requirement in re.findall(r"^\| `(imgver-constructs.*?)` \|", SECTIONS["Install"], re.MULTILINE)
    }
    assert selected == {
        "imgver-constructs==0.1.0": ["0.1.0"],
        "imgver-constructs~=0.1.0": ["0.1.1"],
        "imgver-constructs>=0.1.0": ["0.2.0"],
    }

    # THEN an index that is not CodeArtifact rejects a release that it has, and serves the extra's distribution
    again = bash(shell("Another index")[1])
    assert again.returncode == 1
    assert "400 Bad Request" in again.stdout  # of pypiserver
    (configuration,) = re.findall(r"```ini\n(.*?)```", SECTIONS["Another index"], re.DOTALL)
    (tmp_path / "app" / "pip.conf").write_text(configuration.replace(SERVER, index))
    extra = bash("pip install --dry-run 'imgver-constructs[sandbox]==0.2.0'")
    assert "Would install imgver-constructs-0.2.0 imgver-sandbox-0.2.0" in extra.stdout, extra.stderr
