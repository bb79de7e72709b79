"""Lists: order, filters and pages."""

import pytest

INVALID_TOKEN = ("ValidationException", "The NextToken is invalid.")


@pytest.fixture
def shelf(make_aws):
    """Images, versions of image a, and app image configs, created 0, 10 and 20 s after the start.

    Images and app image configs are called a, b and c, versions have the numbers 1, 2 and 3. The first of each was
    modified last, after 30 s.
    """
    aws = make_aws(image_seconds=0, create_seconds=0, write_seconds=0)
    aws.start_of_time = aws.clock.now()
    for name in "abc":
        aws.CreateImage(ImageName=name)
        aws.start("a", Aliases=[f"of-{name}"])
        aws.CreateAppImageConfig(AppImageConfigName=name)
        aws.clock.advance(10)
    aws.UpdateImage(ImageName="a", DisplayName="A")
    aws.UpdateImageVersion(ImageName="a", Version=1, ReleaseNotes="n")
    aws.UpdateAppImageConfig(AppImageConfigName="a")
    return aws


def images(aws, **parameters):
    return "".join(image["ImageName"] for image in aws.ListImages(**parameters)["Images"])


def versions(aws, **parameters):
    """The versions of image a, as the letters of the images that were created at the same time."""
    found = aws.ListImageVersions(ImageName="a", **parameters)["ImageVersions"]
    return "".join("_abc"[version["Version"]] for version in found)


def configs(aws, **parameters):
    return "".join(config["AppImageConfigName"] for config in aws.ListAppImageConfigs(**parameters)["AppImageConfigs"])


@pytest.mark.parametrize(
    ("sort_by", "ascending"),
    [(None, "abc"), ("CREATION_TIME", "abc"), ("LAST_MODIFIED_TIME", "bca"), ("NAME", "abc")],
)
def test_lists_are_sorted_in_descending_order_by_default(shelf, sort_by, ascending):
    for show, sort_names, ascending_order in [
        (images, {"NAME": "IMAGE_NAME"}, "ASCENDING"),
        (versions, {"NAME": "VERSION"}, "ASCENDING"),
        (
            configs,
            {"CREATION_TIME": "CreationTime", "LAST_MODIFIED_TIME": "LastModifiedTime", "NAME": "Name"},
            "Ascending",
        ),
    ]:
        order = {} if sort_by is None else {"SortBy": sort_names.get(sort_by, sort_by)}
        assert show(shelf, **order) == ascending[::-1]
        assert show(shelf, SortOrder=ascending_order, **order) == ascending


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

    assert images(shelf, **filters) == expected
    assert versions(shelf, **filters) == expected
    assert configs(shelf, **{name.replace("LastM", "M"): time for name, time in filters.items()}) == expected


def test_name_contains(shelf):
    shelf.CreateImage(RoleArn=shelf.role)
    shelf.CreateAppImageConfig(AppImageConfigName="data-science")

    assert images(shelf, NameContains="a-sc") == configs(shelf, NameContains="a-sc") == "data-science"


def test_a_list_has_the_members_of_a_summary(shelf):
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
    (config,) = shelf.ListAppImageConfigs(MaxResults=1)["AppImageConfigs"]
    assert config == shelf.DescribeAppImageConfig(AppImageConfigName="c")


@pytest.fixture
def many(make_aws):
    """25 images, app image configs and domains. The image `data-science` has 25 versions, each with an alias."""
    aws = make_aws(write_seconds=0)
    aws.image()
    for number in range(25):
        aws.start(Aliases=[f"alias-{number:02}"])
        aws.CreateAppImageConfig(AppImageConfigName=f"config-{number}")
        aws.CreateDomain(DomainName=f"d-{number}", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": aws.role})
    for number in range(24):
        aws.CreateImage(ImageName=f"image-{number}")
    aws.wait()
    return aws


@pytest.mark.parametrize(("size", "pages"), [(None, [10, 10, 5]), (24, [24, 1]), (25, [25]), (100, [25])])
@pytest.mark.parametrize(
    "operation", ["ListImageVersions", "ListAliases", "ListImages", "ListAppImageConfigs", "ListDomains"]
)
def test_lists_come_in_pages(many, operation, size, pages):
    image = {"ImageName": "data-science"} if operation in {"ListImageVersions", "ListAliases"} else {}
    lengths, seen, token = [], set(), None
    while not lengths or token:
        response = getattr(many, operation)(**image, MaxResults=size, NextToken=token)
        token = response.pop("NextToken", None)
        (items,) = response.values()
        lengths.append(len(items))
        seen |= {str(item) for item in items}

    assert (lengths, len(seen)) == (pages, 25)


def test_a_page_continues_after_the_page_before_even_after_deletions(many):
    ascending = {"ImageName": "data-science", "SortBy": "VERSION", "SortOrder": "ASCENDING"}
    first = many.ListImageVersions(**ascending)
    many.delete(10)
    many.delete(3)

    # The size of a page may change from one page to the next.
    second = many.ListImageVersions(**ascending, NextToken=first["NextToken"], MaxResults=5)

    assert [version["Version"] for version in second["ImageVersions"]] == [11, 12, 13, 14, 15]


def test_the_aliases_of_one_version(many):
    for which in ({"Version": 7}, {"Alias": "alias-06"}):
        response = many.ListAliases(**which)
        assert response == {"SageMakerImageVersionAliases": ["alias-06"]}


@pytest.mark.parametrize("token", ["rubbish", "", "é"])
def test_an_unknown_token_is_refused(many, token, refused):
    with refused(*INVALID_TOKEN):
        many.ListAliases(NextToken=token)


def test_the_token_of_another_list_is_refused(many, refused):
    token = many.ListImageVersions()["NextToken"]

    for operation, parameters in [("ListAliases", {}), ("ListImageVersions", {"SortBy": "VERSION"})]:
        with refused(*INVALID_TOKEN):
            getattr(many, operation)(NextToken=token, **parameters)
