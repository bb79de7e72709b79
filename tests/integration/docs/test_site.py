"""The site is built as strictly as MkDocs can, and asks nobody for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pages import DOCS, PAGES, ROOT, text

import imgver_constructs

sys.path.insert(0, str(DOCS / "diagrams"))
from draw import DIAGRAMS

LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "link": "href",
    "source": "src",
    "audio": "src",
    "video": "src",
}


class Loads(HTMLParser):
    """What a page makes the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag in LOADED and found.get("rel") not in ("canonical", "next", "prev"):
            self.urls.append(found.get(LOADED[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        # Not quietly: it would look for less then.
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    return folder


def test_every_page_is_there(site: Path) -> None:
    expected = {"index.html"} | {f"{page.removesuffix('.md')}/index.html" for page in PAGES if page != "index.md"}

    assert {path.relative_to(site).as_posix() for path in site.rglob("index.html")} == expected


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = []
    for path in site.rglob("*.html"):
        parser = Loads()
        parser.feed(path.read_text())
        loaded += parser.urls
    styles = [url for path in site.rglob("*.css") for url in re.findall(r"url\(([^)]*)\)|@import", path.read_text())]

    assert loaded
    assert [url for url in [*loaded, *styles] if re.match(r"['\"]?(https?:)?//", url)] == []


def test_what_sphinx_would_read_is_not_shown(site: Path) -> None:
    reference = (site / "reference" / "constructs" / "index.html").read_text()

    assert ":class:" not in reference
    assert ":meth:" not in reference
    for name in imgver_constructs.__all__:
        assert f'id="imgver_constructs.{name}"' in reference


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_what_the_script_draws(name: str) -> None:
    assert (DOCS / "diagrams" / f"{name}.svg").read_text() == DIAGRAMS[name].svg()
    assert f"diagrams/{name}.svg" in text("concepts.md")
