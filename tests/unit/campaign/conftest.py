# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ledgers on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger

pytest.importorskip("sqlalchemy")

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a ledger that does not exist yet."""
    if request.param == "postgres":
        found: str = request.getfixturevalue("postgres_place")
        return found
    return str(tmp_path / "sub" / "ledger.db")


@pytest.fixture
def opened(location: str) -> Iterator[Callable[..., Ledger]]:
    """Each call: the same ledger, opened by another run."""
    ledgers: list[Ledger] = []

    def open_one(key: str | None = KEY) -> Ledger:
        ledgers.append(open_ledger(location, key))
        return ledgers[-1]

    yield open_one
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    return opened()
