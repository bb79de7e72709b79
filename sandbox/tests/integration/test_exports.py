"""Exports that another stack imports cannot change, as on AWS."""

import pytest


@pytest.fixture
def pair(make_stack):
    """A stack with the exports A and B of its own, and a stack that imports A."""
    exporter, importer = make_stack(), make_stack()
    name = exporter.name
    thing = exporter.custom(Id="thing")
    assert exporter.create({"Thing": thing}, {f"{name}-A": "1", f"{name}-B": "1"}) == "CREATE_COMPLETE"
    use = importer.custom(Id="user", Value={"Fn::ImportValue": f"{name}-A"})
    assert importer.create({"User": use}) == "CREATE_COMPLETE"
    return exporter, importer


@pytest.fixture
def exports(sandbox):
    """The values of the exports of a stack by name."""

    def read(stack):
        pages = sandbox.client("cloudformation").get_paginator("list_exports").paginate()
        return {
            export["Name"].removeprefix(f"{stack.name}-"): export["Value"]
            for page in pages
            for export in page["Exports"]
            if export["Name"].startswith(stack.name)
        }

    return read


@pytest.mark.parametrize(("verb", "new"), [("update", {"A": "2", "B": "2"}), ("delete", {"B": "2"})])
def test_an_update_that_would_change_or_remove_an_export_in_use_rolls_back(pair, exports, verb, new):
    exporter, importer = pair

    # WHEN an update also replaces a resource
    changed = exporter.custom(Id="other", Changed="yes")
    status = exporter.update({"Thing": changed}, {f"{exporter.name}-{name}": new[name] for name in new})

    # THEN the resource, the exports and the importing stack are as before
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    reason = f"Cannot {verb} export {exporter.name}-A as it is in use by {importer.name}."
    assert ("UPDATE_ROLLBACK_IN_PROGRESS", f"{verb.capitalize()} canceled. {reason}") in exporter.events()
    assert exporter.resources() == {"Thing": "thing"}
    assert exports(exporter) == {"A": "1", "B": "1"}


def test_an_export_that_nobody_uses_can_change_and_go(pair, exports):
    exporter, importer = pair
    thing = exporter.custom(Id="thing")

    assert (
        exporter.update({"Thing": thing}, {f"{exporter.name}-A": "1", f"{exporter.name}-B": "2"}) == "UPDATE_COMPLETE"
    )
    assert exports(exporter) == {"A": "1", "B": "2"}

    assert importer.update({"User": importer.custom(Id="user")}) == "UPDATE_COMPLETE"
    assert exporter.update({"Thing": thing}) == "UPDATE_COMPLETE"
    assert exports(exporter) == {}


def test_a_stack_whose_export_is_in_use_is_not_deleted(pair, exports):
    exporter, importer = pair

    exporter.delete("CREATE_COMPLETE")

    reason = f"Delete canceled. Cannot delete export {exporter.name}-A as it is in use by {importer.name}."
    assert exporter.events()[-1] == ("CREATE_COMPLETE", reason)
    assert ("Delete", "thing") not in exporter.requested()

    importer.delete()
    exporter.delete()
    assert exports(exporter) == {}


def test_two_stacks_cannot_have_the_same_export(pair, make_stack):
    exporter, _ = pair
    other = make_stack()

    assert other.create({"Thing": other.custom(Id="other")}, {f"{exporter.name}-B": "2"}) == "ROLLBACK_COMPLETE"

    assert f"Export with name {exporter.name}-B is already exported by stack {exporter.name}." in other.reasons()
