# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step runner: takes a step over many devices as far as it goes now, each request sent once.

The order is always the same: what earlier runs left is settled by evidence; what may be sent is told by the steps that come
first and by the preflight; each intention is stored before its request leaves; then evidence is awaited. course.py gives
each step its turns. The clocks are arguments.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._errors import AppleMdmError, ConfigurationError, LibraryMissing, ServiceError
from .._portions import portions
from .._time import now_utc
from ..mdm.protocol import DeviceStep, Evidence, Found, Item
from .ledger import Ledger
from .model import OPEN, SETTLED, Change, Record, State, comes_first, is_leaving, may_have_changed
from .step_names import comes_later

__all__ = ["Board", "Outcome", "StepRun"]

ROUNDS = 3  # sendings a run, where evidence shows that a request never arrived
REST = 2  # times as long as a look took that showed nothing new
GATHERS = sys.maxsize  # a preflight_limit: all at once
CALM = 10.0  # seconds without news, after which a step's other devices are not waited for
SENT: Mapping[Found, State] = {
    Found.DONE: State.DONE,
    Found.PENDING: State.SENT,
    Found.FAILED: State.FAILED,
    Found.SKIPPED: State.SKIPPED,
    Found.NOT_ARRIVED: State.PLANNED,
    Found.UNKNOWN: State.IN_DOUBT,
}
LOOKED: Mapping[Found, State] = {
    Found.DONE: State.DONE,
    Found.PENDING: State.PENDING,
    Found.FAILED: State.FAILED,
    Found.NOT_ARRIVED: State.PLANNED,
}
REFUSED_BEFORE: Mapping[Found, State] = {
    Found.DONE: State.DONE,
    Found.FAILED: State.FAILED,
    Found.SKIPPED: State.SKIPPED,
}


@dataclass(frozen=True)
class Outcome:
    """records: of each device, as the ledger has them now; in check mode as they would be before anything is sent.

    to_send: in check mode, the devices to which something would be sent. waiting: why nothing is sent to a device yet."""

    before: Mapping[str, Record]
    records: Mapping[str, Record]
    to_send: Sequence[str]
    waiting: Mapping[str, Mapping[str, str]]

    @property
    def changed(self) -> bool:
        return bool(self.to_send) or any(
            _told(record) != _told(self.before.get(device, record)) for device, record in self.records.items()
        )


@dataclass
class Board:
    """What the steps of one run know of each other's devices. states: by device and step, of what was begun.

    settled: the devices, as one step after the other was through with them."""

    states: dict[str, dict[str, State]]
    settled: list[str] = field(default_factory=list)


@dataclass
class StepRun:
    """One step of a campaign over devices of one tenant, turn by turn. wait_timeout: seconds from the last request that
    evidence is awaited. poll: seconds between two looks; the step's own if None."""

    ledger: Ledger
    step: DeviceStep
    campaign: str
    tenant: str
    check_mode: bool
    wait_timeout: float
    poll: float | None = None
    clock: Callable[[], datetime] = now_utc
    monotonic: Callable[[], float] = time.monotonic
    next_look: float | None = field(init=False, default=None)  # None: nothing is awaited
    _records: dict[str, Record] = field(init=False, default_factory=dict)
    _news_at: float = field(init=False, default=0.0)
    _deadline: float = field(init=False, default=0.0)
    _unsaid: dict[str, Change] = field(init=False, default_factory=dict)
    _free: dict[str, None] = field(init=False, default_factory=dict)
    _waiting: dict[str, Mapping[str, str]] = field(init=False, default_factory=dict)

    # The beginning

    def begin(self, devices: Sequence[str], board: Board) -> None:
        """Every device has a record, and what earlier runs left open is settled."""
        self._devices, self._board = devices, board
        self._before = self._begun()
        for record in self._before.values():
            self._remember(record)
        self._plan_again()
        self._settle_by_evidence()
        self._candidates = list(self._in(State.PLANNED))
        self._noted = len(board.settled)
        self._told_at = -1
        self._gathered = False
        self._await_evidence()

    def _begun(self) -> dict[str, Record]:
        self.ledger.check_newest()
        self._anew = [] if self.step.lasting else self._to_look_at_again()
        begun = self.check_mode or self.ledger.plan(self.campaign, self.tenant, self.step.name, self._devices)
        if begun and not self.check_mode:
            self.ledger.doubt_the_dead(self.campaign, self.step.name)
            self.ledger.look_again(self.campaign, self.step.name, self._anew)
        new = Record(self.campaign, self.tenant, "", self.step.name, State.PLANNED)
        stored = self._stored() if begun else {}
        return {device: stored.get(device) or new._replace(device=device) for device in self._devices}

    def _to_look_at_again(self) -> list[str]:
        """What a step has gone on from is not asked again. But a device that may not be asked any more, since it has a new
        user, has nothing of what is left done to it."""
        states = self._board.states
        anew = [device for device in self._devices if may_have_changed(states.get(device, {}))]
        others = set(self._devices).difference(anew)
        leaving = {
            device: record
            for device, record in self._stored().items()
            if device in others and record.state is State.DONE and is_leaving(states[device])
        }
        told = self.step.preflight(self._items(leaving)) if leaving else {}
        return anew + [device for device, found in told.items() if found.found is Found.FAILED]

    def _plan_again(self) -> None:
        """What failed may be tried again, and what was skipped may be needed by now."""
        anew = set(self._anew)
        self._settle(
            [
                Change(record, State.PLANNED, reason=record.reason)
                for record in self._records.values()
                if record.state is State.SKIPPED
                or (record.state is State.FAILED and record.repeatable)
                or (record.state is State.DONE and record.device in anew)
            ]
        )

    def _settle_by_evidence(self) -> None:
        left = self._in(*OPEN)
        if left and not (self.check_mode and not self.step.looks_free):
            self._settle(_changes(left, self.step.evidence(self._items(left)), LOOKED))

    # Its turns

    @property
    def is_calm(self) -> bool:
        """Whether what is still awaited may take long."""
        return self.next_look is None or self.monotonic() - self._news_at >= min(CALM, self.wait_timeout)

    def advance(self, *, calm: bool, over: bool) -> None:
        """Sends to the devices that are free: in full portions at once, to the rest when the earlier steps are calm.

        A step that reads whole lists does so twice at most: when the earlier steps are calm, and when they are over."""
        self._note_the_free()
        size = self.step.preflight_limit
        together = over or (calm and not (self._gathered and size >= GATHERS))
        free = list(self._free)
        ready = free if together else free[: len(free) - len(free) % size]
        if ready:
            self._gathered = True
            self._free = dict.fromkeys(free[len(ready) :])
            self._send_what_may_be_sent({device: self._records[device] for device in ready})

    def look(self) -> None:
        """What became of the requests, if it is time."""
        began = self.monotonic()
        if self.next_look is None or began < self.next_look:
            return
        left = self._in(*OPEN)
        news = _changes(left, self.step.evidence(self._items(left)), LOOKED) if left else []
        self._settle([change for change in news if change.state is not State.PENDING or change.evidence])
        self._keep_for_the_end([change for change in news if change.state is State.PENDING and not change.evidence])
        self._candidates += [change.record.device for change in news if change.state is State.PLANNED]
        if began >= self._deadline or not self._in(*OPEN):
            self.next_look = None
            return
        now, poll = self.monotonic(), self._poll
        if news:
            self._news_at = now
        self.next_look = min(now + (poll if news else max(poll, REST * (now - began))), self._deadline)

    def consider_again(self) -> bool:
        """Whether there are devices to be looked at once more: those that wait for others, of which some were settled, and those to
        which nothing was sent after all."""
        again = bool(self._waiting) and len(self._board.settled) != self._told_at
        if again:
            self._candidates += self._waiting
            self._waiting = {}
        return again or bool(self._candidates)

    def outcome(self) -> Outcome:
        self._settle(list(self._unsaid.values()))
        return Outcome(self._before, self._as_stored(), (), self._held() | self._waiting)

    def predicted(self) -> Outcome:
        """What waits for an earlier step is looked at, too: what would stop it later is worth knowing now."""
        planned, held = self._in(State.PLANNED), self._held()
        told = {
            device: found
            for _items, found_of in self._preflight(list(planned.values()))
            for device, found in found_of.items()
            if device not in held or found.found is Found.FAILED
        }
        self._settle(_changes(planned, told, REFUSED_BEFORE))
        waiting = {device: reason for device, reason in held.items() if device not in told} | _waiting(told)
        ready = [device for device in planned if device not in told and device not in held]
        return Outcome(self._before, self._records, ready, waiting)

    # Sending

    def _note_the_free(self) -> None:
        """Of those that were settled in any step since the last turn."""
        settled = self._board.settled
        for device in dict.fromkeys([*self._candidates, *settled[self._noted :]]):
            record = self._records[device]
            sendings = record.attempts - self._before[device].attempts
            planned = record.state is State.PLANNED and sendings < ROUNDS and device not in self._waiting
            if planned and not self._first(device):
                self._free[device] = None
        self._candidates, self._noted = [], len(settled)

    def _first(self, device: str) -> str | None:
        return comes_first(self.step.name, self._board.states.get(device, {}))

    def _held(self) -> dict[str, Mapping[str, str]]:
        return {device: comes_later(first) for device in self._in(State.PLANNED) if (first := self._first(device))}

    def _send_what_may_be_sent(self, planned: Mapping[str, Record]) -> None:
        for items, told in self._preflight(list(planned.values())):
            self._settle(_changes(planned, told, REFUSED_BEFORE))
            self._waiting |= _waiting(told)
            for part in portions([item for item in items if item.device not in told], self.step.limit):
                self._send(part)
        self._told_at = len(self._board.settled)

    def _preflight(self, planned: Sequence[Record]) -> Iterator[tuple[list[Item], Mapping[str, Evidence]]]:
        """Portion after portion, so that the first devices answer while the others are looked at."""
        for part in portions(planned, self.step.preflight_limit):
            items = self._items({record.device: record for record in part}, with_facts=True)
            yield items, self.step.preflight(items)

    def _send(self, items: Sequence[Item]) -> None:
        """One call. Whatever ends it early leaves its devices in doubt, unless nothing was taken for certain."""
        facts = {item.device: item.facts for item in items}
        mine = self.ledger.intend(self.campaign, self.step.name, self.step.baselines(items), self.clock())
        records = {record.device: record for record in mine}
        others = [self._records[device] for device in facts.keys() - records.keys()]
        for record in [*mine, *(other._replace(state=State.INTENDED) for other in others)]:
            self._remember(record)
        if not records:
            return
        try:
            answers = self.step.send([item._replace(facts=facts[item.device]) for item in self._items(records)])
        except AppleMdmError as error:
            state = State.PLANNED if _took_nothing(error) else State.IN_DOUBT
            self._settle([Change(record, state) for record in mine])
            raise
        unknown = {device: Evidence(Found.UNKNOWN) for device in records}
        self._settle(_changes(records, {**unknown, **answers}, SENT))
        self._candidates += [device for device, told in answers.items() if told == Evidence(Found.NOT_ARRIVED)]
        self._await_evidence()

    def _await_evidence(self) -> None:
        now = self.monotonic()
        self._news_at, self._deadline = now, now + self.wait_timeout
        if self._in(*OPEN):
            self.next_look = min(now + self._poll, self._deadline)

    @property
    def _poll(self) -> float:
        return self.step.poll if self.poll is None else self.poll

    # The records as this run knows them, and the ledger

    def _in(self, *states: State) -> dict[str, Record]:
        return {device: record for device, record in self._records.items() if record.state in states}

    def _stored(self) -> dict[str, Record]:
        found = self.ledger.records(self.campaign, step=self.step.name, devices=self._devices)
        return {record.device: record for record in found}

    def _as_stored(self) -> dict[str, Record]:
        """Only what another run has changed is read again."""
        now = self.ledger.attempts(self.campaign, self.step.name, self._devices)
        others = [
            device for device, record in self._records.items() if now.get(device) != (record.state, record.attempts)
        ]
        changed = self.ledger.records(self.campaign, step=self.step.name, devices=others)
        return self._records | {record.device: record for record in changed}

    def _items(self, records: Mapping[str, Record], *, with_facts: bool = False) -> list[Item]:
        facts = self.ledger.facts(self.campaign, list(records)) if with_facts and self.step.needs_facts else {}
        return [
            Item(device, record.command_id, facts.get(device, {}), record.evidence, record.intended_at, record.attempts)
            for device, record in records.items()
        ]

    def _settle(self, changes: Sequence[Change]) -> None:
        """In check mode the ledger does not hear of it."""
        if changes and not self.check_mode:
            self.ledger.settle(changes, self.clock())
        for change in changes:
            record = change.record
            self._unsaid.pop(record.device, None)
            again = record.state is State.FAILED and change.state is State.PLANNED
            self._remember(
                record._replace(
                    state=change.state,
                    evidence={**record.evidence, **change.evidence},
                    reason=change.reason,
                    repeatable=change.repeatable,
                    failures=record.failures + again,
                )
            )

    def _keep_for_the_end(self, pending: Sequence[Change]) -> None:
        """That a device has not answered is stored once, if it is still so in the end."""
        for change in pending:
            device = change.record.device
            earlier = self._unsaid.get(device, change)
            self._unsaid[device] = change._replace(record=earlier.record)
            self._remember(change.record._replace(state=State.PENDING, reason=change.reason))

    def _remember(self, record: Record) -> None:
        """In check mode the other steps do not hear of it."""
        self._records[record.device] = record
        if not self.check_mode:
            self._board.states.setdefault(record.device, {})[self.step.name] = record.state
            if record.state in SETTLED:
                self._board.settled.append(record.device)


def _waiting(told: Mapping[str, Evidence]) -> dict[str, Mapping[str, str]]:
    return {device: found.reason or {} for device, found in told.items() if found.found is Found.PENDING}


def _took_nothing(error: AppleMdmError) -> bool:
    refused = isinstance(error, ServiceError) and 400 <= (error.status or 0) < 500
    return refused or isinstance(error, (ConfigurationError, LibraryMissing))


def _changes(
    records: Mapping[str, Record], told: Mapping[str, Evidence], states: Mapping[Found, State]
) -> list[Change]:
    """What the evidence makes of the records; what tells nothing, or nothing new, changes nothing."""
    changes = []
    for device, found in told.items():
        state = states.get(found.found)
        if device not in records or state is None:
            continue
        if (state, found.reason) == (records[device].state, records[device].reason):
            continue
        changes.append(Change(records[device], state, found.facts, found.reason, found.repeatable))
    return changes


def _told(record: Record) -> tuple[Any, ...]:
    return record.state, record.attempts, dict(record.evidence)
