"""Random requests of every operation: botocore can read each response, and no request shows a defect."""

import json
from typing import Any

import botocore.parsers
import botocore.session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import OCI_MANIFEST, InMemoryRegistry
from imgver_sandbox.sagemaker.service import OPERATIONS, ImagesService, respond

MODEL = botocore.session.Session().get_service_model("sagemaker")
PARSER = botocore.parsers.create_parser(MODEL.protocol)
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/r"
CODES = {"ValidationException", "SerializationException", "ResourceInUse", "ResourceNotFound"}

# Few values for each parameter, so that requests find what earlier requests created.
VALUES: dict[str, list[Any]] = {
    "ImageName": ["i", "I"],
    "AppImageConfigName": ["a"],
    "DomainId": ["d-none"],
    "BaseImage": [f"{REPOSITORY}:1", f"{REPOSITORY}:oci", f"{REPOSITORY}:none", "python"],
    "Version": [1, 2],
    "ImageVersionNumber": [1],
    "RoleArn": ["arn:aws:iam::123456789012:role/r"],
    "ExecutionRole": ["arn:aws:iam::123456789012:role/r"],
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a", "\n", "\ud800", "null", "1.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def values(draw: Any, shape: Any, name: str = "") -> Any:
    """A value that the model mostly allows; now and then, any JSON value."""
    if draw(st.integers(0, 30)) == 0:
        return draw(ANY_JSON)
    if name in VALUES:
        return draw(st.sampled_from(VALUES[name]))
    if "enum" in shape.metadata:
        return draw(st.sampled_from(shape.metadata["enum"]))
    if shape.type_name == "structure":
        optional = sorted(shape.members.keys() - set(shape.required_members))
        chosen = draw(st.lists(st.sampled_from(optional), max_size=2, unique=True)) if optional else []
        return {member: draw(values(shape.members[member], member)) for member in [*shape.required_members, *chosen]}
    if shape.type_name == "list":
        return draw(st.lists(values(shape.member), min_size=shape.metadata.get("min", 0), max_size=2))
    if shape.type_name == "map":
        return draw(st.dictionaries(st.sampled_from(["K", "L"]), values(shape.value), max_size=2))
    if shape.type_name == "boolean":
        return draw(st.booleans())
    if shape.type_name == "timestamp":
        return draw(st.floats() | st.just(1_700_000_000))
    return draw(st.integers(0, 3) if shape.type_name in {"integer", "long"} else st.sampled_from(["a", "b", "fs-1"]))


REQUESTS = st.sampled_from(sorted(OPERATIONS)).flatmap(
    lambda operation: st.tuples(st.just(operation), values(MODEL.operation_model(operation).input_shape))
)
ASSUMPTIONS = st.builds(
    Assumptions, **{name: st.sampled_from(choices) for name, choices in Assumptions.choices().items()}
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(assumptions=ASSUMPTIONS, requests=st.lists(REQUESTS, min_size=10, max_size=20))
def test_botocore_can_read_every_response(assumptions, requests):
    clock, registry = ManualClock(), InMemoryRegistry()
    registry.push(f"{REPOSITORY}:1")
    registry.push(f"{REPOSITORY}:oci", OCI_MANIFEST)
    service = ImagesService(clock=clock, registry=registry, assumptions=assumptions)
    image = {"ImageName": "i", "RoleArn": VALUES["RoleArn"][0]}
    version = {"ImageName": "i", "BaseImage": VALUES["BaseImage"][0], "ClientToken": "t"}

    for operation, parameters in [("CreateImage", image), ("CreateImageVersion", version), *requests]:
        status, headers, body = respond(
            service,
            target=f"SageMaker.{operation}",
            body=json.dumps(parameters).encode(),
            account="123456789012",
            region="eu-west-1",
        )
        shape = MODEL.operation_model(operation).output_shape
        parsed = PARSER.parse({"status_code": status, "headers": headers, "body": body}, shape)
        if status == 200:
            assert parsed.keys() - {"ResponseMetadata"} == json.loads(body).keys()
        else:
            assert (status, parsed["Error"]["Code"] in CODES) == (400, True), parsed
        clock.advance(60)
