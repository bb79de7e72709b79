"""The tables of docs/operations.md have all that there is. What it shows is run by tests/integration/docs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from imgver_constructs import ImageVersionMonitoring, ImageVersionProvider

GUIDE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def rows(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    _, _, section = GUIDE.partition(f"## {heading}\n")
    return re.findall(r"^\| (.+?) \|", section.partition("\n## ")[0], re.MULTILINE)[1:]


def test_alarms() -> None:
    assert rows("The alarms, and what to do") == [
        f"`{name}`" for name in vars(ImageVersionMonitoring) if name.endswith("_alarm") and not name.startswith("_")
    ]


def test_metrics() -> None:
    said = set(re.findall(r"`(metric\w*)`", GUIDE))

    assert said == {
        name for each in (ImageVersionProvider, ImageVersionMonitoring) for name in vars(each) if name[:6] == "metric"
    }


def test_queries(stack: cdk.Stack, resources: Callable[[str], dict[str, Any]]) -> None:
    ImageVersionMonitoring(stack, "Monitoring")

    names = [each["Properties"]["Name"]["Fn::Join"][1][-1] for each in resources("AWS::Logs::QueryDefinition").values()]
    assert [f"/{title}" for title in rows("The queries")] == names


def test_statuses_in_a_pattern_are_shown_as_they_are_written() -> None:
    (shown,) = re.findall(r"`event_pattern=(events\.EventPattern\(.+?\))`", GUIDE)

    pattern = eval(shown, {"events": cdk.aws_events})

    assert pattern.detail == {"ImageVersionStatus": ["CREATED", "Created"]}
