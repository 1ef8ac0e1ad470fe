# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What NanoMDM has told of devices: their enrolments and their answers, read once and then only what is new.

All times are of the server's clock alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..._plist import read_plist

if TYPE_CHECKING:
    from ...campaign.model import Event
    from ...campaign.notebook import Notebook

__all__ = ["ACKNOWLEDGED", "NOT_NOW", "Answers", "Enrolment", "Watch", "error_of", "read_from"]

AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT, CONNECT = "mdm.Authenticate", "mdm.TokenUpdate", "mdm.CheckOut", "mdm.Connect"
NOT_NOW, ACKNOWLEDGED = "NotNow", "Acknowledged"
FIRST, AWAITING = "first", "awaiting"  # as campaign/webhook.py marks a TokenUpdate
DATED_LATE = timedelta(seconds=10)  # NanoMDM dates an event when it tells it, each at its own pace
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)  # a message of another shape
Read = TypeVar("Read")
Answers = Mapping[tuple[str, str], "Event"]  # by enrolment and CommandUUID


@dataclass(frozen=True)
class Enrolment:
    """enrolled_at: of its first sign. completed_at: of its first TokenUpdate; empty before that came. awaiting: in Setup
    Assistant until DeviceConfigured. announced: its Authenticate came."""

    enrollment_id: str
    enrolled_at: str
    completed_at: str = ""
    awaiting: bool = False
    ended: bool = False
    announced: bool = True

    @property
    def usable(self) -> bool:
        """It can be given commands."""
        return bool(self.completed_at) and not self.ended


class CheckIn(NamedTuple):
    created_at: str
    topic: str
    enrollment_id: str
    first: bool
    awaiting: bool


class Watch:
    """For one run, of one step or several."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._check_ins: dict[str, set[CheckIn]] = {}
        self._enrolments: dict[str, Enrolment] = {}
        self._owners: dict[str, str] = {}
        self._looked_for: set[str] = set()
        self._answers: dict[tuple[str, str], Event] = {}
        self._awaited: set[str] = set()
        self._read = dict.fromkeys((AUTHENTICATE, CONNECT), notebook.newest_event())

    def enrolments(self, devices: Collection[str]) -> dict[str, Enrolment]:
        """The newest of each device that was ever seen to enrol."""
        news = self._news(AUTHENTICATE, [AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT])
        begun = [event for event in news if event.topic == AUTHENTICATE and event.serial in self._looked_for]
        if new := set(devices) - self._looked_for:
            self._looked_for |= new
            begun += self._notebook.events(serials=new, topics=[AUTHENTICATE])
        self._owners |= {event.enrollment_id: event.serial or "" for event in begun}
        ids = {event.enrollment_id for event in begun}  # what followed may have been told before
        followed = self._notebook.events(enrollment_ids=ids, topics=[TOKEN_UPDATE, CHECK_OUT]) if ids else []
        self._take([*begun, *followed, *(event for event in news if event.topic != AUTHENTICATE)])
        return {device: self._enrolments[device] for device in devices if device in self._enrolments}

    def _take(self, events: Collection[Event]) -> None:
        changed = set()
        for event in events:
            if device := self._owners.get(event.enrollment_id):
                self._check_ins.setdefault(device, set()).add(_check_in(event))
                changed.add(device)
        for device in changed:
            if now := _newest(self._check_ins[device]):
                self._enrolments[device] = now

    def answers(self, command_uuids: Collection[str]) -> Answers:
        """All that devices said to these and to those asked for before; NotNow only where nothing else was said."""
        for event in self._news(CONNECT, [CONNECT]):
            if event.command_uuid in self._awaited:
                self._hear(event)
        if new := set(command_uuids) - self._awaited:
            self._awaited |= new
            for event in self._notebook.events(command_uuids=new):
                self._hear(event)
        return self._answers

    def forget(self, places: Collection[tuple[str, str]]) -> None:
        """These answers are needed no more: many devices say much."""
        for place in places:
            self._answers.pop(place, None)

    def _news(self, reader: str, topics: list[str]) -> list[Event]:
        """Events of other topics are passed by, so that they are not gone through at each look."""
        newest, read = self._notebook.newest_event(), self._read[reader]
        if newest == read:
            return []
        news: list[Event] = self._notebook.events(topics=topics, after=read)
        self._read[reader] = max([newest, *(event.number for event in news)])
        return news

    def _hear(self, event: Event) -> None:
        place = (event.enrollment_id, event.command_uuid or "")
        if event.status != NOT_NOW or place not in self._answers:
            self._answers[place] = event


def _check_in(event: Event) -> CheckIn:
    words = (event.status or "").split()
    return CheckIn(event.created_at, event.topic, event.enrollment_id, FIRST in words, AWAITING in words)


def _newest(check_ins: Collection[CheckIn]) -> Enrolment | None:
    """What they tell together, whatever order they came in: an Authenticate may be lost, or dated later than what followed."""
    now: Enrolment | None = None
    for each in sorted(check_ins):
        if each.topic == AUTHENTICATE:
            same = now is not None and not now.announced and _together(now.enrolled_at, each.created_at)
            now = replace(now, announced=True) if now and same else Enrolment(each.enrollment_id, each.created_at)
        elif each.topic == TOKEN_UPDATE:
            if each.first and (now is None or now.completed_at):
                now = Enrolment(each.enrollment_id, each.created_at, announced=False)
            if now:
                now = replace(now, completed_at=now.completed_at or each.created_at, awaiting=each.awaiting)
        elif now:
            now = replace(now, ended=True)
    return now


def _together(earlier: str, later: str) -> bool:
    first, second = (datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (earlier, later))
    return second - first <= DATED_LATE


def read_from(answer: Event | None, reader: Callable[[Mapping[str, Any]], Read]) -> Read | None:
    """What the reader takes from the device's message. None where it was put off or cannot be read: as if it had not come,
    since one device stops no run, and nonsense proves nothing."""
    if answer is None or answer.status == NOT_NOW:
        return None
    try:
        return reader(read_plist(answer.payload))
    except UNREADABLE:
        return None


def error_of(answer: Event) -> str:
    """What the device says of a command that it did not carry out. Source: Apple, ErrorChainItem."""
    return read_from(answer, _error) or str(answer.status)


def _error(message: Mapping[str, Any]) -> str:
    first = message["ErrorChain"][0]
    told = first.get("USEnglishDescription") or first.get("LocalizedDescription") or first["ErrorDomain"]
    return f"{told} ({first['ErrorCode']})"
