"""The handler's harness, and short ways to say what the replayed cases do."""

import pytest
from harness import aws, event, function, function_of, make_aws

__all__ = ["aws", "event", "function", "function_of", "make_aws"]

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"


@pytest.fixture
def base_image():
    """The base image of every case that does not name another one."""
    return f"{REPOSITORY}:1.0.0"


@pytest.fixture
def arn():
    """The ARN of version 1, which the first Create makes."""
    return "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1"


@pytest.fixture
def create(function, event):
    """Delivers a Create and answers what came of it."""
    return lambda **properties: function.deliver(event("image_version_create", **properties))


@pytest.fixture
def update(function, event, base_image):
    """Delivers an Update that by default changes nothing."""
    same = {"BaseImage": base_image, "ReleaseNotes": "First release"}
    return lambda **changes: function.deliver(event("image_version_update", **same | changes))


@pytest.fixture
def delete(function, event):
    """Delivers a Delete."""
    return lambda **changes: function.deliver(event("image_version_delete", **changes))


@pytest.fixture
def answering(aws, monkeypatch):
    """Lets an operation answer these errors first; with ``forever``, the last one for good."""

    def answer(operation, *errors, forever=False):
        remaining = list(errors)

        def before_call(call):
            if call.operation == operation and remaining:
                raise remaining[0] if forever and len(remaining) == 1 else remaining.pop(0)

        monkeypatch.setattr(aws.service, "before_call", before_call)

    return answer
