# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a page is at rest, by a page that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.rest import LONG_SECONDS, RESTLESS_SECONDS, Rest


@dataclass
class Page:
    """loads and changes: until these moments."""

    loads: float = 0
    changes: float = 0
    now: float = 0
    listeners: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    ends: dict[Any, float] = field(default_factory=dict)

    def on(self, name: str, listener: Callable[[Any], None]) -> None:
        self.listeners[name] = listener

    def evaluate(self, script: str, argument: Any) -> dict[str, bool]:
        return {"still": self.now >= self.changes, "loads": self.now < self.loads}

    def wait_for_timeout(self, milliseconds: float) -> None:
        self.now += milliseconds / 1000
        for request in [request for request, end in self.ends.items() if end <= self.now]:
            del self.ends[request]
            self.listeners["requestfinished"](request)

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
        pytest.param({}, {}, 0, id="nothing happens"),
        pytest.param({"changes": 0.5}, {}, 0.5, id="the text changes"),
        pytest.param({"loads": 2}, {}, 2, id="it says that it loads"),
        pytest.param({}, {"xhr": 1.5}, 1.5, id="an answer is awaited"),
        pytest.param({}, {"image": 9}, 0, id="a picture comes"),
        pytest.param({}, {"fetch": 60}, LONG_SECONDS, id="a request that waits for news"),
        pytest.param({"changes": 60}, {}, RESTLESS_SECONDS, id="a clock on the page"),
        pytest.param({"loads": 60}, {}, None, id="it never comes to rest"),
    ],
)
def test_at_rest(facts: dict[str, float], requests: dict[str, float], after: float | None) -> None:
    page = Page(loads=facts.get("loads", 0), changes=facts.get("changes", 0))
    rest = Rest(page, "loading", monotonic=lambda: page.now)  # type: ignore[arg-type]
    for kind, until in requests.items():
        page.request(kind, until)
    assert rest.wait(20) == (after is not None)
    assert page.now == pytest.approx(20 if after is None else after, abs=0.1)
