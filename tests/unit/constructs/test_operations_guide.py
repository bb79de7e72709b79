"""docs/operations.md names every alarm, metric, query and log field; the queries use fields that the handler writes."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from harness import EVENTS, REPOSITORY, Aws, Function

from imgver_constructs import ImageVersionMonitoring, ImageVersionProvider

CHECKOUT = Path(__file__).parents[3]
GUIDE = (CHECKOUT / "docs" / "operations.md").read_text()


def rows(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    _, _, section = GUIDE.partition(f"## {heading}\n")
    return re.findall(r"^\| `?(.+?)`? \|", section.partition("\n## ")[0], re.MULTILINE)[1:]


@pytest.fixture
def queries(stack: cdk.Stack, resources: Callable[[str], dict[str, Any]]) -> dict[str, str]:
    """The queries by title."""
    ImageVersionMonitoring(stack, "Monitoring")
    properties = [resource["Properties"] for resource in resources("AWS::Logs::QueryDefinition").values()]
    return {each["Name"]["Fn::Join"][1][-1].lstrip("/"): each["QueryString"] for each in properties}


def test_alarms() -> None:
    alarms = [name for name in vars(ImageVersionMonitoring) if name.endswith("_alarm") and not name.startswith("_")]

    assert rows("The alarms, and what to do") == alarms


def test_metrics() -> None:
    metrics = {
        name
        for each in (ImageVersionProvider, ImageVersionMonitoring)
        for name in vars(each)
        if name.startswith("metric")
    }

    assert set(re.findall(r"`(metric\w*)`", GUIDE)) == metrics


def test_queries(queries: dict[str, str]) -> None:
    assert rows("The queries") == list(queries)


def test_log_fields() -> None:
    # Every call that writes a line, and the fields that all lines of an event have.
    fields = {"level", "message"}
    for path in (CHECKOUT / "lambda").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=log, attr="bind"), args=[ast.Dict(keys=keys)]):
                    fields |= {ast.literal_eval(key) for key in keys if key}
                case ast.Call(func=ast.Attribute(value=log), keywords=keywords) if ast.unparse(log).endswith("log"):
                    fields |= {str(keyword.arg) for keyword in keywords}

    assert set(rows("The log's fields")) == fields


def test_queries_name_fields_that_the_handler_writes(queries: dict[str, str]) -> None:
    for query in queries.values():
        lists = re.findall(r"^fields (.+)$|^stats .+ by (.+)$", query.replace("\n| ", "\n"), re.MULTILINE)
        conditions = re.findall(r"(?:filter|filter not|ispresent\()\s*(\w+)\)?(?: =| like| not in|$)", query)
        named = {field for found in lists for each in found for field in each.split(", ")} | set(conditions)
        assert {field for field in named if field and not field.startswith("@")} <= set(rows("The log's fields"))


def test_lines_that_the_filter_and_the_queries_match() -> None:
    # GIVEN an event that fails since its base image does not exist
    aws = Aws()
    function = Function(aws)
    event = copy.deepcopy(json.loads((EVENTS / "image_version_create.json").read_text()))
    event["ResourceProperties"]["BaseImage"] = f"{REPOSITORY}:missing"

    function.deliver(event)

    # THEN the metric filter counts one line, and the calls have the fields of the queries
    assert [line["message"] for line in function.logs if line["level"] == "ERROR"] == ["failed"]
    calls = {line["operation"]: line["outcome"] for line in function.logs if "operation" in line}
    assert calls["CreateImageVersion"] == "OK"
    assert calls["DescribeImages"] == "ImageNotFoundException"


def test_statuses_in_a_pattern_are_written_as_sagemaker_writes_them() -> None:
    (shown,) = re.findall(r"`event_pattern=(events\.EventPattern\(.+?\))`", GUIDE)

    pattern = eval(shown, {"events": cdk.aws_events})

    assert pattern.detail == {"ImageVersionStatus": ["CREATED", "Created"]}
