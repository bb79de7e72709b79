"""CloudFormation sends a Delete event after a failed Create, as on AWS."""

import pytest


@pytest.mark.parametrize(
    ("properties", "returned_id"),
    [({"OnCreate": "FAILED", "Id": "half-created"}, "half-created"), ({"OnCreate": "FAILED"}, None)],
)
def test_a_rollback_deletes_the_failed_resource(stack, properties, returned_id):
    # WHEN the response is FAILED, with or without a physical id
    status = stack.create({"Thing": stack.custom(**properties)})

    # THEN Delete follows with that id, or with a generated one
    assert status == "ROLLBACK_COMPLETE"
    created, deleted = stack.requests()
    assert (created["RequestType"], deleted["RequestType"]) == ("Create", "Delete")
    assert (deleted["LogicalResourceId"], deleted["RequestId"] != created["RequestId"]) == ("Thing", True)
    if returned_id:
        assert deleted["PhysicalResourceId"] == returned_id
    else:
        assert deleted["PhysicalResourceId"].startswith(f"{stack.name}-Thing-")
    # AND the event has the reason of the response
    assert "as requested" in stack.reasons()


def test_the_failed_resource_is_deleted_first(stack):
    created, failing = stack.custom(Id="created"), stack.custom(OnCreate="FAILED", Id="half-created")

    stack.create({"Created": created, "Failing": failing | {"DependsOn": "Created"}})

    assert stack.requested() == [("Create", None), ("Create", None), ("Delete", "half-created"), ("Delete", "created")]


def test_the_rollback_of_an_update_deletes_only_the_new_resource(stack):
    # GIVEN a stack with a resource
    existing = stack.custom(Id="existing")
    assert stack.create({"Existing": existing}) == "CREATE_COMPLETE"

    # WHEN an update adds one that fails
    failing = stack.custom(OnCreate="FAILED", Id="half-created") | {"DependsOn": "Existing"}
    status = stack.update({"Existing": existing, "Failing": failing})

    # THEN only that one is deleted
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.requested() == [("Create", None), ("Create", None), ("Delete", "half-created")]
    assert stack.resources() == {"Existing": "existing"}


class TestWithoutRollback:
    """A stack with DisableRollback."""

    @pytest.fixture
    def failed(self, stack):
        assert stack.create({"Thing": stack.custom(OnCreate="FAILED", Id="half-created")}, DisableRollback=True) == (
            "CREATE_FAILED"
        )
        assert stack.requested() == [("Create", None)]
        return stack

    def test_deleting_the_stack_deletes_the_failed_resource(self, failed):
        failed.delete()

        assert failed.requested() == [("Create", None), ("Delete", "half-created")]

    def test_a_later_rollback_deletes_the_failed_resource(self, failed):
        assert failed.roll_back() == "ROLLBACK_COMPLETE"

        assert failed.requested() == [("Create", None), ("Delete", "half-created")]

    @pytest.fixture
    def failed_update(self, stack):
        stack.create({"Existing": stack.custom(Id="existing")})
        failing = stack.custom(OnCreate="FAILED", Id="half-created")
        resources = {"Existing": stack.custom(Id="existing"), "Thing": failing}
        assert stack.update(resources, DisableRollback=True) == "UPDATE_FAILED"
        assert stack.requested() == [("Create", None), ("Create", None)]
        return stack

    def test_a_later_rollback_of_an_update_deletes_the_failed_resource(self, failed_update):
        assert failed_update.roll_back() == "UPDATE_ROLLBACK_COMPLETE"

        assert failed_update.requested()[2:] == [("Delete", "half-created")]

    def test_another_update_deletes_the_failed_resource_first(self, failed_update):
        resources = {"Existing": failed_update.custom(Id="existing"), "Thing": failed_update.custom(Id="whole")}

        assert failed_update.change(resources) == "UPDATE_COMPLETE"

        assert failed_update.requested()[2:] == [("Delete", "half-created"), ("Create", None)]
        assert failed_update.resources() == {"Existing": "existing", "Thing": "whole"}

    def test_deleting_the_stack_after_a_failed_update_deletes_the_failed_resource(self, failed_update):
        failed_update.delete()

        assert sorted(failed_update.requested()[2:]) == [("Delete", "existing"), ("Delete", "half-created")]
