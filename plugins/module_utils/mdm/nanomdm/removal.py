# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps profiles, apps and delete: what the MDM server put on a device is taken off it, and the MDM profile last.

One command goes to all devices that have the same thing. A device's acknowledgement is the proof; where it refused, or
nothing was heard of it, its own list is asked for behind the command, since a queue is first in, first out. Source: Apple,
RemoveProfile, RemoveApplication; removing the profile with the MDM payload ends the enrolment.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._time import from_iso, now_utc, to_iso
from ..protocol import Evidence, Found, Item
from .commands import AT_ONCE, Commands, Parcel, Queued, derived, packed
from .identity import QUESTION, differs, identity_of
from .questions import questions_so_far
from .reach import has_left, is_another, is_the_same, not_to_be_touched
from .removals import Removal
from .watch import ACKNOWLEDGED, NOT_NOW, Answers, Enrolment, Watch, error_of, read_from

if TYPE_CHECKING:
    from ...campaign.model import Event

__all__ = ["RemovalStep"]

SILENT = timedelta(days=1)  # an event may have been lost: so often a device is asked for its list
DOUBTFUL = timedelta(hours=1)
FRESH = timedelta(hours=1)  # so long after a device was seen to be the same it is not asked again
GONE_FOR = timedelta(minutes=15)  # a push token that was just replaced is gone for APNs, too
NOT_CERTAIN = {
    "en": "Apple says that the device has no such enrolment any more. It may also have just renewed its push token: run again"
    " after 15 minutes.",
    "ja": "Apple からは、このデバイスの登録がすでに存在しないと応答がありました。プッシュトークンの更新直後の可能性もあるため、15 分"
    "以上経ってからもう一度実行してください。",
}


@dataclass(frozen=True)
class Shown:
    """What a device showed when it was asked: what is on it, and who it is. look: the CommandUUID of the question."""

    look: str
    there: Collection[str]
    identity: Sequence[str]


class RemovalStep:
    limit = preflight_limit = AT_ONCE
    looks_free = False  # a look may put a question into the device's queue
    lasting = True
    needs_facts = True
    poll = 0.2  # the ledger is near

    def __init__(
        self, removal: Removal, commands: Commands, watch: Watch, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self.name = removal.step
        self._removal = removal
        self._commands = commands
        self._watch = watch
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
                "identity_before": item.facts.get("identity"),
                "same_at": max(item.evidence.get("same_at", ""), item.facts["last_answer_at"]),
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
        """A device that has enrolled anew by now is given nothing, and one that was last seen a while ago is asked first."""
        known = self._watch.enrolments([item.device for item in items])
        same = [item for item in items if is_the_same(known.get(item.device), item.evidence["enrolled_before"])]
        doubtful = {item.device for item in same if self._may_be_another(item)}
        asked_first = [item for item in same if item.device in doubtful]
        sure = [item for item in same if item.device not in doubtful]
        questions = self._first_questions(asked_first)
        self._awake.update(item.device for item in items)
        answers = self._commands.order([*questions, *self._parcels(sure)])
        asked = {each: question.command_uuid for question in questions for each in question.ids}
        told = {item.device: Evidence(Found.NOT_ARRIVED) for item in items}
        told |= {
            item.device: self._sent(item, [answers[name] for name in item.evidence["commands"].values()])
            for item in sure
        }
        for item in asked_first:
            name = asked[item.evidence["enrollment_id"]]
            told[item.device] = self._asked_first(item, name, answers[name])
        return told

    def _parcels(self, items: Sequence[Item]) -> list[Parcel]:
        ids: dict[tuple[str, str], list[str]] = {}
        for item in items:
            for place in item.evidence["commands"].items():
                ids.setdefault(place, []).append(item.evidence["enrollment_id"])
        return [Parcel(name, mine, self._command(identifier)) for (identifier, name), mine in ids.items()]

    def _may_be_another(self, item: Item) -> bool:
        seen = datetime.fromisoformat(item.evidence["same_at"])
        return bool(item.evidence.get("identity_before")) and self._clock() - seen > FRESH

    def _first_questions(self, items: Sequence[Item]) -> list[Parcel]:
        names = [f"{item.command_id} {item.attempt}" for item in items]
        return list(packed([item.evidence["enrollment_id"] for item in items], QUESTION, "first", *names))

    def _asked_first(self, item: Item, name: str, answer: Queued) -> Evidence:
        """A question may be asked again."""
        if not answer.queued:
            return Evidence(Found.NOT_ARRIVED, {"en": answer.why, "ja": answer.why})
        told = self._gone(item) if item.evidence["enrollment_id"] in answer.gone else _not_heard_of()
        return replace(told, facts={**told.facts, "asked_first": name})

    def _sent(self, item: Item, answers: Sequence[Queued]) -> Evidence:
        """In doubt if no answer came to a command of the device, or the server says that it had it before."""
        gone = any(item.evidence["enrollment_id"] in answer.gone for answer in answers)
        if any(answer.queued is None or answer.known for answer in answers):
            return self._gone(item) if gone else Evidence(Found.UNKNOWN)
        if refused := next((answer for answer in answers if not answer.queued), None):
            return Evidence(Found.NOT_ARRIVED, {"en": refused.why, "ja": refused.why})
        told = self._gone(item) if gone else Evidence(Found.PENDING)
        return replace(told, facts={**told.facts, "queued": True})

    def _gone(self, item: Item) -> Evidence:
        """APNs takes no push for it. That it has left is certain once a later look shows the same."""
        since = item.evidence.get("gone_since")
        if since and self._clock() - from_iso(since) >= GONE_FOR:
            return has_left(Found.DONE)
        return Evidence(Found.PENDING, NOT_CERTAIN, {"gone_since": since or to_iso(self._clock())})

    # What a device has shown

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        looks = {item.device: self._looks(item) for item in items}
        asked = {name for names in looks.values() for look in names for name in (look, _beside(look))}
        asked |= {item.evidence["asked_first"] for item in items if "asked_first" in item.evidence}
        answers = self._watch.answers({name for item in items for name in item.evidence["commands"].values()} | asked)
        told = {item.device: self._judged(item, known.get(item.device), answers, looks[item.device]) for item in items}
        doubtful = [item for item in items if told[item.device].found is Found.UNKNOWN]
        waiting = [item for item in items if told[item.device].found in (Found.UNKNOWN, Found.PENDING)]
        uncertain = [item.device for item in waiting if item.evidence.get("gone_since")]
        told |= dict.fromkeys(uncertain, Evidence(Found.PENDING, NOT_CERTAIN))
        return {**told, **self._look(doubtful, looks), **self._wake(waiting)}

    def _looks(self, item: Item) -> list[str]:
        """The CommandUUIDs of the questions for its list that may have been asked by now, one more a period."""
        period = SILENT if item.evidence.get("queued") else DOUBTFUL
        return questions_so_far(item, self._clock(), period, str(item.attempt), "look")

    def _judged(self, item: Item, now: Enrolment | None, answers: Answers, looks: Sequence[str]) -> Evidence:
        enrollment_id, commands = item.evidence["enrollment_id"], item.evidence["commands"]
        heard = {identifier: answers.get((enrollment_id, name)) for identifier, name in commands.items()}
        if all(event is not None and event.status == ACKNOWLEDGED for event in heard.values()):
            return Evidence(Found.DONE, facts={"removed": sorted(commands)})
        if now is not None and now.ended:
            return has_left(Found.DONE)
        if not is_the_same(now, item.evidence["enrolled_before"]):
            return is_another()
        if "asked_first" in item.evidence:
            return self._by_its_identity(item, answers)
        told = [event for event in heard.values() if event is not None and event.status != ACKNOWLEDGED]
        put_off = any(event.status == NOT_NOW for event in told)
        shown = self._shown(item, answers, looks)
        if shown and differs(item.evidence.get("identity_before"), shown.identity):
            return replace(is_another(), repeatable=False)
        if shown and (verdict := _by_the_list(heard, put_off, shown.there)):
            return verdict
        newest = shown is not None and shown.look == looks[-1]
        waits = put_off or (bool(item.evidence.get("queued")) and not told)
        return _not_heard_of() if waits and (newest or len(looks) == 1) else Evidence(Found.UNKNOWN)

    def _shown(self, item: Item, answers: Answers, looks: Sequence[str]) -> Shown | None:
        """By the newest question of which all was answered."""
        enrollment_id, identity_is_known = item.evidence["enrollment_id"], bool(item.evidence.get("identity_before"))
        for look in reversed(looks):
            listed, beside = answers.get((enrollment_id, look)), answers.get((enrollment_id, _beside(look)))
            if listed and listed.status == ACKNOWLEDGED:
                there = read_from(listed, self._removal.still_there)
                identity = read_from(beside, identity_of) if identity_is_known else []
                if there is not None and identity is not None:
                    return Shown(look, there, identity)
        return None

    def _by_its_identity(self, item: Item, answers: Answers) -> Evidence:
        """Nothing but the question was sent. NOT_ARRIVED: it may be sent now, or is asked again."""
        answer = answers.get((item.evidence["enrollment_id"], item.evidence["asked_first"]))
        identity = read_from(answer, identity_of)
        if answer is None or identity is None:
            waits = item.intended_at and self._clock() - from_iso(item.intended_at) < DOUBTFUL
            return _not_heard_of() if waits else Evidence(Found.NOT_ARRIVED)
        if differs(item.evidence["identity_before"], identity):
            return replace(is_another(), repeatable=False)
        return Evidence(Found.NOT_ARRIVED, facts={"same_at": answer.created_at})

    def _look(self, items: Sequence[Item], looks: Mapping[str, Sequence[str]]) -> dict[str, Evidence]:
        """Asked once a run. What comes of asking: that a device is gone is told at once, its list later."""
        new = [item for item in items if looks[item.device][-1] not in self._asked]
        self._asked.update(looks[item.device][-1] for item in new)
        parcels = {item.device: self._questions(item, looks[item.device][-1]) for item in new}
        answers = self._commands.order([parcel for mine in parcels.values() for parcel in mine])
        gone = [item for item in new if any(answers[parcel.command_uuid].gone for parcel in parcels[item.device])]
        return {item.device: self._gone(item) for item in gone}

    def _questions(self, item: Item, look: str) -> list[Parcel]:
        """For its list, and whether it is still the same device, where that can be told."""
        ids = [item.evidence["enrollment_id"]]
        listing = Parcel(look, ids, self._removal.listing)
        return [Parcel(_beside(look), ids, QUESTION), listing] if item.evidence.get("identity_before") else [listing]

    def _wake(self, items: Sequence[Item]) -> dict[str, Evidence]:
        """What earlier runs left is pushed once a run: a device may have put something off, and whoever is gone is told."""
        new = [item for item in items if item.device not in self._awake]
        self._awake.update(item.device for item in new)
        gone = self._commands.wake([item.evidence["enrollment_id"] for item in new])
        reached = [item for item in new if item.evidence["enrollment_id"] not in gone]
        back = [item.device for item in reached if item.evidence.get("gone_since")]
        return {
            **dict.fromkeys(back, replace(_not_heard_of(), facts={"gone_since": None})),
            **{item.device: self._gone(item) for item in new if item.evidence["enrollment_id"] in gone},
        }


@functools.cache
def _beside(look: str) -> str:
    """The CommandUUID of the question that goes with the one for the list."""
    return derived(look, "identity")


def _by_the_list(heard: Mapping[str, Event | None], put_off: bool, there: Collection[str]) -> Evidence | None:
    """By what the device had when it had been given the commands; None if one may still come."""
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


def _not_heard_of() -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": "The device has not taken the command yet. It has to be switched on and have a network.",
            "ja": "デバイスがまだコマンドを受け取っていません。電源が入り、ネットワークに接続されている必要があります。",
        },
    )
