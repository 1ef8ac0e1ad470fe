# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether tests that need a real browser can run here, and one Chromium for all of them that kill nothing."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web import browser
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import find_browser

__all__ = ["OneChromium", "browser_or_skip", "missing", "one_chromium"]


def missing() -> str | None:
    """Why there is no browser; None where there is one."""
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    try:
        find_browser()
    except ConfigurationError as error:
        return str(error)
    return None


def browser_or_skip() -> None:
    reason = missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for it")
    if reason:
        pytest.skip(reason)


class OneChromium:
    """Stands in for browser.chromium: each program is started once, and every browser of ours is a context of it.

    Playwright belongs to one thread of one process: elsewhere, as in a child that dies, each browser is one of its own."""

    def __init__(self) -> None:
        self._start = browser.chromium
        self._owner = (os.getpid(), threading.get_ident())
        self._running: dict[tuple[str, bool], Any] = {}
        self._closing = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self, program: str, *, headless: bool) -> Iterator[Any]:
        if self._owner != (os.getpid(), threading.get_ident()):
            with self._start(program, headless=headless) as own:
                yield own
            return
        key = (program, headless)
        if key not in self._running or not self._running[key].is_connected():
            self._running[key] = self._closing.enter_context(self._start(program, headless=headless))
        yield self._running[key]

    def close(self) -> None:
        self._closing.close()


@contextlib.contextmanager
def one_chromium() -> Iterator[OneChromium]:
    shared = OneChromium()
    with contextlib.closing(shared), mock.patch.object(browser, "chromium", shared):
        yield shared
