# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps for which NanoMDM has nothing: every device is skipped, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol import Evidence, Found, Item

__all__ = ["ABSENT", "AbsentStep"]

ABSENT: Mapping[str, Mapping[str, str]] = {
    "users": {
        "en": "NanoMDM keeps no users, so there is none to delete. Managed Apple Accounts are deleted in Apple School Manager.",
        "ja": "NanoMDM にはユーザの情報がないため、削除するものはありません。管理対象 Apple Account は Apple School Manager で削除します。",
    },
    "organizations": {
        "en": "NanoMDM keeps no organisations, so there is none to delete.",
        "ja": "NanoMDM には組織の情報がないため、削除するものはありません。",
    },
}


class AbsentStep:
    limit = 1000
    preflight_limit = 1000
    looks_free = True
    lasting = True
    needs_facts = False
    poll = 0.0

    def __init__(self, name: str, reason: Mapping[str, str]) -> None:
        self.name = name
        self._reason = reason

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        return {item.device: Evidence(Found.SKIPPED, self._reason) for item in items}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        return {}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        return self.preflight(items)
