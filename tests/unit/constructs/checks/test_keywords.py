"""Every public keyword has a right and a wrong use, refuses the wrong one by its name, and documents its default."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
import typed_uses
from aws_cdk.assertions import Template
from keywords import CALLABLES, KEYWORDS

import imgver_constructs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docker")
    (folder / "Dockerfile").write_text("FROM scratch AS last\n")
    return folder


@pytest.fixture(scope="module")
def wrong_uses(folder: Path, strict_apps: None) -> dict[str, Callable[[], object]]:
    uses = typed_uses.wrong_uses(cdk.Stack(cdk.App(analytics_reporting=False), "Stack"), folder)
    return {f"{name} {keyword}": use for name, by_keyword in uses.items() for keyword, use in by_keyword.items()}


def test_every_keyword_has_a_right_and_a_wrong_use(wrong_uses: dict[str, Callable[[], object]]) -> None:
    assert wrong_uses.keys() == KEYWORDS
    source = inspect.getsource(typed_uses.right_uses)
    assert [each for each in KEYWORDS if f"{each.partition(' ')[2]}=" not in source] == []


def test_right_uses_synthesize(stack: cdk.Stack, folder: Path) -> None:
    typed_uses.right_uses(stack, folder)

    Template.from_stack(stack).resource_count_is("Custom::SageMakerImageVersion", 4)


@pytest.mark.parametrize("use", sorted(KEYWORDS))
def test_a_wrong_use_is_refused_by_the_name_of_its_keyword(
    wrong_uses: dict[str, Callable[[], object]], refused: Callable[[Callable[[], object]], str], use: str
) -> None:
    message = refused(wrong_uses[use])

    assert re.search(rf"\b{use.partition(' ')[2]}\b.* must .+: ", message)
    assert "\n" not in message
    assert not message.endswith(".")


@pytest.mark.parametrize("use", [use for use in sorted(KEYWORDS) if not use.startswith(("BaseImage.", "StudioApp."))])
def test_the_error_begins_with_the_path_of_the_construct(wrong_uses: dict[str, Callable[[], object]], use: str) -> None:
    path = "Stack" if use.startswith("ImageVersionProvider.set_default ") else "Stack/It"

    with pytest.raises(ValueError, match=rf"^{path}: [a-z_]+(?!.*{path}: ).* must "):
        wrong_uses[use]()


@pytest.mark.parametrize("name", CALLABLES)
def test_every_default_is_documented(name: str) -> None:
    arguments = re.split(r"\n {12}(?=\w+: )", inspect.getsource(CALLABLES[name]).partition("Args:")[2])[1:]
    documented = {entry.partition(":")[0] for entry in arguments if "Default: " in entry}

    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    assert documented == {each.name for each in parameters if each.default is not each.empty}


def test_all_public_classes_are_listed() -> None:
    exported = {name for name, value in vars(imgver_constructs).items() if inspect.isclass(value)}

    assert exported == set(imgver_constructs.__all__)
