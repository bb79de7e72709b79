"""The events of status changes, including a status that a call ends before the next poll."""

import pytest
from imgver_sandbox.ministack.state_changes import StateChanges


@pytest.fixture
def events(aws):
    """The events of versions: number and status."""
    sent = []

    def send(change):
        if "ImageVersionStatus" in change.detail:
            sent.append((change.detail["Version"], change.detail["ImageVersionStatus"]))

    StateChanges(aws.service, send=send)
    return sent


def test_a_write_sends_the_events_of_earlier_changes_first(aws, events):
    aws.version()

    # WHEN a write ends the status CREATED before a poll has read it
    aws.DeleteImageVersion(Version=1)
    aws.UpdateImage(DisplayName="Watched")

    assert events == [(1.0, "CREATED"), (1.0, "DELETING")]


def test_a_read_sends_no_event(aws, events):
    aws.start()

    aws.describe(1)

    assert events == []


def test_the_deletion_of_an_image_sends_events_of_all_versions(aws, events):
    aws.version()
    aws.version()

    aws.DeleteImage()
    aws.CreateAppImageConfig(AppImageConfigName="any-write")

    assert events == [(1.0, "CREATED"), (2.0, "CREATED"), (1.0, "DELETING"), (2.0, "DELETING")]
