"""What a cold start of the function costs: to import the handler and make the client that its events need.

    python benchmarks/cold_start.py [--rounds N]

Compared, each in a process of its own and in turn: boto3 as everybody uses it (``import boto3``,
``boto3.client("sagemaker")``), a function on crhelper that makes the same client, and the handler. As in Lambda, boto3
has its bytecode and the function has none. Instructions are counted by valgrind, where it is installed: they do not
depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import results

CRHELPER = "crhelper==2.0.12"
LIMIT = 0.6
"""How many times what boto3 alone takes the handler may take."""

NOTHING, BOTO3, CRHELPER_FUNCTION, HANDLER = "nothing", "boto3", "crhelper", "handler"

PROGRAMS: Mapping[str, str] = {
    NOTHING: "",
    BOTO3: 'import boto3\nboto3.client("sagemaker")\n',
    # As the page of crhelper has it.
    CRHELPER_FUNCTION: """
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
def create(event, context):
    pass

@helper.update
def update(event, context):
    pass

@helper.delete
def delete(event, context):
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
import json, os, resource
print(json.dumps({"seconds": seconds, "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)
os._exit(0)
"""


class Functions:
    """The functions' folders, without bytecode."""

    def __init__(self, folder: Path, names: Collection[str] = tuple(PROGRAMS)) -> None:
        self._folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        for name in names:
            if name == HANDLER:
                shutil.copytree(results.ROOT / "lambda", folder / name, ignore=ignored)
            if name == CRHELPER_FUNCTION:
                _run("pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", folder / name, CRHELPER)
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "function.py").write_text(PROGRAMS[name])

    def start(
        self, name: str, *, under: Sequence[str] = (), program: str = MEASURED
    ) -> subprocess.CompletedProcess[str]:
        """Start a function by a program that imports it, perhaps ``under`` a tool."""
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
            "PYTHONPATH": str(self._folder / name),
        }
        return subprocess.run(  # noqa: S603 (these programs)
            [*under, sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        )

    def instructions(self, name: str) -> int:
        """How many instructions a start takes, the interpreter's own included."""
        tool = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}")
        told = self.start(name, under=tool).stderr
        return int(re.findall(r"Collected : (\d+)", told)[0])


def measure(*, rounds: int = 15) -> dict[str, Any]:
    """Start every function ``rounds`` times, in turn, and once under valgrind if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        functions = Functions(Path(folder))
        starts: dict[str, list[dict[str, float]]] = {name: [] for name in PROGRAMS}
        for _ in range(rounds):
            for name, measured in starts.items():
                measured.append(json.loads(functions.start(name).stdout))
        counted = {name: functions.instructions(name) for name in PROGRAMS} if shutil.which("valgrind") else {}
    return {
        "rounds": rounds,
        "functions": {
            name: {
                "milliseconds": _spread([1000 * start["seconds"] for start in measured]),
                "megabytes": _spread([start["kilobytes"] / 1024 for start in measured]),
                "instructions": counted.get(name),
            }
            for name, measured in starts.items()
        },
    }


def ratios(result: Mapping[str, Any], name: str) -> dict[str, float]:
    """What a function takes as a multiple of what boto3 alone takes, both beyond the interpreter's own."""
    of = result["functions"]
    found = {what: _beyond(of, name, what) / _beyond(of, BOTO3, what) for what in ("milliseconds", "megabytes")}
    if of[name]["instructions"] is not None:
        found["instructions"] = _beyond(of, name, "instructions") / _beyond(of, BOTO3, "instructions")
    return found


def _beyond(functions: Mapping[str, Any], name: str, what: str) -> float:
    values = [functions[one][what] for one in (name, NOTHING)]
    # What else the machine does only ever adds.
    mine, interpreter = values if what == "instructions" else [value["min"] for value in values]
    return float(mine - interpreter)


def section(result: dict[str, Any]) -> str:
    """The section of the report."""
    lines = [
        "## Cold start",
        "",
        f"To import the function and make its client: min / median / max of {result['rounds']} starts in turn, each in",
        "a process of its own. `python benchmarks/cold_start.py` measures it again.",
        "",
        "| function | milliseconds | peak memory, megabytes | million instructions |",
        "|---|---|---|---|",
    ]
    for name, one in result["functions"].items():
        count = "-" if one["instructions"] is None else f"{one['instructions'] / 1e6:.0f}"
        lines.append(f"| {name} | {_shown(one['milliseconds'])} | {_shown(one['megabytes'])} | {count} |")
    lines += [
        "",
        "As a multiple of boto3 alone, all beyond what Python itself takes (`nothing`; least of all starts):",
        "",
    ]
    for name in (CRHELPER_FUNCTION, HANDLER):
        shown = ", ".join(f"{ratio:.2f} of the {what}" for what, ratio in ratios(result, name).items())
        lines.append(f"- {name}: {shown}")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def _shown(spread: Mapping[str, float]) -> str:
    return " / ".join(f"{spread[key]:.1f}" for key in ("min", "median", "max"))


def _run(module: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True)  # noqa: S603


def main() -> int:
    """Print the section and keep the result; fails when the handler takes more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="starts of every function (default: 15)")
    result = measure(rounds=parser.parse_args().rounds)
    results.write("cold_start", result)
    sys.stdout.write(section(result))
    found = ratios(result, HANDLER)
    return 0 if found.get("instructions", found["milliseconds"]) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
