"""The data of the page: the events, the record of calls, and the images."""

import asyncio
import json

import pytest
from imgver_sandbox.api.api_calls import ApiCall, ApiCalls
from imgver_sandbox.page.feed import feed
from imgver_sandbox.page.images import shown_images


def parsed(event):
    """The name and the data of an event."""
    name, data = event.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def add(calls, action="sagemaker:ListImages"):
    calls.add(ApiCall(at=1.0, caller="c", action=action, resource="*"))


class TestFeed:
    def test_sends_everything_once_and_then_changes(self):
        # GIVEN one image and one call
        images, deployments, calls = ["first"], [], ApiCalls()
        add(calls, "first")

        async def listen():
            events = feed(images=lambda: images, domains=list, stacks=lambda: deployments, api_calls=calls)
            assert await anext(events) == b"retry: 1000\n\n"
            yield [parsed(await anext(events)) for _ in range(4)]

            # WHEN the images change, and another call comes in
            images.append("second")
            add(calls, "second")
            yield [parsed(await anext(events)) for _ in range(2)]

            # AND nothing, until there is a stack
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.6)
            assert not waiting.done()
            deployments.append("stack")
            yield [parsed(await waiting)]

        async def everything():
            return [received async for received in listen()]

        # THEN each event has the data that the client has not received
        everything_first, new, last = asyncio.run(asyncio.wait_for(everything(), 10))
        assert [name for name, _ in everything_first] == ["images", "domains", "deployments", "calls"]
        assert [data for _, data in everything_first[:3]] == [["first"], [], []]
        assert [call["action"] for call in everything_first[3][1]] == ["first"]
        assert new[0] == ("images", ["first", "second"])
        assert [call["action"] for call in new[1][1]] == ["second"]
        assert last == [("deployments", ["stack"])]

    def test_sends_an_empty_list_before_the_first_call(self):
        calls = ApiCalls()

        async def listen():
            events = feed(images=list, domains=list, stacks=list, api_calls=calls)
            first = [await anext(events) for _ in range(5)]
            add(calls)
            return parsed(first[-1]), parsed(await anext(events))

        first, second = asyncio.run(asyncio.wait_for(listen(), 10))
        assert first == ("calls", [])
        assert [call["number"] for call in second[1]] == [1]


def test_the_last_1000_calls_are_recorded():
    calls = ApiCalls()
    for _ in range(1_001):
        add(calls)

    assert [call.number for call in calls.after(0)] == list(range(2, 1_002))
    assert [call.number for call in calls.after(1_000)] == [1_001]


def shown(aws):
    ((image,),) = aws.service.view(shown_images)
    return image


def test_a_version_in_creation_and_in_deletion(aws):
    # GIVEN a version that is being created
    arn = aws.start(Aliases=["b", "a"], Horovod=True)
    (version,) = shown(aws)["versions"]

    # THEN its container image is not known yet, as in the API
    assert (version["number"], version["status"], version["container_image"]) == (1, "CREATING", None)
    assert (version["base_image"], version["aliases"], version["metadata"]) == (
        aws.base_image,
        ["a", "b"],
        {"Horovod": True},
    )

    # WHEN it is created
    aws.wait()
    (version,) = shown(aws)["versions"]

    assert (version["status"], version["container_image"]) == ("CREATED", f"{aws.repository}@{aws.digest}")
    assert not version["in_use"]

    # WHEN it is used, and deleted by its image
    aws.service.mark_in_use(arn)
    assert shown(aws)["versions"][0]["in_use"]
    aws.service.mark_in_use(arn, in_use=False)
    aws.DeleteImage()
    assert (shown(aws)["status"], shown(aws)["versions"][0]["status"]) == ("DELETING", "DELETING")

    # THEN it is gone with it
    aws.wait()
    assert aws.service.view(shown_images) == [[]]


def test_the_users_of_a_version(aws):
    # GIVEN a domain and a user profile that offer the latest version, and an app that runs on it
    aws.version()
    aws.CreateAppImageConfig(AppImageConfigName="lab")
    item = {"ImageName": "data-science", "AppImageConfigName": "lab"}
    settings = {"ExecutionRole": aws.role, "KernelGatewayAppSettings": {"CustomImages": [item]}}
    which = {"DomainId": aws.CreateDomain(DomainName="d", AuthMode="IAM", DefaultUserSettings=settings)["DomainId"]}
    aws.wait()
    which |= {"UserProfileName": "ann"}
    aws.CreateUserProfile(**which, UserSettings=settings)
    aws.wait()
    image = shown(aws)["arn"]
    aws.CreateApp(**which, AppType="KernelGateway", AppName="k", ResourceSpec={"SageMakerImageArn": image})

    assert shown(aws)["versions"][0]["used_by"] == ["domain d", "user profile ann", "KernelGateway of ann"]
    assert shown(aws)["versions"][0]["in_use"]


def test_many_versions(aws):
    # GIVEN 60 versions, an early one with an alias
    for number in range(60):
        aws.version(Aliases=["stable"] if number == 2 else [])

    # THEN the latest 50 and that one are shown
    image = shown(aws)
    assert [version["number"] for version in image["versions"]] == [*range(60, 10, -1), 3]
    assert image["more"] == 9


def test_the_page_does_not_call_the_service(aws):
    aws.service.before_call = lambda _: pytest.fail("the service was called")

    assert shown(aws)["name"] == "data-science"
