"""The page in Chromium. It shows the same as boto3 while the CDK CLI deploys."""

import contextlib
import fcntl
import functools
import http.server
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

import boto3
import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.runtime.sandbox import ACCOUNT, REGION, Sandbox
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.container_registry import OCI_MANIFEST

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/images"
REPOSITORY = "data-science"
# One assembly for each of two deployments.
APP = """
import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from imgver_constructs import BaseImage, Image, ImageVersion, ImageVersionPolicy

for tag in ("1.0.0", "1.1.0"):
    app = cdk.App(outdir=tag)
    stack = cdk.Stack(app, "Page")
    repository = ecr.Repository.from_repository_name(stack, "Repository", "data-science")
    ImageVersion(
        stack,
        "Version",
        image=Image(stack, "Image", image_name="notebooks"),
        base_image=BaseImage.from_ecr_repository(repository, tag=tag),
        aliases=["latest"],
        update_replace_policy=ImageVersionPolicy.DELETE,
    )
    app.synth()
"""

# The visible images. Lowered flags are aliases between two versions.
IMAGES = """
[...document.querySelectorAll("#images article")].map((image) => ({
  name: image.querySelector("h3").innerText,
  status: image.querySelector("header .status").innerText,
  versions: [...image.querySelectorAll(".versions > li")].map((version) => ({
    number: Number(version.querySelector(".number").innerText),
    status: version.querySelector(".status").innerText,
    reason: version.querySelector(".reason").innerText,
    digest: version.querySelector(".digest").innerText,
    base: version.querySelector(".base").innerText,
    aliases: [...version.querySelectorAll(".flags > :not(.lowered)")].map((flag) => flag.innerText).sort(),
  })),
}))
"""
CALLS = """
[...document.querySelectorAll("#calls tbody tr")].map((row) => Object.fromEntries(
  [...row.cells].map((cell) => [cell.className.split(" ")[0], cell.innerText])
))
"""
# Text with too little contrast to its background, by the formula of WCAG 2.
FAINT = """
[...document.querySelectorAll("body *")].filter((node) =>
  node.checkVisibility() && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
).map((node) => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => rgb(color).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  let behind = node;
  while (rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const [dark, light] = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor]
    .map(luminance).sort((one, other) => one - other);
  return [node.innerText, (light + 0.05) / (dark + 0.05)];
}).filter(([, contrast]) => contrast < 4.5)
"""


class Chromium:
    """A browser with one page, driven by the Chrome DevTools Protocol through a pair of pipes."""

    def __init__(self, command, profile):
        # Chromium reads from descriptor 3 and writes to 4, so that this process needs others.
        ours = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (*os.pipe(), *os.pipe())]
        commands, self._commands, self._messages, messages = ours

        def connect():
            os.dup2(commands, 3)
            os.dup2(messages, 4)

        self._process = subprocess.Popen(
            [
                *(command, "--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}"),
                *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                "--host-resolver-rules=MAP rebound.test 127.0.0.1",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,  # Python's own are not inherited anyway
            preexec_fn=connect,  # noqa: PLW1509  no threads are here
            start_new_session=True,
        )
        os.close(commands)
        os.close(messages)
        self._unread = b""
        self._sent = 0
        self._session = {}
        self.events = []
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method, **parameters):
        """Send a command and return its result. Events that arrive meanwhile are added to `events`."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters, **self._session}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (message := self._read()).get("id") != self._sent:
            self.events.append(message)
        assert "error" not in message, message
        return message["result"]

    def _read(self):
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._messages], [], [], 30)
            part = os.read(self._messages, 1 << 20) if readable else b""
            assert part, "Chromium has ended or does not respond"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        self.navigate(url, "document.querySelector('#connection.live') !== null")

    def navigate(self, url, ready):
        """Open a page, and wait until an expression is true in it."""
        self.events.clear()
        self.command("Page.navigate", url=url)
        self.until(ready)

    def see(self, expression):
        """The value of an expression in the page."""
        result = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression, seconds=15):
        """Wait until the expression is true in the page."""
        end = time.monotonic() + seconds
        while not self.see(expression):
            assert time.monotonic() < end, (expression, self.see("document.body.innerText"))
            time.sleep(0.05)

    def look(self, *, width=1280, height=800, **features):
        """Set the size of the window and media features, such as `prefers_color_scheme="dark"`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.command("Emulation.setEmulatedMedia", features=media)

    def press(self, key):
        code, text = KEYS[key]
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def events_of(self, *methods):
        return [event["params"] for event in self.events if event["method"] in methods]

    def close(self):
        os.close(self._commands)
        os.close(self._messages)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    command = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if command is None and "REQUIRE_CHROMIUM" not in os.environ:
        pytest.skip("there is no Chromium: install it, for example with apt-get install chromium")
    assert command, "there is no Chromium, and REQUIRE_CHROMIUM is set"
    browser = Chromium(command, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


class PageSandbox:
    """A sandbox that evaluates IAM, with container images in ECR."""

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.url = sandbox.page
        self.sagemaker = sandbox.client("sagemaker")
        self._folder = folder
        (folder / "app.py").write_text(APP)
        self.sagemaker.create_image(ImageName="of-" + 60 * "x", RoleArn=ROLE)
        for tag in ("1.0.0", "1.1.0"):
            sandbox.push(f"{REPOSITORY}:{tag}")

    @contextlib.contextmanager
    def cdk(self, *arguments):
        """Run the CLI while the block runs; it must succeed."""
        with subprocess.Popen(
            ["cdk", *arguments],
            cwd=self._folder,
            env={**self.sandbox.environment(), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            yield
            output = process.communicate()[0]
        assert process.returncode == 0, output

    def synthesize(self):
        subprocess.run([sys.executable, "app.py"], cwd=self._folder, env=self.sandbox.environment(), check=True)

    def deploy(self, tag):
        return self.cdk("deploy", "--app", tag, "--require-approval", "never", "--method", "direct")

    def images(self):
        """The images as boto3 returns them, in the form of `IMAGES`."""
        return [
            {
                "name": image["ImageName"],
                "status": image["ImageStatus"],
                "versions": [self._version(image["ImageName"], number) for number in self._numbers(image["ImageName"])],
            }
            for image in self.sagemaker.list_images(SortBy="IMAGE_NAME", SortOrder="ASCENDING")["Images"]
        ]

    def _numbers(self, name):
        listed = self.sagemaker.list_image_versions(ImageName=name, SortBy="VERSION", SortOrder="DESCENDING")
        return [version["Version"] for version in listed["ImageVersions"]]

    def _version(self, name, number):
        version = self.sagemaker.describe_image_version(ImageName=name, Version=number)
        _, _, digest = version.get("ContainerImage", "").partition("@sha256:")
        return {
            "number": number,
            "status": version["ImageVersionStatus"],
            "reason": version.get("FailureReason", ""),
            "digest": digest[:12] or "no digest",
            "base": version["BaseImage"].rpartition("/")[2],
            "aliases": self.sagemaker.list_aliases(ImageName=name, Version=number)["SageMakerImageVersionAliases"],
        }


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    with Sandbox.start(enforce_iam=True) as sandbox:  # not fast, so that the page shows every status
        yield PageSandbox(sandbox, tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def page(chromium, account):
    """The page during two deployments, of which the second creates a version and moves the alias."""
    chromium.look()
    chromium.open(account.url)
    with account.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}"):
        account.synthesize()
    with account.deploy("1.0.0"):
        chromium.until("document.querySelector('#deployments [open]')?.innerText.includes('Page')", seconds=30)
        chromium.until("document.querySelector('.flags > li')?.innerText === 'latest'")
    chromium.see("""
        window.flag = document.querySelector(".flags > li");
        window.moves = [];
        flag.addEventListener("transitionrun", (event) => {
          if (event.propertyName === "transform") moves.push(flag.closest(".versions > li").dataset.key);
        });
        0
    """)
    with account.deploy("1.1.0"):
        pass
    return chromium


def test_it_shows_the_same_as_boto3(page, account):
    # GIVEN two deployments while the page was open, and a version that cannot be created
    oci = account.sandbox.push(f"{REPOSITORY}:oci", manifest="oci")
    account.sagemaker.create_image_version(ImageName="notebooks", BaseImage=oci.uri)
    page.until("document.querySelector('.versions .status').innerText === 'CREATE_FAILED'")

    seen = page.see(IMAGES)
    assert seen == account.images()
    assert [(version["number"], version["status"], version["aliases"]) for version in seen[0]["versions"]] == [
        (3, "CREATE_FAILED", []),
        (2, "CREATED", ["latest"]),
    ]
    assert OCI_MANIFEST in seen[0]["versions"][0]["reason"]
    described = account.sagemaker.describe_image_version(ImageName="notebooks", Version=2)
    details = page.see("document.querySelector('.versions > li:last-child dl').textContent")
    assert described["ContainerImage"] in details
    assert described["BaseImage"] in details
    stacks = account.sandbox.client("cloudformation").describe_stacks()["Stacks"]
    assert {
        tuple(stack)
        for stack in page.see(
            "[...document.querySelectorAll('#deployments summary')]"
            ".map((stack) => [stack.querySelector('.name').innerText, stack.querySelector('.status').innerText])"
        )
    } == {(stack["StackName"], stack["StackStatus"]) for stack in stacks}


def test_all_events_of_a_failed_deployment_have_their_reason_and_the_path_of_the_construct(page, account):
    # GIVEN an update that adds two resources, of which one cannot be created, to a stack with ten others
    topics = {
        f"Topic{number}": {"Type": "AWS::SNS::Topic", "Metadata": {"aws:cdk:path": f"Failing/Topics/{number}/Resource"}}
        for number in range(10)
    }
    bad = {
        "Type": "AWS::SageMaker::Image",
        "Metadata": {"aws:cdk:path": "Failing/Bad/Resource"},
        "Properties": {"ImageName": "-bad-", "ImageRoleArn": ROLE},
    }
    cloudformation = account.sandbox.client("cloudformation")
    cloudformation.create_stack(
        StackName="Failing", TemplateBody=json.dumps({"Resources": {"Topic0": topics["Topic0"]}})
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Failing", WaiterConfig={"Delay": 1})
    cloudformation.update_stack(StackName="Failing", TemplateBody=json.dumps({"Resources": {**topics, "Bad": bad}}))
    cloudformation.get_waiter("stack_rollback_complete").wait(StackName="Failing", WaiterConfig={"Delay": 1})

    # THEN the page has all events of the update, and none before it
    described = cloudformation.describe_stack_events(StackName="Failing")["StackEvents"]
    update = next(n for n, event in enumerate(described) if event["ResourceStatus"] == "UPDATE_IN_PROGRESS")
    paths = {name: resource["Metadata"]["aws:cdk:path"] for name, resource in {**topics, "Bad": bad}.items()}
    expected = [
        [
            event["ResourceStatus"],
            paths.get(event["LogicalResourceId"], event["LogicalResourceId"]),
            event.get("ResourceStatusReason", ""),
        ]
        for event in described[: update + 1]
    ]
    assert len(expected) > 20
    assert ["CREATE_FAILED", "Failing/Bad/Resource"] in [line[:2] for line in expected if "-bad-" in line[2]]
    page.until("document.querySelector('#deployments details')?.innerText.includes('UPDATE_ROLLBACK_COMPLETE')")
    assert expected == page.see(
        "[...document.querySelectorAll('#deployments details')[0].querySelectorAll('.events > *')].map((event) =>"
        "[...event.querySelectorAll('.status, .resource, .reason')].map((cell) => cell.textContent))"
    )


def test_an_alias_is_a_flag_that_moves(page):
    assert page.see("flag.isConnected && flag.closest('.versions > li').dataset.key") == "2"
    assert page.see("moves") == ["2"]


def test_it_shows_callers_and_decisions_of_iam(page, account):
    # GIVEN a user without any permission
    iam = account.sandbox.client("iam")
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = boto3.client(
        "sagemaker",
        endpoint_url=account.sandbox.url,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    with pytest.raises(ClientError):
        bob.delete_image_version(ImageName="notebooks", Version=2)

    # THEN it is the newest call
    page.until("document.querySelector('#calls tbody .caller').innerText === 'bob'")
    newest, *older = page.see(CALLS)
    assert newest.pop("time")
    assert newest.pop("took").endswith(" ms")
    assert newest == {
        "operation": "sagemaker:DeleteImageVersion",
        "resource": "image-version/notebooks/2",
        "caller": "bob",
        "decision": "denied",
        "error": "AccessDeniedException",
    }
    # AND the calls of the deployments are shown: those of the function, and those of SageMaker with the image role
    creations = [call for call in older if call["operation"] == "sagemaker:CreateImageVersion"]
    created, *_ = [call for call in creations if call["caller"] != "root"]
    assert created["caller"].startswith("Page-ImageVersionProvider")
    assert (created["resource"], created["decision"], created["error"]) == ("image/notebooks", "allowed", "")
    pulled, *_ = [call for call in older if call["operation"] == "ecr:BatchGetImage"]
    assert pulled["caller"].startswith("Page-ImageRole")
    assert (pulled["decision"], pulled["took"]) == ("allowed", "")


def test_calls_are_filtered_by_an_image_with_the_keyboard(page, account):
    # WHEN the button of the image is pressed with the keyboard
    page.see("document.activeElement.blur()")
    page.press("Tab")
    assert page.see("document.activeElement.getAttribute('aria-label')") == "Calls to notebooks"
    page.press("Enter")

    # THEN only the calls to the image are shown
    assert page.see("document.activeElement.ariaPressed") == "true"
    assert {call["resource"].rpartition("/notebooks")[0] for call in page.see(CALLS)} == {"image", "image-version"}
    assert page.see("document.querySelector('#filter').selectedOptions[0].innerText") == "notebooks"

    # AND all calls are shown when it is pressed again
    page.press("Enter")
    assert {call["operation"].partition(":")[0] for call in page.see(CALLS)} > {"sagemaker"}


@pytest.mark.parametrize("width", [360, 768, 1024, 1280])
def test_nothing_is_wider_than_the_window(page, width):
    page.look(width=width)

    assert page.see("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_dark_and_light_are_both_readable(page):
    backgrounds = []
    for scheme in ("light", "dark"):
        page.look(prefers_color_scheme=scheme)
        backgrounds.append(page.see("getComputedStyle(document.body).backgroundColor"))
        assert page.see(FAINT) == []

    assert len(set(backgrounds)) == 2


def test_reduced_motion(page):
    durations = "[...document.querySelectorAll('.flags > li')].map((flag) => getComputedStyle(flag).transitionDuration)"
    page.look(prefers_reduced_motion="reduce")
    assert set(page.see(durations)) == {"0s"}

    page.look(prefers_reduced_motion="no-preference")
    assert "0.7s" in page.see(durations)[0]


def test_it_requests_only_its_own_files_and_has_no_errors(page, account):
    assert {request["request"]["url"] for request in page.events_of("Network.requestWillBeSent")} == {
        f"{account.sandbox.url}/_imgver/{name}"
        for name in ("", "page.css", "page.js", f"events?X-Amz-Security-Token={account.sandbox.token}")
    }
    assert page.events_of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []


def test_it_continues_with_the_next_sandbox(chromium):
    with Sandbox.start() as sandbox:
        sandbox.client("sagemaker").create_image(ImageName="first", RoleArn=ROLE)
        chromium.open(sandbox.page)
        chromium.until("document.querySelector('#images h3')?.innerText === 'first'")
        assert [call["decision"] for call in chromium.see(CALLS)] == ["not evaluated"]

    # WHEN the sandbox stops, THEN the page reports it
    chromium.until("document.querySelector('#connection').innerText.includes('does not respond')")

    # WHEN another sandbox starts
    with Sandbox.start(port=sandbox.port) as sandbox:
        # WHEN its address is opened, THEN the page shows that
        chromium.open(sandbox.page)
        chromium.until("document.querySelector('#images h3') === null")
        assert chromium.see(CALLS) == []

        # AND strings are shown as text, not as markup
        reason = "<b>not</b> & never"
        sandbox.faults.fail(reason, operation="CreateImage")
        sandbox.client("sagemaker").create_image(ImageName="second", RoleArn=ROLE)
        chromium.until("document.querySelector('#images .status')?.innerText === 'CREATE_FAILED'")
        assert chromium.see("document.querySelector('#images .reason').innerText") == reason


# The visible domains.
STUDIO = """
[...document.querySelectorAll("#studio article")].map((domain) => ({
  name: domain.querySelector("h3").innerText,
  status: domain.querySelector("header .status").innerText,
  offers: [...domain.querySelectorAll(":scope > .offers > li")].map((offer) => offer.innerText),
  members: [...domain.querySelectorAll(".members > li")].map((member) => [
    ...[...member.querySelectorAll(".row > *")].map((part) => part.innerText),
    ...[...member.querySelectorAll(".apps > li")].map((app) => app.innerText.trim().replaceAll("\\n", " ")),
  ]),
}))
"""


def test_it_shows_who_uses_which_version(chromium):
    # GIVEN a domain that offers version 2 of an image, and an app of a space that runs on it
    assumptions = Assumptions(update_with_running_apps="allowed")
    with Sandbox.start(fast=True, assumptions=assumptions) as sandbox:
        sagemaker, uri = sandbox.client("sagemaker"), sandbox.push(f"{REPOSITORY}:1").uri
        sagemaker.create_image(ImageName="notebooks", RoleArn=ROLE)
        sagemaker.get_waiter("image_created").wait(ImageName="notebooks", WaiterConfig={"Delay": 1})
        for number in (1, 2, 3):
            sagemaker.create_image_version(ImageName="notebooks", BaseImage=uri)
            waiter = sagemaker.get_waiter("image_version_created")
            waiter.wait(ImageName="notebooks", Version=number, WaiterConfig={"Delay": 1})
        sagemaker.create_app_image_config(AppImageConfigName="lab")
        item = {"ImageName": "notebooks", "AppImageConfigName": "lab"}
        items = [item | {"ImageVersionNumber": number} for number in (1, 2)]
        users = {"ExecutionRole": ROLE, "JupyterLabAppSettings": {"CustomImages": items[1:]}}
        chromium.open(sandbox.page)
        chromium.until("document.querySelector('#images h3')?.innerText === 'notebooks'")
        assert not chromium.see("document.querySelector('#studio').checkVisibility()")
        domain = sagemaker.create_domain(DomainName="team", AuthMode="IAM", DefaultUserSettings=users)
        where = {"DomainId": domain["DomainId"]}

        def in_service(status):
            chromium.until(f"document.querySelector('#studio {status}')?.innerText === 'InService'")

        in_service("header .status")
        kernels = {"KernelGatewayAppSettings": {"CustomImages": items[:1]}}
        sagemaker.create_user_profile(**where, UserProfileName="ann", UserSettings=kernels)
        in_service(".members > li:first-child .status")
        space = {**where, "SpaceName": "ann-lab"}
        private = {
            "OwnershipSettings": {"OwnerUserProfileName": "ann"},
            "SpaceSharingSettings": {"SharingType": "Private"},
        }
        sagemaker.create_space(**space, **private)
        in_service(".members > li:nth-child(2) .row .status")
        image = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image/notebooks"
        app = {**space, "AppType": "JupyterLab", "AppName": "default"}
        sagemaker.create_app(**app, ResourceSpec={"SageMakerImageArn": image})
        in_service(".apps .status")

        # THEN the page shows all of them, and what uses each version
        assert chromium.see(STUDIO) == [
            {
                "name": "team",
                "status": "InService",
                "offers": ["JupyterLab: notebooks 2"],
                "members": [
                    ["ann", "user profile", "InService", "KernelGateway: notebooks 1"],
                    ["ann-lab", "space of ann", "InService", "", "JupyterLab default InService on notebooks 2"],
                ],
            }
        ]
        uses = (
            "[...document.querySelectorAll('.versions .in-use')].map((use) => use.checkVisibility() && use.innerText)"
        )
        assert chromium.see(uses) == [
            False,
            "in use by domain team, JupyterLab of ann-lab",
            "in use by user profile ann",
        ]

        # WHEN the button of the domain is pressed, THEN its updates are refused until it is pressed again
        button = "document.querySelector('#studio button')"
        chromium.see(f"{button}.click()")
        chromium.until(f"{button}.ariaPressed === 'true'")
        with pytest.raises(ClientError, match="with InService App"):
            sagemaker.update_domain(**where, DefaultUserSettings=users)
        chromium.see(f"{button}.click()")
        chromium.until(f"{button}.ariaPressed === 'false'")
        sagemaker.update_domain(**where, DefaultUserSettings=users)

        # AND it fits into a narrow window and is readable
        for scheme in ("light", "dark"):
            chromium.look(width=360, prefers_color_scheme=scheme)
            assert chromium.see(FAINT) == []
        assert chromium.see("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        chromium.look()


# Harmless requests of a page to another origin, as each kind of element or script sends them.
REQUESTS = """
Promise.allSettled([
  fetch(url + "/_ministack/health"),
  fetch(url + "/_imgver/page.js", {mode: "no-cors"}),
  fetch(url + "/", {method: "POST", mode: "no-cors", body: new URLSearchParams({Action: "GetCallerIdentity"})}),
  fetch(url + "/_imgver/calls", {headers: {"X-Amz-Security-Token": "guessed"}}),
  new Promise((resolve, reject) => Object.assign(new Image(), {onload: resolve, onerror: reject}).src = url + "/i.png"),
  new Promise((resolve, reject) => Object.assign(new WebSocket(url), {onopen: resolve, onerror: reject})),
]).then((results) => results.map((result) => result.value?.type ?? result.status))
"""


class TestOtherPages:
    """A page of another origin cannot use the sandbox, and cannot read anything of it."""

    @pytest.fixture
    def other_origin(self, tmp_path):
        """The address of an empty page on another port."""
        (tmp_path / "index.html").write_text("<!doctype html><title>another page</title>")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    @pytest.fixture
    def statuses(self, chromium):
        """The statuses of the responses of the sandbox since the page was opened, by path."""

        def read(sandbox):
            # These events have also the responses that the browser keeps from the page.
            received = chromium.events_of("Network.responseReceivedExtraInfo")
            codes = {response["requestId"]: response["statusCode"] for response in received}
            sent = [(each["requestId"], each["request"]) for each in chromium.events_of("Network.requestWillBeSent")]
            return {
                f"{request['method']} {request['url'].removeprefix(sandbox.url)}": codes.get(request_id)
                for request_id, request in sent
                if request["url"].startswith(sandbox.url)
            }

        return read

    def test_each_request_of_another_origin_is_refused(self, chromium, account, other_origin, statuses):
        sandbox = account.sandbox
        calls = sandbox.calls()
        chromium.navigate(other_origin, "document.title === 'another page'")

        # WHEN the page sends requests
        chromium.see(f"const url = '{sandbox.url}'; {REQUESTS}.then((results) => window.results = results); 0")
        chromium.until("window.results !== undefined")

        # THEN it can read none of the responses, and each of them is a refusal
        assert chromium.see("results") == ["rejected", "opaque", "opaque", "rejected", "rejected", "rejected"]
        assert statuses(sandbox) == {
            "GET /_ministack/health": 403,
            "GET /_imgver/page.js": 403,
            "POST /": 403,
            "OPTIONS /_imgver/calls": 403,
            "GET /_imgver/calls": None,  # not sent, since the preflight request was refused
            "GET /i.png": 403,
        }
        assert sandbox.calls() == calls

    def test_a_link_of_another_origin_is_refused(self, chromium, account, other_origin, statuses):
        chromium.navigate(other_origin, "document.title === 'another page'")

        chromium.see(f"location.href = '{account.sandbox.url}/_imgver/'; 0")
        chromium.until("document.body?.innerText.includes('a web page of another origin')")

        assert statuses(account.sandbox)["GET /_imgver/"] == 403

    def test_a_name_that_resolves_to_the_loopback_interface_is_refused(self, chromium, account):
        # The page has the origin of the sandbox then.
        address = f"rebound.test:{account.sandbox.port}"

        chromium.navigate(f"http://{address}/_imgver/", f"document.body?.innerText.includes('{address}')")

        assert "must be 127.0.0.1" in chromium.see("document.body.innerText")
