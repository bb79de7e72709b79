"""What contributors read names things that are there, and the forms for issues are forms."""

import re
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[1]
PAGES = ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "docs/how-to/share-in-your-company.md"]
FORMS = sorted(path for path in (CHECKOUT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
MADE = {"dist/", "packages"}
"""Folders that commands make."""


@pytest.mark.parametrize("page", PAGES)
def test_paths_and_links_lead_somewhere(page):
    text = (CHECKOUT / page).read_text()
    paths = {found for found in re.findall(r"`([\w.-]+/[\w./-]*)`", text) if "/" in found} - MADE
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)\)", text))

    folders = ("", "imgver_constructs", "imgver_sandbox", "lambda/imgver_handler")
    assert [path for path in paths if not any((CHECKOUT / folder / path).exists() for folder in folders)] == []
    assert [link for link in links if not (CHECKOUT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_make_knows_what_it_is_told_to_make(page):
    targets = set(re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)[1].split())

    assert phony == targets
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", (CHECKOUT / page).read_text(), re.MULTILINE)) <= targets


def test_contributing_has_a_place_for_every_part():
    rows = re.findall(r"^\| (.*?) \| (.*?) \| .*? \|$", (CHECKOUT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    places = " ".join(where for _, where in rows)

    parts = [
        "imgver_constructs/",
        "lambda/",
        "sandbox/imgver_sandbox/sagemaker/",
        "sandbox/imgver_sandbox/ministack/",
        "scripts/",
    ]
    assert [part for part in parts if f"`{part}" not in places] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_as_github_takes_it(form):
    read = yaml.safe_load(form.read_text())

    assert set(read) == {"name", "description", "labels", "body"}
    fields = [field for field in read["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    assert all(isinstance(field["validations"]["required"], bool) for field in fields)
    assert all(field["attributes"].get("options") for field in fields if field["type"] == "dropdown")
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids)) >= 3


def test_the_licence_is_said_the_same_everywhere():
    licence = (CHECKOUT / "LICENSE").read_text()

    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert 'license = "Apache-2.0"' in (CHECKOUT / "pyproject.toml").read_text()
    assert "Apache License 2.0" in (CHECKOUT / "README.md").read_text()
