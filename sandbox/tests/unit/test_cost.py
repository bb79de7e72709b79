"""What a call costs when an image has many versions: as much as when it has few."""

import sys
import tracemalloc

import pytest
from imgver_sandbox.sagemaker.image_records import ImageVersionRecord as Version

FEW, MANY = 50, 5_000


@pytest.fixture(scope="module")
def make_crowd(make_aws):
    """An image with a version for every ten seconds, each with an alias."""

    def make(versions):
        aws = make_aws(write_seconds=0, create_seconds=1, delete_seconds=1)
        aws.image()
        for number in range(1, versions + 1):
            aws.start(Aliases=[f"a{number}"])
            aws.clock.advance(10)
        aws.newest = versions
        return aws

    return make


@pytest.fixture(scope="module")
def crowds(make_crowd):
    return [make_crowd(FEW), make_crowd(MANY)]


@pytest.fixture
def cost(monkeypatch):
    """The number of versions that somebody looked at during a call, and that of all functions that were called."""

    def measure(aws, operation, parameters):
        touched, calls = set(), 0
        # What has come to its end meanwhile, like a deletion, is not this call's.
        aws.wait()
        aws.DescribeImage(ImageName="data-science")

        def touch(version, name):
            touched.add(id(version))
            return object.__getattribute__(version, name)

        def count(_frame, event, _argument):
            nonlocal calls
            calls += event in {"call", "c_call"}

        with monkeypatch.context() as patch:
            patch.setattr(Version, "__getattribute__", touch)
            sys.setprofile(count)
            try:
                answer = getattr(aws, operation)(ImageName="data-science", **parameters)
            finally:
                sys.setprofile(None)
        return len(touched), calls, answer

    return measure


def recently(aws):
    return aws.describe(aws.newest - 1)["CreationTime"]


def token(aws):
    """For the page behind the first one."""
    size = min(100, aws.newest // 2)
    return aws.ListImageVersions(ImageName="data-science", SortBy="VERSION", MaxResults=size)["NextToken"]


CALLS = {
    "create": (1, "CreateImageVersion", lambda aws: {"BaseImage": aws.base_image, "ClientToken": "new"}),
    "describe by number": (1, "DescribeImageVersion", lambda aws: {"Version": aws.newest // 2}),
    "describe by alias": (1, "DescribeImageVersion", lambda aws: {"Alias": "a7"}),
    "describe the latest": (1, "DescribeImageVersion", lambda aws: {}),
    "update": (1, "UpdateImageVersion", lambda aws: {"Version": 9, "VendorGuidance": "TO_BE_ARCHIVED"}),
    "move an alias away": (
        1,
        "UpdateImageVersion",
        lambda aws: {"Version": 8, "AliasesToDelete": ["a8"], "AliasesToAdd": ["b8"]},
    ),
    "delete": (1, "DeleteImageVersion", lambda aws: {"Version": 10}),
    "list the newest": (11, "ListImageVersions", lambda aws: {}),
    "list the oldest": (11, "ListImageVersions", lambda aws: {"SortOrder": "ASCENDING"}),
    "list by number": (11, "ListImageVersions", lambda aws: {"SortBy": "VERSION"}),
    "list by change": (11, "ListImageVersions", lambda aws: {"SortBy": "LAST_MODIFIED_TIME"}),
    "list another page": (
        21,
        "ListImageVersions",
        lambda aws: {"SortBy": "VERSION", "MaxResults": 20, "NextToken": token(aws)},
    ),
    "list what is new": (3, "ListImageVersions", lambda aws: {"CreationTimeAfter": recently(aws)}),
    "list what is old": (
        3,
        "ListImageVersions",
        lambda aws: {"CreationTimeBefore": aws.describe(3)["CreationTime"]},
    ),
    "list what has changed": (
        11,
        "ListImageVersions",
        lambda aws: {"SortBy": "LAST_MODIFIED_TIME", "LastModifiedTimeAfter": recently(aws)},
    ),
    "list the aliases of one": (1, "ListAliases", lambda aws: {"Version": 7}),
    "list all aliases": (0, "ListAliases", lambda aws: {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_costs_the_same_among_many_versions(make_crowd, crowds, cost, name):
    # GIVEN an image with few versions, and one with many
    looks_at, operation, parameters = CALLS[name]
    few, many = crowds

    # WHEN the same is asked of both
    (_, calls_among_few, _), (touched, calls, _) = (cost(aws, operation, parameters(aws)) for aws in (few, many))

    # THEN no version is looked at that has nothing to do with it; finding a place among many takes a few more steps
    assert touched <= looks_at
    assert calls <= calls_among_few + 40


def test_deleting_the_image_does_not_look_at_its_versions(make_crowd, cost):
    aws = make_crowd(200)

    touched, _, _ = cost(aws, "DeleteImage", {})
    aws.wait()

    assert touched == 0
    assert aws.ListImages()["Images"] == []


def test_a_version_takes_little_memory(make_crowd):
    make_crowd(1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        aws = make_crowd(500)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert aws.newest == 500
    assert (after - before) / 500 < 4_000
