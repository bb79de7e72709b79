"""Tags of images."""

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
