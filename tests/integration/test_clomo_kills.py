# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A renewal on CLOMO PANEL that dies before any of its clicks goes on at the next run.

Tried are all clicks and choices of a file: those that act, and those that only lead to a screen. What dies between two writes
to the order is tried in test_kills.py. For real, browser and all, is killed at the clicks that act most; the others are a
snapshot of what was left there. That no click is missing here is checked in the renewal that nobody kills.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
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
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call, Countdown, Ended, run_modules
from ansible_collections.nendo.apple_mdm.tests.integration.snapshots import Snapshot, Snapshots
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.person import DOWNLOADS, fetch
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

RUNS = 4  # each of the two steps killed, and run again
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
# A click of the step, or of both steps where both have so many
KILLS = [("push_certificate", 3), ("server_token", 2), ("content_token", 3)]

pytestmark = pytest.mark.usefixtures("chromium")


@contextlib.contextmanager
def watched(due: Callable[[str], None]) -> Iterator[None]:
    """due: is told the key before the screen clicks or ticks, chooses a file or takes one."""

    def told(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(screen: Screen, key: str, *args: Any, **options: Any) -> Any:
            due(key)
            return act(screen, key, *args, **options)

        return acting

    with contextlib.ExitStack() as patched:
        for name in ("_click", "tick", "attach", "download"):
            patched.enter_context(mock.patch.object(Screen, name, told(getattr(Screen, name))))
        yield


def acting(keys: Sequence[str]) -> tuple[str, ...]:
    """Those that change something, and the first one after each, when all that the panel has to do is done."""
    after = ("login.", *keys)
    return tuple(
        key for key, last in zip(keys, after, strict=False) if not (key.startswith(WAYS) and last.startswith(WAYS))
    )


class Clicks(Countdown):
    """How many acting clicks of a step are left until death, which takes the browser with it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._keys: list[str] = []

    def arm(self) -> None:
        os.setpgid(0, 0)
        self._watching = watched(self._due)
        self._watching.__enter__()

    def _due(self, key: str) -> None:
        self._keys.append(key)
        if self.left and len(acting(self._keys)) == self.left:
            self._set(0)
            os.killpg(0, signal.SIGKILL)


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

    def go_on(self, run: Callable[[Call], Ended], runs: int = RUNS) -> None:
        """To the end."""
        for _run in range(runs):
            ended = run(self.call())
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
        raise AssertionError(f"not proven after {runs} runs")

    def as_it_is(self) -> Story:
        """What is in no file and not in the world."""
        return replace(self, seen=dict(self.seen), kills=[])

    def call(self) -> Call:
        """The step that is next, as a play would come to it."""
        return module_call(self.credential, self.tenant, self.folder, self.handed_off)

    @property
    def handed_off(self) -> bool:
        return bool(self.order and self.order.state in ACTS[2:])

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


def customer(world: World) -> Tenant:
    tenant = world.tenant(f"click-{uuid.uuid4().hex[:8]}", mdm="clomo", **DUE)
    tenant.switch(**QUICK)
    return tenant


def undisturbed(call: Call) -> Ended:
    module, options = call
    return Ended(False, [run_module(module, **options)])


@pytest.mark.sweep
@pytest.mark.parametrize("credential", CLICKS)
def test_dead_before_any_click(world: World, tmp_path: Path, credential: str) -> None:
    tenant = customer(world)
    before, story, snapshots = in_use(tenant), Story(credential, tenant, tmp_path), Snapshots(tenant, tmp_path)
    moments: list[tuple[Snapshot, Story]] = []

    def due(_key: str) -> None:
        if snapshot := snapshots.take():
            moments.append((snapshot, story.as_it_is()))

    with watched(due):
        story.go_on(undisturbed)
    story.judge(world, before)
    for snapshot, then in moments:
        snapshots.put_back(snapshot)
        then.kills.append(then.order.state if then.order else "none")
        then.go_on(undisturbed)
        then.judge(world, before)
    assert len(snapshots.places) > sum(map(len, CLICKS[credential]))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize(("credential", "number"), KILLS)
def test_killed_before_a_click(world: World, tmp_path: Path, credential: str, number: int) -> None:
    tenant = customer(world)
    before, story = in_use(tenant), Story(credential, tenant, tmp_path)
    clicks = [Clicks(number) for _step in CLICKS[credential]]

    def run(call: Call) -> Ended:
        second = len(CLICKS[credential]) - 1 if story.handed_off else 0
        return run_modules([call], clicks[second])

    story.go_on(run)
    story.judge(world, before)
    assert len(story.kills) == sum(number <= len(step) for step in CLICKS[credential])


def test_a_whole_renewal_in_a_minute(world: World, tmp_path: Path) -> None:
    """All three credentials on a panel with delays such as a real one has, without the person's time.

    In a thread of its own, so that each step starts its own browser, as a play's do."""
    tenant = world.tenant(f"minute-{uuid.uuid4().hex[:8]}", mdm="clomo", **DUE)
    tenant.switch(**REAL)
    seconds: dict[str, float] = {}
    clicked: dict[str, tuple[tuple[str, ...], ...]] = {}
    for credential in CLICKS:
        story = Story(credential, tenant, tmp_path, begun=wizards(world, tenant))
        before = in_use(tenant.refresh())
        steps: list[tuple[str, ...]] = []
        for _step in CLICKS[credential]:
            keys: list[str] = []
            module, options = story.call()
            began = time.monotonic()
            with watched(keys.append), ThreadPoolExecutor(1) as thread:
                result = thread.submit(run_module, module, **options).result()
            seconds[f"{credential} {len(steps) + 1}"] = time.monotonic() - began
            assert not result.get("failed"), result
            steps.append(acting(keys))
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
