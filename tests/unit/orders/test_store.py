# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Choosing a store by its location, and a database's orders written out as folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, OrderError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.folder import FolderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Event, Order, OrderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import export_orders, open_store

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
STORE = "ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path, order: Order, event: Event) -> OrderStore:
    """Two orders of two tenants, with a secret and an open file."""
    pytest.importorskip("sqlalchemy")
    sqlite = f"sqlite:///{tmp_path}/orders.db"
    store = open_store(request.getfixturevalue("postgres_place") if request.param == "postgres" else sqlite, KEY)
    after = store.append(order, event)
    store.append(after, event)
    store.append(Order("server_token-2026-11-23-2", "市立学校", "server_token"), event)
    store.write_file(order, "private_key.pem", b"private", secret=True)
    store.write_file(order, "request.txt", b"request", secret=False)
    return store


def test_a_home_folder_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("~/orders/", None)
    assert isinstance(store, FolderStore)
    assert store.root == str(tmp_path / "orders")


@pytest.mark.parametrize("location", ["orders", "./orders", ""])
def test_relative_folders_are_refused(location: str) -> None:
    with pytest.raises(ConfigurationError, match="whole path"):
        open_store(location, None)


def test_a_folder_needs_no_heavy_library(tmp_path: Path) -> None:
    """The daily run over a hundred tenants pays for every import."""
    code = f"""
import sys
from {STORE} import open_store
open_store({str(tmp_path)!r}).orders("a", "push_certificate")
print(*sorted(set(sys.modules) & {{"cryptography", "sqlalchemy", "asn1crypto", "jinja2", "requests"}}))
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == ""


def test_export(database: OrderStore, order: Order, tmp_path: Path) -> None:
    target = tmp_path / "exported"
    places = [str(target / "school-a" / order.order_id), str(target / "市立学校" / "server_token-2026-11-23-2")]
    assert export_orders(database, str(target), write=False) == places
    assert not target.exists()
    assert export_orders(database, str(target), write=True) == places
    assert export_orders(database, str(target), write=True) == []
    folders = FolderStore(str(target))
    assert folders.tenants() == database.tenants()
    assert folders.orders("school-a", "push_certificate") == database.orders("school-a", "push_certificate")
    assert folders.file_names(order) == ["request.txt"]
    assert export_orders(database, str(target), write=True, include_secrets=True) == places[:1]
    assert folders.read_file(order, "private_key.pem") == b"private"
    assert export_orders(database, str(target), write=False, include_secrets=True) == []


def test_export_goes_on(database: OrderStore, order: Order, event: Event, tmp_path: Path) -> None:
    export_orders(database, str(tmp_path / "out"), write=True)
    (stored,) = database.orders("school-a", "push_certificate")
    database.append(stored, event)
    assert len(export_orders(database, str(tmp_path / "out"), write=True)) == 1
    assert export_orders(database, str(tmp_path / "out"), write=True) == []


def test_export_overwrites_no_other_story(database: OrderStore, order: Order, tmp_path: Path) -> None:
    FolderStore(str(tmp_path / "out")).append(order, Event("2026-01-01T00:00:00Z", "other", "opened", "open"))
    with pytest.raises(OrderError, match="another story"):
        export_orders(database, str(tmp_path / "out"), write=True)


def test_folders_are_not_exported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="folders already"):
        export_orders(FolderStore(str(tmp_path)), str(tmp_path / "out"), write=True)
