"""What docs/operations.md says of the log, and what the metric filter and the queries look for, is in real lines."""

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
from imgver_sandbox.sagemaker.service import ServiceCall, ServiceError

from imgver_constructs import ImageVersionMonitoring

CHECKOUT = Path(__file__).parents[3]
SAME = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
ELSEWHERE = "registry.example.com/data-science:1.0.0"

Line = dict[str, Any]
Matches = Callable[[Line], bool]
Resources = Callable[[str], dict[str, Any]]


def event(name: str, **properties: str | None) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
    made["RequestId"] = f"{name} {properties}"
    made["PhysicalResourceId"] = properties.pop("physical_id", None) or made.get("PhysicalResourceId")
    made["ResourceProperties"] |= properties
    return made


def replaced(aws: Aws, function: Function) -> None:
    function.deliver(event("image_version_create"))
    function.deliver(event("image_version_update"))


def adopted(aws: Aws, function: Function) -> None:
    aws.create_version(ReleaseNotes="Made by hand")
    function.deliver(event("image_version_create", AdoptVersion="1"))


def rolled_back(aws: Aws, function: Function) -> None:
    function.deliver(event("image_version_create"))
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.registry.untag(f"{REPOSITORY}:1.0.0")
    function.deliver(event("image_version_update", **SAME, FollowTag="2"))


def delivered_again_after_its_version_was_deleted(aws: Aws, function: Function) -> None:
    for name in ("image_version_create", "image_version_delete", "image_version_create"):
        function.deliver(event(name))


def without_a_tag_to_follow(aws: Aws, function: Function) -> None:
    function.deliver(event("image_version_create"))
    call = aws.service.call
    aws.service.call = lambda *given, **place: call(*given, **place) | {"BaseImage": ELSEWHERE}  # type: ignore[method-assign]
    function.deliver(event("image_version_update", **SAME | {"BaseImage": ELSEWHERE}, FollowTag="2"))


def aliases_moved_meanwhile(aws: Aws, function: Function) -> None:
    for _ in range(2):
        aws.create_version()
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToAdd=["latest"])
    aws.clock.advance(1)
    function.deliver(event("image_alias_delete"))
    function.deliver(event("image_retention_create", Keep="1", Versions=[]))
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToDelete=["latest"])
    aws.clock.advance(1)
    function.deliver(event("image_alias_delete", physical_id="data-science/latest/7"))


def kept_for_its_alias(aws: Aws, function: Function) -> None:
    for _ in range(4):
        aws.create_version()
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, AliasesToAdd=["studio"])
    aws.clock.advance(1)
    function.deliver(event("image_retention_create", Keep="1", Versions=[]))


def throttled(aws: Aws, function: Function) -> None:
    refusals = iter([ServiceError("ThrottlingException", "Rate exceeded")])

    def refuse_once(_call: ServiceCall) -> None:
        for refusal in refusals:
            raise refusal

    aws.service.before_call = refuse_once
    function.deliver(event("image_version_create"))


def failed(aws: Aws, function: Function) -> None:
    function.deliver(event("image_version_create", BaseImage=f"{REPOSITORY}:missing"))


def left_over(aws: Aws, function: Function) -> None:
    aws.service.faults.fail("internal trouble")
    function.deliver(event("image_version_create"))
    aws.clock.advance(60)
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")
    function.deliver(event("image_version_create"))


def broken(aws: Aws, function: Function) -> None:
    def break_down(_call: ServiceCall) -> None:
        raise RuntimeError("a mistake in the handler")

    aws.service.before_call = break_down
    function.deliver(event("image_version_create"))


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    """What the handler writes in all of these scenarios, as CloudWatch Logs has it."""
    written: list[Line] = []
    for scenario in (
        *(replaced, adopted, rolled_back, delivered_again_after_its_version_was_deleted, without_a_tag_to_follow),
        *(aliases_moved_meanwhile, kept_for_its_alias, throttled, failed, left_over, broken),
    ):
        aws = Aws()
        function = Function(aws)
        scenario(aws, function)
        written += function.logs
    return written


@pytest.fixture(scope="module")
def documented() -> list[str]:
    """The fields that the guide has a row for."""
    _, _, section = (CHECKOUT / "docs" / "operations.md").read_text().partition("## The log's fields\n")
    return re.findall(r"^\| `(\w+)` \|", section.partition("\n## ")[0], re.MULTILINE)


def test_every_field_that_is_written_is_documented_and_no_other(lines: list[Line], documented: list[str]) -> None:
    assert sorted(documented) == sorted({field for line in lines for field in line})


def test_there_is_no_field_that_these_scenarios_do_not_write(documented: list[str]) -> None:
    # GIVEN every call that writes a line, and what all lines have
    source = [ast.walk(ast.parse(path.read_text())) for path in (CHECKOUT / "lambda").rglob("*.py")]
    calls = [node for tree in source for node in tree if isinstance(node, ast.Call)]
    methods = [(call, call.func) for call in calls if isinstance(call.func, ast.Attribute)]
    on_log = [(call, func.attr) for call, func in methods if ast.unparse(func.value).endswith("log")]
    given = {keyword.arg for call, name in on_log if name != "bind" for keyword in call.keywords}
    (bound,) = [call.args[0] for call, name in on_log if name == "bind"]
    assert isinstance(bound, ast.Dict)

    # THEN
    assert given | {ast.literal_eval(key) for key in bound.keys if key} | {"level", "message"} == set(documented)


def commands(query: str) -> list[tuple[str, str]]:
    return [(command, rest) for command, _, rest in (part.partition(" ") for part in query.split("\n| "))]


def matcher(condition: str) -> Matches:
    """What a line has to be like for one condition of a query."""
    for pattern, make in CONDITIONS.items():
        found = re.fullmatch(pattern, condition)
        if found:
            return make(*found.groups())
    raise AssertionError(f"no condition that this test understands: {condition}")


CONDITIONS: dict[str, Callable[..., Matches]] = {
    r'(\w+) = "(.+)"': lambda field, value: lambda line: line.get(field) == value,
    r"(\w+) not in (\[.+\])": lambda field, values: lambda line: line.get(field) not in json.loads(values),
    r"(\w+) like /(.+)/": lambda field, pattern: lambda line: bool(re.search(pattern, line.get(field, ""))),
    r"ispresent\((\w+)\)": lambda field: lambda line: field in line,
    r"not ispresent\((\w+)\)": lambda field: lambda line: field not in line,
}


def answers(query: str, lines: list[Line]) -> list[Line]:
    conditions = [matcher(rest) for command, rest in commands(query) if command == "filter"]
    return [line for line in lines if all(condition(line) for condition in conditions)]


@pytest.fixture
def queries(stack: cdk.Stack, resources: Resources) -> dict[str, str]:
    """The queries, by their titles."""
    ImageVersionMonitoring(stack, "Monitoring")
    properties = [resource["Properties"] for resource in resources("AWS::Logs::QueryDefinition").values()]
    return {each["Name"]["Fn::Join"][1][-1].lstrip("/"): each["QueryString"] for each in properties}


def test_queries_name_fields_that_there_are(queries: dict[str, str], lines: list[Line]) -> None:
    for title, query in queries.items():
        found = answers(query, lines)
        written = {field for line in found for field in line}
        for command, rest in commands(query):
            if command == "fields":
                named = set(rest.split(", "))
            elif command == "stats":
                named = set(rest.partition(" by ")[2].split(", "))
            else:
                continue
            assert {field for field in named if not field.startswith("@")} <= written, title


def test_failed_events(queries: dict[str, str], lines: list[Line]) -> None:
    assert {line["message"] for line in answers(queries["Failed events"], lines)} == {
        "failed",
        "internal error",
        "could not delete a version that nothing uses",
    }


def test_refused_calls(queries: dict[str, str], lines: list[Line]) -> None:
    assert {
        (line["operation"], line["outcome"]) for line in answers(queries["Calls that were throttled or refused"], lines)
    } == {("CreateImageVersion", "ThrottlingException"), ("DescribeImages", "ImageNotFoundException")}


def test_slowest_events(queries: dict[str, str], lines: list[Line]) -> None:
    assert answers(queries["Slowest events"], lines) == lines


def test_history(queries: dict[str, str], lines: list[Line]) -> None:
    assert answers(queries["History of a resource"], lines) == [line for line in lines if "operation" not in line]


def test_the_metric_filter_counts_what_the_query_finds(
    stack: cdk.Stack, queries: dict[str, str], lines: list[Line], resources: Resources
) -> None:
    ((pattern,),) = [
        re.findall(r"\{ \$\.(.+) \}", each["Properties"]["FilterPattern"])
        for each in resources("AWS::Logs::MetricFilter").values()
    ]

    assert answers(f"filter {pattern}", lines) == answers(queries["Failed events"], lines)
