"""The pages of the repository that are not on the site: their links and the make commands."""

import re

import pytest
from pages import DOCS, PAGES, ROOT

OUTSIDE_THE_SITE = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"]


@pytest.mark.parametrize("page", OUTSIDE_THE_SITE)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_make_has_the_commands_that_pages_name():
    texts = [path.read_text() for path in [*(ROOT / page for page in OUTSIDE_THE_SITE), *map(DOCS.joinpath, PAGES)]]
    named = {name for text in texts for name in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)}

    assert sorted(named - set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))) == []
