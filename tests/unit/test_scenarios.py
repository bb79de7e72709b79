"""Every scenario in tests/SCENARIOS.md has a test with its id, and every such test has its scenario there."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_scenarios_and_tests_name_each_other():
    sources = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    tested = {found for name in re.findall(r"def test(\w+)", sources) for found in re.findall(r"_r(\d\d)(?=_)", name)}
    rows = re.findall(r"^\| R(\d\d) .* \|$", (TESTS / "SCENARIOS.md").read_text(), re.MULTILINE)

    assert rows == [f"{number:02}" for number in range(1, 86)]
    assert tested == set(rows)
