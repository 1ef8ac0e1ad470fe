# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a driver's step may see and keep of the ledger: one campaign of one tenant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .ledger import Ledger
from .model import Event

__all__ = ["Notebook"]


class Notebook:
    def __init__(self, ledger: Ledger, campaign: str, tenant: str) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._tenant = tenant

    def events(self, **which: Any) -> list[Event]:
        """As Events.find."""
        return self._ledger.events.find(**which)

    def newest_event(self) -> int:
        """As Events.newest."""
        return self._ledger.events.newest()

    def keep_facts(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._ledger.keep_facts(self._campaign, self._tenant, facts)

    def having_secret(self, enrollment_ids: Collection[str], name: str) -> set[str]:
        """Of which of them nendo-events has kept it."""
        return self._ledger.having_secret("", enrollment_ids, name)
