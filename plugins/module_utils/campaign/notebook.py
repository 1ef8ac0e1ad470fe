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

    def events(self, **which: Collection[str]) -> list[Event]:
        """As Ledger.events."""
        return self._ledger.events(**which)

    def keep_facts(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._ledger.keep_facts(self._campaign, self._tenant, facts)

    def has_secret(self, enrollment_id: str, name: str) -> bool:
        """Whether nendo-events has kept it."""
        return self._ledger.has_secret("", enrollment_id, name)
