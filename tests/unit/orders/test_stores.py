# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every order store has to do, whatever it is made of."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import OrderBusy, OrderError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Event, Order, OrderStore
from ansible_collections.nendo.apple_mdm.tests.unit.orders.killing import (
    KILLED,
    kill_at_write,
    run_in_child,
    with_little_disk,
)

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
Opened = Callable[[], OrderStore]
TENANT, CREDENTIAL = "school-a", "push_certificate"


def requested(order: Order) -> Event:
    return Event("2026-11-23T08:56:00Z", "tester", "requested", "requested", {"after": order.order_id})


def test_reading_makes_nothing(store: OrderStore, order: Order, tmp_path: Path) -> None:
    assert store.orders(TENANT, CREDENTIAL) == []
    assert store.tenants() == []
    assert store.read_file(order, "request.txt") is None
    assert store.file_names(order) == []
    assert store.inbox(order) == []
    assert list(tmp_path.iterdir()) == []


def test_events_are_kept(opened: Opened, order: Order, event: Event) -> None:
    after = opened().append(order, event)
    after = opened().append(
        after, Event("2026-11-23T09:00:00Z", "東 花子\n", "refused", None, {"names": ("a", "b\u2028")})
    )
    assert opened().orders(TENANT, CREDENTIAL) == [after]
    assert after.state == "open"
    assert after.events[1].facts == {"names": ["a", "b\u2028"]}


def test_orders_are_of_one_tenant_and_credential_and_oldest_first(store: OrderStore, event: Event) -> None:
    ids = [f"push_certificate-2026-11-23-{number}" for number in (10, 2)]
    ids += ["push_certificate-2026-11-23", "push_certificate-2025-12-01"]
    for order_id in ids:
        store.append(Order(order_id, TENANT, CREDENTIAL), event)
    store.append(Order("server_token-2026-11-23", TENANT, "server_token"), event)
    store.append(Order("push_certificate-2026-11-23", "school-b", CREDENTIAL), event)
    assert [order.order_id for order in store.orders(TENANT, CREDENTIAL)] == ids[::-1]
    assert store.tenants() == ["school-a", "school-b"]


@pytest.mark.parametrize(
    "tenant", ["市立ひばり中学校", "a/b", "../x", ".hidden", "A b. ", "50%", "カ\u3099", "か", "x:y\\z", "%41"]
)
def test_any_tenant_name_comes_back(opened: Opened, event: Event, tenant: str) -> None:
    order = opened().append(Order("push_certificate-2026-11-23", tenant, CREDENTIAL), event)
    opened().write_file(order, "request.txt", b"x", secret=True)
    assert opened().tenants() == [tenant]
    assert opened().orders(tenant, CREDENTIAL) == [order]
    with opened().lock(tenant, CREDENTIAL, timeout=0):
        assert opened().read_file(order, "request.txt") == b"x"


@pytest.mark.parametrize("secret", [True, False])
def test_files_are_kept_whole(opened: Opened, order: Order, event: Event, secret: bool) -> None:
    data = bytes(range(256)) * 5000
    opened().write_file(order, "private_key.pem", b"first", secret=secret)
    assert opened().orders(TENANT, CREDENTIAL) == []
    opened().append(order, event)
    opened().write_file(order, "private_key.pem", data, secret=secret)
    opened().write_file(order, "empty", b"", secret=False)
    assert opened().read_file(order, "private_key.pem") == data
    assert opened().read_file(order, "empty") == b""
    assert opened().read_file(order, "other") is None
    assert opened().file_names(order) == ["empty", "private_key.pem"]


@pytest.mark.parametrize("name", ["", "../x", "/etc/x", ".hidden", "journal.jsonl", "inbox", "a/b", "a\nb", "ä"])
def test_file_names_that_are_none(store: OrderStore, order: Order, name: str) -> None:
    with pytest.raises(OrderError, match="cannot be the name"):
        store.write_file(order, name, b"x", secret=False)


@pytest.mark.parametrize("order_id", ["", "..", "push_certificate", "server_token-2026-11-23", "push_certificate-x/y"])
def test_order_ids_that_are_none(store: OrderStore, order: Order, event: Event, order_id: str) -> None:
    with pytest.raises(OrderError, match="not the id"):
        store.append(replace(order, order_id=order_id), event)
    assert store.tenants() == []


def test_an_order_that_is_not_as_stored_is_refused(store: OrderStore, order: Order, event: Event) -> None:
    with pytest.raises(OrderError, match="another run has written"):
        store.append(order.with_event(event), event)
    after = store.append(order, event)
    for stale in (order, order.with_event(replace(event, by="other")), after.with_event(event)):
        with pytest.raises(OrderError, match="another run has written"):
            store.append(stale, event)
    assert store.orders(TENANT, CREDENTIAL) == [after]


def test_two_runs_append_at_once(opened: Opened, order: Order, event: Event) -> None:
    before = opened().append(order, event)
    go, release = os.pipe()
    pids = []
    for name in ("one", "two"):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                store = opened()
                os.read(go, 1)
                store.append(before, replace(requested(order), by=name))
                code = 0
            except OrderError:
                code = 3
            finally:
                os._exit(code)
        pids.append(pid)
    os.write(release, b"..")
    assert sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids) == [0, 3]
    (stored,) = opened().orders(TENANT, CREDENTIAL)
    assert len(stored.events) == 2


def test_a_lock_is_for_one(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    with opened().lock(TENANT, CREDENTIAL, timeout=0):
        with opened().lock(TENANT, "server_token", timeout=0), opened().lock("school-b", CREDENTIAL, timeout=0):
            pass
        other = opened()
        ticks = iter(range(100))
        monkeypatch.setattr(other, "_sleep", slept.append)
        monkeypatch.setattr(other, "_monotonic", lambda: float(next(ticks)))
        with pytest.raises(OrderBusy) as busy, other.lock(TENANT, CREDENTIAL, timeout=3):
            pass
        assert str(os.getpid()) in str(busy.value)
        assert os.uname().nodename[:20] in str(busy.value)
        assert "since 20" in str(busy.value)
    assert 1 <= len(slept) <= 3
    with opened().lock(TENANT, CREDENTIAL, timeout=0):
        pass


def test_a_lock_ends_with_an_error_inside(opened: Opened) -> None:
    with pytest.raises(KeyError), opened().lock(TENANT, CREDENTIAL, timeout=0):
        raise KeyError("inside")
    with opened().lock(TENANT, CREDENTIAL, timeout=0):
        pass


def test_a_lock_dies_with_its_process(opened: Opened) -> None:
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        with opened().lock(TENANT, CREDENTIAL, timeout=10):
            os.write(tell, b"x")
            time.sleep(60)
    os.read(told, 1)
    with pytest.raises(OrderBusy, match=str(pid)), opened().lock(TENANT, CREDENTIAL, timeout=0):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with opened().lock(TENANT, CREDENTIAL, timeout=10):
        pass


def test_killed_at_every_write(opened: Opened, order: Order, event: Event) -> None:
    """From nothing: lock, key, two events, and the key again. What is stored is always one of the steps."""

    def run() -> None:
        store = opened()
        with store.lock(TENANT, CREDENTIAL, timeout=10):
            stored = next(iter(store.orders(TENANT, CREDENTIAL)), order)
            store.write_file(stored, "key.pem", f"key {len(stored.events)}".encode(), secret=True)
            store.append(stored, event if not stored.events else requested(order))

    opened().orders(TENANT, CREDENTIAL)
    for count in (1, 2):
        number, ended = 0, KILLED
        before = opened().orders(TENANT, CREDENTIAL)
        while ended == KILLED and opened().orders(TENANT, CREDENTIAL) == before:
            number += 1
            ended = kill_at_write(number, run)
            key = opened().read_file(order, "key.pem")
            assert key in (None, *(f"key {step}".encode() for step in range(count)))
        assert ended in (0, KILLED)
        assert number > 5
        (stored,) = opened().orders(TENANT, CREDENTIAL)
        assert len(stored.events) == count
        assert opened().read_file(order, "key.pem") == f"key {count - 1}".encode()
        assert opened().file_names(order) == ["key.pem"]


@pytest.mark.parametrize("place", ["folder", "sqlite"], indirect=True)
def test_the_disk_is_full(opened: Opened, order: Order, event: Event, tmp_path: Path) -> None:
    before = opened().append(order, event)
    opened().write_file(order, "key.pem", b"old", secret=True)
    files = sorted(tmp_path.rglob("*"))
    size = max(path.stat().st_size for path in files if path.is_file()) + 4096
    big = "x" * 200_000

    def refused(act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with pytest.raises(OrderError, match="Nothing is lost.*Make room"):
                act()

        return run

    store = opened()
    assert with_little_disk(size, refused(lambda: store.append(before, replace(event, by=big)))) == 0
    assert with_little_disk(size, refused(lambda: store.write_file(order, "key.pem", big.encode(), secret=True))) == 0
    assert opened().orders(TENANT, CREDENTIAL) == [before]
    assert opened().read_file(order, "key.pem") == b"old"
    assert sorted(tmp_path.rglob("*")) == files
    opened().append(before, replace(event, by=big))


def test_a_child_that_fails_is_noticed() -> None:
    def fails() -> None:
        os._exit(4)

    assert run_in_child(fails) == 4
