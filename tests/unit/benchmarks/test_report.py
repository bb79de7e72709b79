"""The tables of docs/performance.md, and the ratios in them."""

import itertools
import re

import deploy
import report


def run(peer, seconds, *, service_seconds=10.0, leaked=0, transitions=0):
    """A run with one version and with the given seconds in both deployments."""
    deployment = {
        "service_seconds": [service_seconds],
        "intervals": [seconds],
        "seconds": 2 * seconds,
        "invocations": 1,
        "gb_seconds": seconds,
        "transitions": transitions,
    }
    stack = {"resources": 9, "functions": 1, "roles": 1, "state machines": 0}
    return {"cell": "1x10", "peer": peer, "deployments": [deployment] * 2, "leaked": leaked, "stack": stack}


def test_the_page_has_the_tables_of_the_recorded_results():
    page, tables = report.PAGE.read_text(), report.tables(report.recorded())

    assert page == report.filled(page, tables)
    assert {name for name in tables if f"<!-- table: {name} -->" not in page} == set()
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_ratios_compare_medians_and_subtract_the_time_of_the_service():
    runs = [run("ours", 11.0), run("native", 10.0), run("framework", 14.0, transitions=4)]

    ratios = deploy.summary(runs)["ratios"]["1x10"]

    assert (ratios["Provider framework: added, cold"], ratios["Provider framework: added, warm"]) == (0.25, 0.25)
    assert (ratios["native resource: cold"], ratios["native resource: cdk deploy"]) == (1.1, 1.1)
    price = 14 * deploy.results.GB_SECOND_PRICE + 4 * deploy.TRANSITION_PRICE
    assert ratios["Provider framework: US$"] == round(11 * deploy.results.GB_SECOND_PRICE / price, 2)


def test_peers_that_respond_early_or_leak_versions_are_named():
    table = deploy.tables(deploy.summary([run("sdk_call", 0.5, leaked=1), run("ours", 10.1)]))["stacks"]

    cells = {row.split(" | ")[0]: row.split(" | ")[-2:] for row in table.splitlines()[2:]}
    assert cells == {"| this library": ["never", "0 |"], "| AwsCustomResource": ["1x10", "1 |"]}


def test_the_times_of_the_service_are_spread_evenly():
    first, second = deploy.service_times("50x20", 0)
    times = sorted(first + second)

    assert (len(times), round(times[0], 1), round(times[-1], 1)) == (100, 17.5, 22.5)
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.1
