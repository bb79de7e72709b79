"""The pages of the repository that are not on the site: their links, the make commands, and the issue forms."""

import re

import pytest
import yaml
from pages import DOCS, PAGES, ROOT

OUTSIDE_THE_SITE = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"]
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


@pytest.mark.parametrize("page", OUTSIDE_THE_SITE)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_make_has_the_commands_that_pages_name():
    texts = [path.read_text() for path in [*(ROOT / page for page in OUTSIDE_THE_SITE), *map(DOCS.joinpath, PAGES)]]
    named = {name for text in texts for name in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)}

    assert sorted(named - set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))) == []


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_the_fields_that_github_requires(form):
    content = yaml.safe_load(form.read_text())

    assert {"name", "description", "body"} <= content.keys()
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
