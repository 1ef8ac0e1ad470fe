# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step collect: what a device is, has and can, asked of it and kept for the steps that follow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import AT_ONCE, Commands, packed
from .identity import differs, identity_of
from .reach import is_another, is_the_same, not_reachable
from .watch import NOT_NOW, Enrolment, Watch, read_from

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["CollectStep"]

ASK_AGAIN = timedelta(hours=1)  # an event may have been lost
INFORMATION = (
    *("UDID", "SerialNumber", "OSVersion", "ProductName", "DeviceName", "IsSupervised", "AwaitingConfiguration"),
    *("IsMDMLostModeEnabled", "IsActivationLockEnabled", "IsDeviceLocatorServiceEnabled", "ServiceSubscriptions"),
    *("BatteryLevel", "EthernetMAC"),
)
NO_ANSWER = {
    "en": "The device has not answered yet. It has to be switched on and have a network.",
    "ja": "デバイスからまだ応答がありません。電源が入り、ネットワークに接続されている必要があります。",
}
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "DeviceInformation": {"Queries": list(INFORMATION)},
    "CertificateList": {},
    "ProfileList": {},
    "InstalledApplicationList": {"Items": ["Identifier", "Name"]},
    "ManagedApplicationList": {},
    "ActivationLockBypassCode": {},
}


class CollectStep:
    name = "collect"
    limit = preflight_limit = AT_ONCE
    looks_free = False  # what was answered is kept
    lasting = False
    needs_facts = False
    poll = 0.2  # the ledger is near

    def __init__(
        self, commands: Commands, notebook: Notebook, watch: Watch, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._commands = commands
        self._notebook = notebook
        self._watch = watch
        self._kinds: dict[str, str] = {}  # request types by CommandUUID
        self._parts: dict[str, dict[str, Mapping[str, Any]]] = {}  # by enrolment and CommandUUID
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
        """The enrolment and the identity that the campaign saw first: they go from one asking to the next."""
        known = self._watch.enrolments([item.device for item in items])
        return {
            item.device: {
                "first_enrolled_at": item.evidence.get("first_enrolled_at", known[item.device].enrolled_at),
                "first_identity": item.evidence.get("first_identity"),
            }
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
        self._read({name: kind for mine in queries.values() for kind, name in mine.items()})
        same = {
            item.device for item in items if is_the_same(known.get(item.device), item.evidence["first_enrolled_at"])
        }
        heard = {device: self._heard(known[device].enrollment_id, queries[device]) for device in same}
        complete = {device: told for device, told in heard.items() if told and len(told) == len(queries[device])}
        facts = self._facts_of(items, known, complete)
        others = {device for device, told in facts.items() if differs(told["first_identity"], told["identity"])}
        self._notebook.keep_facts({device: told for device, told in facts.items() if device not in others})
        done = {
            device: Evidence(Found.DONE, facts={"collected": True, "first_identity": told["first_identity"]})
            for device, told in facts.items()
        }
        unanswered = [item for item in items if item.device not in facts]
        return {
            **done,
            **dict.fromkeys(others, is_another()),
            **{item.device: self._unanswered(item, heard.get(item.device)) for item in unanswered},
        }

    def _read(self, kinds: Mapping[str, str]) -> None:
        """Answers are read as they come and not kept: many devices say much. kinds: of those that are awaited."""
        self._kinds |= kinds
        answers = self._watch.answers(kinds)
        told = [place for place, event in answers.items() if place[1] in self._kinds and event.status != NOT_NOW]
        for place in told:
            if place[1] in kinds:  # else it is told again, of a device that is done
                event = answers[place]
                part = read_from(event, READERS[kinds[place[1]]])
                if part is not None:
                    self._parts.setdefault(place[0], {})[place[1]] = {"last_answer_at": event.created_at, **part}
        self._watch.forget(told)

    def _heard(self, enrollment_id: str, queries: Mapping[str, str]) -> list[Mapping[str, Any]]:
        parts = self._parts.get(enrollment_id)
        return [parts[name] for name in queries.values() if name in parts] if parts else []

    def _facts_of(
        self,
        items: Sequence[Item],
        known: Mapping[str, Enrolment],
        complete: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> dict[str, dict[str, Any]]:
        """Of the devices that have answered."""
        ids = [known[device].enrollment_id for device in complete]
        with_code = self._notebook.having_secret(ids, "ActivationLockBypassCode")
        facts = {
            device: _facts(known[device], parts, known[device].enrollment_id in with_code)
            for device, parts in complete.items()
        }
        for item in items:
            if told := facts.get(item.device):
                told["first_enrolled_at"] = item.evidence["first_enrolled_at"]
                told["first_identity"] = item.evidence.get("first_identity") or told["identity"]
        return facts

    def _unanswered(self, item: Item, heard: Sequence[Mapping[str, Any]] | None) -> Evidence:
        """heard: None where it has enrolled anew."""
        asked_at = from_iso(item.intended_at) if item.intended_at else None
        queries = item.evidence.get("queries")
        if heard is None or not queries or asked_at is None or self._clock() - asked_at > ASK_AGAIN:
            return Evidence(Found.NOT_ARRIVED)
        return _so_far(len(heard), len(queries))


@functools.cache
def _so_far(answered: int, queries: int) -> Evidence:
    if not answered:
        return Evidence(Found.PENDING, NO_ANSWER)
    return Evidence(
        Found.PENDING,
        {
            "en": f"The device has answered {answered} of {queries} questions so far. It has to stay on and have a network.",
            "ja": f"デバイスは {queries} 件の照会のうち {answered} 件に応答しました。電源とネットワークを維持してください。",
        },
    )


def _facts(enrolment: Enrolment, parts: Sequence[Mapping[str, Any]], code_is_kept: bool) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for part in parts for name, value in part.items()}
    has_code = told.pop("has_code")
    return {
        "enrollment_id": enrolment.enrollment_id,
        "enrolled_at": enrolment.enrolled_at,
        **told,
        "last_answer_at": max(part["last_answer_at"] for part in parts),
        "bypass_code": ("kept" if code_is_kept else "not_kept") if has_code else "none",
    }


def _device(message: Mapping[str, Any]) -> dict[str, Any]:
    told: Mapping[str, Any] = message.get("QueryResponses") or {}
    return {
        "os_version": told.get("OSVersion"),
        "product_name": told.get("ProductName"),
        "device_name": told.get("DeviceName"),
        "supervised": bool(told.get("IsSupervised")),
        "lost_mode": bool(told.get("IsMDMLostModeEnabled")),
        "find_my": bool(told.get("IsDeviceLocatorServiceEnabled") or told.get("IsActivationLockEnabled")),
        "battery": told.get("BatteryLevel"),
        "ethernet": bool(told.get("EthernetMAC")),
        "lines": len(told.get("ServiceSubscriptions") or []),
    }


def _profiles(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"profiles": [_profile(each) for each in message.get("ProfileList") or []]}


def _apps(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"apps": [each.get("Identifier") for each in message.get("InstalledApplicationList") or []]}


def _managed_apps(message: Mapping[str, Any]) -> dict[str, Any]:
    managed = message.get("ManagedApplicationList")
    return {"managed_apps": None if managed is None else sorted(managed)}


def _bypass_code(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"has_code": bool(message.get("ActivationLockBypassCode"))}


def _identity(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"identity": identity_of(message)}


def _profile(told: Mapping[str, Any]) -> dict[str, Any]:
    contents = told.get("PayloadContent") or []  # absent of a profile that is encrypted
    return {
        "identifier": told.get("PayloadIdentifier"),
        "uuid": told.get("PayloadUUID"),
        "managed": bool(told.get("IsManaged")),
        "mdm": any(content.get("PayloadType") == "com.apple.mdm" for content in contents),
    }


READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "DeviceInformation": _device,
    "CertificateList": _identity,
    "ProfileList": _profiles,
    "InstalledApplicationList": _apps,
    "ManagedApplicationList": _managed_apps,
    "ActivationLockBypassCode": _bypass_code,
}
