# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step runner: takes a step over many devices as far as it goes now, each request sent once.

The order is always the same: what earlier runs left is settled by evidence; what may be sent is told by the steps that come
first and by the preflight; each intention is stored before its request leaves; then evidence is awaited. The clocks and
sleep are arguments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .._errors import AppleMdmError, ConfigurationError, LibraryMissing, ServiceError
from .._portions import portions
from .._time import now_utc
from ..mdm.protocol import DeviceStep, Evidence, Found, Item
from .ledger import Ledger
from .model import OPEN, Change, Record, State, comes_first, is_leaving, may_have_changed

__all__ = ["Outcome", "StepRun"]

ROUNDS = 3  # sendings a run, where evidence shows that a request never arrived
REST = 2  # times as long as a look took that showed nothing new
NAMES = {
    "collect": ("what it is was asked (mdm_device_info)", "情報の収集 (mdm_device_info)"),
    "profiles": ("its profiles are removed (mdm_profile_remove)", "構成プロファイルの削除 (mdm_profile_remove)"),
    "apps": ("its apps are removed (mdm_app_remove)", "アプリの削除 (mdm_app_remove)"),
    "licences": ("its licences are taken back (vpp_license_revoke)", "ライセンスの解除 (vpp_license_revoke)"),
    "delete": ("it has left the MDM server (mdm_device_delete)", "MDM サーバからの削除 (mdm_device_delete)"),
    "unassign": ("it is unassigned at Apple (asm_unassign)", "Apple での割り当て解除 (asm_unassign)"),
    "release": ("it is released at Apple (asm_unassign)", "Apple での所有解除 (asm_unassign)"),
    "wipe": ("it is erased and back (mdm_device_wipe)", "初期化と再登録 (mdm_device_wipe)"),
    "users": ("its user is deleted (mdm_user_delete)", "ユーザの削除 (mdm_user_delete)"),
}
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
class StepRun:
    """One step of a campaign over devices of one tenant. wait_timeout: seconds. poll: seconds; the step's own if None."""

    ledger: Ledger
    step: DeviceStep
    campaign: str
    tenant: str
    check_mode: bool
    wait_timeout: float
    poll: float | None = None
    clock: Callable[[], datetime] = now_utc
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _records: dict[str, Record] = field(init=False, default_factory=dict)

    def run(self, devices: Iterable[str]) -> Outcome:
        self._devices = list(dict.fromkeys(devices))
        before = self._begun()
        self._records = dict(before)
        self._plan_again()
        self._settle_by_evidence()
        if self.check_mode:
            return self._predicted(before)
        deadline = self.monotonic() + self.wait_timeout
        waiting: Mapping[str, Mapping[str, str]] = {}
        for _round in range(ROUNDS):
            waiting = self._send_what_may_be_sent()
            not_sent = set(self._in(State.PLANNED))
            self._wait(deadline)
            if self._in(State.PLANNED).keys() <= not_sent:
                break
        return Outcome(before, self._stored(), (), waiting)

    # The beginning

    def _begun(self) -> dict[str, Record]:
        """Every device has a record."""
        self.ledger.check_newest()
        states = self.ledger.states(self.campaign, self._devices)
        self._first = {
            device: first for device in self._devices if (first := comes_first(self.step.name, states.get(device, {})))
        }
        self._anew = [] if self.step.lasting else self._to_look_at_again(states)
        if not self.check_mode:
            self.ledger.plan(self.campaign, self.tenant, self.step.name, self._devices)
            self.ledger.doubt_the_dead(self.campaign, self.step.name)
            self.ledger.look_again(self.campaign, self.step.name, self._anew)
        new = Record(self.campaign, self.tenant, "", self.step.name, State.PLANNED)
        return {device: replace(new, device=device) for device in self._devices} | self._stored()

    def _to_look_at_again(self, states: Mapping[str, Mapping[str, State]]) -> list[str]:
        """What a step has gone on from is not asked again. But a device that may not be asked any more, since it has a new
        user, has nothing of what is left done to it."""
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

    # Sending

    def _send_what_may_be_sent(self) -> Mapping[str, Mapping[str, str]]:
        """Why nothing goes to some devices yet."""
        planned = self._in(State.PLANNED)
        held = {device: _comes_later(self._first[device]) for device in planned if device in self._first}
        waiting: dict[str, Mapping[str, str]] = dict(held)
        for items, told in self._preflight([record for device, record in planned.items() if device not in held]):
            self._settle(_changes(planned, told, REFUSED_BEFORE))
            waiting |= _waiting(told)
            for part in portions([item for item in items if item.device not in told], self.step.limit):
                self._send(part)
        return waiting

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
        others = facts.keys() - records.keys()
        self._records |= records
        self._records |= {device: replace(self._records[device], state=State.INTENDED) for device in others}
        if not records:
            return
        try:
            answers = self.step.send([replace(item, facts=facts[item.device]) for item in self._items(records)])
        except AppleMdmError as error:
            state = State.PLANNED if _took_nothing(error) else State.IN_DOUBT
            self._settle([Change(record, state) for record in mine])
            raise
        unknown = {device: Evidence(Found.UNKNOWN) for device in records}
        self._settle(_changes(records, {**unknown, **answers}, SENT))

    # Waiting

    def _wait(self, deadline: float) -> None:
        """Until nothing of this run is open any more. What another run settles meanwhile is told at the end."""
        pause = poll = self.step.poll if self.poll is None else self.poll
        while left := self._in(*OPEN):
            time_left = deadline - self.monotonic()
            if time_left > 0:
                self.sleep(min(pause, time_left))
            began = self.monotonic()
            news = _changes(left, self.step.evidence(self._items(left)), LOOKED)
            self._settle(news)
            if time_left <= 0:
                return
            pause = poll if news else max(poll, REST * (self.monotonic() - began))

    # The records as this run knows them, and the ledger

    def _in(self, *states: State) -> dict[str, Record]:
        return {device: record for device, record in self._records.items() if record.state in states}

    def _stored(self) -> dict[str, Record]:
        found = self.ledger.records(self.campaign, step=self.step.name, devices=self._devices)
        return {record.device: record for record in found}

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
            again = record.state is State.FAILED and change.state is State.PLANNED
            self._records[record.device] = replace(
                record,
                state=change.state,
                evidence={**record.evidence, **change.evidence},
                reason=change.reason,
                repeatable=change.repeatable,
                failures=record.failures + again,
            )

    def _predicted(self, before: Mapping[str, Record]) -> Outcome:
        """What waits for an earlier step is looked at, too: what would stop it later is worth knowing now."""
        planned = self._in(State.PLANNED)
        held = {device: _comes_later(self._first[device]) for device in planned if device in self._first}
        told = {
            device: found
            for _items, found_of in self._preflight(list(planned.values()))
            for device, found in found_of.items()
            if device not in held or found.found is Found.FAILED
        }
        self._settle(_changes(planned, told, REFUSED_BEFORE))
        waiting = {device: reason for device, reason in held.items() if device not in told} | _waiting(told)
        ready = [device for device in planned if device not in told and device not in held]
        return Outcome(before, self._records, ready, waiting)


def _comes_later(first: str) -> Mapping[str, str]:
    """Why nothing is sent to a device that another step comes first for."""
    en, ja = NAMES[first]
    return {"en": f"Nothing is sent before {en}.", "ja": f"先に{ja}を完了する必要があります。", "first": first}


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
