"""Requests of every kind, valid or not: each gets an answer that botocore can read, and none shows a defect.

The shapes are those of the service model. FUZZ_EXAMPLES is the number of sequences, of 10 to 20 requests each.
"""

import base64
import json
import os
from typing import Any

import botocore.parsers
import botocore.session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imgver_sandbox.ministack.sagemaker import authorised_arns
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import DOCKER_V2_SCHEMA_2, OCI_MANIFEST, InMemoryRegistry
from imgver_sandbox.sagemaker.service import OPERATIONS, ImagesService, respond

MODEL = botocore.session.Session().get_service_model("sagemaker")
PARSER = botocore.parsers.create_parser(MODEL.protocol)
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/r"
CODES = {"ValidationException", "SerializationException", "ResourceInUse", "ResourceNotFound"}

# Few, so that requests meet what others made.
KNOWN: dict[str, list[Any]] = {
    "ImageName": ["i", "I", "j"],
    "AppImageConfigName": ["a", "b"],
    "DomainName": ["d", "e"],
    "DomainId": ["d-made", "d-none"],
    "BaseImage": [f"{REPOSITORY}:1", f"{REPOSITORY}:oci", f"{REPOSITORY}:none", "python"],
    "ClientToken": ["t", "u"],
    "Alias": ["x", "y"],
    "Version": [1, 2, 3],
    "ImageVersionNumber": [1, 2],
    "MLFramework": ["PyTorch 2.5"],
    "ProgrammingLang": ["Python 3.12"],
    "RoleArn": ["arn:aws:iam::123456789012:role/r"],
    "ExecutionRole": ["arn:aws:iam::123456789012:role/r"],
    "NameContains": ["i", "a"],
    "MaxResults": [1, 2, 100],
    # Texts that are base64 of JSON, but no token.
    "NextToken": [base64.b64encode(text).decode() for text in (b"null", b"1", b"[]", b"[1, 2]", b"{}", b"[" * 6000)],
}
KNOWN |= dict.fromkeys(("Aliases", "AliasesToAdd", "AliasesToDelete"), KNOWN["Alias"])

TEXTS = st.one_of(
    st.sampled_from(["", "a", "A-b.1", "-", "a" * 64, "a" * 300, "é名", "\n", "\x00", "\ud800", "null", "[]", "1.0"]),
    st.text(max_size=12),
)
NUMBERS = st.one_of(
    st.integers(-2, 11), st.sampled_from([100, 101, 2**31 - 1, 2**31, 2**63, 10**400]), st.floats(), st.just(1.0)
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
DEEP = b"[" * 9999
TIMES = st.one_of(
    st.sampled_from([1_700_000_000, 1_700_000_060.5, 0, -1, 1e18, 10**400, float("nan"), float("inf")]), st.floats()
)


STRATEGIES: dict[tuple[str, str], st.SearchStrategy[Any]] = {}


def valid(shape: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Values that the model allows, mostly."""
    if (shape.name, name) not in STRATEGIES:
        STRATEGIES[shape.name, name] = _valid(shape, name)
    return STRATEGIES[shape.name, name]


def _valid(shape: Any, name: str) -> st.SearchStrategy[Any]:
    kind = shape.type_name
    if kind == "structure":
        return structures(shape)
    if kind == "list":
        low = shape.metadata.get("min", 0)
        return st.lists(valid(shape.member, name), min_size=low, max_size=min(shape.metadata.get("max", 3), low + 2))
    if kind == "map":
        return st.dictionaries(st.sampled_from(["K", "L"]), valid(shape.value), max_size=2)
    if name in KNOWN:
        return st.sampled_from(KNOWN[name])
    if "enum" in shape.metadata:
        return st.sampled_from(shape.metadata["enum"])
    if kind in {"integer", "long"}:
        low = shape.metadata.get("min", 0)
        return st.integers(low, min(shape.metadata.get("max", low + 9), low + 9))
    if kind == "boolean":
        return st.booleans()
    return TIMES if kind == "timestamp" else st.sampled_from(["a", "a-1", "fs-12345678", "sg-1", "https://abc/d"])


@st.composite
def structures(draw: Any, shape: Any) -> dict[str, Any]:
    """What is required, and some of the rest."""
    optional = sorted(shape.members.keys() - set(shape.required_members))
    chosen = draw(st.lists(st.sampled_from(optional), max_size=3, unique=True)) if optional else []
    if shape.is_tagged_union:
        chosen = [draw(st.sampled_from(optional))]
    if "Version" in chosen:
        chosen = [member for member in chosen if member != "Alias"]  # both together are never right
    return {member: draw(valid(shape.members[member], member)) for member in [*shape.required_members, *chosen]}


@st.composite
def requests(draw: Any, operation: str) -> bytes:
    """The body of a request: as it should be, with some of it replaced, or something else altogether."""
    flavour = draw(st.sampled_from(["valid", "valid", "valid", "changed", "changed", "any", "bytes"]))
    if flavour == "bytes":
        return draw(st.one_of(st.binary(max_size=20), st.sampled_from([b"", b"{", b"null", DEEP, b'{"a":' * 9999])))
    if flavour == "any":
        return json.dumps(draw(ANYTHING)).encode()
    shape = MODEL.operation_model(operation).input_shape
    parameters = draw(valid(shape))
    if flavour == "changed":
        parameters = draw(changed(parameters, shape))
    return json.dumps(parameters).encode()


@st.composite
def changed(draw: Any, value: Any, shape: Any) -> Any:
    """The value with a part of it, however deep, replaced by anything."""
    if isinstance(value, dict) and shape.type_name == "structure" and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(shape.members)))
        if name in value and draw(st.booleans()):
            return value | {name: draw(changed(value[name], shape.members[name]))}
        return value | {name: draw(st.one_of(ANYTHING, TEXTS, NUMBERS, TIMES))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [*value[:-1], draw(changed(value[-1], shape.member))]
    return draw(ANYTHING)


STEPS = st.sampled_from(sorted(OPERATIONS)).flatmap(
    lambda operation: st.tuples(
        st.just(operation),
        requests(operation),
        st.sampled_from([0, 0, 0.5, 1, 60]),
        st.sampled_from(["", "", "follow the pages"]),
    )
)
ASSUMPTIONS = st.builds(
    Assumptions, **{name: st.sampled_from(values) for name, values in Assumptions.choices().items()}
)


class Asked:
    """A service that has something of everything, and what is true of every answer of it."""

    def __init__(self, assumptions: Assumptions) -> None:
        self.clock, registry = ManualClock(), InMemoryRegistry()
        registry.push(f"{REPOSITORY}:1", DOCKER_V2_SCHEMA_2)
        registry.push(f"{REPOSITORY}:oci", OCI_MANIFEST)
        self._service = ImagesService(clock=self.clock, registry=registry, assumptions=assumptions)

        self._domain_id = b"d-made"
        role = KNOWN["RoleArn"][0]
        self._make("CreateImage", ImageName="i", RoleArn=role)
        self._make("CreateImage", ImageName="j", RoleArn=role)
        for alias in KNOWN["Alias"]:
            self._make("CreateImageVersion", ImageName="i", BaseImage=KNOWN["BaseImage"][0], ClientToken=alias)
            self._make("UpdateImageVersion", ImageName="i", AliasesToAdd=[alias])
        self._make("CreateAppImageConfig", AppImageConfigName="a")
        user = {"ExecutionRole": role}
        domain = self._make("CreateDomain", DomainName="d", AuthMode="IAM", DefaultUserSettings=user)
        self._domain_id = domain["DomainId"].encode()

    def _make(self, operation: str, **parameters: Any) -> dict[str, Any]:
        status, answer = self.ask(operation, json.dumps(parameters).encode())
        assert status == 200, answer
        self.clock.advance(60)
        return answer

    def ask(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        body = body.replace(b"d-made", self._domain_id)
        target, place = f"SageMaker.{operation}", {"account": "123456789012", "region": "eu-west-1"}
        arns = authorised_arns(self._service, target, body, **place)
        assert all(arn == "*" or arn.startswith("arn:aws:sagemaker:eu-west-1:123456789012:") for arn in arns)
        status, headers, answer = respond(self._service, target=target, body=body, **place)
        shape = MODEL.operation_model(operation).output_shape
        parsed = PARSER.parse({"status_code": status, "headers": headers, "body": answer}, shape)
        parsed.pop("ResponseMetadata")
        if status == 200:
            assert parsed.keys() == json.loads(answer).keys(), "botocore does not know all of the answer"
        else:
            assert status == 400
            assert parsed["Error"]["Code"] in CODES
            assert parsed["Error"]["Message"]
        return status, json.loads(answer)


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(assumptions=ASSUMPTIONS, steps=st.lists(STEPS, min_size=10, max_size=20))
def test_every_answer_can_be_read(assumptions, steps):
    asked = Asked(assumptions)
    for operation, body, seconds, more in steps:
        status, answer = asked.ask(operation, body)
        asked.clock.advance(seconds)
        while more and status == 200 and "NextToken" in answer:
            following = {**json.loads(body or b"{}"), "NextToken": answer["NextToken"]}
            status, answer = asked.ask(operation, json.dumps(following).encode())
            # What was listed may be gone, but a token that was given is good.
            assert status == 200 or answer["__type"] == "ResourceNotFound"
