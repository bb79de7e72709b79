"""Operations on stacks: resources in parallel, cancellation, time limits and statuses, as on AWS."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError


def physical_ids(stack, logical_id):
    """Types and physical ids of the events of one resource."""
    requests = [request for request in stack.requests() if request["LogicalResourceId"] == logical_id]
    return [(request["RequestType"], request["PhysicalResourceId"]) for request in requests]


class TestParallel:
    def test_resources_that_do_not_depend_on_each_other_are_processed_in_parallel(self, stack):
        # GIVEN two resources whose function waits for the events of both, and one that depends on them
        together = {"CreateAfterEvents": "2", "UpdateAfterEvents": "5", "DeleteAfterEvents": "9"}
        pair = {name: stack.custom(Id=name, **together) for name in ("One", "Two")}
        last = stack.custom(Id="Last") | {"DependsOn": ["One", "Two"]}

        # THEN they are created, updated and deleted, the dependent one last or first
        assert stack.create({**pair, "Last": last}) == "CREATE_COMPLETE"
        pair = {name: stack.custom(Id=name, Changed="yes", **together) for name in pair}
        last = stack.custom(Id="Last", Changed="yes") | {"DependsOn": ["One", "Two"]}
        assert stack.update({**pair, "Last": last}) == "UPDATE_COMPLETE"
        stack.delete()

        order = [(request["RequestType"], request["LogicalResourceId"] == "Last") for request in stack.requests()]
        assert order == [
            *[("Create", False), ("Create", False), ("Create", True)],
            *[("Update", False), ("Update", False), ("Update", True)],
            *[("Delete", True), ("Delete", False), ("Delete", False)],
        ]

    def test_an_unchanged_resource_gets_no_event(self, stack):
        stack.create({"One": stack.custom(Id="one"), "Two": stack.custom(Id="two")})

        resources = {"One": stack.custom(Id="one"), "Two": stack.custom(Id="two", Changed="yes")}
        assert stack.update(resources) == "UPDATE_COMPLETE"

        assert physical_ids(stack, "One") == [("Create", None)]
        assert [status for status, _ in stack.events("One")] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


class TestCancellation:
    def test_a_creation_in_progress_is_cancelled_and_deleted(self, stack, eventually):
        # GIVEN a resource whose creation ends only after its deletion has begun
        slow = stack.custom(Id="slow", CreateOvertaken="yes")
        failing = stack.custom(OnCreate="FAILED", Id="failing", CreateAfterEvents="2")

        # WHEN another resource fails during its creation
        status = stack.create({"Slow": slow, "Failing": failing})

        # THEN it gets a Delete with a generated id during the Create
        assert status == "ROLLBACK_COMPLETE"
        ((_, _), (kind, physical_id)) = physical_ids(stack, "Slow")
        assert kind == "Delete"
        assert re.fullmatch(rf"{stack.name}-Slow-[A-Z0-9]{{12}}", physical_id)
        assert stack.events("Slow") == [
            ("CREATE_IN_PROGRESS", ""),
            ("CREATE_FAILED", "Resource creation cancelled"),
            ("DELETE_IN_PROGRESS", ""),
            ("DELETE_COMPLETE", ""),
        ]
        assert stack.events()[1] == (
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [Failing, Slow]. Rollback requested by user.",
        )
        # AND the late response to the Create is received and ignored
        eventually(lambda: "Slow Create SUCCESS" in stack.responses())
        assert (stack.describe()["StackStatus"], stack.resources()) == ("ROLLBACK_COMPLETE", {})

    def test_an_update_in_progress_is_cancelled_and_reverted(self, stack, eventually):
        # GIVEN a stack, and an update that ends only after the rollback has begun
        stack.create({"Slow": stack.custom(Id="old")})
        slow = stack.custom(Id="new", UpdateOvertaken="yes")
        failing = stack.custom(OnCreate="FAILED", Id="failing", CreateAfterEvents="3")

        # WHEN a resource that the update adds fails
        status = stack.update({"Slow": slow, "Failing": failing})

        # THEN an Update with the previous properties and id arrives during the first one, and the id stays
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert physical_ids(stack, "Slow") == [("Create", None), ("Update", "old"), ("Update", "old")]
        *_, first, second = (request for request in stack.requests() if request["LogicalResourceId"] == "Slow")
        assert first["ResourceProperties"] == second["OldResourceProperties"]
        assert first["OldResourceProperties"] == second["ResourceProperties"]
        assert ("UPDATE_FAILED", "Resource update cancelled") in stack.events("Slow")
        eventually(lambda: stack.responses().count("Slow Update SUCCESS") == 2)
        assert stack.resources() == {"Slow": "old"}

    def test_cancel_update_stack_cancels_the_update_in_progress(self, stack, eventually):
        stack.create({"Slow": stack.custom(Id="old")})
        stack.start_update({"Slow": stack.custom(Id="new", UpdateOvertaken="yes")})
        eventually(lambda: len(stack.requests()) == 2)

        assert stack.cancel_update() == "UPDATE_ROLLBACK_COMPLETE"

        assert stack.requested() == [("Create", None), ("Update", "old"), ("Update", "old")]
        assert ("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated") in stack.events()

    def test_delete_stack_cancels_the_creation_in_progress(self, stack, eventually):
        stack.start_create(
            {
                "Slow": stack.custom(Id="slow", CreateOvertaken="yes"),
                "Later": stack.custom(Id="later") | {"DependsOn": "Slow"},
            }
        )
        eventually(stack.requests)

        stack.delete()

        ((_, _), (kind, physical_id)) = stack.requested()
        assert (kind, physical_id.startswith(f"{stack.name}-Slow-")) == ("Delete", True)

    def test_delete_stack_is_refused_during_an_update(self, stack):
        stack.create({"Slow": stack.custom(Id="slow")})
        stack.start_update({"Slow": stack.custom(Id="slow", UpdateAfterEvents="3")})

        with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
            stack.delete()

        assert stack.cancel_update() == "UPDATE_ROLLBACK_COMPLETE"

    def test_a_resource_without_a_function_is_deleted_when_its_creation_has_ended(self, sandbox, stack, sagemaker):
        # GIVEN an image whose creation takes longer than that of a resource that fails
        sandbox.faults.slow(2, operation="CreateImage")
        role = "arn:aws:iam::000000000000:role/images"
        image = {"Type": "AWS::SageMaker::Image", "Properties": {"ImageName": stack.name, "ImageRoleArn": role}}

        assert stack.create({"Image": image, "Failing": stack.custom(OnCreate="FAILED")}) == "ROLLBACK_COMPLETE"

        assert ("CREATE_FAILED", "Resource creation cancelled") in stack.events("Image")
        assert stack.events("Image")[-1] == ("DELETE_COMPLETE", "")
        assert stack.name not in [image["ImageName"] for image in sagemaker.list_images()["Images"]]


class TestFunction:
    """The invocation of the function of a custom resource."""

    def test_the_service_timeout_ends_the_wait_for_a_function_that_still_runs(self, stack, eventually):
        # GIVEN a function that runs until it gets the Delete event
        status = stack.create({"Slow": stack.custom(CreateOvertaken="yes", ServiceTimeout="1")})

        assert status == "ROLLBACK_COMPLETE"
        assert "did not receive a response from your Custom Resource" in stack.reasons()
        eventually(lambda: "Slow Create SUCCESS" in stack.responses())

    @pytest.mark.parametrize("end", ["SILENT", "DIE"])
    def test_the_service_timeout_ends_the_wait_for_a_function_that_has_ended_without_a_response(self, stack, end):
        began = time.monotonic()

        # The function starts again for the Delete, which takes part of the time.
        status = stack.create({"Thing": stack.custom(OnCreate=end, ServiceTimeout="3")})

        assert status == "ROLLBACK_COMPLETE"
        assert time.monotonic() - began < 15
        (deleted,) = {physical_id for request_type, physical_id in stack.requested() if request_type == "Delete"}
        assert deleted.startswith(f"{stack.name}-Thing-")
        assert "did not receive a response from your Custom Resource" in stack.reasons()

    def test_lambda_retries_a_function_that_fails(self, stack):
        assert stack.create({"Thing": stack.custom(Id="thing", OnCreate="CRASH")}) == "CREATE_COMPLETE"

        first, second = stack.requests()
        assert first == second

    def test_the_response_url_has_the_time_of_the_event(self, stack):
        stack.create({"Thing": stack.custom(Id="thing")})

        ((date,),) = (re.findall(r"\?X-Amz-Date=(\w+)&", request["ResponseURL"]) for request in stack.requests())
        sent = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - sent) < timedelta(seconds=60)


class TestDeletionThatFails:
    def test_what_the_resource_depends_on_is_deleted_all_the_same(self, stack):
        stack.create({"Base": stack.custom(Id="base"), "Kept": stack.custom(OnDelete="FAILED") | {"DependsOn": "Base"}})

        stack.delete("DELETE_FAILED")

        assert ("Delete", "base") in stack.requested()
        assert list(stack.resources()) == ["Kept"]
        assert stack.events()[-1] == ("DELETE_FAILED", "The following resource(s) failed to delete: [Kept].")

    def test_an_update_forgets_a_resource_that_it_cannot_delete(self, stack):
        stack.create({"Base": stack.custom(Id="base"), "Removed": stack.custom(Id="removed", OnDelete="FAILED")})

        assert stack.update({"Base": stack.custom(Id="base")}) == "UPDATE_COMPLETE"

        assert ("Delete", "removed") in stack.requested()
        assert stack.resources() == {"Base": "base"}

    def test_a_rollback_that_cannot_delete_a_resource_fails(self, stack):
        failing = stack.custom(OnCreate="FAILED", OnDelete="FAILED", Id="failing")

        assert stack.create({"Failing": failing}) == "ROLLBACK_FAILED"

        assert stack.resources() == {"Failing": "failing"}

    def test_a_rollback_that_cannot_revert_a_resource_is_continued_without_it(self, sandbox, stack):
        stack.create({"Thing": stack.custom(Id="1", OnUpdate="FAILED")})
        failing = stack.custom(OnCreate="FAILED") | {"DependsOn": "Thing"}
        assert stack.update({"Thing": stack.custom(Id="1"), "Failing": failing}) == "UPDATE_ROLLBACK_FAILED"
        assert stack.events()[-1][1] == "The following resource(s) failed to update: [Thing]."

        sandbox.client("cloudformation").continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Thing"])

        assert stack.final_status() == "UPDATE_ROLLBACK_COMPLETE"

    def test_a_forced_deletion_keeps_the_resource_and_what_it_depends_on(self, sandbox, stack):
        base, kept = stack.custom(Id="base", OnDelete="FAILED"), stack.custom(OnDelete="FAILED")
        stack.create({"Base": base, "Kept": kept | {"DependsOn": "Base"}, "Other": stack.custom(Id="other")})
        stack.delete("DELETE_FAILED")
        stack_id, requests = stack.describe()["StackId"], len(stack.requests())

        sandbox.client("cloudformation").delete_stack(StackName=stack.name, DeletionMode="FORCE_DELETE_STACK")

        assert stack.final_status(stack_id) == "DELETE_COMPLETE"
        assert len(stack.requests()) == requests


class TestRetained:
    """Resources that a policy of the template retains get no Delete event."""

    def test_in_a_rollback_a_failed_creation_is_retained(self, stack):
        failing = stack.custom(OnCreate="FAILED", Id="failing") | {"DeletionPolicy": "Retain"}

        assert stack.create({"Failing": failing}) == "ROLLBACK_COMPLETE"

        assert stack.requested() == [("Create", None)]

    def test_after_an_update_replaced_and_removed_resources_are_retained(self, stack):
        policies = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        stack.create({name: stack.custom(Id=name) | policies for name in ("Replaced", "Removed")})

        assert stack.update({"Replaced": stack.custom(Id="New") | policies}) == "UPDATE_COMPLETE"
        stack.delete()

        assert "Delete" not in dict(stack.requested())


class TestDescription:
    """StackStatus, CreationTime and LastUpdatedTime in the result of DescribeStacks."""

    def test_the_statuses_of_an_update_and_of_a_rollback(self, stack):
        stack.create({"Thing": stack.custom(Id="1")})
        stack.update({"Thing": stack.custom(Id="2")})
        stack.update(
            {"Thing": stack.custom(Id="3"), "Failing": stack.custom(OnCreate="FAILED") | {"DependsOn": "Thing"}}
        )

        assert [status for status, _ in stack.events()] == [
            *["CREATE_IN_PROGRESS", "CREATE_COMPLETE"],
            *["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
            *["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"],
            "UPDATE_ROLLBACK_COMPLETE",
        ]
        assert physical_ids(stack, "Thing") == [
            *[("Create", None), ("Update", "1"), ("Delete", "1"), ("Update", "2"), ("Delete", "3")],
        ]

    def test_the_last_update_has_the_time_of_its_start(self, stack):
        began = datetime.now(UTC) - timedelta(seconds=1)  # CloudFormation's times are in milliseconds
        stack.create({"Thing": stack.custom(Id="1")})
        created = stack.describe()
        stack.start_update({"Thing": stack.custom(Id="1", UpdateAfterEvents="3")})
        updating = stack.describe()
        stack.cancel_update()

        assert "LastUpdatedTime" not in created
        assert began < created["CreationTime"] < updating["LastUpdatedTime"]
        assert stack.describe()["LastUpdatedTime"] == updating["LastUpdatedTime"]
