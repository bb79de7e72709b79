"""Lists: order, filters, pages."""

import base64
import json

import pytest


@pytest.fixture
def shelf(make_aws):
    """Images a, b, c of times 0, 10, 20; a was touched last, at 30. Versions of a likewise: 1, 2, 3."""
    aws = make_aws(image_seconds=0, create_seconds=0, write_seconds=0)
    aws.start_of_time = aws.clock.now()
    for name in "abc":
        aws.CreateImage(ImageName=name, RoleArn=aws.role)
        aws.start("a", Aliases=[f"of-{name}"])
        aws.clock.advance(10)
    aws.UpdateImage(ImageName="a", DisplayName="A")
    aws.DescribeImage(ImageName="a")
    aws.UpdateImageVersion(ImageName="a", Version=1, ReleaseNotes="n")
    return aws


def names(answer):
    return "".join(image["ImageName"] for image in answer["Images"])


def numbers(answer):
    return [version["Version"] for version in answer["ImageVersions"]]


ORDERS = [
    ({}, "cba"),
    ({"SortOrder": "ASCENDING"}, "abc"),
    ({"SortBy": "CREATION_TIME"}, "cba"),
    ({"SortBy": "LAST_MODIFIED_TIME"}, "acb"),
    ({"SortBy": "LAST_MODIFIED_TIME", "SortOrder": "ASCENDING"}, "bca"),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [*ORDERS, ({"SortBy": "IMAGE_NAME"}, "cba"), ({"SortBy": "IMAGE_NAME", "SortOrder": "ASCENDING"}, "abc")],
)
def test_images_are_sorted_newest_first_unless_told(shelf, order, expected):
    assert names(shelf.ListImages(**order)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [*ORDERS, ({"SortBy": "VERSION"}, "cba"), ({"SortBy": "VERSION", "SortOrder": "ASCENDING"}, "abc")],
)
def test_versions_are_sorted_newest_first_unless_told(shelf, order, expected):
    assert numbers(shelf.ListImageVersions(ImageName="a", **order)) == ["_abc".index(name) for name in expected]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"CreationTimeAfter": 10}, "cb"),
        ({"CreationTimeBefore": 10}, "ba"),
        ({"CreationTimeAfter": 1, "CreationTimeBefore": 19}, "b"),
        ({"LastModifiedTimeAfter": 20}, "ca"),
        ({"LastModifiedTimeBefore": 20}, "cb"),
        ({"LastModifiedTimeAfter": 30, "CreationTimeAfter": 10}, ""),
    ],
)
def test_time_filters_include_their_bounds(shelf, bounds, expected):
    filters = {name: shelf.start_of_time + seconds for name, seconds in bounds.items()}

    assert names(shelf.ListImages(**filters)) == expected
    assert numbers(shelf.ListImageVersions(ImageName="a", **filters)) == ["_abc".index(name) for name in expected]


def test_images_by_part_of_their_name(shelf):
    shelf.CreateImage(ImageName="data-science", RoleArn=shelf.role)

    assert names(shelf.ListImages(NameContains="a-sc")) == "data-science"


def test_a_list_shows_what_a_summary_has(shelf):
    arn = "arn:aws:sagemaker:eu-west-1:123456789012"
    assert shelf.ListImageVersions(ImageName="a", SortBy="VERSION", MaxResults=1)["ImageVersions"] == [
        {
            "CreationTime": shelf.start_of_time + 20,
            "ImageArn": f"{arn}:image/a",
            "ImageVersionArn": f"{arn}:image-version/a/3",
            "ImageVersionStatus": "CREATED",
            "LastModifiedTime": shelf.start_of_time + 20,
            "Version": 3,
        }
    ]
    assert shelf.ListImages(SortBy="LAST_MODIFIED_TIME", MaxResults=1)["Images"] == [
        {
            "CreationTime": shelf.start_of_time,
            "DisplayName": "A",
            "ImageArn": f"{arn}:image/a",
            "ImageName": "a",
            "ImageStatus": "CREATED",
            "LastModifiedTime": shelf.start_of_time + 30,
        }
    ]


def test_a_status_in_a_list_is_as_new_as_in_a_description(make_aws):
    aws = make_aws()
    aws.image()
    aws.start()
    aws.wait()

    assert aws.ListImageVersions(ImageName="data-science")["ImageVersions"][0]["ImageVersionStatus"] == "CREATED"


def test_the_last_change_is_that_of_the_status_too(make_aws):
    # GIVEN a version that needs longer than one that was started after it
    aws = make_aws()
    aws.image()
    aws.service.faults.slow(30)
    aws.start()
    aws.clock.advance(1)
    aws.start()
    aws.wait()

    assert numbers(aws.ListImageVersions(ImageName="data-science", SortBy="LAST_MODIFIED_TIME")) == [1, 2]
    assert numbers(aws.ListImageVersions(ImageName="data-science", SortBy="CREATION_TIME")) == [2, 1]


@pytest.fixture
def many(make_aws):
    """An image with 25 versions, each with an alias."""
    aws = make_aws(write_seconds=0)
    aws.image()
    for number in range(25):
        aws.start(Aliases=[f"alias-{number:02}"])
    aws.wait()
    return aws


@pytest.mark.parametrize(("size", "pages"), [(None, [10, 10, 5]), (24, [24, 1]), (25, [25]), (100, [25])])
@pytest.mark.parametrize("operation", ["ListImageVersions", "ListAliases"])
def test_lists_come_in_pages(many, operation, size, pages):
    lengths, seen, token = [], set(), None
    while not lengths or token:
        answer = getattr(many, operation)(ImageName="data-science", MaxResults=size, NextToken=token)
        token = answer.pop("NextToken", None)
        (items,) = answer.values()
        lengths.append(len(items))
        seen |= {str(item) for item in items}

    assert (lengths, len(seen)) == (pages, 25)


def test_images_come_in_pages(make_aws):
    aws = make_aws()
    for number in range(11):
        aws.CreateImage(ImageName=f"i{number:02}", RoleArn=aws.role)

    first = aws.ListImages(SortOrder="ASCENDING")
    second = aws.ListImages(SortOrder="ASCENDING", NextToken=first["NextToken"])

    assert (names(first)[-3:], names(second)) == ("i09", "i10")
    assert "NextToken" not in second


def test_a_page_goes_on_where_the_last_one_ended_whatever_went_meanwhile(many):
    first = many.ListImageVersions(ImageName="data-science", SortBy="VERSION", SortOrder="ASCENDING")
    many.delete(10)
    many.delete(3)

    # The size of a page may change from one to the next.
    second = many.ListImageVersions(
        ImageName="data-science", SortBy="VERSION", SortOrder="ASCENDING", NextToken=first["NextToken"], MaxResults=5
    )

    assert numbers(second) == [11, 12, 13, 14, 15]


def test_the_aliases_of_one_version(many):
    assert many.aliases(Version=7) == ["alias-06"]
    assert many.ListAliases(ImageName="data-science", Alias="alias-06")["SageMakerImageVersionAliases"] == ["alias-06"]


DEEP = base64.b64encode(b"[" * 6000).decode()


@pytest.mark.parametrize("token", ["rubbish", "", "bnVsbA==", "é", "W10=", DEEP])
def test_a_token_that_was_never_given_is_refused(many, token, refused):
    with refused("ValidationException", "The NextToken is invalid."):
        many.ListAliases(ImageName="data-science", NextToken=token)


def test_a_token_that_somebody_changed_is_refused(many, refused):
    token = many.ListAliases(ImageName="data-science")["NextToken"]
    seal, _ = json.loads(base64.b64decode(token))

    with refused("ValidationException", "The NextToken is invalid."):
        many.ListAliases(
            ImageName="data-science", NextToken=base64.b64encode(json.dumps([seal, [1]]).encode()).decode()
        )


def test_a_token_of_another_listing_is_refused(many, refused):
    token = many.ListImageVersions(ImageName="data-science")["NextToken"]

    for operation, parameters in [("ListAliases", {}), ("ListImageVersions", {"SortBy": "VERSION"})]:
        with refused("ValidationException", "The NextToken is invalid."):
            getattr(many, operation)(ImageName="data-science", NextToken=token, **parameters)
