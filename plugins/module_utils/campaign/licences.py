# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step licences: the device licences of Apps and Books go back to the location, and nothing left is the proof.

Every change is an event that Apple carries out later and perhaps in part, so the assignments are read again. Source: Apple,
"Managing assets" and "Handling error responses" of the management API v2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._errors import OtherOwner, ServiceError
from .._time import from_iso, now_utc
from ..apple.apps_and_books import AppsAndBooksClient
from ..mdm.protocol import Evidence, Found, Item

__all__ = ["LicencesStep"]

LAG = timedelta(minutes=10)  # Apple: an event that is pending for longer was lost
Asset = tuple[str, str]  # adamId, pricingParam


class LicencesStep:
    """mdm_id: the MDM server that manages the location, if it shall be checked."""

    name = "licences"
    looks_free = True
    lasting = True

    def __init__(
        self, client: AppsAndBooksClient, *, mdm_id: str | None = None, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._client = client
        self._clock = clock
        limits = client.service_config().get("limits") or {}
        self.limit = int(limits.get("maxSerialNumbers") or 1000)
        self._assets_at_once = int(limits.get("maxAssets") or 25)
        self._licences: dict[str, set[Asset]] = {}
        self._check_manager(mdm_id)

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """A device without a licence is done."""
        self._licences = self._assigned([item.device for item in items])
        return {item.device: _done() for item in items if not self._licences[item.device]}

    def baseline(self, item: Item) -> Mapping[str, Any]:
        return {}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """What fails after the first call leaves only the devices of later calls in doubt."""
        events: dict[str, list[str]] = {item.device: [] for item in items}
        calls = self._fewest_calls([item.device for item in items])
        left = {device: sum(device in serials for _assets, serials in calls) for device in events}
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
        left = self._assigned([item.device for item in items])
        known: dict[str, dict[str, Any]] = {}
        for name in {name for item in items if left[item.device] for name in item.evidence.get("events", ())}:
            known[name] = self._client.event(name)
        return {item.device: self._judged(item, left[item.device], known) for item in items}

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
        if item.intended_at is not None and self._clock() - from_iso(item.intended_at) < LAG:
            return Evidence(
                Found.PENDING,
                {
                    "en": f"{len(left)} licences are still assigned; Apple takes them back within some minutes.",
                    "ja": f"ライセンスが {len(left)} 件残っています。Apple の処理に数分かかることがあります。",
                },
            )
        if any(event.get("eventStatus") == "COMPLETE" for event in events):
            return _failed("Apple says that the change is done.", "Apple は完了と表示しています。", left)
        return Evidence(Found.NOT_ARRIVED)

    def _assigned(self, devices: Sequence[str]) -> dict[str, set[Asset]]:
        """The licences of each device: by every page, or device by device where that is fewer calls."""
        found: dict[str, set[Asset]] = {device: set() for device in devices}
        if len(devices) > 1 and self._client.assignment_pages() < len(devices):
            listed = self._client.assignments()
        else:
            listed = [one for device in devices for one in self._client.assignments(device)]
        for one in listed:
            if one.get("serialNumber") in found:
                found[one["serialNumber"]].add((str(one["adamId"]), str(one["pricingParam"])))
        return found

    def _fewest_calls(self, devices: Sequence[str]) -> list[tuple[list[Asset], list[str]]]:
        """Assets and devices of each call, so that no device is named with a licence that it does not have."""
        by_licences: dict[tuple[Asset, ...], list[str]] = {}
        by_asset: dict[Asset, list[str]] = {}
        for device in devices:
            by_licences.setdefault(tuple(sorted(self._licences[device])), []).append(device)
            for asset in self._licences[device]:
                by_asset.setdefault(asset, []).append(device)
        alike = [
            (list(assets), serials) for licences, serials in by_licences.items() for assets in self._portions(licences)
        ]
        each = [([asset], serials) for asset, serials in sorted(by_asset.items())]
        return alike if len(alike) <= len(each) else each

    def _portions(self, licences: Sequence[Asset]) -> Iterator[Sequence[Asset]]:
        for first in range(0, len(licences), self._assets_at_once):
            yield licences[first : first + self._assets_at_once]

    def _check_manager(self, mdm_id: str | None) -> None:
        if mdm_id is None:
            return
        manager = self._client.client_config().get("mdmInfo") or {}
        if manager.get("id") not in (None, mdm_id):
            raise OtherOwner(
                f"The location's licences are managed by {manager.get('name')} ({manager.get('id')}), not by {mdm_id}. Nothing"
                " was changed. Check that the content token is this tenant's."
            )


def _refusals(event: Mapping[str, Any], device: str) -> list[int]:
    failures = event.get("failures") or []
    return [one["errorNumber"] for one in failures if (one.get("errorInfo") or {}).get("serialNumber") == device]


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
