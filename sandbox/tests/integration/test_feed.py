"""The data of the page, without a browser."""

import asyncio
import contextlib
import http.client
import json
import time

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.api.activity import ApiCalls
from imgver_sandbox.api.routes import TOKEN_NAME
from imgver_sandbox.page.feed import feed
from imgver_sandbox.page.images import shown_images
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.container_registry import InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService

ACCOUNT, REGION = "000000000000", "eu-west-1"
URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/data-science:1"


def parsed(event):
    """The name and the data of an event."""
    name, data = event.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def add(calls, action="sagemaker:ListImages", **changes):
    settings = {"at": 1.0, "caller": "c", "resource": "*", "decision": None, "milliseconds": 1.0, "error": None}
    calls.add(action=action, **settings | changes)


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


class TestImages:
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def service(self, clock):
        registry = InMemoryRegistry()
        registry.push(URI)
        return ImagesService(clock=clock, registry=registry)

    @pytest.fixture
    def call(self, service, clock):
        def call(operation, seconds=10.0, **parameters):
            service.call(operation, parameters, account=ACCOUNT, region=REGION)
            clock.advance(seconds)

        call("CreateImage", ImageName="i", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
        return call

    def shown(self, service):
        ((image,),) = service.view(shown_images)
        return image

    def test_a_version_in_creation_and_in_deletion(self, service, call, clock):
        # GIVEN a version that is being created
        token = {"ClientToken": "t"}
        call("CreateImageVersion", 0.1, ImageName="i", BaseImage=URI, Aliases=["b", "a"], Horovod=True, **token)
        (version,) = self.shown(service).versions

        # THEN its container image is not known yet, as in the API
        assert (version.number, version.status, version.container_image) == (1, "CREATING", None)
        assert (version.base_image, version.aliases, version.metadata) == (URI, ["a", "b"], {"Horovod": True})

        # WHEN it is there
        clock.advance(10)
        (version,) = self.shown(service).versions

        assert version.status == "CREATED"
        assert version.container_image.startswith(f"{URI.rpartition(':')[0]}@sha256:")
        assert not version.in_use

        # WHEN it is used, and deleted by its image
        service.mark_in_use(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/i/1")
        assert self.shown(service).versions[0].in_use
        service.mark_in_use(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/i/1", in_use=False)
        call("DeleteImage", 0.1, ImageName="i")
        assert (self.shown(service).status, self.shown(service).versions[0].status) == ("DELETING", "DELETING")

        # THEN it is gone with it
        clock.advance(10)
        assert service.view(shown_images) == [[]]

    def test_many_versions(self, service, call):
        # GIVEN 60 versions, an early one with an alias
        for number in range(60):
            aliases = {"Aliases": ["stable"]} if number == 2 else {}
            call("CreateImageVersion", ImageName="i", BaseImage=URI, ClientToken=str(number), **aliases)

        # THEN the latest 50 and that one are shown
        image = self.shown(service)
        assert [version.number for version in image.versions] == [*range(60, 10, -1), 3]
        assert image.more == 9

    def test_the_page_does_not_call_the_service(self, service, call):
        service.before_call = lambda _: pytest.fail("the service was called")

        assert self.shown(service).name == "i"


@pytest.fixture
def recorded_call(sandbox):
    """Read the events until there is a call of an action, and return the call."""

    def read(action):
        connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", "/_imgver/events", headers={TOKEN_NAME: sandbox.token})
            response = connection.getresponse()
            assert response.headers["Content-Type"] == "text/event-stream"
            while line := response.readline():
                if line.startswith(b"data: "):
                    found = [call for call in json.loads(line[6:]) if call.get("action") == action]
                    if found:
                        return found[-1]
        raise AssertionError(f"there was no {action}")

    return read


class TestRequests:
    def test_a_successful_call(self, sandbox, recorded_call):
        before = time.time()
        sandbox.client("ssm").put_parameter(Name="p", Value="v", Type="String")

        call = recorded_call("ssm:PutParameter")
        assert before - 1 < call["at"] < time.time()
        assert 0 <= call["milliseconds"] < 10_000
        assert {name: call[name] for name in ("caller", "resource", "decision", "error")} == {
            "caller": f"arn:aws:iam::{ACCOUNT}:root",
            "resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p",
            "decision": None,
            "error": None,
        }

    @pytest.mark.parametrize(
        ("service", "action", "call", "error"),
        [
            ("sagemaker", "DescribeImage", lambda client: client.describe_image(ImageName="none"), "ResourceNotFound"),
            (
                "cloudformation",
                "GetTemplate",
                lambda client: client.get_template(StackName="none"),
                "ValidationError",
            ),
            ("s3", "ListBucket", lambda client: client.list_objects_v2(Bucket="no-such-bucket"), "NoSuchBucket"),
            ("s3", "GetObject", lambda client: client.head_object(Bucket="no-such-bucket", Key="k"), "HTTP 404"),
            (
                "lambda",
                "GetFunction",
                lambda client: client.get_function(FunctionName="none"),
                "ResourceNotFoundException",
            ),
        ],
    )
    def test_the_error_code_in_each_protocol(self, sandbox, recorded_call, service, action, call, error):
        with pytest.raises(ClientError):
            call(sandbox.client(service))

        assert recorded_call(f"{service}:{action}")["error"] == error
