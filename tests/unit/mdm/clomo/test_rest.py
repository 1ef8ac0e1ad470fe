# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a page is at rest, by a page that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.rest import (
    ANSWERED_SECONDS,
    LONG_SECONDS,
    RESTLESS_SECONDS,
    STILL_SECONDS,
    Rest,
)


@dataclass
class Page:
    """loads and changes: until these moments."""

    loads: float = 0
    changes: float = 0
    now: float = 0
    looks: int = 0
    listeners: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    ends: dict[Any, float] = field(default_factory=dict)

    def on(self, name: str, listener: Callable[[Any], None]) -> None:
        self.listeners[name] = listener

    def evaluate(self, script: str, argument: Any) -> dict[str, Any]:
        _loading, _anew, quiet, least, most = argument
        begun = self.now
        self.looks += 1
        while (spent := (self.now - begun) * 1000) < least or (
            spent < most and (self._is_loading() or self._still() * 1000 < quiet)
        ):
            self.wait_for_timeout(10)
        return {"still": self._still(), "loads": self._is_loading()}

    def wait_for_timeout(self, milliseconds: float) -> None:
        self.now += milliseconds / 1000
        for request in [request for request, end in self.ends.items() if end <= self.now]:
            del self.ends[request]
            self.listeners["requestfinished"](request)

    def _is_loading(self) -> bool:
        return self.now < self.loads

    def _still(self) -> float:
        return self.now - self.changes

    def request(self, kind: str, until: float) -> None:
        request = Request(kind)
        self.ends[request] = until
        self.listeners["request"](request)


@dataclass(frozen=True)
class Request:
    resource_type: str


@pytest.mark.parametrize(
    ("facts", "requests", "after"),
    [
        pytest.param({}, {}, STILL_SECONDS, id="nothing happens"),
        pytest.param({"changes": 0.5}, {}, 0.5 + STILL_SECONDS, id="the text changes"),
        pytest.param({"loads": 2}, {}, 2, id="it says that it loads"),
        pytest.param({}, {"xhr": 1.5}, 1.5 + ANSWERED_SECONDS, id="an answer is awaited"),
        pytest.param({"changes": 1.55}, {"xhr": 1.5}, 1.55 + ANSWERED_SECONDS, id="an answer changes the text"),
        pytest.param({}, {"image": 9}, STILL_SECONDS, id="a picture comes"),
        pytest.param({}, {"fetch": 60}, LONG_SECONDS, id="a request that waits for news"),
        pytest.param({"changes": 60}, {}, RESTLESS_SECONDS, id="a clock on the page"),
        pytest.param({"loads": 60}, {}, None, id="it never comes to rest"),
    ],
)
def test_at_rest(facts: dict[str, float], requests: dict[str, float], after: float | None) -> None:
    page = Page(loads=facts.get("loads", 0), changes=facts.get("changes", 0))
    page_like: Any = page
    rest = Rest(page_like, "loading", monotonic=lambda: page.now)
    for kind, until in requests.items():
        page.request(kind, until)
    assert rest.wait(20) == (after is not None)
    assert page.now == pytest.approx(20 if after is None else after, abs=0.07)
    assert page.looks <= page.now / 0.03 + 2, "the page is left to itself between two looks"
