"""The events of status changes, including a status that a call ends before the next poll."""

import pytest
from imgver_sandbox.ministack.state_changes import StateChanges
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord


@pytest.fixture
def events(aws):
    """The events of versions: number and status."""
    sent = []

    def send(_arn, state):
        if "ImageVersionStatus" in state.detail:
            sent.append((state.detail["Version"], state.status))

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


def test_a_call_and_its_events_look_only_at_versions_that_change(aws, events, monkeypatch):
    # GIVEN an image with many versions
    for _ in range(50):
        aws.version()
    looked_at = []
    monkeypatch.setattr(ImageVersionRecord, "advance", lambda self, _now: looked_at.append(self.number))
    monkeypatch.setattr(ImageRecord, "status_of", lambda _, version: looked_at.append(version.number) or version.status)

    # WHEN versions are read and written, THEN the others cost nothing
    aws.describe(7)
    aws.UpdateImageVersion(Version=7, AliasesToAdd=["seven"])
    aws.clock.advance(1)
    aws.ListAliases(Version=7)
    aws.DeleteImageVersion(Version=7)
    aws.CreateAppImageConfig(AppImageConfigName="any-write")
    assert set(looked_at) == {7, 50}  # the last one became CREATED
