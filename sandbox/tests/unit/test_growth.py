"""The cost of a call and of its events does not grow with the number of versions of an image."""

import sys

import pytest
from imgver_sandbox.ministack.state_changes import StateChanges

CALLS = {
    "create a version": lambda aws: aws.start(),
    "update a version": lambda aws: aws.UpdateImageVersion(Version=aws.number, ReleaseNotes="n"),
    "describe a version": lambda aws: aws.describe(aws.number),
    "find an alias": lambda aws: aws.owner(f"of-{aws.number}"),
    "list the aliases of a version": lambda aws: aws.aliases(Version=aws.number),
    "list a page of versions": lambda aws: aws.versions(),
    "describe the image": lambda aws: aws.DescribeImage(),
    "delete a version": lambda aws: aws.DeleteImageVersion(Version=aws.number),
}


def steps(call, aws):
    """The number of functions that run during a call: unlike its duration, it does not depend on the machine."""
    entered = 0

    def count(_frame, event, _argument):
        nonlocal entered
        entered += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        call(aws)
    finally:
        sys.setprofile(None)
    return entered


@pytest.fixture(scope="module")
def accounts(make_aws):
    """Accounts whose image has 50 and 5,000 versions. The calls use one in the middle."""

    def fill(versions):
        aws = make_aws(image_seconds=0, create_seconds=0, write_seconds=0, delete_seconds=0)
        aws.image()
        for number in range(1, versions + 1):
            aws.start(Aliases=[f"of-{number}"])
        aws.number = versions // 2
        StateChanges(aws.service, send=lambda _: None)
        aws.UpdateImage()  # sends the events of all versions
        return aws

    return fill(50), fill(5_000)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_costs_the_same_with_5000_versions_as_with_50(accounts, call):
    few, many = (steps(call, aws) for aws in accounts)

    assert many <= 1.5 * few
