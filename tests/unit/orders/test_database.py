# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only the database store has: a URL with a password, a key, tables."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path
from typing import cast

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AppleMdmError,
    ConfigurationError,
    OrderError,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Event, Order
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import KnowsSecrets, open_store

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
OTHER_KEY = "b3RoZXItYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
pytest.importorskip("sqlalchemy")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


def alter(file: Path, statement: str, *values: bytes) -> None:
    """Somebody else's hand in the database."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_secret_files_are_encrypted_and_others_are_not(url: str, file: Path, order: Order, event: Event) -> None:
    store = open_store(url, KEY)
    store.append(order, event)
    store.write_file(order, "private_key.pem", b"very-private", secret=True)
    store.write_file(order, "instructions.ja.txt", b"for-people", secret=False)
    raw = file.read_bytes()
    assert b"for-people" in raw
    assert b"very-private" not in raw
    assert KEY.encode() not in raw
    assert cast(KnowsSecrets, store).secret_names(order) == ["private_key.pem"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_key(url: str, order: Order, event: Event) -> None:
    store = open_store(url, None)
    store.append(order, event)
    store.write_file(order, "instructions.ja.txt", b"x", secret=False)
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32"):
        store.write_file(order, "private_key.pem", b"x", secret=True)
    open_store(url, KEY).write_file(order, "private_key.pem", b"x", secret=True)
    with pytest.raises(ConfigurationError, match="vault"):
        store.read_file(order, "private_key.pem")


def test_another_key(url: str, order: Order) -> None:
    open_store(url, KEY).write_file(order, "private_key.pem", b"x", secret=True)
    with pytest.raises(OrderError, match="does not open") as error:
        open_store(url, OTHER_KEY).read_file(order, "private_key.pem")
    assert KEY not in str(error.value)
    assert OTHER_KEY not in str(error.value)


@pytest.mark.parametrize("key", ["short", "x" * 44, "é" * 44, KEY[:-2]])
def test_what_is_no_key(url: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="32 random bytes") as error:
        open_store(url, key)
    assert key not in str(error.value)


def test_a_damaged_file_is_noticed(url: str, file: Path, order: Order) -> None:
    open_store(url, KEY).write_file(order, "request.txt", b"x", secret=False)
    alter(file, "UPDATE apple_mdm_order_file SET data = ?", b"y")
    with pytest.raises(OrderError, match="damaged"):
        open_store(url, KEY).read_file(order, "request.txt")


def test_a_damaged_event_is_named(url: str, file: Path, order: Order, event: Event) -> None:
    open_store(url, KEY).append(order, event)
    alter(file, "UPDATE apple_mdm_order_event SET facts = '{'")
    with pytest.raises(OrderError, match="Event 1 of order push_certificate-2026-11-23"):
        open_store(url, KEY).orders("school-a", "push_certificate")


def test_newer_tables_are_refused(url: str, file: Path, order: Order, event: Event) -> None:
    open_store(url, KEY).append(order, event)
    alter(file, "UPDATE apple_mdm_order_schema SET version = 2")
    with pytest.raises(OrderError, match="version 2.*newer release"):
        open_store(url, KEY).orders("school-a", "push_certificate")
    with pytest.raises(OrderError, match="version 2.*newer release"):
        open_store(url, KEY).write_file(order, "x", b"", secret=False)


def test_an_empty_file_has_no_orders(url: str, file: Path) -> None:
    file.touch()
    assert open_store(url, KEY).orders("school-a", "push_certificate") == []
    assert file.read_bytes() == b""


def test_what_is_no_database(url: str, file: Path) -> None:
    file.write_bytes(b"a photo of the school\n" * 100)
    with pytest.raises(OrderError, match="not a database"):
        open_store(url, KEY).orders("school-a", "push_certificate")


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("sqlite:///orders.db", "whole path"),
        ("sqlite://", "whole path"),
        ("sqlite:///:memory:", "whole path"),
        ("mysql://user:hunter2@host/db", "not supported"),
        ("https://user:hunter2@host/db", "not supported"),
        ("postgresql+psycopg2://user:hunter2@host/db", "not supported"),
        ("postgresql://user:hunter2@rest@host/db", "%40"),
        ("://hunter2", "cannot be read"),
        ("postgresql://user:hunter2@host:port/db", "cannot be read"),
    ],
)
def test_urls_that_are_refused(location: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as error:
        open_store(location, KEY)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://tester:hunter2@127.0.0.1:1/orders",
        "postgres://tester:hunter2@127.0.0.1:1/orders?sslpassword=hunter2",
        "postgresql+psycopg://tester@127.0.0.1:1/orders?password=hunter2",
        "postgresql://tester:hunter2@127.0.0.1:1/orders?hunter2=hunter2",
    ],
)
def test_the_password_is_never_told(location: str, order: Order) -> None:
    pytest.importorskip("psycopg")
    store = open_store(location, KEY)
    texts = [repr(store), store.place(order)]
    for act in (lambda: store.orders("a", "push_certificate"), lambda: store.lock("a", "b", timeout=0).__enter__()):
        with pytest.raises(AppleMdmError, match="Nothing is lost") as error:
            act()
        texts.append(f"{error.value!r} {error.value.details} {error.getrepr(style='short')}")
    assert "tester@127.0.0.1:1/orders" in texts[1]
    assert not any("hunter2" in text.replace(location, "") for text in texts)


def test_a_wrong_password(postgres_url: str) -> None:
    with pytest.raises(OrderError, match="password authentication failed") as error:
        open_store(postgres_url.replace("tester:", "tester:hunter2"), KEY).tenants()
    assert "hunter2" not in str(error.value)


def test_text_that_a_database_cannot_hold(postgres_place: str, event: Event) -> None:
    store = open_store(postgres_place, KEY)
    for tenant in ("a\0b", "a\ud800b"):
        with pytest.raises(OrderError, match="Nothing is lost"):
            store.append(Order("push_certificate-2026-11-23", tenant, "push_certificate"), event)
