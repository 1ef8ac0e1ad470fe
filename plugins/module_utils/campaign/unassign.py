# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step unassign: devices leave the MDM server in Apple School Manager or Apple Business, and where they are is read back.

One activity takes up to a thousand devices. Its end proves nothing about a device, so the assignments are read: by the
pages of the server's list, or device by device where that is fewer calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._errors import ConfigurationError
from .._time import from_iso, now_utc
from ..apple.school import SchoolClient
from ..mdm.protocol import Evidence, Found, Item

__all__ = ["UnassignStep"]

PAGE = 1000
LAG = timedelta(minutes=10)  # Apple was seen to show a change up to minutes after it was done
IN_PROGRESS = "IN_PROGRESS"


class UnassignStep:
    """server_name: the device management service that the devices shall leave, as its page at Apple has it."""

    name = "unassign"
    looks_free = True
    lasting = True

    def __init__(
        self, client: SchoolClient, server_name: str, *, limit: int = PAGE, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._client = client
        self._server_name = server_name
        self.limit = limit
        self._clock = clock
        self._server: dict[str, Any] | None = None

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Only what is assigned to this server is sent: Apple takes unknown serial numbers without a word."""
        here = self._assigned_here([item.device for item in items])
        return {item.device: self._elsewhere(item.device) for item in items if item.device not in here}

    def baseline(self, item: Item) -> Mapping[str, Any]:
        return {}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        activity = self._client.unassign(self._server_here()["id"], [item.device for item in items])
        return {item.device: Evidence(Found.PENDING, facts={"activity": activity}) for item in items}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        here = self._assigned_here([item.device for item in items])
        gone = {
            item.device: Evidence(Found.DONE, facts={"assigned": False}) for item in items if item.device not in here
        }
        activities: dict[str, tuple[dict[str, Any] | None, Mapping[str, tuple[str, str]]]] = {}
        for item in items:
            name = item.evidence.get("activity")
            if item.device in here and name and name not in activities:
                activities[name] = self._activity(name)
        return gone | {
            item.device: self._still_here(item, *activities.get(item.evidence.get("activity", ""), (None, {})))
            for item in items
            if item.device in here
        }

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
        if activity and activity.get("status") not in (IN_PROGRESS, "COMPLETED"):
            told = f"{activity.get('status')} {activity.get('subStatus', '')}".strip()
            return _failed(f"Apple gave up the change: {told}.", f"Apple が処理を中止しました ({told})。")
        running = activity is not None and activity.get("status") == IN_PROGRESS
        recent = item.intended_at is not None and self._clock() - from_iso(item.intended_at) < LAG
        if running or recent:
            return Evidence(
                Found.PENDING,
                {
                    "en": "Apple has not shown the device as unassigned yet; that can take some minutes.",
                    "ja": "Apple の画面で割り当てがまだ解除されていません。数分かかることがあります。",
                },
            )
        if activity:
            return _failed(
                "Apple says that the change is done, and the device is still assigned.",
                "Apple は完了と表示していますが、割り当てが残っています。",
            )
        return Evidence(Found.NOT_ARRIVED)

    def _activity(self, name: str) -> tuple[dict[str, Any] | None, Mapping[str, tuple[str, str]]]:
        """The activity, and its log by serial number once there is one."""
        found = self._client.activity(name)
        url = (found or {}).get("downloadUrl")
        return found, self._client.log(url) if url else {}

    def _assigned_here(self, devices: Sequence[str]) -> Collection[str]:
        """Which of the devices are assigned to this server, by the fewest calls."""
        server = self._server_here()
        pages = int(server.get("deviceCount") or PAGE * len(devices)) // PAGE + 1
        if pages < len(devices):
            return set(devices) & set(self._client.devices_of(server["id"]))
        return {device for device in devices if self._client.assigned_server(device) == server["id"]}

    def _elsewhere(self, device: str) -> Evidence:
        """Why a device that is not assigned to this server is not sent."""
        found = self._client.device(device)
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


def _failed(en: str, ja: str) -> Evidence:
    return Evidence(Found.FAILED, {"en": en, "ja": ja})
