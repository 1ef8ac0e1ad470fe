# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step collect: what a device is, has and can, asked of it and kept for the steps that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import Commands, packed
from .reach import is_another, is_the_same, not_reachable
from .watch import NOT_NOW, Answers, Enrolment, Watch, message_of

if TYPE_CHECKING:
    from ...campaign.model import Event
    from ...campaign.notebook import Notebook

__all__ = ["CollectStep"]

ASK_AGAIN = timedelta(hours=1)  # an event may have been lost
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
    needs_facts = False
    poll = 1.0  # the ledger is near

    def __init__(self, commands: Commands, notebook: Notebook, clock: Callable[[], datetime] = now_utc) -> None:
        self._commands = commands
        self._notebook = notebook
        self._watch = Watch(notebook)
        self._clock = clock

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """A device that has enrolled anew since the campaign first looked at it is somebody else's business."""
        known = self._watch.enrolments([item.device for item in items])
        told = {item.device: self._hindrance(item, known.get(item.device)) for item in items}
        return {device: hindrance for device, hindrance in told.items() if hindrance}

    def _hindrance(self, item: Item, now: Enrolment | None) -> Evidence | None:
        if hindrance := not_reachable(now):
            return hindrance
        first = item.evidence.get("first_enrolled_at")
        return None if first is None or is_the_same(now, first) else is_another()

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """The enrolment that the campaign looked at first: it goes from one asking to the next."""
        known = self._watch.enrolments([item.device for item in items])
        return {
            item.device: {"first_enrolled_at": item.evidence.get("first_enrolled_at", known[item.device].enrolled_at)}
            for item in items
        }

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        ids = {known[item.device].enrollment_id: item.device for item in items if item.device in known}
        names = (items[0].command_id, str(items[0].attempt))
        parcels = [
            parcel
            for request_type, more in QUERIES.items()
            for parcel in packed(sorted(ids), {"RequestType": request_type, **more}, *names)
        ]
        self._commands.ask(parcels)
        asked: dict[str, dict[str, str]] = {device: {} for device in ids.values()}
        for parcel in parcels:
            for enrollment_id in parcel.ids:
                asked[ids[enrollment_id]][parcel.command["RequestType"]] = parcel.command_uuid
        return {device: Evidence(Found.PENDING, facts={"queries": queries}) for device, queries in asked.items()}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Done once every question was answered; the facts are kept before that is said."""
        known = self._watch.enrolments([item.device for item in items])
        queries = {item.device: item.evidence.get("queries") or {} for item in items}
        answers = self._watch.answers({name for mine in queries.values() for name in mine.values()})
        first = {item.device: item.evidence["first_enrolled_at"] for item in items}
        same = {device for device in first if is_the_same(known.get(device), first[device])}
        complete = {
            device: answered
            for device in same
            if (answered := _answered(known[device].enrollment_id, queries[device], answers))
        }
        self._keep(known, complete, first)
        self._watch.forget(
            [(known[device].enrollment_id, name) for device in complete for name in queries[device].values()]
        )
        done = Evidence(Found.DONE, facts={"collected": True})
        return {
            item.device: done if item.device in complete else self._unanswered(item, item.device in same)
            for item in items
        }

    def _keep(
        self, known: Mapping[str, Enrolment], complete: Mapping[str, Mapping[str, Event]], first: Mapping[str, str]
    ) -> None:
        ids = [known[device].enrollment_id for device in complete]
        with_code = self._notebook.having_secret(ids, "ActivationLockBypassCode")
        self._notebook.keep_facts(
            {
                device: {
                    **_facts(known[device], answered, known[device].enrollment_id in with_code),
                    "first_enrolled_at": first[device],
                }
                for device, answered in complete.items()
            }
        )

    def _unanswered(self, item: Item, same: bool) -> Evidence:
        asked_at = from_iso(item.intended_at) if item.intended_at else None
        asked = bool(item.evidence.get("queries")) and asked_at is not None and self._clock() - asked_at <= ASK_AGAIN
        if not asked or not same:
            return Evidence(Found.NOT_ARRIVED)
        return Evidence(
            Found.PENDING,
            {
                "en": "The device has not answered yet. It has to be switched on and have a network.",
                "ja": "デバイスからまだ応答がありません。電源が入り、ネットワークに接続されている必要があります。",
            },
        )


def _answered(enrollment_id: str, queries: Mapping[str, str], answers: Answers) -> dict[str, Event] | None:
    """By request type, once it has answered all."""
    found = {kind: answers.get((enrollment_id, name)) for kind, name in queries.items()}
    told = {kind: event for kind, event in found.items() if event is not None and event.status != NOT_NOW}
    return told if told and len(told) == len(queries) else None


def _facts(enrolment: Enrolment, answers: Mapping[str, Event], code_is_kept: bool) -> dict[str, Any]:
    message = {name: message_of(event) for name, event in answers.items()}
    told: Mapping[str, Any] = message["DeviceInformation"].get("QueryResponses") or {}
    managed = message["ManagedApplicationList"].get("ManagedApplicationList")
    has_code = bool(message["ActivationLockBypassCode"].get("ActivationLockBypassCode"))
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
        "bypass_code": ("kept" if code_is_kept else "not_kept") if has_code else "none",
        "profiles": [_profile(each) for each in message["ProfileList"].get("ProfileList") or []],
        "apps": [
            each.get("Identifier") for each in message["InstalledApplicationList"].get("InstalledApplicationList") or []
        ],
        "managed_apps": None if managed is None else sorted(managed),
    }


def _profile(told: Mapping[str, Any]) -> dict[str, Any]:
    contents = told.get("PayloadContent") or []  # absent of a profile that is encrypted
    return {
        "identifier": told.get("PayloadIdentifier"),
        "uuid": told.get("PayloadUUID"),
        "managed": bool(told.get("IsManaged")),
        "mdm": any(content.get("PayloadType") == "com.apple.mdm" for content in contents),
    }
