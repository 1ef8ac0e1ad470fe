# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step licences: the device licences of Apps and Books go back to the location, and nothing left is the proof.

Every change is an event that Apple carries out later and perhaps in part, so the assignments are read again. Source: Apple,
"Managing assets" and "Handling error responses" of the management API v2.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._errors import OtherOwner, ServiceError
from .._portions import portions
from .._time import from_iso, now_utc
from ..apple.apps_and_books import AppsAndBooksClient
from ..mdm.protocol import Evidence, Found, Item

__all__ = ["LicencesStep"]

LAG = timedelta(minutes=10)  # Apple: an event that is pending for longer was lost
SPACING = timedelta(seconds=30)  # Apple: between two questions after an event
FEW = 10  # devices whose licences are few calls to read
Asset = tuple[str, str]  # adamId, pricingParam


class LicencesStep:
    """mdm_id: the MDM server that manages the location, if it shall be checked."""

    name = "licences"
    preflight_limit = sys.maxsize
    looks_free = True
    lasting = True
    needs_facts = False
    poll = 4.9

    def __init__(
        self, client: AppsAndBooksClient, *, mdm_id: str | None = None, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._client = client
        self._clock = clock
        limits = client.service_config().get("limits") or {}
        self.limit = int(limits.get("maxSerialNumbers") or 1000)
        self._assets_at_once = int(limits.get("maxAssets") or 25)
        self._licences: dict[str, set[Asset]] = {}
        self._events: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._check_manager(mdm_id)

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """A device without a licence is done."""
        self._licences = self._assigned([item.device for item in items])
        return {item.device: _done() for item in items if not self._licences[item.device]}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """What fails after the first call leaves only the devices of later calls in doubt."""
        events: dict[str, list[str]] = {item.device: [] for item in items}
        calls = self._fewest_calls([item.device for item in items])
        left = Counter(device for _assets, serials in calls for device in serials)
        for number, (assets, serials) in enumerate(calls):
            try:
                event = self._client.disassociate(assets, serials)
            except ServiceError:
                if number == 0:
                    raise
                break
            for device in serials:
                events[device].append(event)
                left[device] -= 1
        return {
            device: Evidence(Found.PENDING, facts={"events": names, "licences": len(self._licences[device])})
            for device, names in events.items()
            if not left[device]
        }

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Nothing new while the assignments do not keep still: our own events change them."""
        try:
            return self._looked(items)
        except ServiceError as error:
            if not error.details.get("changing"):
                raise
            return {item.device: _pending(int(item.evidence.get("licences", 0))) for item in items}

    def _looked(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """By the assignments, where these are fewer calls than the events to ask after, or are due anyhow."""
        names = list(dict.fromkeys(name for item in items for name in item.evidence.get("events", ())))
        listed = self._client.every_assignment(len(names)) if names and len(items) > FEW else None
        if listed is not None:
            return self._by_what_is_left(items, _by_device([item.device for item in items], listed))
        running = self._running(names)
        due = [
            item
            for item in items
            if len(items) <= FEW or self._late(item) or not running.intersection(item.evidence.get("events", ()))
        ]
        told = {item.device: _pending(int(item.evidence.get("licences", 0))) for item in items}
        return told | self._by_what_is_left(due, self._assigned([item.device for item in due]) if due else {})

    def _by_what_is_left(self, items: Sequence[Item], left: Mapping[str, set[Asset]]) -> dict[str, Evidence]:
        asked = {name for item in items if left[item.device] for name in item.evidence.get("events", ())}
        known = {name: self._event(name) for name in sorted(asked)}
        return {item.device: self._judged(item, left[item.device], known) for item in items}

    def _running(self, names: Sequence[str]) -> set[str]:
        """Apple takes one after the other: what comes after one that runs is not asked after."""
        for number, name in enumerate(names):
            if self._event(name).get("eventStatus") == "PENDING":
                return set(names[number:])
        return set()

    def _event(self, name: str) -> dict[str, Any]:
        """As it was at the last question, if that is not long ago. What has ended stays as it is."""
        asked_at, event = self._events.get(name, (None, {}))
        ended = asked_at is not None and event.get("eventStatus") != "PENDING"
        if asked_at is None or not (ended or self._clock() - asked_at < SPACING):
            self._events[name] = self._clock(), self._client.event(name) or {}
        return self._events[name][1]

    def _late(self, item: Item) -> bool:
        return item.intended_at is None or self._clock() - from_iso(item.intended_at) >= LAG

    def _judged(self, item: Item, left: set[Asset], known: Mapping[str, Mapping[str, Any]]) -> Evidence:
        if not left:
            return _done()
        events = [known[name] for name in item.evidence.get("events", ())]
        if any(event.get("eventStatus") == "FAILED" for event in events):
            return _failed("Apple gave up the change.", "Apple が処理を中止しました。", left)
        refused = [number for event in events for number in _refusals(event, item.device)]
        if refused:
            return _failed(
                f"Apple did not take the licences back (number {refused[0]}).",
                f"Apple がライセンスを解除しませんでした (番号 {refused[0]})。",
                left,
            )
        if not self._late(item):
            return _pending(len(left))
        if any(event.get("eventStatus") == "COMPLETE" for event in events):
            return _failed("Apple says that the change is done.", "Apple は完了と表示しています。", left)
        return Evidence(Found.NOT_ARRIVED)

    def _assigned(self, devices: Sequence[str]) -> dict[str, set[Asset]]:
        """The licences of each device: by every page, or device by device where that is fewer calls."""
        listed = self._client.every_assignment(len(devices)) if len(devices) > 1 else None
        if listed is None:
            listed = [one for device in devices for one in self._client.assignments(device)]
        return _by_device(devices, listed)

    def _fewest_calls(self, devices: Sequence[str]) -> list[tuple[list[Asset], list[str]]]:
        """Assets and devices of each call, so that no device is named with a licence that it does not have."""
        by_licences: dict[tuple[Asset, ...], list[str]] = {}
        by_asset: dict[Asset, list[str]] = {}
        for device in devices:
            by_licences.setdefault(tuple(sorted(self._licences[device])), []).append(device)
            for asset in self._licences[device]:
                by_asset.setdefault(asset, []).append(device)
        alike = [
            (list(assets), serials)
            for licences, serials in by_licences.items()
            for assets in portions(licences, self._assets_at_once)
        ]
        each = [([asset], serials) for asset, serials in sorted(by_asset.items())]
        return alike if len(alike) <= len(each) else each

    def _check_manager(self, mdm_id: str | None) -> None:
        if mdm_id is None:
            return
        manager = self._client.client_config().get("mdmInfo") or {}
        if manager.get("id") not in (None, mdm_id):
            raise OtherOwner(
                f"The location's licences are managed by {manager.get('name')} ({manager.get('id')}), not by {mdm_id}. Nothing"
                " was changed. Check that the content token is this tenant's."
            )


def _by_device(devices: Sequence[str], assignments: Sequence[Mapping[str, Any]]) -> dict[str, set[Asset]]:
    found: dict[str, set[Asset]] = {device: set() for device in devices}
    for one in assignments:
        if one.get("serialNumber") in found:
            found[one["serialNumber"]].add((str(one["adamId"]), str(one["pricingParam"])))
    return found


def _refusals(event: Mapping[str, Any], device: str) -> list[int]:
    failures = event.get("failures") or []
    return [one["errorNumber"] for one in failures if (one.get("errorInfo") or {}).get("serialNumber") == device]


def _pending(left: int) -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": f"{left} licences are still assigned; Apple takes them back within some minutes.",
            "ja": f"ライセンスが {left} 件残っています。Apple の処理に数分かかることがあります。",
        },
    )


def _done() -> Evidence:
    return Evidence(Found.DONE, facts={"licences_left": 0})


def _failed(en: str, ja: str, left: set[Asset]) -> Evidence:
    return Evidence(
        Found.FAILED,
        {
            "en": f"{en} {len(left)} licences are still assigned.",
            "ja": f"{ja}ライセンスが {len(left)} 件残っています。",
        },
        {"licences_left": len(left)},
    )
