"""Events that CloudFormation cancels while they are handled, and the events that it sends then."""

from functools import partial

import pytest
from botocore.exceptions import ClientError
from harness import ID, LOGICAL_ID, REPOSITORY, UNCHANGED, Aws, Function
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.service import ServiceError
from simulated_time import Simulation

INVENTED_ID = "DataScience-Version-1A2B3C4D5E6F"
"""CloudFormation invents a physical id for the Delete of a Create that it cancelled."""

BUSY = ServiceError("ResourceInUse", "Resource was modified concurrently")
LIMIT = ServiceError("ResourceLimitExceeded", "no")
every_alias_assumption = pytest.mark.parametrize(
    "aws", ["resource_in_use", "validation_exception", "moved"], indirect=True
)


class Stack:
    """A stack whose events are handled side by side, in simulated time."""

    def __init__(self, aws):
        self.aws = aws
        self.function_is_permitted = True
        self._simulation = Simulation(aws.clock)

    def handle(self, event, *, after=0.0, status=None, is_last=False):
        """Handle an event after some seconds, when the stack has the status."""
        self._simulation.sleep(after)
        self.aws.cloudformation.status = status or self.aws.cloudformation.status
        function = Function(self.aws, sleep=self._simulation.sleep, before_call=self._check)
        response = function.deliver(event)
        # CloudFormation deletes the policies after the resources that depend on them.
        self.function_is_permitted &= not is_last
        return response

    def run(self, *steps):
        """Start all steps at once, and return their results when all of them are done."""
        return self._simulation.run(lambda: self._simulation.join([self._simulation.start(step) for step in steps]))

    def change_status(self, status, *, after):
        self._simulation.sleep(after)
        self.aws.cloudformation.status = status

    def _check(self, operation, _parameters):
        if not self.function_is_permitted:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


@pytest.mark.parametrize("outcome", ["created", "failed"])
@pytest.mark.parametrize("create_seconds", [1, 20, 50])
@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_r50_r52_a_cancelled_create_leaves_no_version(event, status, create_seconds, outcome):
    aws = Aws(create_seconds=create_seconds)
    stack = Stack(aws)
    create = event("image_version_create", sent_at=aws.clock.now())
    delete = event("image_version_delete", physical_id=INVENTED_ID)
    if outcome == "failed":
        aws.service.faults.fail("internal trouble")

    # WHEN another resource fails after 2 s, and the Delete is the last event before the function loses its permissions
    created, deleted = stack.run(
        partial(stack.handle, create), partial(stack.handle, delete, after=2, status=status, is_last=True)
    )

    assert aws.versions() == {}
    assert deleted["Status"] == "SUCCESS"
    assert created["PhysicalResourceId"] == ID
    assert created["Reason"].endswith("" if outcome == "created" else "internal trouble.")

    # WHEN Lambda delivers the events again
    stack.function_is_permitted = True
    aws.cloudformation.status = status.replace("IN_PROGRESS", "COMPLETE")
    again = Function(aws)
    responses = [again.deliver(create), again.deliver(delete)]

    assert [response["Status"] for response in responses] == ["FAILED", "SUCCESS"]
    assert aws.versions() == {}


def test_r50_a_cancelled_create_that_is_delivered_twice_at_once(event):
    aws = Aws(create_seconds=10)
    stack = Stack(aws)
    create = event("image_version_create")
    delete = event("image_version_delete", physical_id=INVENTED_ID)

    stack.run(
        partial(stack.handle, create),
        partial(stack.handle, create, after=1),
        partial(stack.handle, delete, after=2, status="ROLLBACK_IN_PROGRESS", is_last=True),
    )

    assert aws.versions() == {}


@pytest.mark.parametrize("resource", ["image_version", "image_alias"])
@pytest.mark.parametrize(
    ("physical_id", "seconds"), [(INVENTED_ID, 60), ("not-created:5b478341-0d43-4a8d-92ac-9b1a2a6f0d3c", 0)]
)
def test_r50_only_the_delete_of_a_cancelled_create_waits(aws, function, event, resource, physical_id, seconds):
    start = aws.clock.now()

    response = function.deliver(event(f"{resource}_delete", physical_id=physical_id))

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", physical_id)
    assert aws.clock.now() - start == seconds
    assert function.names() == []


@pytest.mark.parametrize("lag", [0, 4])
def test_r50_a_response_that_was_under_way_leaves_no_version(aws, function, event, lag):
    # GIVEN a cancellation after the last poll, which DescribeStacks shows some seconds later
    create = event("image_version_create")
    done_at = 0.0

    def sleep(seconds):
        nonlocal done_at
        done_at = done_at or aws.clock.now()
        aws.clock.advance(seconds)
        if aws.clock.now() > done_at + lag:
            aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"

    Function(aws, sleep=sleep).deliver(create)

    assert aws.versions() == {}


def test_r51_a_version_that_the_rollback_changed_is_retained(aws, event):
    # GIVEN a rollback that first sends an Update of the new version, which makes it the old one's equal
    def sleep(seconds):
        aws.clock.advance(seconds)
        if aws.versions() == {1: "CREATED"}:
            aws.update_version(1, ReleaseNotes="First release of all")
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function = Function(aws, sleep=sleep)
    function.deliver(event("image_version_create"))

    assert aws.versions() == {1: "CREATED"}
    retained = "retained: an event of the rollback has changed the version"
    assert function.decisions()[-1] == ("WARNING", retained, {"arn": ID.partition("#")[0]})


@pytest.mark.parametrize(
    ("reason", "versions"),
    [
        (f"The following resource(s) failed to create: [Broken, {LOGICAL_ID}]. ", {}),
        ("The following resource(s) failed to create: [Broken]. ", {1: "CREATED"}),
        ("Resource limit exceeded", {1: "CREATED"}),
        (None, {1: "CREATED"}),
    ],
)
@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
def test_r50_without_rollback_only_a_version_that_was_cancelled_is_deleted(
    aws, function, event, status, reason, versions
):
    aws.cloudformation.status = status
    aws.cloudformation.reason = reason

    assert function.deliver(event("image_version_create"))["Status"] == "SUCCESS"

    assert aws.versions() == versions


@pytest.mark.parametrize("failed", ["Broken", f"Broken, {LOGICAL_ID}", f"Broken,{LOGICAL_ID}"])
@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"])
def test_r50_a_version_whose_response_was_used_is_left_to_the_rollback(aws, function, event, status, failed):
    # GIVEN a stack that rolls back, whose reason names the resources that failed or were cancelled
    aws.cloudformation.status = status
    aws.cloudformation.reason = f"The following resource(s) failed to create: [{failed}]. "

    function.deliver(event("image_version_create"))

    assert aws.versions() == ({1: "CREATED"} if failed == "Broken" else {})


def test_r50_a_cancelled_version_that_cannot_be_deleted_is_named_in_the_log(aws, function, event):
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")
    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"

    function.deliver(event("image_version_create"))

    arn = ID.partition("#")[0]
    deleted_again = ("WARNING", "deleted again: the stack is rolling back", {"arn": arn})
    assert function.decisions()[0] == deleted_again
    level, message, fields = function.decisions()[1]
    assert (level, message, fields["arn"]) == ("ERROR", "could not delete a version that nothing uses", arn)
    assert aws.versions() == {1: "DELETE_FAILED"}


def test_r51_the_reason_of_the_status_tells_what_two_clocks_cannot(aws, function, event, create, update):
    # GIVEN an update that began a few seconds after the Create of version 1
    create()
    aws.clock.advance(10)
    aws.cloudformation.began_at = aws.clock.now()
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.cloudformation.reason = f"The following resource(s) failed to update: [Broken, {LOGICAL_ID}]. "

    update(BaseImage=f"{REPOSITORY}:1.1.0")

    assert aws.versions() == {1: "CREATED"}


@pytest.mark.parametrize("rolled_back_after", [5, 60])
@pytest.mark.parametrize("change", [{"BaseImage": f"{REPOSITORY}:1.1.0"}, {"ReleaseNotes": None}])
def test_r51_r52_a_cancelled_replacement_leaves_only_the_old_version(event, change, rolled_back_after):
    # GIVEN version 1 with an alias, and an update that began later
    aws = Aws(create_seconds=20)
    for each in (event("image_version_create"), event("image_alias_create")):
        Function(aws).deliver(each)
    aws.clock.advance(60)
    aws.cloudformation.began_at = aws.describe(1)["CreationTime"].timestamp() + 60
    stack = Stack(aws)
    update = event("image_version_update", **UNCHANGED | change, sent_at=aws.clock.now())
    swapped = event("image_version_update", **UNCHANGED, old=update["ResourceProperties"])

    # WHEN another resource fails, or the user cancels the update, while version 2 is being created
    updated, rolled_back, _ = stack.run(
        partial(stack.handle, update),
        partial(stack.handle, swapped, after=3, status="UPDATE_ROLLBACK_IN_PROGRESS"),
        partial(stack.change_status, "UPDATE_ROLLBACK_COMPLETE", after=rolled_back_after),
    )

    assert updated["Status"] == "SUCCESS"
    assert (rolled_back["Status"], rolled_back["PhysicalResourceId"]) == ("SUCCESS", ID)
    assert aws.versions() == {1: "CREATED"}
    assert aws.aliases(1) == ["latest"]

    # WHEN Lambda delivers the Update again
    aws.clock.advance(60)
    again = Function(aws)
    assert again.deliver(update)["PhysicalResourceId"] == ID
    assert not {"CreateImageVersion", "UpdateImageVersion"} & set(again.names())


def test_r51_a_cancelled_change_of_the_image_leaves_no_version_and_no_alias_on_the_other_image(event):
    # GIVEN version 1 with an alias, and two versions of another image, of which one has the alias, too
    aws = Aws(create_seconds=20)
    created = [event("image_version_create"), event("image_alias_create")]
    ids = [Function(aws).deliver(each)["PhysicalResourceId"] for each in created]
    aws.create_image("other")
    aws.create_version("other", Aliases=["latest"])
    aws.create_version("other")
    aws.cloudformation.began_at = aws.clock.now()
    stack = Stack(aws)
    names = [("image_version_update", ids[0]), ("image_alias_update", ids[1])]
    updates = [event(name, physical_id=one, ImageName="other") for name, one in names]

    # WHEN the update is cancelled, and its rollback is the last that has the permissions for the other image
    swapped = [
        event(name, physical_id=one, **before["ResourceProperties"], old=after["ResourceProperties"])
        for (name, one), before, after in zip(names, created, updates, strict=True)
    ]
    stack.run(
        *(partial(stack.handle, one) for one in updates),
        partial(stack.handle, swapped[0], after=2, status="UPDATE_ROLLBACK_IN_PROGRESS"),
        partial(stack.handle, swapped[1], after=3, is_last=True),
    )

    assert (aws.versions(), aws.aliases(1)) == ({1: "CREATED"}, ["latest"])
    assert (aws.versions("other"), aws.aliases(1, "other")) == ({1: "CREATED", 2: "CREATED"}, ["latest"])


@pytest.mark.parametrize("resource", ["image_version", "image_alias"])
@pytest.mark.parametrize(("old_name", "seconds"), [("other", 60), ("Data-Science", 0), ("data-science", 0)])
def test_r51_only_the_rollback_of_a_change_of_the_image_waits(aws, event, resource, old_name, seconds):
    aws.create_version()
    created = event(f"{resource}_create")
    physical_id = Function(aws).deliver(created)["PhysicalResourceId"]
    aws.clock.advance(60)
    properties = created["ResourceProperties"]
    start = aws.clock.now()

    Function(aws).deliver(
        event(f"{resource}_update", physical_id=physical_id, **properties, old={**properties, "ImageName": old_name})
    )

    assert aws.clock.now() - start == seconds


def test_r51_an_update_of_metadata_is_refused_when_the_stack_rolls_back_meanwhile(aws, function, create, update):
    create()
    aws.clock.advance(60)
    aws.refuse("UpdateImageVersion", BUSY)

    def before_call(operation, _parameters):
        if operation == "DescribeStacks" and "DescribeStacks" in function.names():
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function.before_call = before_call

    assert update(ReleaseNotes="New")["Reason"].startswith("nothing was changed: CloudFormation does not wait ")
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion", *["DescribeStacks"] * 2]
    assert aws.describe(1)["ReleaseNotes"] == "First release"


@pytest.mark.parametrize("is_of_rollback", [False, True])
def test_r51_an_update_of_metadata_is_cancelled_while_the_image_is_busy(aws, event, create, is_of_rollback):
    # GIVEN an update that changes the metadata, or its rollback, while the image is busy
    create()
    aws.clock.advance(60)
    aws.cloudformation.began_at, busy_until = aws.clock.now(), aws.clock.now() + 6
    if is_of_rollback:
        aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    def before_call(call):
        if call.operation == "UpdateImageVersion" and aws.clock.now() < busy_until:
            raise BUSY

    aws.service.before_call = before_call
    stack = Stack(aws)

    # WHEN the stack rolls back, and has rolled back before the image can be changed
    updated, _ = stack.run(
        partial(stack.handle, event("image_version_update", **UNCHANGED | {"ReleaseNotes": "New"})),
        partial(stack.change_status, "UPDATE_ROLLBACK_IN_PROGRESS", after=3),
    )

    assert updated["Status"] == ("SUCCESS" if is_of_rollback else "FAILED")
    assert aws.describe(1)["ReleaseNotes"] == ("New" if is_of_rollback else "First release")


def test_r51_a_replacement_of_a_version_that_is_gone_is_cancelled(event):
    # GIVEN version 1, which somebody else has deleted
    aws = Aws(create_seconds=20)
    create = event("image_version_create")
    Function(aws).deliver(create)
    aws.clock.advance(60)
    aws.delete_version(1)
    aws.cloudformation.began_at = aws.clock.now()
    stack = Stack(aws)
    update = event("image_version_update", BaseImage=f"{REPOSITORY}:1.1.0", sent_at=aws.clock.now())
    swapped = event("image_version_update", **UNCHANGED, old=update["ResourceProperties"], sent_at=aws.clock.now() + 3)

    # WHEN the update is cancelled so soon that the function has not yet polled twice
    _, rolled_back = stack.run(
        partial(stack.handle, update),
        partial(stack.handle, swapped, after=2, status="UPDATE_ROLLBACK_IN_PROGRESS"),
    )

    # THEN only the version remains that the rollback has created
    (number,) = aws.versions()
    assert rolled_back["PhysicalResourceId"] == aws.physical_id(number)
    assert aws.describe(number)["BaseImage"] == f"{REPOSITORY}:1.0.0"


def test_r51_an_update_of_a_version_that_is_gone_is_refused_if_it_may_be_cancelled(event):
    # GIVEN DescribeStacks responds so late that the stack may have begun to roll back after the event was sent
    aws = Aws()
    Function(aws).deliver(event("image_version_create"))
    aws.delete_version(1)
    aws.cloudformation.began_at = aws.clock.now()
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    function = Function(aws)

    def before_call(operation, _parameters):
        if operation == "DescribeStacks":
            aws.clock.advance(1.1)

    function.before_call = before_call

    assert function.deliver(event("image_version_update"))["Status"] == "FAILED"
    assert aws.versions() == {}


@pytest.fixture
def aws(request):
    """A stack with the old versions 1 and 2, and version 3, which the running update has created."""
    aws = Aws(assumptions=Assumptions(alias_held_elsewhere=getattr(request, "param", "resource_in_use")))
    if "alias" in request.fixturenames:
        aws.create_version()
        aws.create_version()
        aws.cloudformation.began_at = aws.clock.now()
        aws.create_version()
    return aws


@pytest.fixture
def cancel(aws, function):
    """Lets the stack roll back while an event moves the alias."""

    def cancel(status="UPDATE_ROLLBACK_IN_PROGRESS", *, also=lambda: None):
        def before_call(operation, parameters):
            if operation == "DescribeStacks" and aws.cloudformation.status == status:
                also()
            elif "AliasesToAdd" in parameters:
                aws.cloudformation.status = status

        function.before_call = before_call

    return cancel


def owners(aws):
    return [number for number in aws.versions() if aws.aliases(number) == ["latest"]]


def version(aws, number, form):
    """The Version property of an alias."""
    return str(number) if form == "number" else aws.physical_id(number)


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
@pytest.mark.parametrize("owner", [None, 2])
@every_alias_assumption
def test_r50_r52_a_cancelled_create_of_an_alias_moves_it_back(aws, function, alias, cancel, owner, status):
    if owner:
        aws.update_version(owner, AliasesToAdd=["latest"])
    cancel(status)

    alias("create", Version="3")

    assert function.decisions()[-1] == ("WARNING", "moved back: the stack is rolling back", {"alias": "latest"})
    assert owners(aws) == [owner] * bool(owner)

    function.before_call = None
    assert alias("delete", Version="3", physical_id=INVENTED_ID)["Status"] == "SUCCESS"
    assert owners(aws) == [owner] * bool(owner)


@pytest.mark.parametrize("form", ["number", "physical id"])
@pytest.mark.parametrize("busy_seconds", [0, 2, 8])
@every_alias_assumption
def test_r51_r52_a_cancelled_update_of_an_alias_ends_where_the_rollback_moves_it(aws, event, alias, busy_seconds, form):
    # GIVEN an image that is busy for a while, so that the alias is on no version
    aws.update_version(1, AliasesToAdd=["latest"])
    end = aws.clock.now() + busy_seconds
    busy = ServiceError("ResourceInUse", "Resource was modified concurrently")

    def before_call(call):
        if "AliasesToAdd" in call.parameters and call.parameters["Version"] == 3 and aws.clock.now() < end:
            raise busy

    aws.service.before_call = before_call
    stack = Stack(aws)
    update = event("image_alias_update", Version=version(aws, 3, form), old={"Version": version(aws, 1, form)})
    swapped = event("image_alias_update", Version=version(aws, 1, form), old={"Version": version(aws, 3, form)})

    # WHEN the stack rolls back meanwhile
    _, rolled_back = stack.run(
        partial(stack.handle, update),
        partial(stack.handle, swapped, after=4, status="UPDATE_ROLLBACK_IN_PROGRESS"),
    )

    assert rolled_back["Status"] == "SUCCESS"
    assert owners(aws) == [1]


def test_r51_a_rollback_found_the_alias_before_a_cancelled_update_removed_it(aws, function, event, alias):
    # GIVEN a removal that takes some seconds, in which the rollback finds the alias where it belongs
    aws.update_version(1, AliasesToAdd=["latest"])

    def before_call(_operation, parameters):
        if "AliasesToDelete" in parameters:
            aws.clock.advance(3)
            aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
            function.before_call = None
            rolled_back = event("image_alias_update", Version="1", old={"Version": "3"})
            assert Function(aws).deliver(rolled_back)["Status"] == "SUCCESS"

    function.before_call = before_call

    assert alias("update", Version="3", old={"Version": "1"})["Status"] == "FAILED"
    assert owners(aws) == [1]


@pytest.mark.parametrize("also", ["moved", "removed"])
def test_r50_an_alias_that_was_changed_since_is_not_taken_back(aws, alias, cancel, also):
    aws.update_version(1, AliasesToAdd=["latest"])

    def change():
        aws.update_version(3, AliasesToDelete=["latest"])
        if also == "moved":
            aws.update_version(2, AliasesToAdd=["latest"])

    cancel("ROLLBACK_IN_PROGRESS", also=change)

    alias("create", Version="3")

    assert owners(aws) == [2 if also == "moved" else 1]


def test_r50_a_move_back_finds_that_the_previous_owner_is_gone(aws, alias, cancel):
    aws.update_version(1, AliasesToAdd=["latest"])
    cancel("ROLLBACK_IN_PROGRESS", also=lambda: aws.delete_version(1))

    alias("create", Version="3")

    assert owners(aws) == []


def test_r50_a_move_back_that_fails_is_in_the_log(aws, function, alias, cancel):
    cancel("ROLLBACK_IN_PROGRESS", also=lambda: aws.refuse("UpdateImageVersion", LIMIT, forever=True))

    alias("create", Version="3")

    assert function.decisions()[-1][:2] == ("ERROR", "failed after the response")


@pytest.mark.parametrize("form", ["number", "physical id"])
@pytest.mark.parametrize(
    ("source", "target"), [(3, 1), (1, 2), (3, 4)], ids=["to the old version", "between old ones", "between new ones"]
)
def test_r51_an_update_of_the_rollback_moves_the_alias_at_once(aws, alias, form, source, target):
    aws.create_version()
    aws.update_version(source, AliasesToAdd=["latest"])
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    start = aws.clock.now()

    response = alias("update", Version=version(aws, target, form), old={"Version": version(aws, source, form)})

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert owners(aws) == [target]
    assert aws.clock.now() - start < 5


def test_r51_an_update_of_the_rollback_moves_the_alias_from_a_version_that_is_gone(aws, alias):
    aws.delete_version(3)
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    assert alias("update", Version="1", old={"Version": "3"})["Status"] == "SUCCESS"
    assert owners(aws) == [1]


@pytest.mark.parametrize("rollback_ends", [True, False])
def test_r51_an_update_to_a_new_version_waits_for_the_end_of_the_rollback(aws, function, alias, rollback_ends):
    # GIVEN an Update that belongs to the update, or to a rollback that had to create version 3
    aws.update_version(1, AliasesToAdd=["latest"])
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    start = aws.clock.now()

    def before_call(_operation, _parameters):
        if rollback_ends and aws.clock.now() - start > 10:
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function.before_call = before_call

    response = alias("update", Version="3")

    # THEN only a rollback that waits for the response goes on for long
    assert response["Status"] == ("FAILED" if rollback_ends else "SUCCESS")
    assert owners(aws) == [1 if rollback_ends else 3]
    assert aws.clock.now() - start < 245
