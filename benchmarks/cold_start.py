"""The cost of a cold start: a process imports the handler and creates the client for its events.

    python benchmarks/cold_start.py [--rounds N]

The benchmark compares boto3 as its documentation uses it, a function with crhelper that creates the same client, and
the handler. Each starts in a new process, in turn. As in Lambda, boto3 has bytecode and the function has none. If
valgrind is installed, it counts the instructions, which do not depend on other load on the machine.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import results

CRHELPER_REQUIREMENT = "crhelper==2.0.12"
LIMIT = 0.6
"""The accepted ratio of the handler to boto3."""

EMPTY, BOTO3, CRHELPER, HANDLER = "empty function", "boto3", "crhelper", "handler"
PROGRAMS: Mapping[str, str] = {
    EMPTY: "",
    BOTO3: 'import boto3\nboto3.client("sagemaker")\n',
    # From the example in the README of crhelper.
    CRHELPER: """
import logging
from crhelper import CfnResource
logger = logging.getLogger(__name__)
helper = CfnResource(json_logging=False, log_level="DEBUG", boto_level="CRITICAL", sleep_on_delete=120)
try:
    import boto3
    client = boto3.client("sagemaker")
except Exception as e:
    helper.init_failure(e)

@helper.create
@helper.update
@helper.delete
def act(event, context):
    pass

def handler(event, context):
    helper(event, context)
""",
    HANDLER: "import index\n",
}

MEASURED = """
import sys, time
began = time.perf_counter()
import function
seconds = time.perf_counter() - began
import json, os
# Not getrusage, whose maximum includes the memory of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([1000 * seconds, int(peak.split()[1]) / 1024]), flush=True)
os._exit(0)
"""


def create_functions(folder: Path) -> None:
    """Create the folder of each function, without bytecode, and the bytecode of boto3."""
    for package in ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "urllib3"):
        compileall.compile_dir(Path(importlib.import_module(package).__path__[0]), quiet=1)
    shutil.copytree(results.ROOT / "lambda", folder / HANDLER, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder / CRHELPER), CRHELPER_REQUIREMENT], check=True)
    for name, program in PROGRAMS.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "function.py").write_text(program)


def start(function: Path, *, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Start a function in a process of its own, under a tool if one is given."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    environment |= {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(function),
    }
    command = [*under, sys.executable, "-c", MEASURED]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


def instructions(function: Path) -> float | None:
    """Millions of instructions of a start, with those of the interpreter; None without valgrind."""
    if shutil.which("valgrind") is None:
        return None
    output = start(function, under=("valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}")).stderr
    return round(int(re.findall(r"Collected : (\d+)", output)[0]) / 1e6)


def measure(*, rounds: int = 15) -> dict[str, Any]:
    """Start every function in turn, and once under valgrind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create_functions(folder)
        starts: dict[str, list[list[float]]] = {function: [] for function in PROGRAMS}
        for number in range(rounds):
            for function in results.in_turn(PROGRAMS, number):
                starts[function].append(json.loads(start(folder / function).stdout))
        return {
            function: {
                "milliseconds": results.spread(milliseconds for milliseconds, _ in measured),
                "megabytes": results.spread(megabytes for _, megabytes in measured),
                "million instructions": instructions(folder / function),
            }
            for function, measured in starts.items()
        }


def ratios(result: Mapping[str, Any], function: str) -> dict[str, float]:
    """A function by boto3, both without the interpreter's own part; the minima, because other load only ever adds."""

    def ratio(figure: str) -> float:
        empty, boto3, other = (result[name][figure] for name in (EMPTY, BOTO3, function))
        if figure == "million instructions":
            return float((other - empty) / (boto3 - empty))
        return float((other[0] - empty[0]) / (boto3[0] - empty[0]))

    return {figure: ratio(figure) for figure, value in result[EMPTY].items() if value is not None}


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The tables of docs/performance.md."""
    starts = [
        [
            name,
            *(results.cell(of[figure], 1) for figure in ("milliseconds", "megabytes")),
            of["million instructions"] or "-",
        ]
        for name, of in result.items()
        if name in PROGRAMS
    ]
    found = {name: ratios(result, name) for name in (CRHELPER, HANDLER)}
    return {
        "starts": results.table(["", "milliseconds", "peak memory, MB", "million instructions"], starts),
        "ratios": results.table(
            ["ratio to boto3", *found[HANDLER]],
            ([name, *(f"{ratio:.2f}" for ratio in of.values())] for name, of in found.items()),
        ),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="starts of every function (default: 15)")
    measured = measure(rounds=parser.parse_args().rounds)
    results.finish("cold_start", measured, tables)
    handler = ratios(measured, HANDLER)
    sys.exit(handler.get("million instructions", handler["milliseconds"]) > LIMIT)
