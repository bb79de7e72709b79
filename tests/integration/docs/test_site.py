"""The site builds without warnings, and its pages load nothing from other servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

import imgver_constructs

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=["']?(?P<src>[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?(?:canonical|next|prev))[^>]*\bhref=["']?(?P<href>[^"'\s>]+)"""
    r"""|(?:url\(|@import )["']?(?P<css>[^"')]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        # Without --quiet, because that hides warnings.
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "WARNING" not in output
    return folder


def test_nothing_is_loaded_from_other_servers(site: Path) -> None:
    sources = [path.read_text() for pattern in ("*.html", "*.css") for path in site.rglob(pattern)]
    loaded = {found["src"] or found["href"] or found["css"] for text in sources for found in LOADED.finditer(text)}

    assert len(loaded) > 10
    assert [url for url in sorted(loaded) if re.match(r"(https?:)?//", url)] == []


def test_the_reference_has_every_public_name_and_no_role_of_sphinx(site: Path) -> None:
    reference = (site / "reference" / "constructs" / "index.html").read_text()

    assert [name for name in imgver_constructs.__all__ if f'id="imgver_constructs.{name}"' not in reference] == []
    assert re.findall(r":(?:class|meth):", reference) == []


def test_every_page_shows_the_files_that_it_includes(site: Path) -> None:
    included = re.compile("8 ?&lt; ?--")

    assert [page for page in site.rglob("*.html") if included.search(re.sub("<[^>]+>", "", page.read_text()))] == []
