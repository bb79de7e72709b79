"""The report from recorded results: small runs of the benchmarks themselves."""

import contextlib
import copy
import json
import re
import threading
from collections import Counter
from pathlib import Path

import deploy
import plots
import polling
import pytest
import report
import results
import scale

RECORDED = Path(__file__).parent / "recorded"
MACHINE = {"processor cores": "2"}
PRICES = {"gb_second_price": 0.01, "transition_price": 0.02}


@pytest.fixture
def recorded():
    return {path.stem: json.loads(path.read_text()) for path in RECORDED.glob("*.json")}


def run(cell, peer, first, second, *, service_seconds=10.0, leaked=0, transitions=0):
    """A run of a peer, with the seconds that each version took in both deployments."""
    deployments = [
        {
            "service_seconds": [service_seconds] * len(intervals),
            "seconds": sum(intervals),
            "intervals": intervals,
            "invocations": len(intervals),
            "gb_seconds": 0.5 * sum(intervals),
            "transitions": transitions,
        }
        for intervals in (first, second)
    ]
    stack = {"resources": 9, "functions": 1, "roles": 1, "policies": 1, "state_machines": 0}
    return {"cell": cell, "round": 0, "peer": peer, "deployments": deployments, "leaked": leaked, "stack": stack}


def test_every_section_is_there_and_names_its_command(recorded):
    # WHEN
    document = report.report(recorded, MACHINE)

    # THEN
    assert "`python benchmarks/deploy.py --cells " in document
    assert "`python benchmarks/scale.py --requests-per-second 5 " in document
    assert "| processor cores | 2 |" in document
    # Every row of a table has as many cells as its head.
    for table in re.findall(r"(?:^\|.*\n)+", document, re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_what_has_not_run_is_named(recorded):
    # WHEN
    document = report.report({"scale": recorded["scale"]}, MACHINE)

    # THEN
    assert "**Missing, since these have not run:** `synth`, `cold_start`, `polling`, `deploy`." in document


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--complete"], 1)])
def test_a_missing_section_fails_only_where_all_must_be_there(options, code, recorded, tmp_path, monkeypatch):
    # GIVEN
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "performance.md")
    monkeypatch.setattr(report, "machine", lambda: MACHINE)
    monkeypatch.setattr("sys.argv", ["report.py", *options])
    for name, result in recorded.items():
        results.write(name, result)

    # THEN
    assert report.main() == code
    linked = re.findall(r"!\[.*\]\((.*)\)", (tmp_path / "performance.md").read_text())
    assert sorted(linked) == sorted(
        str(path.relative_to(tmp_path)) for path in (tmp_path / "performance").glob("*.svg")
    )


def test_the_same_results_draw_the_same_figures(recorded, tmp_path):
    # WHEN
    first, second = (plots.draw(recorded, tmp_path / folder) for folder in ("first", "second"))

    # THEN
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert {path.stem for path in first} == {"deploy", "scale", "capacity"}


def test_what_was_measured_is_not_measured_again(tmp_path, monkeypatch, capsys):
    # GIVEN one of two rounds, in which one of two peers is missing
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    deployed = []

    class Account:
        def run(self, peer, versions, times):
            deployed.append((peer, versions, times))
            made = run("1x2", peer, [3.0], [2.5], service_seconds=2.0)
            return {key: made[key] for key in ("deployments", "leaked", "stack")}

    monkeypatch.setattr(deploy, "_installed_sdk", lambda: tmp_path)
    monkeypatch.setattr(deploy, "account", lambda: contextlib.nullcontext(Account()))
    earlier = {"runs": [run("1x2", "ours", [3.0], [2.5], service_seconds=2.0)], "seconds": 1.0}

    # WHEN
    result = deploy.measure(["1x2"], ["ours", "native"], 2, earlier=earlier)

    # THEN whoever was second begins the other round
    first, second = (deploy.times_of("1x2", number) for number in (0, 1))
    assert deployed == [("native", 1, first), ("native", 1, second), ("ours", 1, second)]
    assert results.read("deploy") == result
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_where_the_service_takes_long_each_peer_has_a_sandbox_of_its_own(tmp_path, monkeypatch):
    # GIVEN peers of which none goes on before all have begun
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    all_begun = threading.Barrier(2, timeout=10)

    class Account:
        def run(self, peer, _versions, _times):
            all_begun.wait()
            made = run("1x10", peer, [11.0], [10.5])
            return {key: made[key] for key in ("deployments", "leaked", "stack")}

    monkeypatch.setattr(deploy, "_installed_sdk", lambda: tmp_path)
    monkeypatch.setattr(deploy, "account", lambda: contextlib.nullcontext(Account()))

    # WHEN
    result = deploy.measure(["1x10"], ["ours", "native"], 1)

    # THEN
    assert {run["peer"] for run in result["runs"]} == {"ours", "native"}


def test_the_times_of_the_service_are_spread_evenly():
    # WHEN
    first, second = deploy.times_of("50x20", 0)
    colds = [deploy.times_of("1x20", number)[0][0] for number in range(5)]

    # THEN an eighth to both sides, and in every tenth of that about as many as anywhere
    assert (len(first), len(second)) == (50, 50)
    for times, parts in ((first + second, 10), (colds, 3)):
        counts = Counter(int((seconds - 17.5) / 5 * parts) for seconds in times)
        assert counts.keys() == set(range(parts))
        assert max(counts.values()) < 2 * min(counts.values()) + 1
    assert deploy.times_of("1x0", 0) == ([deploy.AT_ONCE], [deploy.AT_ONCE])


def test_a_price_is_that_of_what_computes_and_of_what_waits():
    # GIVEN 10 GB-seconds a deployment, and 20 looks of a state machine
    result = {
        "runs": [run("1x20", "ours", [20.0], [20.0]), run("1x20", "framework", [20.0], [20.0], transitions=20)],
        "options": PRICES,
    }

    # THEN 0.1 of 0.1 + 0.4
    assert deploy.ratios(result, "1x20")["framework: US$"] == pytest.approx(0.2)


def test_the_looks_of_aws_own_handler_are_computed():
    # GIVEN a service that takes 12 s, which that handler finds out after 15
    result = {"runs": [run("1x12", "ours", [12.0], [13.5], service_seconds=12.0)], "options": PRICES}

    # THEN the middle of 12 / 15 and 13.5 / 15
    assert deploy.ratios(result, "1x12")["AWS's handler: computed"] == pytest.approx(0.85)


def test_schedules_are_measured_by_the_handler_itself():
    # WHEN
    slow = polling.schedule_of((5.0,), samples=11)
    chosen = polling.schedule_of(polling.SCHEDULE, samples=11)

    # THEN
    assert (slow["schedule"], slow["polls_of_30_s"], slow["quick"]) == ("5, always", 6, [5.0, 3.0])
    assert chosen["quick"][0] == 0
    assert chosen["polls_of_30_s"] == polling.polls_of(30.0) <= polling.POLLS_LIMIT
    assert chosen["late"]["median"] < slow["late"]["median"]


def test_ratios_are_of_medians_over_the_time_of_the_service():
    # GIVEN a service that takes 10 s
    result = {
        "runs": [
            run("1x10", "ours", [11.0], [10.5]),
            run("1x10", "framework", [14.0], [12.0]),
            run("1x10", "native", [10.0], [10.0]),
        ],
        "options": PRICES,
    }

    # THEN
    found = deploy.ratios(result, "1x10")
    assert (found[deploy.ADDED_COLD], found[deploy.ADDED_WARM]) == (0.25, 0.25)
    assert (found[deploy.NATIVE_COLD], found[deploy.NATIVE_WARM]) == (1.1, 1.05)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12.0, "within the goal of 0.5 in 2 of 2; beyond: none."),
        (12.2, "within the goal of 0.5 in 0 of 2; beyond: 1x10 cold 0.55, 1x10 warm 0.55."),
    ],
)
def test_a_goal_that_is_missed_is_named(seconds, words):
    # GIVEN
    result = {
        "runs": [
            run("1x10", "ours", [seconds], [seconds]),
            run("1x10", "framework", [14.0], [14.0]),
            run("1x10", "native", [10.0], [10.0]),
        ],
        "options": PRICES,
    }

    # WHEN
    (line,) = [line for line in deploy.conclusions(result) if "framework adds" in line]

    # THEN
    assert words in line


@pytest.mark.parametrize(("cell", "lines"), [("1x0", ["wait: 1x0 1.50 and 1.70."]), ("1x10", [])])
def test_the_start_of_a_process_is_compared_where_there_is_nothing_else(cell, lines):
    # GIVEN
    seconds = {"ours": 0.15, "sdk_call": 0.17, "native": 0.1}
    result = {"runs": [run(cell, peer, [took], [0.1]) for peer, took in seconds.items()], "options": PRICES}

    # WHEN
    found = [line for line in deploy.conclusions(result) if "start of a process" in line]

    # THEN
    assert [line[-len("wait: 1x0 1.50 and 1.70.") :] for line in found] == lines


def test_who_does_not_wait_and_who_leaks_is_named():
    # GIVEN
    result = {
        "runs": [run("1x10", "sdk_call", [0.5], [0.1], leaked=1), run("1x10", "ours", [10.1], [10.1])],
        "options": PRICES,
    }

    # WHEN
    lines = deploy.conclusions(result)

    # THEN
    assert [line.split(" answers")[0] for line in lines if "before the version is CREATED" in line] == [
        "AwsCustomResource"
    ]
    assert [line for line in lines if "left" in line] == [
        "AwsCustomResource left replaced versions behind, whose delete was refused and not tried again: 1x10 1."
    ]


def test_the_first_request_of_a_stack_is_the_cold_one():
    # GIVEN
    runs = [run("3x10", "ours", [13.0, 11.0, 12.0], [10.0, 10.5, 11.5])]

    # THEN
    assert deploy.cold(runs) == [13.0]
    assert deploy.warm(runs) == [11.0, 12.0, 10.0, 10.5, 11.5]
    assert deploy.warm(runs, added=True) == [1.0, 2.0, 0.0, 0.5, 1.5]


def test_conclusions_follow_the_simulation(recorded):
    # GIVEN a run in which 25 and more executions make no failure: the fewer, the less they compute
    result = copy.deepcopy(recorded["scale"])
    for one in result["executions"]:
        one["failed"], one["dropped"] = 7 if one["executions"] == 10 else 0, 0

    # WHEN
    lines = scale.conclusions(result)

    # THEN
    assert any("computes least with 25 executions" in line for line in lines)
    assert any(line.startswith("With 10 executions some events of such a stack") for line in lines)


@pytest.mark.parametrize("cell", ["10", "x2", "10x", "tenx2", "10x2x3", "10x-2"])
def test_a_cell_that_is_none(cell):
    with pytest.raises(ValueError, match=f"cell '{cell}' must be a number of versions and the seconds that each takes"):
        deploy.parsed(cell)


def test_versions_are_spread_over_images_and_stacks():
    # WHEN
    stacks = scale.spread_over(1_000)

    # THEN
    assert [len(stack) for stack in stacks] == [400, 400, 200]
    assert len({image for stack in stacks for image in stack}) == 100
