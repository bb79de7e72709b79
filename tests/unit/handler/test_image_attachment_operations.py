"""Attachments in deployments that roll back, are cancelled or delivered late."""

import pytest
from harness import Aws, Crash, Function, Studio
from imgver_sandbox.sagemaker.assumptions import Assumptions

NOT_WAITED_FOR = "because CloudFormation does not wait for the change any more: the stack is rolling back."
LATE = "nothing was changed: CloudFormation does not wait for this event any more"


def entry(number, config="jupyter-lab"):
    return ("data-science", number, config)


@pytest.fixture
def aws():
    """A stack with the old versions 1 and 2, and version 3, which the running operation has created."""
    aws = Aws()
    aws.create_version()
    aws.create_version()
    aws.clock.advance(60)
    aws.cloudformation.began_at = aws.clock.now()
    aws.create_version()
    return aws


@pytest.fixture
def cancel(aws, function):
    """Lets the stack roll back while the domain is being changed."""

    def cancel(status="UPDATE_ROLLBACK_IN_PROGRESS", *, also=lambda: None):
        def before_call(operation, _parameters):
            if operation == "DescribeDomain" and "UpdateDomain" in function.names():
                aws.cloudformation.status = status
            if operation == "DescribeStacks" and aws.cloudformation.status == status:
                function.before_call = None
                also()

        function.before_call = before_call

    return cancel


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
@pytest.mark.parametrize("before", [[], [entry(2)]])
def test_r79_a_cancelled_create_restores_the_entry(function, studio, attachment, cancel, before, status):
    studio.offer(*before)
    cancel(status)

    response = attachment("create", Version="3")

    # THEN the function has restored the entry after its response
    assert response["Status"] == "SUCCESS"
    target = {"target": f"domain {studio.domain_id}"}
    assert function.decisions()[-1] == ("WARNING", "undone: the stack is rolling back", target)
    assert studio.offered() == before
    assert attachment("delete", Version="3", physical_id="DataScience-Attachment-1A2B3C4D")["Status"] == "SUCCESS"
    assert studio.offered() == before


@pytest.mark.parametrize(("version", "left"), [(3, []), (2, [entry(2)])])
def test_r79_the_delete_of_a_cancelled_create_removes_an_entry_of_this_operation_only(
    aws, studio, attachment, version, left
):
    # GIVEN the response to the Create was under way when CloudFormation cancelled it
    studio.offer(entry(version))
    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"

    attachment("delete", Version=aws.physical_id(version), physical_id="DataScience-Attachment-1A2B3C4D")

    assert studio.offered() == left


@pytest.mark.parametrize("form", ["number", "physical id"])
@pytest.mark.parametrize("before", [[], [entry(1)], [entry(2)]])
def test_r79_a_cancelled_update_restores_the_entry(aws, studio, attachment, cancel, before, form):
    # GIVEN an entry with the old version, or one that somebody else has removed or changed
    studio.offer(*before)
    cancel()
    version, old = ("3", "1") if form == "number" else (aws.physical_id(3), aws.physical_id(1))

    assert attachment("update", Version=version, old={"Version": old})["Status"] == "FAILED"
    assert studio.offered() == before


@pytest.mark.parametrize(("failed", "offered"), [("Other", 3), ("Attachment", 1)])
def test_r79_an_update_that_another_delivery_has_responded_to_leaves_the_entry_to_the_rollback(
    aws, studio, attachment, cancel, failed, offered
):
    # GIVEN a rollback whose reason names the attachment, or only another resource
    studio.offer(entry(1))
    cancel()
    aws.cloudformation.reason = f"The following resource(s) failed to update: [{failed}]."

    attachment("update", Version="3", old={"Version": "1"})

    assert studio.offered() == [entry(offered)]


def test_r79_an_entry_that_was_changed_since_is_not_restored(studio, attachment, cancel):
    studio.offer(entry(1))
    cancel(also=lambda: studio.offer(entry(2)))

    assert attachment("update", Version="3")["Status"] == "FAILED"
    assert studio.offered() == [entry(2)]


def test_r79_a_cancelled_change_that_somebody_overwrites_is_not_repeated(aws, function, studio, attachment):
    def before_call(operation, _parameters):
        if operation == "DescribeDomain" and "UpdateDomain" in function.names():
            function.before_call = None
            aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"
            aws.clock.advance(10)
            studio.offer()

    function.before_call = before_call

    response = attachment("create", Version="3")

    assert response["Reason"].startswith(LATE)
    assert studio.offered() == []


@pytest.mark.parametrize("rollback_ends", [True, False])
def test_r79_an_update_to_a_new_version_waits_for_the_end_of_the_rollback(
    aws, function, studio, attachment, rollback_ends
):
    # GIVEN an Update that belongs to the update, or to a rollback that had to create version 3
    studio.offer(entry(1))
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    start = aws.clock.now()

    def before_call(_operation, _parameters):
        if rollback_ends and aws.clock.now() - start > 10:
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function.before_call = before_call

    response = attachment("update", Version=aws.physical_id(3), old={"Version": aws.physical_id(1)})

    assert response["Status"] == ("FAILED" if rollback_ends else "SUCCESS")
    assert studio.offered() == [entry(1 if rollback_ends else 3)]


@pytest.mark.parametrize("arrives_in_rollback", [False, True])
def test_r79_an_update_that_waits_for_the_domain_while_the_stack_begins_to_roll_back(
    aws, function, studio, attachment, arrives_in_rollback
):
    # GIVEN two versions that are older than the operation, and somebody else who changes the domain
    studio.offer(entry(1))
    aws.sagemaker.update_domain(DomainId=studio.domain_id, SubnetIds=["subnet-1"])
    if arrives_in_rollback:
        aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    def before_call(operation, _parameters):
        if operation == "DescribeDomain" and function.names():
            aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    function.before_call = before_call

    response = attachment("update", Version="2", old={"Version": "1"})

    # THEN only an Update of the rollback changes the entry
    if arrives_in_rollback:
        assert (response["Status"], studio.offered()) == ("SUCCESS", [entry(2)])
    else:
        assert (response["Status"], studio.offered()) == ("FAILED", [entry(1)])
        assert response["Reason"].startswith(LATE)


@pytest.mark.parametrize(("queued", "first_call"), [(0, 2), (40, 0)])
@pytest.mark.parametrize(
    ("failed", "rollback_ends", "offered"),
    [("Other", False, 2), ("Other", True, 2), ("Attachment", False, 2), ("Attachment", True, 1), (None, True, 1)],
)
def test_r79_an_update_that_reads_the_stack_late_waits_unless_the_reason_of_the_rollback_tells(
    aws, function, event, studio, failed, rollback_ends, offered, queued, first_call
):
    # GIVEN an Update that Lambda queued, or whose first call took long, between two versions of earlier operations
    studio.offer(entry(1))
    sent_at = aws.clock.now()
    update = event("image_attachment_update", DomainId=studio.domain_id, Version="2", sent_at=sent_at)
    update["PhysicalResourceId"] = studio.place
    aws.clock.advance(queued)
    start = aws.clock.now()
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    if failed is not None:
        aws.cloudformation.reason = f"The following resource(s) failed to update: [{failed}]."

    def before_call(_operation, _parameters):
        if not function.names():
            aws.clock.advance(first_call)
        if rollback_ends and aws.clock.now() - start > 10:
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function.before_call = before_call

    # THEN it is one of the rollback if its resource did not fail, or if the rollback waits for it
    assert function.deliver(update)["Status"] == ("SUCCESS" if offered == 2 else "FAILED")
    assert studio.offered() == [entry(offered)]


@pytest.mark.parametrize(
    ("old", "waits"), [({"DomainId": "d-other"}, True), ({"UserProfileName": "ann"}, True), ({}, False)]
)
def test_r79_a_rollback_waits_for_a_cancelled_change_to_another_domain_or_user(aws, studio, attachment, old, waits):
    # GIVEN the permissions for the other domain are removed at the end of the rollback
    studio.offer(entry(1))
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    start = aws.clock.now()

    assert attachment("update", Version="1", old=old | {"Version": "1"})["Status"] == "SUCCESS"
    assert (aws.clock.now() - start >= 60) is waits


def test_r79_an_update_of_the_rollback_lets_the_cancelled_one_restore_the_entry(aws, function, studio, attachment):
    studio.offer(entry(2))
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.cloudformation.reason = "The following resource(s) failed to update: [Attachment]."

    def before_call(operation, _parameters):
        if operation == "DescribeDomain" and function.names():
            function.before_call = None
            studio.offer(entry(1))

    function.before_call = before_call

    assert attachment("update", Version="1", old={"Version": "2"})["Status"] == "SUCCESS"
    assert studio.offered() == [entry(1)]
    assert function.names() == ["DescribeDomain", "DescribeStacks", "DescribeDomain"]


def test_r79_the_status_may_still_be_that_of_the_last_rollback(aws, function, studio, attachment):
    studio.offer(entry(1))
    aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"
    start = aws.clock.now()

    def before_call(_operation, _parameters):
        if aws.clock.now() - start > 2:
            aws.cloudformation.status = "UPDATE_IN_PROGRESS"

    function.before_call = before_call

    assert attachment("update", Version="2", old={"Version": "1"})["Status"] == "SUCCESS"
    assert studio.offered() == [entry(2)]


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE"])
def test_r79_a_late_event_changes_nothing(aws, function, event, studio, attachment, action, status):
    late = event(f"image_attachment_{action}", DomainId=studio.domain_id, sent_at=aws.clock.now())
    late["PhysicalResourceId"] = studio.place
    aws.clock.advance(60)
    aws.cloudformation.status = status

    response = function.deliver(late)

    assert (response["Status"], studio.offered()) == ("FAILED", [])
    assert response["Reason"].startswith(LATE)


def test_r79_a_late_delete_changes_nothing(aws, function, event, studio):
    studio.offer(entry(1))
    late = event("image_attachment_delete", DomainId=studio.domain_id, Version="1", sent_at=aws.clock.now())
    late["PhysicalResourceId"] = studio.place
    aws.clock.advance(60)
    aws.cloudformation.status = "UPDATE_COMPLETE"

    assert function.deliver(late)["Reason"].startswith(LATE)
    assert studio.offered() == [entry(1)]


@pytest.mark.parametrize(("action", "restored"), [("create", []), ("update", [entry(1)])])
def test_r79_an_event_whose_process_ended_restores_the_entry_after_the_rollback(
    aws, function, event, studio, action, restored
):
    # GIVEN the process ends after the write
    studio.offer(*restored)
    versions = {"Version": aws.physical_id(3)} | ({"old": {"Version": "1"}} if action == "update" else {})
    late = event(f"image_attachment_{action}", DomainId=studio.domain_id, sent_at=aws.clock.now(), **versions)
    late["PhysicalResourceId"] = studio.place
    crash_after_write(function, late)
    assert studio.offered() == [entry(3)]

    # WHEN Lambda delivers the event again, and the stack has rolled back
    aws.clock.advance(60)
    aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    assert function.deliver(late)["Reason"].endswith(NOT_WAITED_FOR)
    assert studio.offered() == restored


def crash_after_write(function, event):
    def before_call(operation, _parameters):
        if operation == "DescribeDomain" and "UpdateDomain" in function.names():
            raise Crash

    function.before_call = before_call
    with pytest.raises(Crash):
        function.deliver(event)
    function.before_call = None
    function.aws.clock.advance(5)


def test_r82_an_entry_of_an_earlier_delivery_is_not_adopted(aws, function, event, studio):
    create = event("image_attachment_create", DomainId=studio.domain_id, Version=aws.physical_id(3))
    crash_after_write(function, create)

    response = function.deliver(create)

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", studio.place)
    assert function.names() == ["DescribeDomain", "DescribeStacks"]


def test_r82_an_entry_of_an_older_version_is_adopted(aws, studio, attachment):
    studio.offer(entry(1))

    assert attachment("create", Version=aws.physical_id(1))["PhysicalResourceId"] == f"{studio.place}/1"


def test_r80_a_rollback_offers_the_old_version_again_before_the_new_one_is_deleted(aws, function, studio, attachment):
    studio.offer(entry(1))
    versions = {"Version": aws.physical_id(3)}, {"Version": aws.physical_id(1)}
    attachment("update", **versions[0], old=versions[1])
    assert studio.offered() == [entry(3)]

    # WHEN another resource fails
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    response = attachment("update", **versions[1], old=versions[0])

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", studio.place)
    assert studio.offered() == [entry(1)]
    aws.delete_version(3)
    assert 3 not in aws.versions()


@pytest.mark.parametrize("in_use", ["refused", "allowed"])
@pytest.mark.parametrize("running_apps", ["refused", "allowed"])
def test_r78_r81_a_replacement_while_a_space_runs_on_the_old_version(event, in_use, running_apps):
    # GIVEN a domain that offers version 1, on which a space runs
    aws = Aws(
        assumptions=Assumptions(update_with_running_apps=running_apps, delete_of_version_in_use=in_use),
        domain_seconds=20,
    )
    function, studio = Function(aws), Studio(aws)
    aws.create_version()
    aws.create_version()
    studio.offer(entry(1))
    studio.run_space(1)
    old, start = aws.physical_id(1), aws.clock.now()

    versions = {"Version": aws.physical_id(2), "old": {"Version": old, "DomainId": studio.domain_id}}
    response = function.deliver(
        event("image_attachment_update", DomainId=studio.domain_id, physical_id=studio.place, **versions)
    )

    if running_apps == "refused":
        # THEN the reason says at once what to stop, and the old version is still offered
        assert response["Reason"].endswith("stop the apps that the message names, then deploy again.")
        assert studio.offered() == [entry(1)]
        assert aws.clock.now() - start < 5
        return
    assert response["Status"] == "SUCCESS", response["Reason"]
    response = function.deliver(event("image_version_delete", physical_id=old))

    # THEN the deployment ends in minutes, and the reason says what to do about the old version
    assert studio.offered() == [entry(2)]
    assert aws.clock.now() - start < 240
    if in_use == "refused":
        assert response["Reason"].startswith(f"DeleteImageVersion failed for {old.partition('#')[0]}: ResourceInUse: ")
