# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step collect: what a device is, has and can, asked of it and kept for the steps that follow."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import Commands
from .enrolments import Enrolment, enrolments

if TYPE_CHECKING:
    from ...campaign.model import Event
    from ...campaign.notebook import Notebook

__all__ = ["CollectStep"]

ASK_AGAIN = timedelta(hours=1)  # an event may have been lost
ANSWERED = ("Acknowledged", "Error", "CommandFormatError")
INFORMATION = (
    *("UDID", "SerialNumber", "OSVersion", "ProductName", "DeviceName", "IsSupervised", "AwaitingConfiguration"),
    *("IsMDMLostModeEnabled", "IsActivationLockEnabled", "IsDeviceLocatorServiceEnabled", "ServiceSubscriptions"),
    *("BatteryLevel", "EthernetMAC"),
)
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "DeviceInformation": {"Queries": list(INFORMATION)},
    "SecurityInfo": {},
    "ProfileList": {},
    "InstalledApplicationList": {"Items": ["Identifier", "Name"]},
    "ManagedApplicationList": {},
    "ActivationLockBypassCode": {},
}


class CollectStep:
    name = "collect"
    limit = 1000
    looks_free = False  # what was answered is kept
    lasting = False

    def __init__(self, commands: Commands, notebook: Notebook, clock: Any = now_utc) -> None:
        self._commands = commands
        self._notebook = notebook
        self._clock = clock

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = enrolments(self._notebook, [item.device for item in items])
        return {
            item.device: not_reachable(known.get(item.device)) for item in items if not_usable(known.get(item.device))
        }

    def baseline(self, item: Item) -> Mapping[str, Any]:
        return {}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = enrolments(self._notebook, [item.device for item in items])
        ids = {known[item.device].enrollment_id: item.device for item in items if item.device in known}
        round_name = "\0".join((items[0].command_id, str(items[0].attempt)))
        asked: dict[str, dict[str, str]] = {device: {} for device in ids.values()}
        for request_type, more in QUERIES.items():
            told = self._commands.ask(sorted(ids), round_name, {"RequestType": request_type, **more})
            for enrollment_id, command_uuid in told.items():
                asked[ids[enrollment_id]][request_type] = command_uuid
        return {device: Evidence(Found.PENDING, facts={"queries": queries}) for device, queries in asked.items()}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Done once every question was answered; the facts are kept before that is said."""
        asked = {item.device: dict(item.evidence.get("queries", {})) for item in items}
        known = enrolments(self._notebook, list(asked))
        answers = self._answers({uuid for queries in asked.values() for uuid in queries.values()})
        facts, told = {}, {}
        for item in items:
            enrolment = known.get(item.device)
            mine = {
                request_type: answers.get((enrolment.enrollment_id, command_uuid)) if enrolment else None
                for request_type, command_uuid in asked[item.device].items()
            }
            if enrolment and mine and all(mine.values()):
                facts[item.device] = _facts(
                    enrolment, {name: event for name, event in mine.items() if event}, self._notebook
                )
                told[item.device] = Evidence(Found.DONE, facts={"collected": True})
            else:
                told[item.device] = self._unanswered(item)
        self._notebook.keep_facts(facts)
        return told

    def _unanswered(self, item: Item) -> Evidence:
        asked_at = from_iso(item.intended_at) if item.intended_at else datetime.min.replace(tzinfo=now_utc().tzinfo)
        if not item.evidence.get("queries") or self._clock() - asked_at > ASK_AGAIN:
            return Evidence(Found.NOT_ARRIVED)
        return Evidence(
            Found.PENDING,
            {
                "en": "The device has not answered yet. It has to be switched on and have a network.",
                "ja": "デバイスからまだ応答がありません。電源が入り、ネットワークに接続されている必要があります。",
            },
        )

    def _answers(self, command_uuids: set[str]) -> dict[tuple[str, str], Event]:
        return {
            (event.enrollment_id, event.command_uuid or ""): event
            for event in self._notebook.events(command_uuids=command_uuids)
            if event.status in ANSWERED
        }


def not_usable(enrolment: Enrolment | None) -> bool:
    return enrolment is None or enrolment.ended or not enrolment.complete


def not_reachable(enrolment: Enrolment | None) -> Evidence:
    if enrolment is None:
        return Evidence(
            Found.FAILED,
            {
                "en": "nendo-events has never seen the device enrol, so its enrolment is not known. Check the serial number, and"
                " that nendo-events has been running since the device enrolled.",
                "ja": "デバイスの登録が nendo-events に記録されていません。シリアル番号と、登録以降 nendo-events が動作していたことを"
                "確認してください。",
            },
        )
    if enrolment.ended:
        return Evidence(
            Found.FAILED,
            {
                "en": "The device has left the MDM server, so nothing can be sent to it.",
                "ja": "デバイスは MDM サーバから離脱しているため、何も送信できません。",
            },
        )
    return Evidence(
        Found.PENDING,
        {
            "en": "The device has begun to enrol and has not finished.",
            "ja": "デバイスの登録が途中で、まだ完了していません。",
        },
    )


def _facts(enrolment: Enrolment, answers: Mapping[str, Event], notebook: Notebook) -> dict[str, Any]:
    message = {name: plistlib.loads(event.payload) if event.payload else {} for name, event in answers.items()}
    told: Mapping[str, Any] = message["DeviceInformation"].get("QueryResponses") or {}
    profiles = message["ProfileList"].get("ProfileList") or []
    has_code = bool(message["ActivationLockBypassCode"].get("ActivationLockBypassCode"))
    kept = has_code and notebook.has_secret(enrolment.enrollment_id, "ActivationLockBypassCode")
    return {
        "enrollment_id": enrolment.enrollment_id,
        "enrolled_at": enrolment.enrolled_at,
        "last_answer_at": max(event.created_at for event in answers.values()),
        "os_version": told.get("OSVersion"),
        "product_name": told.get("ProductName"),
        "device_name": told.get("DeviceName"),
        "supervised": bool(told.get("IsSupervised")),
        "lost_mode": bool(told.get("IsMDMLostModeEnabled")),
        "find_my": bool(told.get("IsDeviceLocatorServiceEnabled") or told.get("IsActivationLockEnabled")),
        "battery": told.get("BatteryLevel"),
        "ethernet": bool(told.get("EthernetMAC")),
        "lines": len(told.get("ServiceSubscriptions") or []),
        "bypass_code": "kept" if kept else "not_kept" if has_code else "none",
        "profiles": [
            {
                "identifier": each.get("PayloadIdentifier"),
                "uuid": each.get("PayloadUUID"),
                "managed": bool(each.get("IsManaged")),
                "mdm": any(
                    content.get("PayloadType") == "com.apple.mdm" for content in each.get("PayloadContent") or []
                ),
            }
            for each in profiles
        ],
        "apps": [
            each.get("Identifier") for each in message["InstalledApplicationList"].get("InstalledApplicationList") or []
        ],
        "managed_apps": sorted(message["ManagedApplicationList"].get("ManagedApplicationList") or {}),
    }
