# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order engine where time passes: waiting, reading back, numbering, clocks. What servers do is in unit/modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import OrderBusy, OrderError, ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import to_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.content_token import parse_content_token
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Ability, InUse
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.content_token import ContentTokenKind
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.engine import RenewalRun
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.folder import FolderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import InboxFile, Order
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.status import shows
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW, content_token

TENANT, CREDENTIAL = "school-a", "content_token"
DAY = timedelta(days=1)


def in_use(data: bytes) -> InUse:
    token = parse_content_token(data)
    return InUse(token.organization, token.not_after, facts={"fingerprint_sha256": token.fingerprint_sha256})


def token(days: int, organization: str = "School A") -> bytes:
    return content_token(expDate=to_iso(NOW + days * DAY), orgName=organization)


@dataclass
class Server:
    """A port that keeps a token, and shows an uploaded one after some looks."""

    stored: InUse | None
    shows_after_looks: int = 0
    uploads: int = 0
    answers: InUse | None = None
    abilities: frozenset[Ability] = frozenset({Ability.READ, Ability.UPLOAD, Ability.CHECK, Ability.CHECK_ANYTIME})
    _new: InUse | None = None

    def assumed(self) -> InUse | None:
        return None

    def read(self, identity: str | None) -> InUse | None:
        if self._new:
            self.shows_after_looks -= 1
            if self.shows_after_looks < 0:
                self.stored, self._new = self._new, None
        return self.stored

    def request(self) -> bytes:
        raise AssertionError("a content token needs no request")

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        return {}

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        self.uploads += 1
        self._new = in_use(received)
        return self.answers or self._new

    def check(self) -> Mapping[str, Any]:
        return {}


@dataclass
class Time:
    """One clock for all: sleeping is what moves it, and what happens meanwhile."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.meanwhile()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server() -> Server:
    return Server(in_use(token(20)))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(str(tmp_path / "orders"))


@pytest.fixture
def run(time: Time, server: Server, store: FolderStore) -> Callable[..., RenewalRun]:
    def make(**changes: Any) -> RenewalRun:
        usual: dict[str, Any] = {"tenant": TENANT, "kind": ContentTokenKind(), "port": server, "store": store}
        usual |= {"actor": "tester", "renew_before_days": 30, "check_apple": False, "check_mode": False}
        usual |= {"lock_timeout": 0, "read_back_timeout": 10}
        usual |= {"clock": time.clock, "monotonic": time.monotonic, "sleep": time.sleep}
        return RenewalRun(**{**usual, **changes})

    return make


Run = Callable[..., RenewalRun]


def drop(store: FolderStore, order: Order | None, data: bytes, name: str = "school.vpptoken") -> None:
    assert order is not None
    (Path(store.inbox_place(order)) / name).write_bytes(data)


def states(store: FolderStore) -> list[str]:
    return [order.state for order in store.orders(TENANT, CREDENTIAL)]


def test_the_hand_off_is_waited_for_as_long_as_was_said(run: Run, time: Time) -> None:
    run().prepare()
    waited = run().complete(wait=5)
    assert waited.after and waited.after.state == "handed_off"
    assert time.slept == [2.0, 2.0, 1.0]
    assert not waited.changed


def test_check_mode_does_not_wait(run: Run, time: Time) -> None:
    run().prepare()
    run(check_mode=True).complete(wait=5)
    assert time.slept == []


def test_a_file_that_comes_while_waiting_is_taken_at_once(run: Run, time: Time, store: FolderStore) -> None:
    order = run().prepare().after
    time.meanwhile = lambda: drop(store, order, token(365))
    outcome = run().complete(wait=600)
    assert outcome.after and outcome.after.state == "proven"
    assert (time.slept, outcome.changed) == ([2.0], True)


def test_others_can_work_on_the_order_while_we_wait(run: Run, time: Time, store: FolderStore) -> None:
    order = run().prepare().after

    def somebody_else() -> None:
        drop(store, order, token(365))
        assert run().complete().after

    time.meanwhile = somebody_else
    outcome = run().complete(wait=600)
    assert states(store) == ["proven"]
    assert outcome.after is None or outcome.after.state == "proven"


def test_while_another_run_holds_the_order_nothing_is_done(run: Run, store: FolderStore) -> None:
    with store.lock(TENANT, CREDENTIAL, timeout=0), pytest.raises(OrderBusy):
        run().prepare()
    assert states(store) == []


def test_a_server_that_shows_the_upload_late_is_read_until_it_does(run: Run, time: Time, server: Server) -> None:
    order = run().prepare().after
    server.shows_after_looks = 3
    outcome = run().complete([InboxFile("a", "a", token(365))])
    assert order and outcome.after and outcome.after.state == "proven"
    assert time.slept == [1.0, 1.0, 1.0]


def test_after_the_deadline_the_order_is_pending_and_the_next_run_proves_it(
    run: Run, time: Time, server: Server
) -> None:
    run().prepare()
    server.shows_after_looks = 15
    outcome = run().complete([InboxFile("a", "a", token(365))])
    assert outcome.after and outcome.after.state == "uploaded"
    assert outcome.awaiting and "does not show" in outcome.awaiting.en
    assert sum(time.slept) == 10
    proven = run().complete()
    assert proven.after and proven.after.state == "proven"
    assert server.uploads == 1


def test_an_answer_no_newer_than_what_is_in_use_waits_for_another_file(
    run: Run, server: Server, store: FolderStore
) -> None:
    order = run().prepare().after
    drop(store, order, token(365))
    server.answers = server.stored
    outcome = run().complete()
    assert outcome.after and outcome.after.state == "handed_off"
    assert outcome.after.fact("verdict")["code"] == "not_newer"


def test_a_file_refused_for_the_clock_is_taken_once_the_clock_is_right(
    run: Run, time: Time, store: FolderStore
) -> None:
    order = run().prepare().after
    drop(store, order, token(365))
    time.now += 400 * DAY
    refused = run(renew_before_days=1000).complete()
    assert refused.after and [event.facts["verdict"]["code"] for event in refused.after.events[-1:]] == ["expired"]
    time.now = NOW
    outcome = run().complete()
    assert outcome.after and outcome.after.state == "proven"


def test_a_refusal_is_told_once(run: Run, store: FolderStore) -> None:
    order = run().prepare().after
    drop(store, order, b"<html></html>")
    first, second = run().complete(), run().complete()
    assert (first.changed, second.changed) == (True, False)
    drop(store, order, b"<html></html>", "the same again")
    assert not run().complete().changed


def test_of_two_fitting_files_the_one_that_is_valid_longer_is_taken(run: Run, store: FolderStore) -> None:
    order = run().prepare().after
    drop(store, order, token(365), "a")
    drop(store, order, token(366), "b")
    outcome = run().complete()
    assert outcome.after and outcome.after.fact("file") == "b"


def test_orders_of_one_day_are_numbered_on(run: Run, server: Server, store: FolderStore, tmp_path: Path) -> None:
    def renewed(days: int) -> str:
        run(renew_before_days=9999).prepare()
        outcome = run(renew_before_days=9999).complete([InboxFile("a", "a", token(days))])
        assert outcome.after and outcome.after.state == "proven"
        return outcome.after.order_id

    day = "content_token-2026-11-23"
    assert [renewed(365), renewed(366)] == [day, f"{day}-2"]
    (tmp_path / "orders" / TENANT / day).rename(tmp_path / "taken away")
    assert renewed(367) == f"{day}-3"


@pytest.mark.parametrize("first", [True, False])
def test_a_credential_that_came_another_way_voids_the_order(run: Run, server: Server, first: bool) -> None:
    server.stored = None if first else server.stored
    run().prepare()
    server.stored = in_use(token(300))
    outcome = run().complete()
    assert outcome.after and outcome.after.state == "void"
    assert outcome.after.fact("void_reason")["code"] == "renewed_elsewhere"
    assert run().prepare().after is None


def test_another_credential_in_use_voids_the_order_and_the_next_is_for_that(run: Run, server: Server) -> None:
    run().prepare()
    server.stored = in_use(token(10, "School B"))
    outcome = run().prepare()
    assert outcome.before and outcome.after and outcome.before.order_id != outcome.after.order_id
    assert outcome.after.fact("in_use_before")["identity"] == "School B"


def test_a_lost_received_file_is_told(run: Run, server: Server, store: FolderStore) -> None:
    order = run().prepare().after
    drop(store, order, token(365))
    upload, server.upload = server.upload, _broken  # type: ignore[method-assign]
    with pytest.raises(ServiceError):
        run().complete()
    server.upload = upload  # type: ignore[method-assign]
    assert order is not None
    (Path(store.place(order)) / "received.vpptoken").unlink()
    with pytest.raises(OrderError, match="Put the file that came from Apple back"):
        run().complete()


def _broken(received: bytes, private_key: bytes | None) -> InUse:
    raise ServiceError("out of order")


@pytest.mark.parametrize("anytime", [True, False])
def test_a_check_that_changes_the_server_is_for_the_proof_alone(
    run: Callable[..., RenewalRun], server: Server, monkeypatch: pytest.MonkeyPatch, anytime: bool
) -> None:
    asked: list[bool] = []

    def check() -> Mapping[str, Any]:
        asked.append(True)
        return {}

    monkeypatch.setattr(server, "check", check)
    server.stored = in_use(token(200))
    if not anytime:
        server.abilities = server.abilities - {Ability.CHECK_ANYTIME}
    assert run(check_apple=True).prepare().after is None
    assert asked == ([True] if anytime else [])


def test_evidence_of_a_port_is_numbered_on_in_the_order(run: Run, server: Server, store: FolderStore) -> None:
    """A port counts its own files from one in each run; the order's go on from what is there."""
    server.record = None  # type: ignore[attr-defined]

    def upload(received: bytes, private_key: bytes | None) -> InUse:
        for number, name in enumerate(("opened.txt", "stopped.txt"), 1):
            server.record(f"{number:04d}-{name}", b"seen")  # type: ignore[attr-defined]
        raise ServiceError("out of order")

    server.upload = upload  # type: ignore[method-assign]
    order = run().prepare().after
    drop(store, order, token(365))
    for _run in range(2):
        with pytest.raises(ServiceError):
            run().complete()
    assert order is not None
    numbered = [name for name in store.file_names(order) if name[:4].isdigit()]
    assert sorted(numbered) == ["0001-opened.txt", "0002-stopped.txt", "0003-opened.txt", "0004-stopped.txt"]


@pytest.mark.parametrize(
    ("later", "within", "shown"),
    [
        pytest.param(0, None, True, id="to the second"),
        pytest.param(1, None, False, id="a second later"),
        pytest.param(86399, 86400, True, id="the same day"),
        pytest.param(86400, 86400, False, id="the next day"),
        pytest.param(-1, 86400, False, id="the day before"),
    ],
)
def test_an_expiry_shown_to_the_day(later: int, within: int | None, shown: bool) -> None:
    told = {} if within is None else {"not_after_within": within}
    facts = {"identity": "School A", "not_after": to_iso(NOW + timedelta(seconds=later))}
    assert shows(InUse("School A", NOW, facts=told), facts) is shown
