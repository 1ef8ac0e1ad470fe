# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A renewal that is killed at any one of its writes goes on at the next run: one request, one upload, nothing lost.

Where the orders lie in files, what is left there is a snapshot; in PostgreSQL each death is a real kill. A few are everywhere."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Order, OrderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    ade_public_key,
    ade_token,
    apns_cert_upload,
    apns_csr,
    vpp_token,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import (
    Call,
    Countdown,
    Ended,
    record_modules,
    run_modules,
)
from ansible_collections.nendo.apple_mdm.tests.integration.snapshots import Snapshot, Snapshots
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.person import DOWNLOADS, fetch
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
LEAST_WRITES = 12
RUNS = 4  # the killed one, one until the hand-off, one to the end, and one more that may have nothing to do
ACTS = ["opened", "requested", "handed_off", "received", "uploaded", "proven"]


@dataclass(frozen=True)
class Case:
    """made_once: the files that may never change once they exist. uploads: how often the upload may be seen."""

    credential: str
    wish: dict[str, Any]
    made_once: tuple[str, ...]
    request: str = ""
    upload: str = ""  # the path that is put to
    renewals: str = ""  # the path at Apple's portal
    uploads: tuple[int, ...] = (1,)


PUSH_FILES = ("push_certificate.key", "push_certificate.csr", "upload_this_to_apple.b64", "received.pem")
CASES = {
    "push_certificate": Case(
        "push_certificate",
        {"push_days_left": 20},
        PUSH_FILES,
        "upload_this_to_apple.b64",
        "/nanomdm/v1/pushcert",
        "/pushcert/upload",
    ),
    "push_certificate_untold": Case(
        "push_certificate",
        {"push_days_left": 20, "pushcert_readable": False},
        PUSH_FILES,
        "upload_this_to_apple.b64",
        "/nanomdm/v1/pushcert",
        "/pushcert/upload",
        uploads=(1, 2),  # where the answer was lost, nobody can tell whether it arrived: the same is sent again
    ),
    "server_token": Case(
        "server_token",
        {"server_token_days_left": 20},
        ("upload_this_to_apple.pem", "received.p7m"),
        "upload_this_to_apple.pem",
        "/nanodep/v1/tokenpki/",
        "/public_key$",
    ),
    "content_token": Case("content_token", {"content_token_days_left": 20}, ("received.vpptoken",)),
}

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")


@dataclass
class Story:
    """One renewal of one tenant, with a person who acts once."""

    case: Case
    tenant: Tenant
    place: str
    folder: Path
    answer: bytes | None = None
    names: set[str] = field(default_factory=set)
    seen: dict[str, bytes] = field(default_factory=dict)

    @property
    def store(self) -> OrderStore:
        return open_store(self.place, KEY)

    @property
    def order(self) -> Order | None:
        orders = self.store.orders(self.tenant.name, self.case.credential)
        assert len(orders) <= 1
        return orders[0] if orders else None

    def go_on(self, run: Callable[[Sequence[Call]], Ended]) -> None:
        """To the end."""
        for _run in range(RUNS):
            ended = run(self.calls())
            failures = [result["msg"] for result in ended.results if result.get("failed")]
            assert not failures
            self.look()
            order = self.order
            if order and order.state == "proven" and not ended.killed:
                return
            if order and order.state == "handed_off" and self.answer is None:
                self.act(order)

    def as_it_is(self) -> Story:
        """What is in no file and not in the world."""
        return replace(self, names=set(self.names), seen=dict(self.seen))

    def calls(self) -> list[Call]:
        common = {
            "tenant": self.tenant.name,
            "mdm": server_options(self.tenant, self.folder),
            "order_store": self.place,
            "order_store_key": KEY,
            "actor": "tester",
        }
        account = {"apple_account": self.tenant.apple_account}
        answer = self.answer.decode() if self.answer and "://" in self.place else None
        if self.case.credential == "push_certificate":
            vendor = {
                "vendor_certificate_path": self.tenant.vendor_certificate,
                "vendor_privatekey_path": self.tenant.vendor_private_key,
                "vendor_chain_path": self.tenant.vendor_chain,
            }
            return [
                (apns_csr, {**common, **account, **vendor}),
                (apns_cert_upload, {**common, "certificate_content": answer}),
            ]
        if self.case.credential == "server_token":
            return [(ade_public_key, {**common, **account}), (ade_token, {**common, "token_content": answer})]
        return [(vpp_token, {**common, **account, "token_content": answer})]

    def act(self, order: Order) -> None:
        """The person fetches the file; it goes into the inbox, or into a survey where there is none."""
        request = self.store.read_file(order, self.case.request) if self.case.request else None
        self.answer = fetch(self.tenant, self.case.credential, request or b"")
        inbox = self.store.inbox_place(order)
        if inbox:
            Path(inbox, DOWNLOADS[self.case.credential]).write_bytes(self.answer)

    def look(self) -> None:
        """What was made once is there for good."""
        order, store = self.order, self.store
        names = store.file_names(order) if order else []
        assert self.names <= set(names)
        self.names = set(names)
        there = [name for name in self.case.made_once if name in names]
        files = {name: store.read_file(order, name) or b"" for name in there if order}
        assert self.seen.items() <= files.items()
        self.seen = files

    def judge(self, world: World) -> None:
        order = self.order
        assert order is not None
        assert [event.act for event in order.events] == ACTS
        assert set(self.case.made_once) <= set(self.seen)
        assert self.seen[self.case.made_once[-1]].strip() == (self.answer or b"").strip()
        for name, digest in order.fact("files").items() if self.case.request else ():
            assert hashlib.sha256(self.seen[name]).hexdigest() == digest
        if self.case.upload:
            puts = [entry for entry in world.writes(self.tenant.name, self.case.upload) if entry["method"] == "PUT"]
            assert len(puts) in self.case.uploads
        if self.case.credential == "server_token":
            asked = [entry for entry in world.requests(self.tenant.name, "/tokenpki/") if entry["method"] == "GET"]
            assert len(asked) in (1, 2), "asked again only where the first key was lost before anybody got it"
        if self.case.renewals:
            assert len(world.writes(self.tenant.name, self.case.renewals)) == 1
        assert order.fact("in_use")["not_after"] == in_use(self.tenant.refresh(), self.case.credential)
        hidden = [found.name for found in self.folder.rglob(".*") if not found.name.endswith(".lock")]
        assert not hidden, "left by the killed run"


def in_use(tenant: Tenant, credential: str) -> str:
    if credential == "push_certificate":
        return str(tenant.push_not_after)
    if credential == "server_token":
        return str(tenant.server_token_values["access_token_expiry"])
    return str(tenant.content_token_not_after)


def place_in(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """A new order store."""
    if kind == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        return new_database()
    return f"sqlite:///{folder}/orders.db" if kind == "sqlite" else f"{folder}/orders"


def undisturbed(calls: Sequence[Call]) -> Ended:
    return run_modules(calls, Countdown(0))


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["folder", "sqlite"])
@pytest.mark.parametrize("name", CASES)
def test_dead_at_any_write(world: World, tmp_path: Path, request: pytest.FixtureRequest, name: str, kind: str) -> None:
    tenant = world.tenant(f"kill-{tmp_path.name}", **CASES[name].wish)
    story = Story(CASES[name], tenant, place_in(kind, tmp_path, request), tmp_path)
    snapshots, moments = Snapshots(tenant, tmp_path), list[tuple[Snapshot, Story]]()

    def take() -> None:
        if snapshot := snapshots.take():
            moments.append((snapshot, story.as_it_is()))

    story.go_on(lambda calls: record_modules(calls, take))
    story.judge(world)
    for snapshot, then in moments:
        snapshots.put_back(snapshot)
        then.go_on(undisturbed)
        then.judge(world)
    assert len(snapshots.places) > len(ACTS)


def killed_at(world: World, story: Story, number: int) -> bool:
    """Whether the kill came."""
    countdown = Countdown(number)
    story.go_on(lambda calls: run_modules(calls, countdown))
    story.judge(world)
    return countdown.left <= 0


@pytest.mark.sweep
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_write_on_postgresql(
    world: World, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    for number in itertools.count(1):
        tenant = world.tenant(f"kill-{tmp_path.name}-{number}", **CASES[name].wish)
        place, folder = place_in("postgres", tmp_path, request), tmp_path / str(number)
        if not killed_at(world, Story(CASES[name], tenant, place, folder), number):
            break
    assert number > len(ACTS)


@pytest.mark.parametrize("kind", ["folder", "sqlite", "postgres"])
@pytest.mark.parametrize("name", CASES)
def test_killed_at_a_few_writes(
    world: World, tmp_path: Path, request: pytest.FixtureRequest, name: str, kind: str
) -> None:
    """Drawn from those that each kind of order has."""
    for number in random.Random(f"{name} {kind}").sample(range(1, LEAST_WRITES), 2):
        tenant, folder = world.tenant(f"kill-{tmp_path.name}-{number}", **CASES[name].wish), tmp_path / str(number)
        folder.mkdir()
        story = Story(CASES[name], tenant, place_in(kind, folder, request), folder)
        assert killed_at(world, story, number)
