# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A browser with small pages of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.labels import LABELS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import Browser
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.label import Label
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import Screen
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip

OWN = {
    "list.row": Label("List", "row", ("row",)),
    "list.entry": Label("List", "notice", ("…listed…",)),
    "box.tick": Label("Box", "tick", ("更新する",)),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    browser_or_skip()
    browser = Browser(path=None, headless=True, session_path=None, time_zone="Asia/Tokyo")
    yield browser
    browser.close()


@pytest.fixture
def shown(browser: Browser) -> Iterator[Callable[..., Screen]]:
    """shown(html): a screen on a page of its own, which waits two seconds at most."""
    pages = []

    def show(html: str, **strangers: str) -> Screen:
        pages.append(browser.page.context.new_page())
        pages[-1].set_content(f"<!DOCTYPE html><html lang='ja'><body>{html}</body></html>")
        return Screen(
            pages[-1], {**LABELS, **OWN}, site="Test", timeout=2, strangers=strangers, advice="Look into the manual."
        )

    yield show
    for page in pages:
        page.close()
