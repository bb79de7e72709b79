"""The processes of functions in Python: forked, and like those that Python starts."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from imgver_sandbox.ministack.lambda_processes import IMPORTED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="functions are forked only on Linux")

_DESCRIBE = """
import os, sys, time

def packages():
    files = [(name.partition(".")[0], getattr(module, "__file__", None)) for name, module in sys.modules.items()]
    return sorted({name for name, file in files if file and "site-packages" in file} - {"_distutils_hack"})

found = packages()

def handler(event, context):
    return {"packages": found, "parent": os.getppid(), "zone": time.tzname[0], "folder": os.getcwd(), "args": sys.argv,
            "own": os.environ.get("AWS_LAMBDA_FUNCTION_NAME")}
"""


@pytest.fixture
def describe(sandbox, make_function):
    """Create a function, with files or a configuration, and return its name and what it says about its process."""

    def call(**options):
        function = make_function(_DESCRIBE, **options)
        response = sandbox.client("lambda").invoke(FunctionName=function)
        return function.rpartition(":")[2], json.load(response["Payload"])

    return call


def test_a_forked_process_is_like_one_that_python_starts(sandbox, describe):
    name, forked = describe(Environment={"Variables": {"TZ": "XYZ3"}})
    _, started = describe(Environment={"Variables": {"TZ": "XYZ3", "PYTHONUTF8": "1"}})

    # THEN only one of them is a child of the server, and the other one has imported boto3 as well
    assert (forked.pop("parent") == sandbox.server_pid, started.pop("parent")) == (False, sandbox.server_pid)
    assert set(forked["packages"]) == IMPORTED
    assert IMPORTED - set(started["packages"]) == {"boto3", "s3transfer"}
    assert (forked["own"], forked["zone"]) == (name, "XYZ")
    assert [Path(argument).name for argument in forked["args"]] == ["_worker.py"]
    assert Path(forked["folder"]).parent == Path(forked["args"][0]).parent


@pytest.mark.parametrize("file", ["boto3.py", "urllib3/__init__.py", "shelve.py"])
def test_a_function_with_a_module_of_its_own_that_is_already_imported_is_started(sandbox, describe, file):
    _, started = describe(files={file: ""})

    assert started["parent"] == sandbox.server_pid


def test_functions_start_after_the_process_that_forks_has_ended(describe):
    _, forked = describe()
    os.kill(forked["parent"], signal.SIGKILL)

    _, again = describe()

    assert again["parent"] not in {forked["parent"], 1}
