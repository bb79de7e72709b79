"""The events of a status that is a new one, also of one that a call ends before anybody looked at it."""

import pytest
from imgver_sandbox.ministack.state_changes import StateChanges


@pytest.fixture
def told(aws):
    """What is sent of versions: number and status."""
    sent = []

    def send(_arn, state):
        if "ImageVersionStatus" in state.detail:
            sent.append((state.detail["Version"], state.status))

    StateChanges(aws.service, send=send)
    return sent


def test_a_status_that_a_write_ends_is_told_before(aws, told):
    # GIVEN a version that is deleted as soon as it is there
    aws.CreateImage(ImageName="watched", RoleArn=aws.role)
    aws.wait()
    aws.CreateImageVersion(ImageName="watched", BaseImage=aws.base_image, ClientToken="a-token")
    aws.UpdateImage(ImageName="watched", DisplayName="Watched")
    aws.wait()

    # WHEN
    aws.DeleteImageVersion(ImageName="watched", Version=1)
    aws.UpdateImage(ImageName="watched", DisplayName="Still watched")

    # THEN
    assert told == [(1.0, "CREATING"), (1.0, "CREATED"), (1.0, "DELETING")]


def test_a_read_tells_nothing(aws, told):
    # GIVEN
    aws.CreateImage(ImageName="watched", RoleArn=aws.role)
    aws.wait()
    aws.CreateImageVersion(ImageName="watched", BaseImage=aws.base_image, ClientToken="a-token")

    # WHEN
    aws.DescribeImageVersion(ImageName="watched", Version=1)

    # THEN
    assert told == []
