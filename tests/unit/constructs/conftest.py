"""A stack to declare constructs in, and readers of its template.

The CDK's own validation checks every template that a test synthesizes; cfn-lint checks those of environments/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import aws_cdk.cloud_assembly_schema
import pytest
from aws_cdk.assertions import Template
from cdk_release import IS_RECENT

from imgver_constructs import BaseImage, Image, ImageVersion, StudioApp
from imgver_constructs.base_image import check_base_image
from imgver_constructs.studio_app import check_studio_app

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"


@pytest.fixture(scope="session")
def outdirs() -> set[Path]:
    """The folders that the tests of a module synthesize to."""
    return set()


# For these modules only: a worker goes on with other folders' tests.
@pytest.fixture(scope="module", autouse=True)
def strict_apps(tmp_path_factory: pytest.TempPathFactory, outdirs: set[Path]) -> Iterator[None]:
    """Every app fails on a finding of the CDK's own validation, and synthesizes to a folder of pytest."""
    make = cdk.App.__init__

    def make_strict(self: cdk.App, *, outdir: str | None = None, context: dict[str, Any] | None = None, **props: Any):
        folder = Path(outdir or tmp_path_factory.mktemp("cdk.out"))
        outdirs.add(folder)
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
        if not IS_RECENT:
            return
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(id="CloudFormation-Validate::F0001", reason="CDK deploys no stack without resources"),
            cdk.Acknowledgment(id="CloudFormation-Validate::W2001", reason="LegacyStackSynthesizer writes such a one"),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.App, "__init__", make_strict)
        yield


@pytest.fixture
def app() -> cdk.App:
    return cdk.App(analytics_reporting=False)


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Stack")


@pytest.fixture
def declare(stack: cdk.Stack) -> Callable[..., ImageVersion]:
    """Declare the version ``Version`` of an imported image; the test overrides arguments."""

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
def waits_for(stack: cdk.Stack) -> Callable[..., set[str]]:
    """The logical ids of the resources that CloudFormation creates before a resource, and deletes after it.

    They are those of the stack's template, unless the test gives the resources of another one.
    """

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

    def waits_for(resource: dict[str, Any], resources: dict[str, Any] | None = None) -> set[str]:
        resources = resources or Template.from_stack(stack).to_json().get("Resources", {})
        found, to_visit = set[str](), [resource]
        while to_visit:
            visited = to_visit.pop()
            names = (named(visited.get("Properties")) | set(visited.get("DependsOn", ()))) - found
            names = {name for name in names if not name.startswith("AWS::")}
            found |= names
            to_visit += [resources[name] for name in names & resources.keys()]
        return found

    return waits_for


@pytest.fixture
def tree(app: cdk.App) -> Callable[[], list[str]]:
    """The paths of all constructs."""
    return lambda: [construct.node.path for construct in app.node.find_all()]


@pytest.fixture
def refused(tree: Callable[[], list[str]]) -> Callable[[Callable[[], object]], str]:
    """The message with which a declaration is refused, without the construct's path; the tree must be unchanged."""

    def use(declared: object) -> None:
        # The construct that uses an object without a scope raises its error.
        if isinstance(declared, BaseImage):
            check_base_image(declared, role=None, follow_tag=None)
        elif isinstance(declared, StudioApp):
            check_studio_app(declared)

    def refused(declare: Callable[[], object]) -> str:
        before = tree()
        with pytest.raises(ValueError, match="must") as refusal:
            use(declare())
        assert tree() == before
        return re.sub(r"^[A-Z]\w*(/\S+)*: ", "", str(refusal.value))

    return refused
