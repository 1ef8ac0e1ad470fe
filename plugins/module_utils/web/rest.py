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
ANSWERED_SECONDS = 0.06  # the same, once something has come that was asked for
GLANCE_SECONDS = 0.06  # the most that one look takes while an answer is awaited
COMING_MS = 20  # between two looks for a page that is coming


class Rest:
    """loading: a regular expression of JavaScript for what a page says while it loads."""

    def __init__(self, page: Page, loading: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._page = page
        self._loading = loading
        self._monotonic = monotonic
        self._began: dict[Any, float] = {}
        self._came: float | None = None
        page.on("request", self._begins)
        page.on("requestfinished", self._ends)
        page.on("requestfailed", self._ends)

    def wait(self, seconds: float) -> bool:
        """Whether it came to rest in time."""
        now = quiet_since = self._monotonic()
        deadline = now + seconds
        self._came = None
        anew = True
        while now < deadline:
            told, anew = self._look(anew, min(deadline - now, GLANCE_SECONDS)), False
            now = self._monotonic()
            if told["loads"] or self._is_fetching(now):
                quiet_since = now
            elif self._is_still(told["still"], now) or now - quiet_since >= RESTLESS_SECONDS:
                return True
        return False

    def _is_still(self, seconds: float, now: float) -> bool:
        if self._came is None:
            return seconds >= STILL_SECONDS
        return min(seconds, now - self._came) >= ANSWERED_SECONDS

    def _look(self, anew: bool, most: float) -> dict[str, Any]:
        """Another page may just be coming."""
        quiet = STILL_SECONDS if self._came is None else ANSWERED_SECONDS
        milliseconds = [1000 * seconds for seconds in (quiet, min(self._least(), most), most)]
        try:
            return dict(self._page.evaluate(STILL, [self._loading, anew, *milliseconds]))
        except PlaywrightError:
            self._page.wait_for_timeout(COMING_MS)
            return {"still": 0.0, "loads": True}

    def _least(self) -> float:
        """For how many seconds it cannot be at rest yet."""
        now = self._monotonic()
        if self._is_fetching(now):
            return GLANCE_SECONDS
        return 0.0 if self._came is None else max(0.0, self._came + ANSWERED_SECONDS - now)

    def _is_fetching(self, now: float) -> bool:
        return any(now - began < LONG_SECONDS for began in self._began.values())

    def _begins(self, request: Any) -> None:
        if request.resource_type in FETCHES:
            self._began[request] = self._monotonic()

    def _ends(self, request: Any) -> None:
        if self._began.pop(request, None) is not None:
            self._came = self._monotonic()
