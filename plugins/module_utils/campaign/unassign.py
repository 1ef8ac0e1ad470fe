# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step unassign: devices leave the MDM server in Apple School Manager or Apple Business, and where they are is read back.

One activity takes up to a thousand devices. Its end proves nothing about a device, so the assignments are read: by the
pages of the server's list, or device by device where that is fewer calls.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._errors import ConfigurationError
from .._time import from_iso, now_utc
from ..apple.school import SchoolClient
from ..mdm.protocol import Evidence, Found, Item

__all__ = ["IN_PROGRESS", "LAG", "PAGE", "UnassignStep", "known_devices"]

PAGE = 1000
LAG = timedelta(minutes=10)  # Apple was seen to show a change up to minutes after it was done
IN_PROGRESS = "IN_PROGRESS"
FEW = 20  # look-ups that are fewer calls than every page of an organisation of unknown size


class UnassignStep:
    """server_name: the device management service that the devices shall leave, as its page at Apple has it."""

    name = "unassign"
    preflight_limit = sys.maxsize
    looks_free = True
    lasting = True
    needs_facts = False
    poll = 6.1

    def __init__(
        self, client: SchoolClient, server_name: str, *, limit: int = PAGE, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._client = client
        self._server_name = server_name
        self.limit = limit
        self._clock = clock
        self._server: dict[str, Any] | None = None
        self._ended: dict[str, dict[str, Any] | None] = {}

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Only what is assigned to this server is sent: Apple takes unknown serial numbers without a word."""
        here = self._assigned_here([item.device for item in items])
        elsewhere = [item.device for item in items if item.device not in here]
        known = known_devices(self._client, elsewhere)
        return {device: self._not_sent(known.get(device)) for device in elsewhere}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        activity = self._client.unassign(self._server_here()["id"], [item.device for item in items])
        return {item.device: Evidence(Found.PENDING, facts={"activity": activity}) for item in items}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """By the assignments, where these are fewer calls than the activities to ask after, or are due anyhow: Apple allows
        few calls."""
        names = list(dict.fromkeys(name for item in items if (name := item.evidence.get("activity"))))
        running = set() if len(names) > 1 and self._pages(fresh=True) <= len(names) else self._running(names)
        told = {item.device: _not_shown() for item in items if item.evidence.get("activity") in running}
        due = [item for item in items if item.device not in told]
        here = self._assigned_here([item.device for item in due]) if due else set()
        left = dict.fromkeys(item.evidence.get("activity", "") for item in due if item.device in here)
        known = {name: self._activity(name) for name in left if name}
        logs = {name: self._log(activity) for name, activity in known.items()}
        for item in due:
            name = item.evidence.get("activity", "")
            told[item.device] = (
                self._still_here(item, known.get(name), logs.get(name, {}))
                if item.device in here
                else Evidence(Found.DONE, facts={"assigned": False})
            )
        return told

    def _running(self, names: Sequence[str]) -> set[str]:
        """Apple takes one after the other: what comes after one that runs is not asked after."""
        for number, name in enumerate(names):
            if _runs(self._activity(name)):
                return set(names[number:])
        return set()

    def _still_here(
        self, item: Item, activity: Mapping[str, Any] | None, log: Mapping[str, tuple[str, str]]
    ) -> Evidence:
        """What became of a request for a device that is still assigned."""
        status, sub_status = log.get(item.device, ("SUCCESS", ""))
        if activity and status.upper() != "SUCCESS":
            return _failed(
                f"Apple did not unassign the device: {sub_status or status}.",
                f"Apple が割り当てを解除しませんでした ({sub_status or status})。",
            )
        if _runs(activity):
            return _not_shown()
        if activity and activity.get("status") != "COMPLETED":
            told = f"{activity.get('status')} {activity.get('subStatus', '')}".strip()
            return _failed(f"Apple gave up the change: {told}.", f"Apple が処理を中止しました ({told})。")
        if item.intended_at is not None and self._clock() - from_iso(item.intended_at) < LAG:
            return _not_shown()
        if activity:
            return _failed(
                "Apple says that the change is done, and the device is still assigned.",
                "Apple は完了と表示していますが、割り当てが残っています。",
            )
        return Evidence(Found.NOT_ARRIVED)

    def _activity(self, name: str) -> dict[str, Any] | None:
        """What has ended stays as it is."""
        if name not in self._ended:
            activity = self._client.activity(name)
            if _runs(activity):
                return activity
            self._ended[name] = activity
        return self._ended[name]

    def _log(self, activity: Mapping[str, Any] | None) -> Mapping[str, tuple[str, str]]:
        """By serial number, once there is one."""
        url = (activity or {}).get("downloadUrl")
        return self._client.log(url) if url else {}

    def _assigned_here(self, devices: Sequence[str]) -> Collection[str]:
        """Which of the devices are assigned to this server, by the fewest calls."""
        server = self._server_here()["id"]
        if self._pages() < len(devices):
            return set(devices) & set(self._client.devices_of(server))
        return {device for device in devices if self._client.assigned_server(device) == server}

    def _pages(self, *, fresh: bool = False) -> int:
        """How many calls the list of the server's devices takes; very many where Apple does not tell."""
        if fresh:
            self._server = None
        count = self._server_here().get("deviceCount")
        return sys.maxsize if count is None else int(count) // PAGE + 1

    def _not_sent(self, found: Mapping[str, Any] | None) -> Evidence:
        """Why a device that is not assigned to this server is not sent."""
        if found is None:
            return _failed(
                "The organisation has no device of this serial number. Check the serial number and the organisation.",
                "この組織に該当するシリアル番号のデバイスがありません。シリアル番号と組織を確認してください。",
            )
        if found.get("status") != "ASSIGNED":
            return Evidence(Found.DONE, facts={"assigned": False})
        return _failed(
            f"The device is assigned to another server than {self._server_name}, which is left alone.",
            f"デバイスは {self._server_name} 以外のサーバに割り当てられているため、変更しません。",
        )

    def _server_here(self) -> dict[str, Any]:
        if self._server is None:
            servers = self._client.servers()
            named = [server for server in servers if server.get("serverName") == self._server_name]
            if len(named) != 1:
                known = "、".join(sorted(str(server.get("serverName")) for server in servers))
                raise ConfigurationError(
                    f"{len(named)} device management services are named {self._server_name!r}; there are: {known}. Nothing"
                    " was changed. Write the name as Apple's page has it."
                )
            self._server = named[0]
        return self._server


def _runs(activity: Mapping[str, Any] | None) -> bool:
    return activity is not None and activity.get("status") == IN_PROGRESS


def known_devices(client: SchoolClient, devices: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Those that the organisation has: by every page, or device by device where these are few."""
    if len(devices) <= FEW:
        told = {device: client.device(device) for device in devices}
        return {device: found for device, found in told.items() if found is not None}
    wanted = set(devices)
    return {found["serialNumber"]: found for found in client.devices() if found["serialNumber"] in wanted}


def _not_shown() -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": "Apple has not shown the device as unassigned yet; that can take some minutes.",
            "ja": "Apple の画面で割り当てがまだ解除されていません。数分かかることがあります。",
        },
    )


def _failed(en: str, ja: str) -> Evidence:
    return Evidence(Found.FAILED, {"en": en, "ja": ja})
