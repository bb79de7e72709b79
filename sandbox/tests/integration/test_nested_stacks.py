"""Nested stacks: created, updated, rolled back and deleted as a part of their parent, as on AWS."""

import json
import uuid

import pytest

PARENT = "AWS::CloudFormation::Stack"


@pytest.fixture(scope="session")
def bucket(sandbox):
    name = f"templates-{uuid.uuid4().hex[:8]}"
    sandbox.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
    return name


@pytest.fixture
def nest(sandbox, bucket):
    """Upload the template of a nested stack, and return the resource that its parent declares."""

    def upload(resources, outputs=None, *, key=None, **parameters):
        template = {
            "Parameters": {name: {"Type": "String"} for name in parameters},
            "Resources": resources,
            "Outputs": {name: {"Value": value} for name, value in (outputs or {}).items()},
        }
        key = key or f"{uuid.uuid4()}.json"
        sandbox.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(template))
        url = f"https://s3.{sandbox.region}.amazonaws.com/{bucket}/{key}"
        return {"Type": PARENT, "Properties": {"TemplateURL": url, "Parameters": parameters}}

    return upload


@pytest.fixture
def describe(sandbox):
    """The description of a nested stack."""
    cloudformation = sandbox.client("cloudformation")
    return lambda stack_id: cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]


def statuses(events):
    return [status for status, _ in events]


def test_it_is_created_updated_and_deleted_in_parallel_with_its_siblings(stack, nest, describe):
    # GIVEN two nested stacks and a resource, each of which waits until all three are in progress
    together = {"CreateAfterEvents": "3", "UpdateAfterEvents": "6", "DeleteAfterEvents": "9"}

    def resources(**changed):
        first = nest({"A": stack.custom(Id="a", **together, **changed)}, outputs={"Name": {"Ref": "A"}})
        second = nest({"B": stack.custom(Id="b", **together, **changed)})
        return {"First": first, "Second": second, "C": stack.custom(Id="c", **together, **changed)}

    # WHEN the stack is created, updated and deleted
    assert stack.create(resources()) == "CREATE_COMPLETE"
    ids = stack.resources()
    assert stack.update(resources(Changed="yes")) == "UPDATE_COMPLETE"
    assert stack.resources() == ids
    stack.delete()

    # THEN each nested stack has events of its own
    assert ids["First"].split("/")[1].startswith(f"{stack.name}-First-")
    for logical_id, inside in (("First", "A"), ("Second", "B")):
        assert statuses(stack.events(of=ids[logical_id])) == [
            *["CREATE_IN_PROGRESS", "CREATE_COMPLETE"],
            *["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
            *["DELETE_IN_PROGRESS", "DELETE_COMPLETE"],
        ]
        assert ("CREATE_COMPLETE", "") in stack.events(inside, of=ids[logical_id])
    assert describe(ids["First"])["StackStatus"] == "DELETE_COMPLETE"


def test_an_update_passes_outputs_on_and_skips_what_is_unchanged(stack, nest):
    # GIVEN a nested stack whose output is a parameter of another one
    def resources(thing_id):
        first = nest({"Thing": stack.custom(Id=thing_id)}, outputs={"Name": {"Ref": "Thing"}}, key=f"{stack.name}.json")
        given = {"Name": {"Fn::GetAtt": ["First", "Outputs.Name"]}}
        second = nest({"User": stack.custom(Id="user", Uses={"Ref": "Name"})}, key=f"{stack.name}-user.json", **given)
        return {"First": first, "Second": second, "Alone": nest({"Other": stack.custom(Id="other")}, key="alone.json")}

    assert stack.create(resources("1")) == "CREATE_COMPLETE"
    alone = stack.resources()["Alone"]

    # WHEN only the template of the first one changes, at the same address
    description = {"Description": "changed"}
    template = {"Resources": resources("2")} | description
    stack._client.update_stack(StackName=stack.name, TemplateBody=json.dumps(template))
    assert stack.final_status() == "UPDATE_COMPLETE"

    # THEN the second one gets the new output before the replaced resource is deleted
    *_, replaced, used, deleted = stack.requests()
    assert (replaced["RequestType"], replaced["LogicalResourceId"]) == ("Update", "Thing")
    assert (used["RequestType"], used["ResourceProperties"]["Uses"]) == ("Update", "2")
    assert (deleted["RequestType"], deleted["PhysicalResourceId"]) == ("Delete", "1")
    assert statuses(stack.events(of=alone)) == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_a_creation_that_fails_is_deleted_with_all_that_it_has(stack, nest):
    # GIVEN a nested stack in another one, whose resource fails while two others are in progress
    slow = stack.custom(Id="slow", CreateOvertaken="yes")
    inner = nest({"Failing": stack.custom(OnCreate="FAILED", Id="failing", CreateAfterEvents="3"), "Slow": slow})
    outer = nest({"Inner": inner, "Beside": slow})

    # WHEN the stack is created
    assert stack.create({"Outer": outer}) == "ROLLBACK_COMPLETE"

    # THEN each level says why, and the resources in progress were cancelled and deleted
    outer_id = next(iter({event["PhysicalResourceId"] for event in all_events(stack, "Outer")} - {""}))
    inner_id = next(iter({event["PhysicalResourceId"] for event in all_events(stack, "Inner", outer_id)} - {""}))
    reason = "The following resource(s) failed to create: [Failing, Slow]."
    assert stack.events(of=inner_id) == [
        ("CREATE_IN_PROGRESS", "User Initiated"),
        ("CREATE_FAILED", reason),
        ("DELETE_IN_PROGRESS", ""),
        ("DELETE_COMPLETE", ""),
    ]
    assert ("CREATE_FAILED", f"Embedded stack {inner_id} was not successfully created: {reason}") in stack.events(
        "Inner", of=outer_id
    )
    assert ("CREATE_FAILED", "Resource creation cancelled") in stack.events("Beside", of=outer_id)
    assert ("DELETE_COMPLETE", "") in stack.events("Beside", of=outer_id)
    assert stack.resources() == {}


def all_events(stack, logical_id, stack_name=None):
    found = stack._client.describe_stack_events(StackName=stack_name or stack.describe()["StackId"])["StackEvents"]
    return [event for event in found if event["LogicalResourceId"] == logical_id]


def test_an_update_in_progress_is_cancelled_and_reverted(stack, nest, describe):
    # GIVEN a nested stack
    assert stack.create({"Nested": nest({"Slow": stack.custom(Id="old")})}) == "CREATE_COMPLETE"
    nested = stack.resources()["Nested"]

    # WHEN a resource of its parent fails during its update
    update = nest({"Slow": stack.custom(Id="new", UpdateOvertaken="yes")})
    failing = stack.custom(OnCreate="FAILED", Id="failing", CreateAfterEvents="3")
    assert stack.update({"Nested": update, "Failing": failing}) == "UPDATE_ROLLBACK_COMPLETE"

    # THEN it rolls back
    assert ("UPDATE_FAILED", "Resource update cancelled") in stack.events("Nested")
    assert ("UPDATE_FAILED", "Resource update cancelled") in stack.events("Slow", of=nested)
    assert statuses(stack.events(of=nested))[3:] == [
        *["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    ]
    assert [kind for kind, _ in stack.requested()].count("Update") == 2
    assert describe(nested)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_an_update_that_has_ended_rolls_back_if_its_parent_fails_later(stack, nest, sandbox):
    # GIVEN a nested stack, and an update that replaces a resource, adds one and changes an output
    def nested(thing_id, **more):
        things = {"Thing": stack.custom(Id=thing_id), **more}
        return nest(things, outputs={"Name": {"Ref": "Thing"}})

    assert stack.create({"Nested": nested("old")}) == "CREATE_COMPLETE"
    physical_id = stack.resources()["Nested"]

    # WHEN a resource that comes after it fails
    failing = stack.custom(OnCreate="FAILED", Id="failing") | {"DependsOn": "Nested"}
    update = nested("new", Added=stack.custom(Id="added"))
    assert stack.update({"Nested": update, "Failing": failing}) == "UPDATE_ROLLBACK_COMPLETE"

    # THEN the old resource was not deleted, and the new ones are
    requested = [(kind, name) for kind, name in stack.requested() if kind == "Delete"]
    assert sorted(requested) == [("Delete", "added"), ("Delete", "failing"), ("Delete", "new")]
    assert statuses(stack.events(of=physical_id))[2:] == [
        *["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"],
        *["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
    ]
    outputs = sandbox.client("cloudformation").describe_stacks(StackName=physical_id)["Stacks"][0]["Outputs"]
    assert [output["OutputValue"] for output in outputs] == ["old"]
    # AND the next update works
    assert stack.update({"Nested": nested("newer")}) == "UPDATE_COMPLETE"
    assert stack.requested()[-1] == ("Delete", "old")


def test_a_failed_update_says_why(stack, nest):
    assert stack.create({"Nested": nest({"Thing": stack.custom(Id="1")})}) == "CREATE_COMPLETE"

    failing = nest({"Thing": stack.custom(Id="1", OnUpdate="FAILED")})
    assert stack.update({"Nested": failing}) == "UPDATE_ROLLBACK_COMPLETE"

    nested = stack.resources()["Nested"]
    state = "UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed to update: [Thing]."
    reason = f"Embedded stack {nested} was not successfully updated. Currently in {state}"
    assert ("UPDATE_FAILED", reason) in stack.events("Nested")


def test_a_rollback_that_fails_inside_is_continued(sandbox, stack, nest, describe):
    # GIVEN a nested stack whose resource cannot be updated back
    assert stack.create({"Nested": nest({"Thing": stack.custom(Id="1", OnUpdate="FAILED")})}) == "CREATE_COMPLETE"
    nested = stack.resources()["Nested"]
    failing = stack.custom(OnCreate="FAILED") | {"DependsOn": "Nested"}
    update = {"Nested": nest({"Thing": stack.custom(Id="1")}), "Failing": failing}
    assert stack.update(update) == "UPDATE_ROLLBACK_FAILED"
    assert describe(nested)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"

    # WHEN the rollback continues, and fails again
    sandbox.client("cloudformation").continue_update_rollback(StackName=stack.name)
    assert stack.final_status() == "UPDATE_ROLLBACK_FAILED"

    # THEN it can skip the nested stack
    assert [kind for kind, _ in stack.requested()].count("Update") == 3
    sandbox.client("cloudformation").continue_update_rollback(StackName=stack.name, ResourcesToSkip=["Nested"])
    assert stack.final_status() == "UPDATE_ROLLBACK_COMPLETE"


def test_a_deletion_that_fails_inside_fails_the_parent(stack, nest, describe):
    kept = {"Kept": stack.custom(Id="kept", OnDelete="FAILED"), "Gone": stack.custom(Id="gone")}
    assert stack.create({"Nested": nest(kept)}) == "CREATE_COMPLETE"
    nested = stack.resources()["Nested"]

    stack.delete("DELETE_FAILED")

    reason = "The following resource(s) failed to delete: [Kept]."
    assert ("DELETE_FAILED", f"Embedded stack {nested} was not successfully deleted: {reason}") in stack.events(
        "Nested"
    )
    assert describe(nested)["StackStatus"] == "DELETE_FAILED"
    assert ("Delete", "gone") in stack.requested()


def test_an_update_removes_it(stack, nest, describe):
    assert stack.create({"Nested": nest({"Thing": stack.custom(Id="1")}), "Other": stack.custom(Id="other")})
    stack.final_status()
    nested = stack.resources()["Nested"]

    assert stack.update({"Other": stack.custom(Id="other")}) == "UPDATE_COMPLETE"

    assert stack.requested()[-1] == ("Delete", "1")
    assert describe(nested)["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"TemplateURL": "https://s3.amazonaws.com/no-bucket/none.json"}, "S3 error"),
        ({"Parameters": {"Names": ["a", "b"]}}, "Value of property Parameters must be an object with String"),
    ],
)
def test_an_invalid_one_fails_without_a_stack(stack, nest, properties, reason):
    nested = nest({"Thing": stack.custom(Id="1")})
    nested["Properties"] |= properties

    assert stack.create({"Nested": nested}) == "ROLLBACK_COMPLETE"

    assert reason in stack.reasons()
    assert stack.requests() == []


def test_delete_stack_cancels_its_creation(stack, nest, eventually):
    stack.start_create({"Nested": nest({"Slow": stack.custom(Id="slow", CreateOvertaken="yes")})})
    eventually(stack.requests)

    stack.delete()

    ((_, _), (kind, _)) = stack.requested()
    assert kind == "Delete"
