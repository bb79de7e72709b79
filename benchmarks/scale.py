"""Many image versions at once: where it bends, what to set, and what it costs. Simulated, and checked.

    python benchmarks/scale.py [--requests-per-second 5] [--create-seconds 15] [--gb-second-price …] [--no-sandbox]

The simulation is compared with the real handler in simulated time, and with the function deployed in the sandbox,
at the sizes that these can do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import deploy
import results

sys.path[:0] = [str(results.ROOT / "lambda"), str(results.ROOT / "tests" / "model")]

from simulation import Conditions, simulate  # noqa: E402 (it needs the handler's folder)

SIZES = (100, 1_000, 10_000)
PER_STACK = 400
"""Versions of a stack: it may have 500 resources, and each image has a policy."""

PER_IMAGE = 10
"""Versions of an image, where nothing else is said."""

LAYOUTS = ((1, 1), (1, 4), (5, 4), (10, 10))
"""Accounts, and regions of each, that the versions are spread over."""

SOON_DONE = 1_000
"""Versions up to which a region is simulated several times."""

RATES = (1, 2, 5)
EXECUTIONS = (10, 25, 50, 100, 250, None)
STACKS_AT_ONCE = (1, 2, 5, None)
IMAGES = (1, 2, 5, 20, 100)
DYING = (0.0, 0.01, 0.1, 0.3)
SEEDS = 3
MEMORY = 0.5
"""GB: this library's default."""

MODEL_SIZES = (10, 50, 200)
MODEL_RATE = 5
MODEL_EXECUTIONS = (10, 50)

COMPARED_SEEDS = 20
"""Times that a comparison is simulated: chance decides when the last of few versions comes."""

SANDBOX_CASES = ((10, 10, None), (10, 1, None), (50, 50, None), (10, 10, 5), (50, 50, 5))
"""Versions, the images that they are spread over, and the requests a second that the service takes."""

SANDBOX_CREATE_SECONDS = 2.0


def spread_over(versions: int, *, per_stack: int = PER_STACK, images: int | None = None) -> list[list[str]]:
    """The images of the versions of each stack."""
    images = images or math.ceil(versions / PER_IMAGE)
    named = [f"image-{number % images}" for number in range(versions)]
    return [named[first : first + per_stack] for first in range(0, versions, per_stack)]


def measure(
    *,
    requests_per_second: int = 5,
    create_seconds: float = 15.0,
    cold_seconds: float = 0.5,
    warm_seconds: float = 0.1,
    gb_second_price: float = results.GB_SECOND_PRICE,
    with_sandbox: bool = True,
) -> dict[str, Any]:
    """Simulate, and compare."""
    began = time.monotonic()
    usual = {
        "requests_per_second": requests_per_second,
        "create_seconds": create_seconds,
        "cold_seconds": cold_seconds,
        "warm_seconds": warm_seconds,
    }
    result: dict[str, Any] = {
        "options": {**usual, "gb_second_price": gb_second_price, "memory": MEMORY},
        "model": _compared_with_handler(),
        "sandbox": _compared_with_sandbox() if with_sandbox else [],
        "layouts": [_layout(versions, accounts, regions, usual) for versions in SIZES for accounts, regions in LAYOUTS],
        "capacity": [{"rate": rate, **_capacity({**usual, "requests_per_second": rate})} for rate in RATES],
        "executions": [
            {
                "executions": executions,
                "capacity": _capacity({**usual, "executions": executions})["versions"],
                **_summary(spread_over(PER_STACK), {**usual, "executions": executions}),
            }
            for executions in EXECUTIONS
        ],
        "stacks": [
            {
                "stacks_at_once": stacks,
                **_summary(spread_over(1_000, per_stack=100), {**usual, "stacks_at_once": stacks}),
            }
            for stacks in STACKS_AT_ONCE
        ],
        "dying": [{"dying": dying, **_summary(spread_over(PER_STACK), {**usual, "dying": dying})} for dying in DYING],
        "images": [
            {"images": images, **_summary(spread_over(100, images=images), {**usual, "requests_per_second": None})}
            for images in IMAGES
        ],
    }
    result["seconds"] = time.monotonic() - began
    return result


def _layout(versions: int, accounts: int, regions: int, usual: Mapping[str, Any]) -> dict[str, Any]:
    share = math.ceil(versions / (accounts * regions))
    shares = accounts * regions if share > 1 else versions
    one = _summary(spread_over(share), usual, seeds=SEEDS if share <= SOON_DONE else 1)
    return {
        "versions": versions,
        "accounts": accounts,
        "regions": regions,
        "stacks": shares * math.ceil(share / PER_STACK),
        "share": share,
        **one,
        "all_gb_seconds": one["gb_seconds"] * versions / share,
    }


def _capacity(usual: Mapping[str, Any]) -> dict[str, Any]:
    """How many versions can be created at once, so that none fails: to a twentieth."""

    def fits(versions: int) -> bool:
        return simulate(spread_over(versions), Conditions(**usual)).created == versions

    least, most = 1, 64
    while fits(most):
        least, most = most, 2 * most
    while most - least > max(1, least // 20):
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return {"versions": least, **_summary(spread_over(least), usual)}


def _summary(stacks: list[list[str]], conditions: Mapping[str, Any], *, seeds: int = SEEDS) -> dict[str, Any]:
    """The median of each figure over the seeds, and the times of all."""
    found = [simulate(stacks, Conditions(**conditions), seed=seed) for seed in range(seeds)]

    def median(value: Any) -> Any:  # noqa: ANN401 (a function of a result)
        return statistics.median_high(map(value, found))

    return {
        "times": [one.seconds for one in found],
        "last_created": median(lambda one: max(one.answered, default=0.0)),
        "created": median(lambda one: one.created),
        "failed": median(lambda one: one.failed),
        "dropped": median(lambda one: one.dropped),
        "calls": median(lambda one: one.calls),
        "throttled": median(lambda one: one.throttled),
        "busy": median(lambda one: one.busy),
        "queued_seconds": median(lambda one: one.queued_seconds),
        "most_executions": median(lambda one: one.most_executions),
        "gb_seconds": median(lambda one: one.executed_seconds * MEMORY),
    }


def _compared_with_handler() -> list[dict[str, Any]]:
    """The simulation beside the real handler in simulated time, on the images service."""
    # The tests' model of an account; it is no package.
    crowded_account = importlib.import_module("conftest").CrowdedAccount
    compared = []
    for versions in MODEL_SIZES:
        for executions in MODEL_EXECUTIONS:
            images = [f"image-{number % math.ceil(versions / 4)}" for number in range(versions)]
            real, simulated = [], []
            for seed in range(COMPARED_SEEDS):
                account = crowded_account(seed=seed, requests_per_second=MODEL_RATE, executions=executions)
                account.create_images(sorted(set(images)))
                answers, seconds = account.create_versions(images)
                if {answer["Status"] for answer in answers} != {"SUCCESS"}:
                    raise RuntimeError(f"not all of {versions} versions were created in simulated time")
                real.append({"seconds": seconds, "calls": account.calls, "throttled": account.throttled})
                conditions = Conditions(requests_per_second=MODEL_RATE, create_seconds=2.0, at_once=executions)
                one = simulate([images], conditions, seed=seed)
                simulated.append({"seconds": one.seconds, "calls": one.calls, "throttled": one.throttled})
            compared.append({"versions": versions, "executions": executions, "real": real, "simulated": simulated})
    return compared


def _compared_with_sandbox() -> list[dict[str, Any]]:
    """The simulation beside the function in the sandbox, which gets all events at once."""
    with deploy.account() as account:
        events = _Events(account)
        # As many processes as are needed later, and the time that an event takes when they are there.
        cold = events.measured(["cold"])
        events.measured([f"first-{number}" for number in range(max(versions for versions, _, _ in SANDBOX_CASES))])
        warm = [events.measured([f"warm-{number}"]) for number in range(SEEDS)]
        # What the handler waits for is known; the rest is computing, most of it before its first call.
        waits = simulate([["image"]], Conditions(create_seconds=SANDBOX_CREATE_SECONDS)).seconds
        computes = max(0.0, statistics.median(warm) - waits)
        found = []
        for number, (versions, images, rate) in enumerate(SANDBOX_CASES):
            declared = [f"case-{number}-{version % images}" for version in range(versions)]
            conditions = Conditions(
                requests_per_second=rate,
                create_seconds=SANDBOX_CREATE_SECONDS,
                warm_seconds=computes,
                cold_seconds=computes,
                cores=os.cpu_count(),
            )
            simulated = [simulate([declared], conditions, seed=seed).seconds for seed in range(COMPARED_SEEDS)]
            measured = [
                events.measured([f"{image}-{repetition}" for image in declared], rate) for repetition in range(SEEDS)
            ]
            case: dict[str, Any] = {"versions": versions, "images": images, "rate": rate}
            found.append({**case, "measured": measured, "simulated": simulated, "cold": cold, "warm": warm})
        return found


class _Events:
    """CloudFormation, as far as the deployed function sees it: it gets events, and answers them."""

    def __init__(self, account: deploy.Account) -> None:
        self._account = account
        self._lambda: Any = account.sandbox.client("lambda")
        account.create(["image"])
        account.deploy("ours", ["image"], "1")
        (function,) = self._lambda.list_functions()["Functions"]
        self._function = function["FunctionName"]
        account.sandbox.faults.slow(SANDBOX_CREATE_SECONDS, times=1_000_000)

    def measured(self, images: Sequence[str], rate: int | None = None) -> float:
        """Seconds until a version of each item is answered, with so many requests a second."""
        self._account.create(list(dict.fromkeys(images)))
        faults = self._account.sandbox.faults
        throttle = faults.throttle(rate) if rate else None
        with _Answers(len(images)) as answers:
            began = time.monotonic()
            for number, image in enumerate(images):
                self._lambda.invoke(
                    FunctionName=self._function,
                    InvocationType="Event",
                    Payload=json.dumps(self._event(number, image, answers.url)),
                )
            seconds = answers.wait() - began
        if throttle:
            faults.remove(throttle.id)
        return seconds

    def _event(self, number: int, image: str, url: str) -> dict[str, Any]:
        sandbox = self._account.sandbox
        return {
            "RequestType": "Create",
            "ResponseURL": url,
            "StackId": f"arn:aws:cloudformation:{sandbox.region}:{sandbox.account}:stack/Scale/{uuid.uuid4()}",
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": f"Version{number}",
            "ResourceType": "Custom::SageMakerImageVersion",
            "ResourceProperties": {"ImageName": image, "BaseImage": f"{self._account.registry}:1"},
        }


class _Answers:
    """Where the handler puts its answers."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self._all_are_there = threading.Event()
        self._lock = threading.Lock()
        self._problems: list[str] = []
        self._ended = 0.0
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                answers._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/answer"

    def _take(self, answer: Mapping[str, Any]) -> None:
        with self._lock:
            self._left -= 1
            self._ended = time.monotonic()
            if answer["Status"] != "SUCCESS":
                self._problems.append(answer["Reason"])
            if self._left == 0:
                self._all_are_there.set()

    def wait(self) -> float:
        """When the last answer came."""
        if not self._all_are_there.wait(900):
            raise RuntimeError(f"{self._left} answers did not come")
        if self._problems:
            raise RuntimeError(f"{len(self._problems)} versions were not created: {self._problems[0]}")
        return self._ended

    def __enter__(self) -> _Answers:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def section(result: dict[str, Any]) -> str:
    """The section of the report."""
    options = result["options"]
    return "\n\n".join(
        [
            "## Scale",
            (
                f"`python benchmarks/scale.py --requests-per-second {options['requests_per_second']} --create-seconds "
                f"{options['create_seconds']:g} --gb-second-price {results.dollars(options['gb_second_price'])}` "
                f"({result['seconds'] / 60:.0f} minutes). Cells of three figures are minimum / median / maximum."
            ),
            _METHOD.format(**options),
            "### Is the simulation right?",
            _model(result["model"]),
            _sandbox(result["sandbox"]),
            "### 100, 1,000 and 10,000 versions",
            _layouts(result),
            "![How long so many versions take](performance/scale.svg)",
            "### Where it bends",
            _bends(result),
            "### Conclusions",
            "\n".join(f"- {line}" for line in conclusions(result)),
        ]
    )


_METHOD = """\
What AWS does not publish is a parameter: here the service takes {requests_per_second} requests a second in each region
of each account and {create_seconds:g} s for a version, CloudFormation creates everything at once that does not depend
on each other, and Lambda runs everything at once unless something else is said. An invocation begins within
{cold_seconds:g} s in a new process and {warm_seconds:g} s in one that is there. An event that finds no free execution
comes back after 1 s, then after twice as long each time up to 5 min (of this, Lambda documents the two ends), and is
dropped when it is 900 s old, after which CloudFormation waits for its 1,800 s. The handler has 900 s. How it polls,
backs off and gives up is its own code, on simulated time. Versions are spread evenly over accounts and regions, which
share nothing, {per_image} to an image and at most {per_stack} to a stack.""".replace(
    "{per_image}", str(PER_IMAGE)
).replace("{per_stack}", str(PER_STACK))


def _model(compared: Iterable[Mapping[str, Any]]) -> str:
    rows = []
    for case in compared:
        for title, figure in (("seconds", "seconds"), ("calls", "calls"), ("throttled calls", "throttled")):
            real, simulated = ([one[figure] for one in case[side]] for side in ("real", "simulated"))
            rows.append(
                [
                    f"{case['versions']} versions, {case['executions']} at a time: {title}",
                    results.spread(real, 0),
                    results.spread(simulated, 0),
                    _ratio(simulated, real),
                ]
            )
    return "\n\n".join(
        [
            f"Beside the real handler, every line of it, in simulated time at {MODEL_RATE} requests a second:",
            results.table(["", "real handler", "simulation", "ratio of medians"], rows),
        ]
    )


def _sandbox(compared: Sequence[Mapping[str, Any]]) -> str:
    if not compared:
        return "It was not compared with the sandbox in this run."
    rows = [
        [
            f"{results.counted(case['versions'], 'version')} of {results.counted(case['images'], 'image')}, "
            + (f"{case['rate']} requests a second" if case["rate"] else "any rate"),
            results.spread(case["measured"], 1),
            results.spread(case["simulated"], 1),
            _ratio(case["simulated"], case["measured"]),
        ]
        for case in compared
    ]
    return "\n\n".join(
        [
            (
                "Beside the function in the sandbox, real processes and real time: all events at once, warm, each "
                f"version takes the service {SANDBOX_CREATE_SECONDS:g} s; seconds until the last answer. All processes "
                "share this machine's processors, and so they do in the simulation; the computing of one event is "
                "measured alone."
            ),
            results.table(["", "sandbox", "simulation", "ratio of medians"], rows),
        ]
    )


def _ratio(numerator: Sequence[float], denominator: Sequence[float]) -> str:
    below = statistics.median(denominator)
    return f"{statistics.median(numerator) / below:.2f}" if below else "-"


def _layouts(result: Mapping[str, Any]) -> str:
    price = result["options"]["gb_second_price"]
    rows = [
        [
            f"{one['versions']:,} versions, {_places(one)}",
            one["stacks"],
            results.spread(one["times"], 0),
            f"{_lost(one) / one['share']:.0%}",
            f"{one['throttled'] / (one['calls'] + one['throttled']):.0%}",
            f"{one['most_executions']:,}",
            f"{one['all_gb_seconds']:,.0f}",
            f"{one['all_gb_seconds'] * price:.2f}",
        ]
        for one in result["layouts"]
    ]
    head = ["", "stacks", "seconds", "versions that fail", "calls throttled", "executions per region", "GB-seconds"]
    return results.table([*head, f"US$ at {results.dollars(price)} a GB-second"], rows)


def _places(layout: Mapping[str, Any]) -> str:
    """The accounts and regions of a layout."""
    return f"{results.counted(layout['accounts'], 'account')} x {results.counted(layout['regions'], 'region')}"


def _lost(one: Mapping[str, Any]) -> int:
    return int(one["failed"] + one["dropped"])


def _bends(result: Mapping[str, Any]) -> str:
    return "\n\n".join(
        [
            "The most versions that one region of one account creates at once without a failure:",
            results.table(
                ["requests a second", "versions", "seconds", "calls throttled"],
                [
                    [
                        one["rate"],
                        f"{one['versions']:,}",
                        results.spread(one["times"], 0),
                        f"{one['throttled'] / (one['calls'] + one['throttled']):.0%}",
                    ]
                    for one in result["capacity"]
                ],
            ),
            "![Versions that one region creates at once](performance/capacity.svg)",
            (
                "By the executions that Lambda has for them (the account's limit, or reserved concurrency): the most "
                f"versions at once without a failure, and what becomes of a stack of {PER_STACK}:"
            ),
            results.table(
                [
                    "executions",
                    "versions at once without a failure",
                    "seconds",
                    "longest in Lambda's queue, s",
                    "versions that fail",
                    "throttled",
                    "GB-seconds",
                ],
                [
                    [
                        one["executions"] or "all",
                        f"{one['capacity']:,}",
                        results.spread(one["times"], 0),
                        f"{one['queued_seconds']:,.0f}",
                        _lost(one),
                        f"{one['throttled']:,}",
                        f"{one['gb_seconds']:,.0f}",
                    ]
                    for one in result["executions"]
                ],
            ),
            f"A stack of {PER_STACK} versions, when some invocations die just before they answer; Lambda tries again:",
            results.table(
                ["invocations that die", "seconds", "versions that fail", "calls", "GB-seconds"],
                [
                    [
                        f"{one['dying']:.0%}",
                        results.spread(one["times"], 0),
                        _lost(one),
                        f"{one['calls']:,}",
                        f"{one['gb_seconds']:,.0f}",
                    ]
                    for one in result["dying"]
                ],
            ),
            (
                "1,000 versions in 10 stacks of one region, by the stacks that are deployed side by side "
                "(`cdk deploy --concurrency`):"
            ),
            results.table(
                ["stacks side by side", "seconds", "versions that fail", "throttled", "GB-seconds"],
                [
                    [
                        one["stacks_at_once"] or "all",
                        results.spread(one["times"], 0),
                        _lost(one),
                        f"{one['throttled']:,}",
                        f"{one['gb_seconds']:,.0f}",
                    ]
                    for one in result["stacks"]
                ],
            ),
            "100 versions at once, by the images that they are versions of, at any rate of requests:",
            results.table(
                ["images", "seconds", "refused with ResourceInUse, then retried", "versions that fail"],
                [
                    [one["images"], results.spread(one["times"], 1), f"{one['busy']:,}", _lost(one)]
                    for one in result["images"]
                ],
            ),
        ]
    )


def conclusions(result: Mapping[str, Any]) -> list[str]:
    """What follows from the figures."""
    each = [one["versions"] / one["rate"] for one in result["capacity"]]
    region = (
        f"A region of an account takes {min(each):.0f} to {max(each):.0f} versions at once for each request a second "
        "that the service takes. Beyond, deploy stacks one after the other, or spread them over regions and accounts."
    )
    lines = [region]
    whole = [one for one in result["executions"] if not _lost(one)]
    if whole:
        best = min(whole, key=lambda one: one["gb_seconds"])
        unlimited = next((one for one in result["executions"] if one["executions"] is None), None)
        if best["executions"] is None or unlimited is None:
            lines.append(f"Fewer executions make a stack of {PER_STACK} versions no cheaper: reserve no concurrency.")
        else:
            lines.append(
                f"A stack of {PER_STACK} versions computes least with {best['executions']} executions: "
                f"{best['gb_seconds'] / unlimited['gb_seconds']:.2f} times the GB-seconds, "
                f"{statistics.median(best['times']) / statistics.median(unlimited['times']):.2f} times the time and "
                f"{best['throttled'] / max(1, unlimited['throttled']):.3f} times the throttled calls of all at once."
            )
    few = [str(one["executions"]) for one in result["executions"] if _lost(one)]
    if few:
        least = result["executions"][0]
        lines.append(
            f"With {', '.join(few)} executions some events of such a stack get too old in Lambda's queue, or run out "
            f"of time. With {least['executions']}, let at most {results.counted(least['capacity'], 'version')} be "
            "deployed at once, or ask for a higher limit."
        )
    first, last = result["stacks"][0], result["stacks"][-1]
    lines.append(
        f"1,000 versions in 10 stacks compute {first['gb_seconds'] / last['gb_seconds']:.2f} times the GB-seconds, in "
        f"{_ratio(first['times'], last['times'])} times the time, when the stacks come one after the other: "
        f"{_lost(first)} of them fail then, and {_lost(last)} when all come at once."
    )
    one, many = result["images"][0], result["images"][-1]
    lines.append(
        f"100 versions of one image take {_ratio(one['times'], many['times'])} times as long as those of "
        f"{many['images']} images, since the service takes one write of an image at a time: a stack for each image "
        "changes nothing about that."
    )
    lines.append(
        "The function waits while the service works, and Lambda bills that: half the memory is half the price. With "
        "more images in a stack than their policies leave room for in a role, give the provider `permitted_images`."
    )
    return lines


def main() -> None:
    """Measure, print the section, and keep the raw results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests-per-second", type=int, default=5, help="that the service takes in a region")
    parser.add_argument("--create-seconds", type=float, default=15.0, help="that the service takes for a version")
    parser.add_argument(
        "--gb-second-price", type=float, default=results.GB_SECOND_PRICE, help="of Lambda, in US dollars"
    )
    parser.add_argument("--no-sandbox", action="store_true", help="do not compare with the sandbox")
    options = parser.parse_args()
    result = measure(
        requests_per_second=options.requests_per_second,
        create_seconds=options.create_seconds,
        gb_second_price=options.gb_second_price,
        with_sandbox=not options.no_sandbox,
    )
    results.write("scale", result)
    print(section(result))


if __name__ == "__main__":
    main()
