"""Tags of images, and Search, which can use them."""

import pytest
from imgver_sandbox.ministack.state_changes import StateChanges

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"


def tag(key, value):
    return {"Key": key, "Value": value}


def test_tags_are_given_added_replaced_deleted_and_listed(make_aws):
    aws = make_aws()
    aws.CreateImage(Tags=[tag("team", "science"), tag("stage", "test")])

    assert aws.AddTags(ResourceArn=ARN, Tags=[tag("stage", "live"), tag("cost", "1")]) == {
        "Tags": [tag("team", "science"), tag("stage", "live"), tag("cost", "1")]
    }
    assert aws.DeleteTags(ResourceArn=ARN, TagKeys=["team", "unknown"]) == {}
    assert aws.ListTags(ResourceArn=ARN) == {"Tags": [tag("cost", "1"), tag("stage", "live")]}


def test_a_new_image_does_not_have_the_tags_of_a_deleted_one(aws):
    aws.AddTags(ResourceArn=ARN, Tags=[tag("team", "science")])
    aws.DeleteImage()
    aws.wait()

    aws.image()

    assert aws.ListTags(ResourceArn=ARN) == {"Tags": []}


def test_the_tags_of_an_app_image_config(aws):
    arn = aws.CreateAppImageConfig(AppImageConfigName="python", Tags=[tag("team", "science")])["AppImageConfigArn"]

    assert aws.ListTags(ResourceArn=arn) == {"Tags": [tag("team", "science")]}


def test_what_is_refused(aws, refused, not_found):
    with not_found("Resource", ResourceArn=f"{ARN}-2"):
        aws.ListTags(ResourceArn=f"{ARN}-2")
    with refused("ValidationException", "Duplicate tag key a. Tag keys must be unique."):
        aws.AddTags(ResourceArn=ARN, Tags=[tag("a", "1"), tag("a", "2")])
    aws.AddTags(ResourceArn=ARN, Tags=[tag(str(number), "") for number in range(50)])
    with refused("ValidationException", "The resource would have 51 tags. A resource can have 50 tags."):
        aws.AddTags(ResourceArn=ARN, Tags=[tag("one more", "")])


def test_the_events_of_an_image_have_its_tags(aws):
    sent = []
    StateChanges(aws.service, send=lambda change: sent.append(change.detail["Tags"]))
    aws.AddTags(ResourceArn=ARN, Tags=[tag("team", "science")])

    aws.UpdateImage(DisplayName="Data")
    aws.DeleteTags(ResourceArn=ARN, TagKeys=["none"])

    assert sent == [{}, {"team": "science"}]


@pytest.fixture
def hits(aws):
    """The number of images or versions for which filters hold."""
    aws.CreateImage(ImageName="tagged", DisplayName="Data", Tags=[tag("team", "science")])
    aws.version(Horovod=True, JobType="TRAINING")
    aws.version()

    def search(*filters, resource="Image", **expression):
        names = ("Name", "Operator", "Value")
        expression |= {"Filters": [dict(zip(names, one, strict=False)) for one in filters]} if filters else {}
        found = aws.Search(Resource=resource, **({"SearchExpression": expression} if expression else {}))
        assert len(found["Results"]) == found["TotalHits"]["Value"]
        return found["TotalHits"]["Value"]

    return search


@pytest.mark.parametrize(
    ("filters", "resource", "expected"),
    [
        ([], "Image", 2),
        ([("ImageName", "Equals", "tagged")], "Image", 1),
        ([("ImageName", "Contains", "a"), ("DisplayName", "NotExists")], "Image", 1),
        ([("Tags.team", "Equals", "science")], "Image", 1),
        ([("Tags.team", "NotEquals", "science")], "Image", 1),
        ([("CreationTime", "GreaterThan", "1999-01-01T00:00:00+00:00")], "Image", 2),
        ([], "ImageVersion", 2),
        ([("Version", "GreaterThanOrEqualTo", "2")], "ImageVersion", 1),
        ([("Version", "In", "1,2,3")], "ImageVersion", 2),
        ([("Horovod", "Equals", "true"), ("ImageName", "Equals", "data-science")], "ImageVersion", 1),
    ],
)
def test_search(hits, filters, resource, expected):
    assert hits(*filters, resource=resource) == expected


def test_search_with_expressions_in_an_expression(hits):
    either = [{"Filters": [{"Name": "ImageName", "Value": name}]} for name in ("tagged", "data-science", "other")]

    assert hits(SubExpressions=either, Operator="Or") == 2
    assert hits(SubExpressions=either) == 0


def test_search_pages(aws):
    for number in range(12):
        aws.CreateImage(ImageName=f"image-{number}")

    first = aws.Search(Resource="Image", MaxResults=10)
    second = aws.Search(Resource="Image", MaxResults=10, NextToken=first["NextToken"])

    assert (len(first["Results"]), len(second["Results"]), "NextToken" in second) == (10, 3, False)


def test_searches_that_are_refused(aws, hits, refused):
    with refused("ValidationException", "The sandbox does not search for Endpoint, only for Image and ImageVersion."):
        aws.Search(Resource="Endpoint")
    with refused("ValidationException", "The value many of a filter is not valid for its property."):
        hits(("Version", "Equals", "many"), resource="ImageVersion")
