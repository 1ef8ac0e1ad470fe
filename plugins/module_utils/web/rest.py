# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a page is at rest: nothing is on its way to or from the far side, nothing says that it loads, the text keeps still."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .scripts import STILL

try:
    from playwright.sync_api import Error as PlaywrightError
except ImportError:
    pass

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Rest"]

FETCHES = ("xhr", "fetch")
LONG_SECONDS = 5.0  # a request that takes longer waits for news and is none that somebody waits for
RESTLESS_SECONDS = 3.0  # a text that changes for longer, while nothing loads, does so for ever
STILL_SECONDS = 0.12
GLANCE_MS = 20


class Rest:
    """loading: a regular expression of JavaScript for what a page says while it loads."""

    def __init__(self, page: Page, loading: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._page = page
        self._loading = loading
        self._monotonic = monotonic
        self._began: dict[Any, float] = {}
        page.on("request", self._begins)
        page.on("requestfinished", self._ends)
        page.on("requestfailed", self._ends)

    def wait(self, seconds: float) -> bool:
        """Whether it came to rest in time."""
        now = quiet_since = self._monotonic()
        deadline = now + seconds
        self._look(anew=True)
        while now < deadline:
            self._page.wait_for_timeout(GLANCE_MS)
            told, now = self._look(), self._monotonic()
            if told["loads"] or self._is_fetching(now):
                quiet_since = now
            elif told["still"] or now - quiet_since >= RESTLESS_SECONDS:
                return True
        return False

    def _look(self, *, anew: bool = False) -> dict[str, bool]:
        """Another page may just be coming."""
        try:
            return dict(self._page.evaluate(STILL, [STILL_SECONDS * 1000, self._loading, anew]))
        except PlaywrightError:
            return {"still": False, "loads": True}

    def _is_fetching(self, now: float) -> bool:
        return any(now - began < LONG_SECONDS for began in self._began.values())

    def _begins(self, request: Any) -> None:
        if request.resource_type in FETCHES:
            self._began[request] = self._monotonic()

    def _ends(self, request: Any) -> None:
        self._began.pop(request, None)
