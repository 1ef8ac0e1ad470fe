# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A renewal on CLOMO PANEL that is killed, browser and all, before one of its clicks goes on at the next run.

Tried are all clicks and choices of a file that act, and the first one after them, when all that the panel has to do is
done; and once each the clicks that only lead to a screen. What dies between two writes to the order is tried in
test_kills.py. To save time one renewal of a push certificate is killed twice: at click N of its first step and at click N
of its second. That no click is missing here is checked in the renewal that nobody kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Order
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import Screen
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    ade_public_key,
    ade_token,
    apns_cert_upload,
    apns_csr,
    vpp_token,
)
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call, Countdown, run_modules
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.person import DOWNLOADS, fetch
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

RUNS = 4  # each of the two steps killed, and run again
MANY_RUNS = 15
ACTS = ["opened", "requested", "handed_off", "received", "uploaded", "proven"]
UPLOAD_FILE = "upload_this_to_apple.b64"
WHOLE_SECONDS = 60
OVERLOAD = 2.0
QUICK = {"clomo_delay_ms": 5, "clomo_grid_delay_ms": 5, "clomo_job_ms": 100}
REAL = {"clomo_delay_ms": 300, "clomo_grid_delay_ms": 300, "clomo_job_ms": 1500}
DUE = {"push_days_left": 20, "server_token_days_left": 21, "content_token_days_left": 22}
APP = "App 1000000001"
# These change nothing on the panel
WAYS = ("login.", "tabs.", "settings.", "ios.wizard", "portal.organization", "applications.list")
CLICKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "push_certificate": (
        ("wizard.next", "anywhere.ok", "wizard.next", "wizard.download", "wizard.next", "anywhere.ok"),
        ("wizard.continue", "wizard.file", "wizard.next", "wizard.finish", "tabs.home"),
    ),
    "server_token": ((), ("ios.server_token_file", "ios.save", "tabs.home", "ios.refresh", "tabs.reports")),
    "content_token": (
        (),
        (
            *("portal.file", "portal.register", "portal.save", "tabs.home"),
            *("applications.licences", "applications.run", "anywhere.ok"),
        ),
    ),
}
LAST_WAYS = {"push_certificate": "ios.wizard", "server_token": "tabs.reports", "content_token": "applications.list"}
KILLS = [(name, number) for name, steps in CLICKS.items() for number in range(1, max(map(len, steps)) + 1)]


class Clicks(Countdown):
    """How many acting clicks of a step are left until death, which takes the browser with it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.keys: list[str] = []

    def tick(self, *_args: Any) -> None:
        self._set(self.left - 1)
        if self.left == 0:
            os.killpg(0, signal.SIGKILL)

    def arm(self) -> None:
        os.setpgid(0, 0)
        for patch in self.watching():
            patch.start()

    def watching(self) -> list[Any]:
        """Where the screen clicks or ticks, and where it chooses a file or takes one."""
        names = ("_click", "tick", "attach", "download")
        return [mock.patch.object(Screen, name, self._watched(getattr(Screen, name))) for name in names]

    def _watched(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(screen: Screen, key: str, *args: Any, **options: Any) -> Any:
            acting = not key.startswith(WAYS)
            if acting or (self.keys and not self.keys[-1].startswith(WAYS)):
                self.keys.append(key)
                self.tick()
            return act(screen, key, *args, **options)

        return watched


class Ways(Clicks):
    """Death before each label that only leads to a screen: in each run before the next one that had no turn yet."""

    def __init__(self, turns: Path) -> None:
        super().__init__(0)
        self._turns = turns
        turns.touch()

    @property
    def had(self) -> list[str]:
        return self._turns.read_text().split()

    def _watched(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(screen: Screen, key: str, *args: Any, **options: Any) -> Any:
            if key.startswith(WAYS) and key not in self.had:
                self._turns.write_text(" ".join([*self.had, key]))
                os.killpg(0, signal.SIGKILL)
            return act(screen, key, *args, **options)

        return watched


@dataclass
class Story:
    """One renewal of one tenant, with a person who acts once."""

    credential: str
    tenant: Tenant
    folder: Path
    answer: bytes = b""
    begun: tuple[int, int] = (0, 0)  # wizards and renewals of this tenant before
    seen: dict[str, bytes] = field(default_factory=dict)
    kills: list[str] = field(default_factory=list)  # the order's state at each, none before there is one

    @property
    def order(self) -> Order | None:
        orders = open_store(str(self.folder / "orders")).orders(self.tenant.name, self.credential)
        assert len(orders) <= 1, "the order goes on, and no other one is made"
        return orders[0] if orders else None

    def go_on(self, dying: Callable[[], Clicks], runs: int) -> None:
        """To the end. dying: where each of the two steps dies."""
        clicks = dying()
        for _run in range(runs):
            ended = run_modules([self.call()], clicks)
            failures = [result["msg"] for result in ended.results if result.get("failed")]
            assert not failures
            self.look()
            order = self.order
            if ended.killed:
                self.kills.append(order.state if order else "none")
                continue
            assert order is not None
            if order.state == "proven":
                return
            self.act(order)
            clicks = dying()
        raise AssertionError(f"not proven after {runs} runs")

    def call(self) -> Call:
        """The step that is next, as a play would come to it."""
        order = self.order
        return module_call(self.credential, self.tenant, self.folder, bool(order and order.state in ACTS[2:]))

    def act(self, order: Order) -> None:
        request = self.seen.get(UPLOAD_FILE, b"")
        self.answer = fetch(self.tenant, self.credential, request)
        inbox = open_store(str(self.folder / "orders")).inbox_place(order)
        assert inbox
        Path(inbox, DOWNLOADS[self.credential]).write_bytes(self.answer)

    def look(self) -> None:
        """What is in the order stays as it was, but for what people read."""
        order, store = self.order, open_store(str(self.folder / "orders"))
        names = store.file_names(order) if order else []
        files = {name: store.read_file(order, name) or b"" for name in names if lasting(name) and order}
        assert self.seen.items() <= files.items()
        self.seen = files

    def judge(self, world: World, before: dict[str, str]) -> None:
        order, tenant = self.order, self.tenant.refresh()
        assert order is not None
        assert [event.act for event in order.events] == ACTS
        received = next(data for name, data in self.seen.items() if name.startswith("received."))
        assert received.strip() == self.answer.strip()
        now = in_use(tenant)
        assert order.fact("in_use")["not_after"] == now[self.credential] > before[self.credential]
        assert {**now, self.credential: ""} == {**before, self.credential: ""}, "only this one was changed"
        begun, renewals = (now - then for now, then in zip(wizards(world, tenant), self.begun, strict=True))
        if self.credential == "push_certificate":
            assert tenant.push_certificate_pem.strip() == self.answer.decode().strip()
            assert begun == 1 or (begun == 2 and "open" in self.kills), "again only where no request was stored"
            assert renewals == 1
        else:
            assert (begun, renewals) == (0, 0)
        if self.credential == "content_token":
            assert tenant.content_token.strip() == self.answer.decode().strip()
        left = [found.name for found in self.folder.rglob(".*") if not found.name.endswith(".lock")]
        assert not left, "by the killed run"


def wizards(world: World, tenant: Tenant) -> tuple[int, int]:
    """How often the wizard was begun on the panel, and the certificate renewed in the portal."""
    begun = world.writes(path_regex=f"/{tenant.clomo_domain}/wizard/begin$")
    return len(begun), len(world.writes(tenant.name, "/pushcert/upload"))


def module_call(credential: str, tenant: Tenant, folder: Path, handed_off: bool) -> Call:
    """The module of a renewal's first step or of its second."""
    common = {
        "tenant": tenant.name,
        "mdm": {**server_options(tenant, folder), "licence_check_app": APP, "timeout": 30},
        "order_store": str(folder / "orders"),
        "actor": "tester",
        "read_back_timeout": 5,
    }
    if credential == "push_certificate":
        if handed_off:
            return apns_cert_upload, common
        return apns_csr, {**without_wait(common), "apple_account": tenant.apple_account}
    if credential == "server_token":
        if handed_off:
            return ade_token, common
        return ade_public_key, {**without_wait(common), "server_name": tenant.server_name}
    return vpp_token, {**common, "organization": tenant.organization}


def without_wait(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "read_back_timeout"}


def lasting(name: str) -> bool:
    return name == UPLOAD_FILE or name.startswith(("received.", "0"))


def in_use(tenant: Tenant) -> dict[str, str]:
    """Until when each credential on the panel is valid."""
    return {
        "push_certificate": tenant.push_not_after,
        "server_token": tenant.server_token_values["access_token_expiry"],
        "content_token": tenant.content_token_not_after,
    }


@pytest.fixture(scope="module", autouse=True)
def _browser() -> None:
    browser_or_skip()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize(("credential", "number"), KILLS)
def test_killed_before_a_click(world: World, tmp_path: Path, credential: str, number: int) -> None:
    tenant = world.tenant(f"click-{uuid.uuid4().hex[:8]}", mdm="clomo", **DUE)
    tenant.switch(**QUICK)
    before = in_use(tenant)
    story = Story(credential, tenant, tmp_path)
    story.go_on(lambda: Clicks(number), RUNS)
    story.judge(world, before)
    assert len(story.kills) == sum(number <= len(step) for step in CLICKS[credential])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize(("credential", "last"), LAST_WAYS.items())
def test_killed_on_the_way_to_each_screen(world: World, tmp_path: Path, credential: str, last: str) -> None:
    tenant = world.tenant(f"way-{uuid.uuid4().hex[:8]}", mdm="clomo", **DUE)
    tenant.switch(**QUICK)
    before = in_use(tenant)
    story = Story(credential, tenant, tmp_path)
    ways = Ways(tmp_path / "turns.txt")
    story.go_on(lambda: ways, MANY_RUNS)
    story.judge(world, before)
    assert len(story.kills) == len(ways.had) and {"login.submit", "tabs.settings", last} <= set(ways.had)


def test_a_whole_renewal_in_a_minute(world: World, tmp_path: Path) -> None:
    """All three credentials on a panel with delays such as a real one has, without the person's time."""
    tenant = world.tenant(f"minute-{uuid.uuid4().hex[:8]}", mdm="clomo", **DUE)
    tenant.switch(**REAL)
    seconds: dict[str, float] = {}
    clicked: dict[str, tuple[tuple[str, ...], ...]] = {}
    for credential in CLICKS:
        story = Story(credential, tenant, tmp_path, begun=wizards(world, tenant))
        before = in_use(tenant.refresh())
        steps: list[tuple[str, ...]] = []
        for _step in CLICKS[credential]:
            clicks = Clicks(0)
            module, options = story.call()
            began = time.monotonic()
            with contextlib.ExitStack() as watching:
                for patch in clicks.watching():
                    watching.enter_context(patch)
                result = run_module(module, **options)
            seconds[f"{credential} {len(steps) + 1}"] = time.monotonic() - began
            assert not result.get("failed"), result
            steps.append(tuple(clicks.keys))
            story.look()
            order = story.order
            if order and order.state == "handed_off":
                story.act(order)
        story.judge(world, before)
        clicked[credential] = tuple(steps)
    assert clicked == CLICKS
    print(f"whole renewal: {sum(seconds.values()):.1f} s of {WHOLE_SECONDS}:", seconds)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    if sum(seconds.values()) >= WHOLE_SECONDS and load > OVERLOAD:
        pytest.skip(f"the machine is overloaded ({load:.1f} waiting for each core): {seconds}")
    assert sum(seconds.values()) < WHOLE_SECONDS, seconds
