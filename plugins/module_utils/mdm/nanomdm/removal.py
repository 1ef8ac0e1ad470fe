# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps profiles, apps and delete: what the MDM server put on a device is taken off it, and the MDM profile last.

One command goes to all devices that have the same thing. A device's acknowledgement is the proof; where it refused, or
nothing was heard of it, its own list is asked for behind the command, since a queue is first in, first out. Source: Apple,
RemoveProfile, RemoveApplication; removing the profile with the MDM payload ends the enrolment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import Commands, Parcel, Queued, derived, packed
from .reach import has_left, is_another, is_the_same, not_to_be_touched
from .removals import Removal
from .watch import ACKNOWLEDGED, NOT_NOW, Answers, Enrolment, Watch, error_of, message_of

if TYPE_CHECKING:
    from ...campaign.model import Event
    from ...campaign.notebook import Notebook

__all__ = ["RemovalStep"]

SILENT = timedelta(days=1)  # an event may have been lost: so often a device is asked for its list
DOUBTFUL = timedelta(hours=1)


class RemovalStep:
    limit = 1000
    looks_free = False  # a look may put a question into the device's queue
    lasting = True
    needs_facts = True
    poll = 1.0

    def __init__(
        self, removal: Removal, commands: Commands, notebook: Notebook, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self.name = removal.step
        self._removal = removal
        self._commands = commands
        self._watch = Watch(notebook)
        self._asked: set[str] = set()
        self._awake: set[str] = set()
        self._clock = clock

    # Before anything is sent

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        told = {item.device: self._hindrance(item.facts, known.get(item.device)) for item in items}
        return {device: hindrance for device, hindrance in told.items() if hindrance}

    def _hindrance(self, facts: Mapping[str, Any], now: Enrolment | None) -> Evidence | None:
        if hindrance := not_to_be_touched(facts, now):
            return hindrance
        targets = self._removal.targets(facts)
        if targets is None:
            return Evidence(Found.FAILED, self._removal.not_told)
        return None if targets else Evidence(Found.DONE, facts={"removed": []})

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """commands: the CommandUUID by identifier. They are known by the devices and attempts of the whole parcel."""
        commands: dict[str, dict[str, str]] = {item.facts["enrollment_id"]: {} for item in items}
        for identifier, holders in self._holders(items).items():
            ids = [item.facts["enrollment_id"] for item in holders]
            names = (identifier, *(f"{item.command_id} {item.attempt}" for item in holders))
            for parcel in packed(ids, self._command(identifier), *names):
                for enrollment_id in parcel.ids:
                    commands[enrollment_id][identifier] = parcel.command_uuid
        return {
            item.device: {
                "enrollment_id": item.facts["enrollment_id"],
                "enrolled_before": item.facts["enrolled_at"],
                "commands": commands[item.facts["enrollment_id"]],
            }
            for item in items
        }

    def _holders(self, items: Sequence[Item]) -> Mapping[str, Sequence[Item]]:
        """By identifier of what is removed, the devices that have it."""
        holders: dict[str, list[Item]] = {}
        for item in items:
            for identifier in self._removal.targets(item.facts) or ():
                holders.setdefault(identifier, []).append(item)
        return holders

    def _command(self, identifier: str) -> Mapping[str, Any]:
        return {"RequestType": self._removal.request_type, "Identifier": identifier}

    # Sending

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """A device that has enrolled anew by now is given nothing."""
        known = self._watch.enrolments([item.device for item in items])
        same = [item for item in items if is_the_same(known.get(item.device), item.evidence["enrolled_before"])]
        ids: dict[tuple[str, str], list[str]] = {}
        for item in same:
            for place in item.evidence["commands"].items():
                ids.setdefault(place, []).append(item.evidence["enrollment_id"])
        self._awake.update(item.device for item in items)
        answers = self._commands.order(
            [Parcel(name, mine, self._command(identifier)) for (identifier, name), mine in ids.items()]
        )
        told = {item.device: Evidence(Found.NOT_ARRIVED) for item in items}
        return told | {
            item.device: _sent(item, [answers[name] for name in item.evidence["commands"].values()]) for item in same
        }

    # What a device has shown

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        looks = {item.device: self._looks(item) for item in items}
        names = {name for item in items for name in (*item.evidence["commands"].values(), *looks[item.device])}
        answers = self._watch.answers(names)
        told = {item.device: self._judged(item, known.get(item.device), answers, looks[item.device]) for item in items}
        doubtful = {
            item.device: Parcel(looks[item.device][-1], [item.evidence["enrollment_id"]], self._removal.listing)
            for item in items
            if told[item.device].found is Found.UNKNOWN
        }
        waiting = [item for item in items if told[item.device].found in (Found.UNKNOWN, Found.PENDING)]
        return {**told, **self._look(doubtful), **self._wake(waiting)}

    def _looks(self, item: Item) -> list[str]:
        """The CommandUUIDs of the questions for its list that may have been asked by now, one more a period."""
        since = self._clock() - from_iso(item.intended_at) if item.intended_at else timedelta(0)
        periods = int(since / (SILENT if item.evidence.get("queued") else DOUBTFUL))
        return [derived(item.command_id, str(item.attempt), "look", str(each)) for each in range(periods + 1)]

    def _judged(self, item: Item, now: Enrolment | None, answers: Answers, looks: Sequence[str]) -> Evidence:
        enrollment_id, commands = item.evidence["enrollment_id"], item.evidence["commands"]
        heard = {identifier: answers.get((enrollment_id, name)) for identifier, name in commands.items()}
        if all(event is not None and event.status == ACKNOWLEDGED for event in heard.values()):
            return Evidence(Found.DONE, facts={"removed": sorted(commands)})
        if now is not None and now.ended:
            return has_left(Found.DONE)
        if not is_the_same(now, item.evidence["enrolled_before"]):
            return is_another()
        told = [event for event in heard.values() if event is not None and event.status != ACKNOWLEDGED]
        put_off = any(event.status == NOT_NOW for event in told)
        lists = [answers[enrollment_id, name] for name in looks if (enrollment_id, name) in answers]
        lists = [event for event in lists if event.status == ACKNOWLEDGED]
        if lists and (verdict := self._by_the_list(heard, put_off, lists[-1])):
            return verdict
        newest = bool(lists) and lists[-1].command_uuid == looks[-1]
        waits = put_off or (bool(item.evidence.get("queued")) and not told)
        return _not_heard_of() if waits and (newest or len(looks) == 1) else Evidence(Found.UNKNOWN)

    def _by_the_list(self, heard: Mapping[str, Event | None], put_off: bool, listed: Event) -> Evidence | None:
        """By what the device had when it had been given the commands; None if one may still come."""
        there = self._removal.still_there(message_of(listed))
        left = {identifier: event for identifier, event in heard.items() if identifier in there}
        if not left:
            return Evidence(Found.DONE, facts={"removed": sorted(heard)})
        if put_off:
            return None
        refused = next((event for event in left.values() if event and event.status != ACKNOWLEDGED), None)
        if refused is None:
            return Evidence(Found.NOT_ARRIVED)
        names, said = ", ".join(sorted(left)), error_of(refused)
        return Evidence(
            Found.FAILED,
            {
                "en": f"The device did not remove {names}: {said}.",
                "ja": f"デバイスが {names} を削除しませんでした ({said})。",
            },
            {"still_there": sorted(left)},
        )

    def _look(self, parcels: Mapping[str, Parcel]) -> dict[str, Evidence]:
        """Asked once a run. What comes of asking: that a device is gone is told at once, its list later."""
        new = {device: parcel for device, parcel in parcels.items() if parcel.command_uuid not in self._asked}
        self._asked.update(parcel.command_uuid for parcel in new.values())
        answers = self._commands.order(list(new.values()))
        return {device: has_left(Found.DONE) for device, parcel in new.items() if answers[parcel.command_uuid].gone}

    def _wake(self, items: Sequence[Item]) -> dict[str, Evidence]:
        """What earlier runs left is pushed once a run: a device may have put something off, and whoever is gone is told."""
        ids = {item.evidence["enrollment_id"]: item.device for item in items if item.device not in self._awake}
        self._awake.update(ids.values())
        return {ids[each]: has_left(Found.DONE) for each in self._commands.wake(list(ids))}


def _sent(item: Item, answers: Sequence[Queued]) -> Evidence:
    """In doubt if no answer came to a command of the device, or the server says that it had it before."""
    if any(item.evidence["enrollment_id"] in answer.gone for answer in answers):
        return has_left(Found.DONE)
    if any(answer.queued is None or answer.known for answer in answers):
        return Evidence(Found.UNKNOWN)
    if refused := next((answer for answer in answers if not answer.queued), None):
        return Evidence(Found.NOT_ARRIVED, {"en": refused.why, "ja": refused.why})
    return Evidence(Found.PENDING, facts={"queued": True})


def _not_heard_of() -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": "The device has not taken the command yet. It has to be switched on and have a network.",
            "ja": "デバイスがまだコマンドを受け取っていません。電源が入り、ネットワークに接続されている必要があります。",
        },
    )
