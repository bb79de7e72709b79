"""What the hot paths take, in counts that what else the machine does cannot change.

    python benchmarks/guard.py [--keep]

A test compares them with those of tests/unit/benchmarks/baseline.json, where ``--keep`` (``make baseline``) writes them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "benchmarks"))

import cold_start  # noqa: E402
import polling  # noqa: E402
import synth  # noqa: E402 (it silences what aws_cdk says of Node.js when it is imported)
from aws_cdk import Stack  # noqa: E402
from synth_apps import URI, ours  # noqa: E402

from imgver_constructs import BaseImage, Image, ImageVersion  # noqa: E402

BASELINE = CHECKOUT / "tests" / "benchmarks" / "baseline.json"

CALLS, REQUESTS, TEMPLATE, COLD_START, INSTRUCTIONS = (
    "AWS calls of an event",
    "requests to jsii",
    "bytes of template",
    "cold start",
    "instructions of a cold start, by those of boto3",
)
TOLERANCES: Mapping[str, float] = {CALLS: 0, REQUESTS: 0, TEMPLATE: 0.01, COLD_START: 0.03, INSTRUCTIONS: 0.04}
"""By what part of the baseline a count may differ: Python, botocore and the CDK are not the same everywhere."""

READ = """
import sys
read = []
sys.addaudithook(lambda event, told: read.append(told[0]) if event == "open" else None)
import function
modules = list(sys.modules)
import json, os
packages = [module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names]
read = {path for path in read if str(path).endswith((".json", ".json.gz"))}
print(json.dumps({"modules": len(modules), "packages": len(packages), "bytes": sum(map(os.path.getsize, read))}))
"""

Counts = dict[str, dict[str, float]]


def measure() -> Counts:
    """All counts; without valgrind there are no instructions among them."""
    counts: Counts = {CALLS: {event: len(calls) for event, calls in polling.events().items()}}
    counts[CALLS]["polls of a creation of 30 s"] = polling.polls_of(30.0)
    counts[REQUESTS], counts[TEMPLATE] = _synth()
    names = (cold_start.NOTHING, cold_start.BOTO3, cold_start.HANDLER)
    with tempfile.TemporaryDirectory() as folder:
        functions = cold_start.Functions(Path(folder), names)
        nothing, boto3, handler = (json.loads(functions.start(name, program=READ).stdout) for name in names)
        counts[COLD_START] = {
            "modules, by those of boto3": _ratio(nothing["modules"], boto3["modules"], handler["modules"]),
            "modules that are not Python's own": handler["packages"] - nothing["packages"],
            "bytes of JSON that botocore reads": handler["bytes"],
        }
        if shutil.which("valgrind"):
            with ThreadPoolExecutor() as pool:
                counts[INSTRUCTIONS] = {"handler": _ratio(*pool.map(functions.instructions, names))}
    return counts


def _ratio(nothing: int, boto3: int, handler: int) -> float:
    """What the handler takes by what boto3 takes, both beyond the interpreter's own."""
    return round((handler - nothing) / (boto3 - nothing), 3)


def _synth() -> tuple[dict[str, float], dict[str, float]]:
    synth.Requests.install()
    requests: dict[str, float] = {}
    template: dict[str, float] = {}
    for title, declare in {
        "version": ours.declare,
        "version of a declared image": _of_declared_image,
        "alias of a version": _aliases,
    }.items():
        synth.cost(declare, 1)  # what is asked for once in a process
        first, both = (synth.cost(declare, count) for count in (1, 2))
        for kept, what in ((requests, "requests"), (template, "bytes")):
            kept[f"the first {title}, with all it needs"] = first[what]
            kept[f"one more {title}"] = both[what] - first[what]
    return requests, template


def _of_declared_image(stack: Stack, count: int) -> None:
    image = Image(stack, "Image", image_name="data-science")
    for number in range(count):
        ImageVersion(stack, f"Version{number}", image=image, base_image=BaseImage.from_uri(URI))


def _aliases(stack: Stack, count: int) -> None:
    image = Image.from_image_name(stack, "Image", "data-science")
    aliases = [f"v{number}" for number in range(count)]
    ImageVersion(stack, "Version", image=image, base_image=BaseImage.from_uri(URI), aliases=aliases)


def differences(group: str, kept: Mapping[str, float], counts: Mapping[str, float]) -> list[str]:
    """What differs from the baseline by more than the tolerance, for worse or better."""
    told = []
    for name in sorted(kept.keys() | counts.keys()):
        was, found = kept.get(name), counts.get(name)
        if was is None or found is None:
            told.append(f"{group}: {name}: {found}, and the baseline has {was}; run make baseline")
        elif found > was * (1 + TOLERANCES[group]):
            told.append(f"{group}: {name}: {found}, up from {was}; run make baseline if that is what it has to take")
        elif found < was * (1 - TOLERANCES[group]):
            told.append(f"{group}: {name}: {found}, down from {was}; run make baseline, so that it stays so")
    return told


def main() -> int:
    """Print the counts, or keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write the baseline")
    keep = parser.parse_args().keep
    if keep and not shutil.which("valgrind"):
        parser.error("valgrind is not installed: it counts instructions, which are part of the baseline")
    counts = measure()
    told = json.dumps(counts, indent=2)
    if keep:
        BASELINE.write_text(f"{told}\n")
    else:
        sys.stdout.write(f"{told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
