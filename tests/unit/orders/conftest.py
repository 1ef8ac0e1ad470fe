# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same order tests on every kind of store: a folder, SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Event, Order, OrderStore
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="


@pytest.fixture(params=["folder", "sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of a store that does not exist yet."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_place")
    if request.param == "sqlite":
        pytest.importorskip("sqlalchemy")
        return f"sqlite:///{tmp_path}/sub/orders.db"
    return str(tmp_path / "sub" / "orders")


@pytest.fixture
def opened(place: str) -> Callable[[], OrderStore]:
    """Opens the same place anew, as another run would."""
    return lambda: open_store(place, KEY)


@pytest.fixture
def store(opened: Callable[[], OrderStore]) -> OrderStore:
    return opened()


@pytest.fixture
def order() -> Order:
    return Order("push_certificate-2026-11-23", "school-a", "push_certificate")


@pytest.fixture
def event() -> Event:
    return Event("2026-11-23T08:55:00Z", "tester", "opened", "open", {"why": "in_window", "days": 30})
