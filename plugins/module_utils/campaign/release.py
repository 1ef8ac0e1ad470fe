# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step release: devices leave the organisation in Apple Business for good. Nobody can undo it by this API.

Done is a device that the organisation does not have any more. Source: Apple, Create an OrgDeviceActivity, RELEASE_DEVICES.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .._errors import ConfigurationError
from .._time import from_iso, now_utc
from ..apple.school import SchoolClient
from ..mdm.protocol import Evidence, Found, Item
from .unassign import IN_PROGRESS, LAG, PAGE, known_devices

__all__ = ["ReleaseStep"]


class ReleaseStep:
    name = "release"
    preflight_limit = sys.maxsize
    looks_free = True
    lasting = True
    needs_facts = False
    poll = 7.0

    def __init__(self, client: SchoolClient, *, limit: int = PAGE, clock: Callable[[], datetime] = now_utc) -> None:
        if client.account.product != "business":
            raise ConfigurationError(
                "Apple School Manager's API cannot release devices, only Apple Business's can. Nothing was sent. Leave release"
                " out, and release the devices by hand in Apple School Manager if they shall leave for good."
            )
        self._client = client
        self.limit = limit
        self._clock = clock

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        there = self._there(items)
        return {item.device: _released() for item in items if item.device not in there}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        activity = self._client.release([item.device for item in items])
        return {item.device: Evidence(Found.PENDING, facts={"activity": activity}) for item in items}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        there = self._there(items)
        names = {name for item in items if item.device in there and (name := item.evidence.get("activity"))}
        known = {name: self._client.activity(name) for name in sorted(names)}
        return {
            item.device: self._still_there(item, known.get(item.evidence.get("activity", "")))
            if item.device in there
            else _released()
            for item in items
        }

    def _still_there(self, item: Item, activity: Mapping[str, Any] | None) -> Evidence:
        recent = item.intended_at is not None and self._clock() - from_iso(item.intended_at) < LAG
        if recent or (activity and activity.get("status") == IN_PROGRESS):
            return Evidence(
                Found.PENDING,
                {
                    "en": "Apple still shows the device in the organisation; that can take some minutes.",
                    "ja": "Apple の画面でデバイスがまだ組織に残っています。数分かかることがあります。",
                },
            )
        if activity:
            told = f"{activity.get('status')} {activity.get('subStatus', '')}".strip()
            return Evidence(
                Found.FAILED,
                {
                    "en": f"Apple did not release the device: {told}.",
                    "ja": f"Apple がデバイスの所有を解除しませんでした ({told})。",
                },
            )
        return Evidence(Found.NOT_ARRIVED)

    def _there(self, items: Sequence[Item]) -> set[str]:
        """Which of the devices the organisation has; one that was released is told with the time of that."""
        known = known_devices(self._client, [item.device for item in items])
        return {device for device, told in known.items() if not told.get("releasedFromOrgDateTime")}


def _released() -> Evidence:
    return Evidence(Found.DONE, facts={"released": True})
