"""Custom::SageMakerImageAttachment, with the calls that each event may cost."""

import pytest
from imgver_sandbox.sagemaker.service import ServiceError

OURS = ("data-science", 1, "jupyter-lab")
MOVED = ("data-science", 2, "jupyter-lab")
OTHERS = [("data-science", 1, "other"), ("other", 1, "jupyter-lab")]
NAMES = ("ImageName", "ImageVersionNumber", "AppImageConfigName")


@pytest.fixture(autouse=True)
def versions(aws, studio):
    aws.create_image("other")
    aws.create_version("other")
    for _ in range(4):
        aws.create_version()


def changing(operations):
    return [operation for operation in operations if operation.startswith("Update")]


def meanwhile(function, operation, act):
    """Let somebody else act right before the first call of an operation."""
    acts = [act]

    def before_call(name, _parameters):
        if name == operation and acts:
            acts.pop()()

    function.before_call = before_call


def test_create_adds_the_entry_and_leaves_the_others(function, event, studio, attachment):
    studio.offer(*OTHERS)

    response = attachment("create")

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == studio.place
    assert response["Data"] == {"Version": "1"}
    assert studio.offered() == [*OTHERS, OURS]
    images = [dict(zip(NAMES, image, strict=True)) for image in [*OTHERS, OURS]]
    domain = {"DomainId": studio.domain_id}
    assert function.calls == [
        ("DescribeDomain", domain),
        ("UpdateDomain", {**domain, "DefaultUserSettings": {"JupyterLabAppSettings": {"CustomImages": images}}}),
        ("DescribeDomain", domain),
        ("DescribeDomain", domain),
        ("DescribeStacks", {"StackName": event("image_attachment_create")["StackId"]}),
    ]


def test_update_moves_the_entry_in_its_place(function, studio, attachment):
    studio.offer(OTHERS[0], OURS, OTHERS[1])

    response = attachment("update")

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", studio.place)
    assert studio.offered() == [OTHERS[0], MOVED, OTHERS[1]]
    assert function.names() == [
        "DescribeDomain",
        "DescribeStacks",
        "UpdateDomain",
        *["DescribeDomain"] * 2,
        "DescribeStacks",
    ]


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_an_event_that_changes_nothing_costs_one_describe(function, studio, attachment, action):
    studio.offer(*OTHERS, *([] if action == "delete" else [MOVED]))

    assert attachment(action, Version="2")["Status"] == "SUCCESS"
    assert function.names() == ["DescribeDomain"]


def test_delete_removes_only_its_entry(function, studio, attachment):
    studio.offer(OTHERS[0], OURS, OTHERS[1])

    assert attachment("delete", Version="1")["Status"] == "SUCCESS"
    assert studio.offered() == OTHERS
    assert function.names() == ["DescribeDomain", "UpdateDomain", *["DescribeDomain"] * 2]


@pytest.mark.parametrize(
    ("properties", "settings", "app"),
    [
        ({"Settings": "DefaultSpaceSettings"}, "DefaultSpaceSettings", "JupyterLab"),
        ({"App": "CodeEditor"}, "DefaultUserSettings", "CodeEditor"),
        ({"App": "KernelGateway"}, "DefaultUserSettings", "KernelGateway"),
    ],
)
def test_the_other_settings_and_applications(aws, studio, attachment, properties, settings, app):
    response = attachment("create", **properties)

    assert response["PhysicalResourceId"] == f"{studio.domain_id}/{settings}/{app}/data-science/jupyter-lab"
    described = aws.sagemaker.describe_domain(DomainId=studio.domain_id)
    assert described[settings][f"{app}AppSettings"]["CustomImages"] == [dict(zip(NAMES, OURS, strict=True))]


def test_a_user_profile(aws, function, studio, attachment):
    profile = {"DomainId": studio.domain_id, "UserProfileName": "ann"}
    settings = {"DefaultLandingUri": "studio::", "JupyterLabAppSettings": {"LifecycleConfigArns": []}}
    aws.sagemaker.create_user_profile(**profile, UserSettings=settings)
    aws.clock.advance(60)

    response = attachment("create", UserProfileName="ann")

    physical_id = f"{studio.domain_id}/user-profile:ann/JupyterLab/data-science/jupyter-lab"
    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", physical_id)
    assert set(function.names()) == {"DescribeUserProfile", "UpdateUserProfile", "DescribeStacks"}
    settings["JupyterLabAppSettings"]["CustomImages"] = [dict(zip(NAMES, OURS, strict=True))]
    assert aws.sagemaker.describe_user_profile(**profile)["UserSettings"] == settings

    assert attachment("delete", Version="1", UserProfileName="ann", physical_id=physical_id)["Status"] == "SUCCESS"
    settings["JupyterLabAppSettings"]["CustomImages"] = []
    assert aws.sagemaker.describe_user_profile(**profile)["UserSettings"] == settings


@pytest.mark.parametrize("action", ["create", "delete"])
def test_r72_the_user_profile_is_deleted(function, studio, attachment, action):
    physical_id = f"{studio.domain_id}/user-profile:ann/JupyterLab/data-science/jupyter-lab"

    response = attachment(action, UserProfileName="ann", physical_id=physical_id)

    assert response["Status"] == ("SUCCESS" if action == "delete" else "FAILED")
    assert function.names() == ["DescribeUserProfile"] * 2
    if action == "create":
        assert response["Reason"].startswith(f"user profile ann of domain {studio.domain_id} does not exist, or is ")


@pytest.mark.parametrize(("keep", "offered"), [(0, [4]), (1, [4, 3]), (2, [4, 3, 1]), (9, [4, 3, 1])], ids=str)
def test_superseded_versions_stay_beside_the_new_one(studio, attachment, keep, offered):
    studio.offer(*(("data-science", number, "jupyter-lab") for number in (1, 3)))
    kept = {"Superseded": "KEEP", "Keep": str(keep)}

    attachment("update", Version="4", old={"Version": "3", **kept}, **kept)
    assert studio.offered() == [("data-science", number, "jupyter-lab") for number in offered]

    # A rollback offers none of the versions that it is going to delete.
    attachment("update", Version="3", old={"Version": "4", **kept}, **kept)
    assert studio.offered()[0] == ("data-science", 3, "jupyter-lab")
    assert ("data-science", 4, "jupyter-lab") not in studio.offered()

    attachment("delete", Version="3", **kept)
    assert [entry for entry in studio.offered() if entry[1] == 3] == []


@pytest.mark.parametrize("version", ["2", "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/2#17"])
def test_the_version_is_a_number_or_the_physical_id_of_a_version(studio, attachment, version):
    assert attachment("create", Version=version)["Data"] == {"Version": "2"}
    assert studio.offered() == [MOVED]


def test_an_entry_without_a_number_gets_one(aws, studio, attachment):
    images = [{"ImageName": "data-science", "AppImageConfigName": "jupyter-lab"}]
    settings = {"JupyterLabAppSettings": {"CustomImages": images}}
    aws.sagemaker.update_domain(DomainId=studio.domain_id, DefaultUserSettings=settings)
    aws.clock.advance(60)

    assert attachment("create")["PhysicalResourceId"] == studio.place
    assert studio.offered() == [OURS]


def test_r70_another_writer_before_the_write(aws, function, studio, attachment):
    # GIVEN somebody else starts a change of the domain after this event has read it
    function.sleep = aws.clock.advance

    def change():
        studio_offer_without_waiting(aws, studio, OTHERS[0])

    meanwhile(function, "UpdateDomain", change)

    assert attachment("create")["Status"] == "SUCCESS"
    assert sorted(studio.offered()) == sorted([OTHERS[0], OURS])
    assert changing(function.names()) == ["UpdateDomain"] * 2


def test_r70_another_writer_while_the_stack_is_read(function, studio, attachment):
    studio.offer(OURS)
    meanwhile(function, "DescribeStacks", lambda: studio.offer(OURS, OTHERS[0]))

    assert attachment("update")["Status"] == "SUCCESS"
    assert studio.offered() == [MOVED, OTHERS[0]]


def studio_offer_without_waiting(aws, studio, *images):
    custom_images = [dict(zip(NAMES, image, strict=True)) for image in images]
    settings = {"JupyterLabAppSettings": {"CustomImages": custom_images}}
    aws.sagemaker.update_domain(DomainId=studio.domain_id, DefaultUserSettings=settings)


@pytest.mark.parametrize("before", [[], [OURS]])
def test_r70_another_writer_overwrites_the_entry_after_the_write(aws, function, studio, attachment, before):
    # GIVEN somebody who had read the old entries writes them again as soon as the domain can be changed
    studio.offer(*before)

    def overwrite(name, _parameters):
        if name == "DescribeDomain" and changing(function.names()):
            function.before_call = None
            aws.clock.advance(10)
            studio.offer(*before, OTHERS[0])

    function.before_call = overwrite

    response = attachment("update")

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert sorted(studio.offered()) == sorted([OTHERS[0], MOVED])
    assert changing(function.names()) == ["UpdateDomain"] * 2
    fields = {"target": f"domain {studio.domain_id}"}
    assert function.decisions() == [("WARNING", "attached again: somebody else has overwritten the change", fields)]


def test_r70_another_resource_that_declares_the_same_entry_is_not_overwritten(aws, function, studio, attachment):
    def replace(name, _parameters):
        if name == "DescribeDomain" and changing(function.names()):
            function.before_call = None
            aws.clock.advance(10)
            studio.offer(("data-science", 3, "jupyter-lab"))

    function.before_call = replace

    response = attachment("create")

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == studio.place
    assert response["Reason"] == (
        f"domain {studio.domain_id} offers version 3 of image data-science, because somebody else replaced version 1 "
        "while it was attached: declare this image and app image config in one place only."
    )
    assert attachment("delete", Version="1")["Status"] == "SUCCESS"
    assert studio.offered() == [("data-science", 3, "jupyter-lab")]


def test_r70_others_overwrite_the_entry_until_the_time_is_up(aws, function, studio, attachment):
    function.seconds = 60

    def overwrite(name, _parameters):
        if name == "DescribeDomain" and changing(function.names()):
            aws.clock.advance(3)
            studio_offer_without_waiting(aws, studio)
            aws.clock.advance(3)

    function.before_call = overwrite

    response = attachment("create")

    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        f"domain {studio.domain_id} did not keep image data-science, because others changed its settings at the same "
        "time, until the function's time was up: deploy again."
    )


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_r59_a_read_that_does_not_find_the_domain_is_repeated(aws, studio, attachment, action):
    studio.offer(OURS)
    aws.refuse("DescribeDomain", ServiceError("ResourceNotFound", "The domain does not exist."))

    assert attachment(action, Version="1" if action == "delete" else "2")["Status"] == "SUCCESS"
    assert studio.offered() == ([] if action == "delete" else [MOVED])


def test_r69_an_attachment_that_cannot_be_removed_names_the_way_to_delete_the_stack(aws, studio, attachment):
    studio.offer(OURS)
    aws.refuse("UpdateDomain", ServiceError("ValidationException", "There are InService apps"))

    assert (
        "--retain-resources Attachment, and delete by hand what is left." in attachment("delete", Version="1")["Reason"]
    )


@pytest.mark.parametrize("state", ["gone", "Deleting"])
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_r71_the_domain_is_deleted(aws, function, studio, attachment, action, state):
    aws.sagemaker.delete_domain(DomainId=studio.domain_id)
    aws.clock.advance(60 if state == "gone" else 0)

    response = attachment(action)

    assert function.names() == ["DescribeDomain"] * (2 if state == "gone" else 1)
    if action == "delete":
        assert response["Status"] == "SUCCESS"
    else:
        assert response["Status"] == "FAILED"
        assert response["Reason"] == (
            f"domain {studio.domain_id} does not exist, or is being deleted: correct domain_id or user_profile_name, "
            "or remove the attachment."
        )


def test_r71_the_domain_is_deleted_between_the_read_and_the_write(aws, function, studio, attachment):
    studio.offer(OURS)

    def delete():
        aws.sagemaker.delete_domain(DomainId=studio.domain_id)
        aws.clock.advance(60)

    meanwhile(function, "UpdateDomain", delete)

    assert attachment("delete", Version="1")["Status"] == "SUCCESS"
    assert changing(function.names()) == ["UpdateDomain"]


def test_r73_an_update_replaces_the_number_that_somebody_set_by_hand(studio, attachment):
    studio.offer(("data-science", 4, "jupyter-lab"))

    assert attachment("update")["Status"] == "SUCCESS"
    assert studio.offered() == [MOVED]


def test_r75_the_domain_offers_200_images(aws, studio, attachment):
    for number in range(200):
        aws.sagemaker.create_app_image_config(AppImageConfigName=f"config-{number}")
    full = [("other", 1, f"config-{number}") for number in range(200)]
    studio.offer(*full)

    response = attachment("create")

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"].startswith("not-created:")
    assert response["Reason"] == (
        f"domain {studio.domain_id} would offer 201 images in JupyterLab, and at most 200 are possible: detach an "
        "image, then deploy again."
    )
    studio.offer(*full[1:])
    assert attachment("create")["Status"] == "SUCCESS"
    assert len(studio.offered()) == 200


def change_on_the_wire(aws, read):
    """Change the responses of DescribeDomain. Returns the parameters of UpdateDomain, as they are on the wire."""
    call, sent = aws.service.call, []

    def changed(operation, parameters, **where):
        if operation == "UpdateDomain":
            sent.append(parameters)
        response = call(operation, parameters, **where)
        if operation == "DescribeDomain":
            read(response["DefaultUserSettings"].setdefault("JupyterLabAppSettings", {}))
        return response

    aws.service.call = changed
    return sent


def test_r76_members_that_no_sdk_knows_go_back_as_they_came(aws, studio, attachment):
    members = {
        "LifecycleConfigArns": [
            f"arn:aws:sagemaker:eu-west-1:123456789012:studio-lifecycle-config/{one}" for one in "ab"
        ],
        "AppLifecycleManagement": {"IdleSettings": {"IdleTimeoutInMinutes": 60, "LifecycleManagement": "ENABLED"}},
    }
    studio.offer(OURS, **members)
    unknown = {"FutureSettings": {"Limits": [1, 2.5, True, None, {"Name": "x"}]}, "FutureFlag": False}

    def read(app_settings):
        app_settings |= unknown
        for image in app_settings.get("CustomImages", []):
            image["FutureMember"] = {"Order": 1}

    sent = change_on_the_wire(aws, read)

    assert attachment("update")["Status"] == "SUCCESS"
    image = {**dict(zip(NAMES, MOVED, strict=True)), "FutureMember": {"Order": 1}}
    unknown["FutureSettings"]["Limits"].remove(None)
    app_settings = {**members, **unknown, "CustomImages": [image]}
    assert sent == [{"DomainId": studio.domain_id, "DefaultUserSettings": {"JupyterLabAppSettings": app_settings}}]


def test_r77_empty_strings_are_left_out(aws, studio, attachment):
    def read(app_settings):
        app_settings["DefaultResourceSpec"] = {"InstanceType": "ml.t3.medium", "SageMakerImageArn": ""}
        app_settings["LifecycleConfigArns"] = [""]

    sent = change_on_the_wire(aws, read)

    assert attachment("create")["Status"] == "SUCCESS"
    app_settings = sent[0]["DefaultUserSettings"]["JupyterLabAppSettings"]
    assert app_settings.pop("CustomImages") == [dict(zip(NAMES, OURS, strict=True))]
    assert app_settings == {"DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}, "LifecycleConfigArns": []}


@pytest.mark.parametrize("code", ["ValidationException", "ResourceInUse"])
def test_r78_a_refusal_because_of_running_apps_is_final(aws, function, studio, attachment, code):
    message = "Unable to update Domain [arn:aws:sagemaker:eu-west-1:123456789012:domain/d-1] with InService App. a, b"
    aws.refuse("UpdateDomain", ServiceError(code, message))

    response = attachment("create")

    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        f"UpdateDomain failed for domain {studio.domain_id}: {code}: {message}. SageMaker refuses this change while "
        "apps run: stop the apps that the message names, then deploy again."
    )
    assert function.names() == ["DescribeDomain", "UpdateDomain"]


def test_the_domain_is_being_changed(aws, function, studio, attachment):
    aws.sagemaker.update_domain(DomainId=studio.domain_id, SubnetIds=["subnet-1"])

    assert attachment("create")["Status"] == "SUCCESS"
    assert function.names()[:3] == ["DescribeDomain", "DescribeDomain", "UpdateDomain"]


def describe_status(aws, *statuses, reason=None):
    remaining = list(statuses)
    call = aws.service.call

    def changed(operation, parameters, **where):
        response = call(operation, parameters, **where)
        if operation == "DescribeDomain" and remaining:
            response["Status"] = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            response["FailureReason"] = reason or ""
        return response

    aws.service.call = changed


def test_the_domain_is_still_being_changed_at_the_deadline(aws, function, studio, attachment):
    describe_status(aws, "Updating")
    function.seconds = 60

    response = attachment("create")

    assert response["Reason"] == (
        f"domain {studio.domain_id} was still Updating when the function's time was up: deploy again when its status "
        "is InService."
    )


def test_no_time_is_left_to_read_the_domain(function, studio, attachment):
    function.seconds = 10

    assert f"domain {studio.domain_id} was still not InService when" in attachment("create")["Reason"]


@pytest.mark.parametrize("status", ["Failed", "Delete_Failed"])
def test_the_domain_has_failed(aws, studio, attachment, status):
    describe_status(aws, status, reason="no subnet.")

    assert attachment("create")["Reason"] == (
        f"domain {studio.domain_id} cannot be changed, because its status is {status}: no subnet. Repair or delete it, "
        "then deploy again."
    )


def test_the_change_of_the_domain_fails(aws, function, studio, attachment):
    # GIVEN the last change of the domain has failed, and this one fails too
    describe_status(aws, "Update_Failed", reason="internal trouble.")
    call = aws.service.call

    def without_effect(operation, parameters, **where):
        return {"DomainArn": "arn"} if operation == "UpdateDomain" else call(operation, parameters, **where)

    aws.service.call = without_effect

    response = attachment("create")

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", studio.place)
    assert response["Reason"] == (f"domain {studio.domain_id} could not be changed: internal trouble. Deploy again.")
    assert function.names() == ["DescribeDomain", "UpdateDomain", "DescribeDomain"]


@pytest.mark.parametrize("kind", ["throttling", "internal error"])
def test_a_temporary_error_is_retried_with_the_settings_of_then(aws, function, studio, attachment, kind):
    error = {
        "throttling": ServiceError("ThrottlingException", "Rate exceeded"),
        "internal error": ServiceError("InternalFailure", "The request processing has failed.", status=500),
    }[kind]

    def refuse(call):
        if call.operation == "UpdateDomain":
            aws.service.before_call = None
            studio.offer(OTHERS[0])
            raise error

    aws.service.before_call = refuse

    assert attachment("create")["Status"] == "SUCCESS"
    assert sorted(studio.offered()) == sorted([OTHERS[0], OURS])


def test_a_lost_response_is_not_repeated(aws, function, studio, attachment):
    aws.service.faults.drop(when="after", operation="UpdateDomain")

    assert attachment("create")["PhysicalResourceId"] == studio.place
    assert changing(function.names()) == ["UpdateDomain"]


def test_the_domain_stays_busy_until_the_deadline(aws, function, studio, attachment):
    function.seconds = 60
    aws.refuse("UpdateDomain", ServiceError("ResourceInUse", "Domain is being updated."), forever=True)

    assert attachment("create")["Reason"] == (
        f"UpdateDomain failed for domain {studio.domain_id}: ResourceInUse: Domain is being updated. The error lasted "
        "until the function's time was up: deploy again when no other change of the domain is running."
    )


def test_the_function_may_not_read_the_domain(aws, attachment):
    aws.refuse("DescribeDomain", ServiceError("AccessDeniedException", "no"), forever=True)

    assert attachment("create")["Reason"].startswith("DescribeDomain failed for domain ")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"DomainId": None}, "property DomainId is missing or not a string"),
        ({"App": None}, "property App is missing or not a string"),
        ({"App": "Jupyter"}, "property App is 'Jupyter', not one of JupyterLab, CodeEditor, KernelGateway"),
        ({"AppImageConfigName": None}, "property AppImageConfigName is missing or not a string"),
        ({"Settings": "x"}, "property Settings is 'x', not one of DefaultUserSettings, DefaultSpaceSettings"),
        ({"Superseded": "x"}, "property Superseded is 'x', not one of REPLACE, KEEP"),
        ({"Superseded": "KEEP"}, "property Keep is '', not a whole number"),
        ({"Version": "latest"}, "property Version is 'latest', not a whole number"),
        ({"UserProfileName": ""}, "property UserProfileName is missing or not a string"),
    ],
)
def test_an_invalid_property(function, attachment, properties, reason):
    assert attachment("create", **properties)["Reason"] == reason
    assert function.names() == []


def test_r82_create_adopts_an_entry_and_delete_removes_it(aws, studio, attachment):
    studio.offer(("data-science", 3, "jupyter-lab"))

    physical_id = attachment("create")["PhysicalResourceId"]
    assert physical_id == f"{studio.place}/3"
    assert studio.offered() == [OURS]

    aws.cloudformation.status = "DELETE_IN_PROGRESS"
    attachment("delete", Version="1", physical_id=physical_id)
    assert studio.offered() == []


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"])
@pytest.mark.parametrize("number", [1, 3])
def test_r82_a_rollback_gives_the_adopted_entry_back(aws, studio, attachment, status, number):
    studio.offer(*OTHERS, ("data-science", number, "jupyter-lab"))
    physical_id = attachment("create")["PhysicalResourceId"]

    aws.cloudformation.status = status
    assert attachment("delete", Version="1", physical_id=physical_id)["Status"] == "SUCCESS"
    assert studio.offered() == [*OTHERS, ("data-science", number, "jupyter-lab")]


@pytest.mark.parametrize("kind", ["gone", "denied"])
def test_r82_an_adopted_entry_that_cannot_be_given_back(aws, function, studio, attachment, kind):
    studio.offer(("data-science", 3, "jupyter-lab"))
    physical_id = attachment("create")["PhysicalResourceId"]
    aws.delete_version(3)
    if kind == "denied":
        aws.refuse("UpdateDomain", ServiceError("AccessDeniedException", "no"), forever=True)

    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"
    response = attachment("delete", Version="1", physical_id=physical_id)

    if kind == "denied":
        assert response["Status"] == "FAILED"
    else:
        # THEN the entry goes, since SageMaker refuses one whose version does not exist
        assert response["Status"] == "SUCCESS"
        assert studio.offered() == []
        ((level, message, fields),) = function.decisions()
        assert (level, message, fields["version"]) == ("WARNING", "not given back", 3)
        assert fields["reason"].startswith(f"UpdateDomain failed for domain {studio.domain_id}: ")


def test_r83_an_adopted_entry_goes_when_its_attachment_leaves_the_stack(aws, studio, attachment):
    studio.offer(("data-science", 3, "jupyter-lab"))
    physical_id = attachment("create")["PhysicalResourceId"]

    aws.cloudformation.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    assert attachment("delete", Version="1", physical_id=physical_id)["Status"] == "SUCCESS"
    assert studio.offered() == []


@pytest.mark.parametrize("found_on", [None, 3])
def test_r83_delete_leaves_an_entry_that_was_replaced_by_hand(studio, attachment, found_on):
    studio.offer(("data-science", 4, "jupyter-lab"))
    physical_id = studio.place if found_on is None else f"{studio.place}/{found_on}"

    assert attachment("delete", physical_id=physical_id)["Status"] == "SUCCESS"
    assert studio.offered() == [("data-science", 4, "jupyter-lab")]


def test_a_late_update_that_changes_nothing_asks_for_the_stack(aws, function, studio, attachment):
    studio.offer(MOVED)

    response = attachment("update", sent_at=aws.clock.now() - 60)

    assert response["Status"] == "SUCCESS"
    assert function.names() == ["DescribeDomain", "DescribeStacks"]


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"])
def test_r54_a_late_update_of_a_stack_that_is_deleted_changes_nothing(aws, studio, attachment, status):
    studio.offer(MOVED)
    aws.cloudformation.status = status

    response = attachment("update", sent_at=aws.clock.now() - 60)

    assert response["Reason"].startswith("nothing was changed: CloudFormation does not wait for this event any more")
    assert studio.offered() == [MOVED]


def test_r84_only_the_case_of_letters_in_the_names_changes(function, studio, attachment):
    studio.offer(OURS)

    response = attachment("update", ImageName="Data-Science", Version="1", old={"Version": "1"})

    # THEN the new name is sent, since it may be that of another image
    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", studio.place)
    assert studio.offered() == [("Data-Science", 1, "jupyter-lab")]
    assert changing(function.names()) == ["UpdateDomain"]

    # WHEN nothing changes after that
    attachment("update", ImageName="Data-Science", Version="1", old={"ImageName": "Data-Science", "Version": "1"})
    assert function.names() == ["DescribeDomain"]


@pytest.mark.parametrize("change", [{"App": "CodeEditor"}, {"AppImageConfigName": "other"}, {"ImageName": "other"}])
def test_another_place_is_a_replacement(aws, studio, attachment, change):
    studio.offer(OURS)

    response = attachment("update", Version="1", old={"Version": "1"}, **change)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] != studio.place
    # THEN the old entry stays until CloudFormation deletes the old id
    assert OURS in studio.offered()


@pytest.mark.parametrize("physical_id", ["not-created:5b478341", "d-studio/x", "d-other/DefaultUserSettings/a/b/c"])
def test_delete_of_another_id_sends_no_call(function, attachment, physical_id):
    assert attachment("delete", physical_id=physical_id)["Status"] == "SUCCESS"
    assert function.names() == []
    assert function.decisions() == [
        ("INFO", "nothing to delete: the physical id is not this attachment", {"physical_id": physical_id})
    ]
