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
    """secrets_kept: whether unlock tokens and bypass codes can be kept."""

    def __init__(self, ledger: Ledger, campaign: str, tenant: str, *, secrets_kept: bool) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._tenant = tenant
        self.secrets_kept = secrets_kept

    def events(self, **which: Collection[str]) -> list[Event]:
        """As Ledger.events."""
        return self._ledger.events(**which)

    def keep_facts(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._ledger.keep_facts(self._campaign, self._tenant, facts)
