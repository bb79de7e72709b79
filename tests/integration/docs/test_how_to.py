"""Every code block of every how-to guide runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from story import STORIES


@pytest.mark.parametrize("page", [page for page in STORIES if page.startswith("how-to/")])
def test_page(page: str, follow: Callable[[str], None]) -> None:
    follow(page)
