"""CloudFormation sends a Delete event after a failed Create, as on AWS."""

import pytest


@pytest.mark.parametrize(
    ("properties", "answered"),
    [({"OnCreate": "FAILED", "Id": "half-made"}, "half-made"), ({"OnCreate": "FAILED"}, None)],
)
def test_a_rollback_deletes_the_failed_resource(stack, properties, answered):
    # WHEN the response is FAILED, with or without a physical id
    status = stack.create({"Thing": stack.custom(**properties)})

    # THEN Delete follows with that id, or with a generated one
    assert status == "ROLLBACK_COMPLETE"
    created, deleted = stack.requests()
    assert (created["RequestType"], deleted["RequestType"]) == ("Create", "Delete")
    assert (deleted["LogicalResourceId"], deleted["RequestId"] != created["RequestId"]) == ("Thing", True)
    if answered:
        assert deleted["PhysicalResourceId"] == answered
    else:
        assert deleted["PhysicalResourceId"].startswith(f"{stack.name}-Thing-")
    # AND the event has the reason of the response
    assert "as it was told" in stack.reasons()


def test_a_create_without_a_response_is_deleted(stack):
    status = stack.create({"Thing": stack.custom(OnCreate="SILENT", ServiceTimeout="1")})

    assert status == "ROLLBACK_COMPLETE"
    (_, (kind, physical_id)) = stack.requested()
    assert kind == "Delete"
    assert physical_id.startswith(f"{stack.name}-Thing-")


def test_the_failed_resource_is_deleted_first(stack):
    made, failing = stack.custom(Id="made"), stack.custom(OnCreate="FAILED", Id="half-made")

    stack.create({"Made": made, "Failing": failing | {"DependsOn": "Made"}})

    assert stack.requested() == [("Create", None), ("Create", None), ("Delete", "half-made"), ("Delete", "made")]


def test_the_rollback_of_an_update_deletes_only_the_new_resource(stack):
    # GIVEN a stack with a resource
    kept = stack.custom(Id="kept")
    assert stack.create({"Kept": kept}) == "CREATE_COMPLETE"

    # WHEN an update adds one that fails
    failing = stack.custom(OnCreate="FAILED", Id="half-made") | {"DependsOn": "Kept"}
    status = stack.update({"Kept": kept, "Failing": failing})

    # THEN only that one is deleted
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.requested() == [("Create", None), ("Create", None), ("Delete", "half-made")]
    assert stack.resources() == {"Kept": "kept"}


class TestWithoutRollback:
    """A stack with DisableRollback."""

    @pytest.fixture
    def failed(self, stack):
        assert stack.create({"Thing": stack.custom(OnCreate="FAILED", Id="half-made")}, DisableRollback=True) == (
            "CREATE_FAILED"
        )
        assert stack.requested() == [("Create", None)]
        return stack

    def test_deleting_the_stack_deletes_the_failed_resource(self, failed):
        failed.delete()

        assert failed.requested() == [("Create", None), ("Delete", "half-made")]

    def test_a_later_rollback_deletes_the_failed_resource(self, failed):
        assert failed.roll_back() == "ROLLBACK_COMPLETE"

        assert failed.requested() == [("Create", None), ("Delete", "half-made")]

    @pytest.fixture
    def failed_update(self, stack):
        stack.create({"Kept": stack.custom(Id="kept")})
        resources = {"Kept": stack.custom(Id="kept"), "Thing": stack.custom(OnCreate="FAILED", Id="half-made")}
        assert stack.update(resources, DisableRollback=True) == "UPDATE_FAILED"
        assert stack.requested() == [("Create", None), ("Create", None)]
        return stack

    def test_a_later_rollback_of_an_update_deletes_the_failed_resource(self, failed_update):
        assert failed_update.roll_back() == "UPDATE_ROLLBACK_COMPLETE"

        assert failed_update.requested()[2:] == [("Delete", "half-made")]

    def test_another_update_deletes_the_failed_resource_first(self, failed_update):
        resources = {"Kept": failed_update.custom(Id="kept"), "Thing": failed_update.custom(Id="whole")}

        assert failed_update.change(resources) == "UPDATE_COMPLETE"

        assert failed_update.requested()[2:] == [("Delete", "half-made"), ("Create", None)]
        assert failed_update.resources() == {"Kept": "kept", "Thing": "whole"}

    def test_deleting_the_stack_after_a_failed_update_deletes_the_failed_resource(self, failed_update):
        failed_update.delete()

        assert sorted(failed_update.requested()[2:]) == [("Delete", "half-made"), ("Delete", "kept")]


def test_a_successful_create_is_deleted_once(stack):
    assert stack.create({"Thing": stack.custom(Id="whole")}) == "CREATE_COMPLETE"
    stack.delete()

    assert stack.requested() == [("Create", None), ("Delete", "whole")]
