"""Every event gets exactly one response, and every line of its log names it."""

import json

import pytest
from harness import ARN, EVENT_FIELDS, ID
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError

MISSING_STRING = "malformed event: {} is missing or not a string"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"RequestType": "Recreate"}, "malformed event: RequestType is 'Recreate', not one of Create, Update, Delete"),
        ({"RequestType": None}, MISSING_STRING.format("RequestType")),
        ({"StackId": "stack"}, "malformed event: StackId 'stack' is not an ARN"),
        ({"StackId": None}, MISSING_STRING.format("StackId")),
        ({"RequestId": None}, MISSING_STRING.format("RequestId")),
        ({"RequestId": ""}, MISSING_STRING.format("RequestId")),
        ({"RequestId": 7}, MISSING_STRING.format("RequestId")),
        ({"LogicalResourceId": None}, MISSING_STRING.format("LogicalResourceId")),
        ({"ResourceType": None}, MISSING_STRING.format("ResourceType")),
        ({"ResourceProperties": None}, "malformed event: ResourceProperties is missing or not an object"),
        ({"ResourceProperties": "string"}, "malformed event: ResourceProperties is missing or not an object"),
        (
            {"ResourceType": "Custom::Other"},
            (
                "malformed event: ResourceType 'Custom::Other' is not one of Custom::SageMakerImageVersion, "
                "Custom::SageMakerImageAlias, Custom::SageMakerImageRetention, Custom::SageMakerImageAttachment"
            ),
        ),
        ({"RequestType": "Update"}, MISSING_STRING.format("PhysicalResourceId")),
        ({"RequestType": "Delete"}, MISSING_STRING.format("PhysicalResourceId")),
        (
            {"RequestType": "Update", "PhysicalResourceId": ARN},
            "malformed event: OldResourceProperties is missing or not an object",
        ),
    ],
)
def test_r35_malformed_event(function, event, change, reason):
    malformed = event("image_version_create") | change
    malformed = {name: value for name, value in malformed.items() if value is not None}

    response = function.deliver(malformed)

    assert response["Status"] == "FAILED"
    not_created = f"not-created:{malformed.get('RequestId', '')}"
    assert response["PhysicalResourceId"] == malformed.get("PhysicalResourceId", not_created)
    assert response["Reason"] == reason
    assert function.names() == []


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("image_version_create", {"ImageName": None}, "ImageName is missing or not a string"),
        ("image_version_create", {"ImageName": ""}, "ImageName is missing or not a string"),
        ("image_version_create", {"BaseImage": None}, "BaseImage is missing or not a string"),
        ("image_version_create", {"Horovod": "maybe"}, "Horovod is 'maybe', not one of true, false"),
        ("image_version_create", {"ReleaseNotes": ""}, "ReleaseNotes is missing or not a string"),
        ("image_version_create", {"OnDelete": "KEEP"}, "OnDelete is 'KEEP', not one of DELETE, ARCHIVE"),
        ("image_version_create", {"AdoptVersion": "latest"}, "AdoptVersion is 'latest', not a whole number"),
        ("image_version_delete", {"OnDelete": "KEEP"}, "OnDelete is 'KEEP', not one of DELETE, ARCHIVE"),
        ("image_version_delete", {"OnReplace": "KEEP"}, "OnReplace is 'KEEP', not one of DELETE, ARCHIVE"),
        ("image_alias_create", {"ImageName": None}, "ImageName is missing or not a string"),
        ("image_alias_create", {"Alias": None}, "Alias is missing or not a string"),
        ("image_alias_create", {"Version": None}, "Version is '', not a whole number"),
        ("image_alias_create", {"Version": "²"}, "Version is '²', not a whole number"),
        ("image_retention_create", {"ImageName": None}, "ImageName is missing or not a string"),
        ("image_retention_create", {"Keep": None}, "Keep is '', not a whole number"),
        ("image_retention_create", {"Versions": "4"}, "Versions is '4', not a list"),
        ("image_retention_create", {"Versions": ["latest"]}, "Versions is 'latest', not a whole number"),
    ],
)
def test_r35_invalid_property(function, event, name, change, reason):
    response = function.deliver(event(name, **change))

    assert response["Status"] == "FAILED"
    assert response["Reason"] == f"property {reason}"
    assert function.names() == []


@pytest.mark.parametrize("name", ["image_version_create", "image_alias_create", "image_attachment_create"])
@pytest.mark.parametrize(("path", "beginning"), [("DataScience/Version", "DataScience/Version: "), ("", ""), (7, "")])
def test_a_reason_begins_with_the_path_of_the_construct(function, event, name, path, beginning):
    response = function.deliver(event(name, ImageName=None, ConstructPath=path))

    assert response["Reason"] == f"{beginning}property ImageName is missing or not a string"


@pytest.mark.parametrize("name", ["image_version_create", "image_version_delete"])
def test_r37_an_unexpected_error(function, event, name):
    def fail(_operation, _parameters):
        raise ZeroDivisionError("with a secret in its message")

    function.before_call = fail
    failing = event(name)

    response = function.deliver(failing)

    physical_id = failing.get("PhysicalResourceId", f"not-created:{failing['RequestId']}")
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == physical_id
    assert response["Reason"] == (
        "internal error of the handler (ZeroDivisionError): the function's log contains its traceback."
    )
    ((level, message, fields),) = function.decisions()
    assert (level, message, fields["physical_id"]) == ("ERROR", "internal error", physical_id)
    assert fields["error"] == "ZeroDivisionError('with a secret in its message')"
    assert "Traceback" in fields["trace"]


@pytest.mark.parametrize("change", [{}, {"ResponseURL": ""}, {"ResponseURL": 7}], ids=["missing", "empty", "number"])
def test_an_event_without_a_response_url_is_only_logged(function, event, change):
    malformed = event("image_version_create")
    del malformed["ResponseURL"]

    # THEN the harness finds no response
    with pytest.raises(ValueError, match="not enough values to unpack"):
        function.deliver(malformed | change)
    assert function.names() == []
    assert function.decisions() == [("ERROR", "malformed event: it has no ResponseURL, so no response can be sent", {})]


def test_the_signed_url_is_never_logged(function, event):
    for name in ("image_version_create", "image_version_update", "image_alias_create", "image_version_delete"):
        function.deliver(event(name))

    assert "X-Amz-Signature" not in json.dumps(function.logs)


def test_every_line_names_the_event_and_every_call_is_a_line(function, event):
    create = event("image_version_create")
    function.deliver(create)

    for line in function.logs:
        assert [line[name] for name in EVENT_FIELDS] == [
            "Create",
            "Custom::SageMakerImageVersion",
            create["StackId"],
            "Version",
            create["RequestId"],
        ]
    *calls, done, question = function.logs
    assert [(line["operation"], line["outcome"], line["seconds"]) for line in calls] == [
        ("CreateImageVersion", "OK", 0.0),
        *[("DescribeImageVersion", "OK", 0.0)] * 2,
    ]
    assert question["operation"] == "DescribeStacks"
    assert calls[1]["parameters"] == {"ImageName": "data-science", "Version": 1}
    assert (done["level"], done["message"], done["physical_id"]) == ("INFO", "done", ID)


def test_the_log_of_a_call_that_fails(aws, function, delete):
    def before_call(_call):
        aws.clock.advance(1.23456)
        raise ServiceError("ValidationException", "no")

    aws.service.before_call = before_call

    reason = delete()["Reason"]

    call, failed = function.logs
    assert (call["level"], call["message"]) == ("INFO", "DescribeImageVersion: ValidationException")
    assert (call["outcome"], call["seconds"]) == ("ValidationException", 1.235)
    assert call["parameters"] == {"ImageName": "data-science", "Version": 1}
    assert (failed["level"], failed["message"]) == ("ERROR", "failed")
    assert (failed["physical_id"], failed["reason"]) == (ID, reason)


def test_a_line_of_the_log_is_a_json_object_on_standard_output(capsys):
    log = JsonLogger()
    log.bind({"request_id": "one"})
    log.info("hello", number=1, type={1}.__class__)

    assert json.loads(capsys.readouterr().out) == {
        "level": "INFO",
        "message": "hello",
        "request_id": "one",
        "number": 1,
        "type": "<class 'set'>",
    }
