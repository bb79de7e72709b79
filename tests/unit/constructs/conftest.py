"""A stack to declare things in, and ways to look at what became of them.

Every template that a test synthesizes is checked, by CDK's own validation and by cfn-lint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from lint import linter

from imgver_constructs import BaseImage, Image, ImageVersion

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"


@pytest.fixture(scope="session")
def cfn_lint() -> Callable[[Path], list[str]]:
    """What cfn-lint says about the templates in a folder, nested stacks and stages included; each is looked at once."""
    return linter()


@pytest.fixture(scope="session")
def outdirs() -> dict[Path, str]:
    """Where the tests of a module synthesize: the folders, and which test it was."""
    return {}


# For these modules only: a worker goes on with other folders' tests.
@pytest.fixture(scope="module", autouse=True)
def strict_apps(tmp_path_factory: pytest.TempPathFactory, outdirs: dict[Path, str]) -> Iterator[None]:
    """Every app takes what CDK's own validation says for errors, and writes to a folder of pytest's."""
    make = cdk.App.__init__

    def make_strict(self: cdk.App, *, outdir: str | None = None, context: dict[str, Any] | None = None, **props: Any):
        folder = Path(outdir or tmp_path_factory.mktemp("cdk.out"))
        outdirs[folder] = os.environ["PYTEST_CURRENT_TEST"]
        make(
            self,
            outdir=str(folder),
            context={
                "@aws-cdk/core:validateAgainstDefaultRules": True,
                # Its warnings, too. This is what CDK tests itself with.
                "@aws-cdk/core:strictCfnValidateErrors": True,
            }
            | (context or {}),
            **props,
        )
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(id="CloudFormation-Validate::F0001", reason="CDK deploys no stack without resources"),
            cdk.Acknowledgment(id="CloudFormation-Validate::W2001", reason="LegacyStackSynthesizer writes such a one"),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.App, "__init__", make_strict)
        yield


@pytest.fixture(autouse=True)
def tmp_path_may_be_an_outdir(tmp_path: Path, outdirs: dict[Path, str], request: pytest.FixtureRequest) -> None:
    """Of an app that is a process of its own."""
    outdirs[tmp_path] = request.node.nodeid


@pytest.fixture(scope="module", autouse=True)
def linted_templates(outdirs: dict[Path, str], cfn_lint: Callable[[Path], list[str]]) -> Iterator[None]:
    """Fail if cfn-lint has anything to say about a template of the module."""
    yield
    said = [f"{test}: {finding}" for folder, test in outdirs.items() for finding in cfn_lint(folder)]
    outdirs.clear()
    assert not said, "\n".join(said)


@pytest.fixture
def app() -> cdk.App:
    return cdk.App(analytics_reporting=False)


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Stack")


@pytest.fixture
def declare(stack: cdk.Stack) -> Callable[..., ImageVersion]:
    """Declare the version ``Version`` of an imported image, but for what the test says."""

    def declare(construct_id: str = "Version", **overrides: Any) -> ImageVersion:
        if "image" not in overrides:
            found = stack.node.try_find_child("Image")
            overrides["image"] = found or Image.from_image_name(stack, "Image", "data-science")
        return ImageVersion(stack, construct_id, **({"base_image": BaseImage.from_uri(URI)} | overrides))

    return declare


@pytest.fixture
def resources(stack: cdk.Stack) -> Callable[[str], dict[str, Any]]:
    """The resources of a type in the stack's template, by logical id."""
    return lambda resource_type: dict(Template.from_stack(stack).find_resources(resource_type))


@pytest.fixture
def only(resources: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """The one resource of a type in the stack's template."""

    def only(resource_type: str) -> dict[str, Any]:
        (found,) = resources(resource_type).values()
        return dict(found)

    return only


@pytest.fixture
def waits_for() -> Callable[[dict[str, Any]], set[str]]:
    """The logical ids that CloudFormation makes before a resource, and deletes after it."""

    def named(value: Any) -> set[str]:
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                return {name}
            case dict():
                return set().union(*map(named, value.values()))
            case list():
                return set().union(*map(named, value))
            case _:
                return set()

    return lambda resource: named(resource["Properties"]) | set(resource.get("DependsOn", ()))


@pytest.fixture
def tree(app: cdk.App) -> Callable[[], list[str]]:
    """The paths of all constructs."""
    return lambda: [construct.node.path for construct in app.node.find_all()]
