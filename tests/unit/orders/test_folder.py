# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only the folder store has: files that people see, and an inbox that people fill."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, OrderError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.folder import FolderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.journal import folder_name, tenant_name
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Event, Order
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(str(tmp_path / "orders"))


@pytest.fixture
def opened(store: FolderStore, order: Order, event: Event) -> Order:
    return store.append(order, event)


@pytest.fixture
def inbox(store: FolderStore, opened: Order) -> Path:
    return Path(store.inbox_place(opened))


@pytest.fixture
def journal(store: FolderStore, opened: Order) -> Path:
    return Path(store.place(opened), "journal.jsonl")


def test_only_the_owner_reads(store: FolderStore, opened: Order, tmp_path: Path) -> None:
    store.write_file(opened, "private_key.pem", b"x", secret=True)
    store.write_file(opened, "instructions.ja.html", b"x", secret=False)
    with store.lock("school-a", "push_certificate", timeout=0):
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}


def test_an_owner_may_open_an_inbox_to_a_colleague(
    store: FolderStore, opened: Order, event: Event, inbox: Path
) -> None:
    inbox.chmod(0o770)
    store.append(opened, event)
    assert stat.S_IMODE(inbox.stat().st_mode) == 0o770


def test_the_journal_can_be_read_by_people(journal: Path) -> None:
    (line,) = [json.loads(line) for line in journal.read_text().splitlines()]
    assert line["number"] == 1
    assert line["order"]["tenant"] == "school-a"
    assert line["act"] == "opened"


def test_the_inbox_is_read_in_order_and_without_the_noise(store: FolderStore, opened: Order, inbox: Path) -> None:
    (inbox / "b.pem").write_bytes(b"b")
    (inbox / "証明書.pem").write_bytes(b"j")
    (inbox / "a.p7m").write_bytes(b"")
    for noise in (".DS_Store", ".b.pem.swp", "Thumbs.db", "desktop.ini", "c.CRDOWNLOAD", "c.part", "c.download", "~$c"):
        (inbox / noise).write_bytes(b"noise")
    (inbox / "folder").mkdir()
    os.mkfifo(inbox / "pipe")
    outside = inbox.parent / "secret.pem"
    outside.write_bytes(b"secret")
    (inbox / "link.pem").symlink_to(outside)
    found = store.inbox(opened)
    assert [(file.name, file.data) for file in found] == [("a.p7m", b""), ("b.pem", b"b"), ("証明書.pem", b"j")]
    assert found[1].place == str(inbox / "b.pem")


def test_the_inbox_has_limits(store: FolderStore, opened: Order, inbox: Path) -> None:
    for number in range(70):
        path = inbox / f"{number:02}.txt"
        path.write_bytes(b"x")
        os.utime(path, (number, number))
    (inbox / "long.bin").write_bytes(b"x" * 3_000_000)
    found = store.inbox(opened)
    assert len(found) == 64
    assert found[0].name == "07.txt", "the newest are taken"
    assert len(found[-1].data) == 1024 * 1024 + 1


def test_a_name_that_is_not_utf_8(store: FolderStore, opened: Order, inbox: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(inbox) + b"/\xff.pem")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    (file,) = store.inbox(opened)
    file.name.encode()
    file.place.encode()
    assert file.data == b"x"


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda data: b"", 1),
        (lambda data: data[:-10], 1),
        (lambda data: data + b"not json\n", 2),
        (lambda data: data + b"\n", 2),
        (lambda data: data + b"[]\n", 2),
        (lambda data: data + data, 2),
        (lambda data: data.replace(b'"open"', b'"ajar"'), 1),
        (lambda data: data.replace(b'"tester"', b"7"), 1),
        (lambda data: b"\xff\xfe" + data, 1),
        (lambda data: b"[" * 100_000 + b"\n", 1),
    ],
    ids=["empty", "cut", "text", "blank", "list", "twice", "state", "type", "bytes", "deep"],
)
def test_a_damaged_journal_is_named(
    store: FolderStore, opened: Order, journal: Path, damage: Callable[[bytes], bytes], line: int
) -> None:
    journal.write_bytes(damage(journal.read_bytes()))
    with pytest.raises(OrderError, match="backup") as error:
        store.orders("school-a", "push_certificate")
    assert error.value.details == {"place": str(journal), "line": line}


def test_a_folder_of_another_tenant(store: FolderStore, opened: Order, tmp_path: Path) -> None:
    (tmp_path / "orders" / "school-a").rename(tmp_path / "orders" / "school-b")
    with pytest.raises(OrderError, match="belongs to tenant school-a"):
        store.orders("school-b", "push_certificate")


def test_foreign_things_are_passed_by(store: FolderStore, opened: Order, tmp_path: Path) -> None:
    root = tmp_path / "orders"
    (root / "README.txt").write_text("hello")
    (root / "%zz").mkdir()
    (root / "school-a" / "old").mkdir()
    (root / "school-a" / "push_certificate-2024-01-01").mkdir()
    (root / "school-a" / "push_certificate-2024-01-02").write_text("a file")
    (root / "empty" / "push_certificate-2024-01-01").mkdir(parents=True)
    with pytest.raises(OrderError, match="Not a directory"):
        store.orders("school-a", "push_certificate")
    (root / "school-a" / "push_certificate-2024-01-02").unlink()
    assert store.orders("school-a", "push_certificate") == [opened]
    assert store.tenants() == ["school-a"]


def test_a_root_that_cannot_be_made(tmp_path: Path, order: Order, event: Event) -> None:
    (tmp_path / "file").write_text("x")
    store = FolderStore(str(tmp_path / "file" / "orders"))
    with pytest.raises(OrderError, match="Nothing is lost"):
        store.append(order, event)
    with pytest.raises(OrderError, match="Nothing is lost"), store.lock("a", "push_certificate", timeout=0):
        pass


@given(st.text(min_size=1, max_size=20))
def test_folder_names_turn_back(tenant: str) -> None:
    name = folder_name(tenant)
    assert tenant_name(name) == tenant
    assert "/" not in name
    assert not name.startswith(".")
    name.encode()


@pytest.mark.parametrize("tenant", ["", "校" * 100])
def test_tenant_names_that_no_folder_can_have(tenant: str) -> None:
    with pytest.raises(ConfigurationError, match="inventory host"):
        folder_name(tenant)
