# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step runner: takes a step over many devices as far as it goes now, each request sent once.

The order is always the same: what earlier runs left is settled by evidence; what may be sent is told by the preflight;
each intention is stored before its request leaves; then evidence is awaited. The clocks and sleep are arguments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .._errors import AppleMdmError, ConfigurationError, LibraryMissing, ServiceError
from .._time import now_utc
from ..mdm.protocol import DeviceStep, Evidence, Found, Item
from .ledger import Ledger
from .model import OPEN, Change, Record, State

__all__ = ["Outcome", "StepRun"]

ROUNDS = 3  # sendings a run, where evidence shows that a request never arrived
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
    """One step of a campaign over devices of one tenant. wait_timeout, poll: seconds."""

    ledger: Ledger
    step: DeviceStep
    campaign: str
    tenant: str
    check_mode: bool
    wait_timeout: float
    poll: float
    clock: Callable[[], datetime] = now_utc
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self, devices: Iterable[str]) -> Outcome:
        self._devices = list(dict.fromkeys(devices))
        before = self._begun()
        records = self._settled_by_evidence(self._planned_again(before))
        if self.check_mode:
            return self._predicted(before, records)
        deadline = self.monotonic() + self.wait_timeout
        waiting: Mapping[str, Mapping[str, str]] = {}
        for _round in range(ROUNDS):
            waiting = self._send_what_may_be_sent()
            not_sent = self._to_do()
            self._wait(deadline)
            if self._to_do() <= not_sent:
                break
        return Outcome(before, self._records(), (), waiting)

    # The beginning

    def _begun(self) -> dict[str, Record]:
        """Every device has a record."""
        if not self.check_mode:
            self.ledger.plan(self.campaign, self.tenant, self.step.name, self._devices)
            self.ledger.doubt_the_dead(self.campaign, self.step.name)
            if not self.step.lasting:
                self.ledger.look_again(self.campaign, self.step.name, self._devices)
        new = Record(self.campaign, self.tenant, "", self.step.name, State.PLANNED)
        return {device: replace(new, device=device) for device in self._devices} | self._records()

    def _planned_again(self, records: Mapping[str, Record]) -> dict[str, Record]:
        """What failed may be tried again, and what was skipped may be needed by now."""
        again = [
            Change(record, State.PLANNED, reason=record.reason)
            for record in records.values()
            if record.state is State.SKIPPED
            or (record.state is State.FAILED and record.repeatable)
            or (record.state is State.DONE and not self.step.lasting)
        ]
        return self._settle(records, again)

    def _settled_by_evidence(self, records: Mapping[str, Record]) -> dict[str, Record]:
        left = {device: record for device, record in records.items() if record.state in OPEN}
        if not left or (self.check_mode and not self.step.looks_free):
            return dict(records)
        return {**records, **self._settle(left, _changes(left, self._looked(left), LOOKED))}

    # Sending

    def _send_what_may_be_sent(self) -> Mapping[str, Mapping[str, str]]:
        """Why nothing goes to some devices yet."""
        records = {device: record for device, record in self._records().items() if record.state is State.PLANNED}
        told = self.step.preflight(self._items(records)) if records else {}
        self._settle(records, _changes(records, told, REFUSED_BEFORE))
        waiting = {device: found.reason or {} for device, found in told.items() if found.found is Found.PENDING}
        ready = [device for device in records if device not in told]
        for first in range(0, len(ready), self.step.limit):
            self._send({device: records[device] for device in ready[first : first + self.step.limit]})
        return waiting

    def _send(self, planned: Mapping[str, Record]) -> None:
        """One call. Whatever ends it early leaves its devices in doubt, unless nothing was taken for certain."""
        baselines = {item.device: self.step.baseline(item) for item in self._items(planned)}
        mine = self.ledger.intend(self.campaign, self.step.name, baselines, self.clock())
        records = {record.device: record for record in mine}
        if not records:
            return
        try:
            answers = self.step.send(self._items(records))
        except AppleMdmError as error:
            state = State.PLANNED if _took_nothing(error) else State.IN_DOUBT
            self._settle(records, [Change(record, state) for record in mine])
            raise
        unknown = {device: Evidence(Found.UNKNOWN) for device in records}
        self._settle(records, _changes(records, {**unknown, **answers}, SENT))

    # Waiting

    def _wait(self, deadline: float) -> None:
        while True:
            left = {device: record for device, record in self._records().items() if record.state in OPEN}
            if not left:
                return
            self._settle(left, _changes(left, self._looked(left), LOOKED))
            if all(record.state not in OPEN for record in self._records().values()):
                return
            if self.monotonic() >= deadline:
                return
            self.sleep(self.poll)

    def _looked(self, records: Mapping[str, Record]) -> Mapping[str, Evidence]:
        return self.step.evidence(self._items(records))

    # The ledger

    def _to_do(self) -> set[str]:
        return {device for device, record in self._records().items() if record.state is State.PLANNED}

    def _records(self) -> dict[str, Record]:
        found = self.ledger.records(self.campaign, step=self.step.name, devices=self._devices)
        return {record.device: record for record in found}

    def _items(self, records: Mapping[str, Record]) -> list[Item]:
        facts = self.ledger.facts(self.campaign, list(records))
        return [
            Item(device, record.command_id, facts.get(device, {}), record.evidence, record.intended_at, record.attempts)
            for device, record in records.items()
        ]

    def _settle(self, records: Mapping[str, Record], changes: Sequence[Change]) -> dict[str, Record]:
        """The records as they are then; in check mode as they would be."""
        if changes and not self.check_mode:
            self.ledger.settle(changes, self.clock())
        after = {
            change.record.device: replace(
                change.record,
                state=change.state,
                evidence={**change.record.evidence, **change.evidence},
                reason=change.reason,
                repeatable=change.repeatable,
                failures=change.record.failures
                + (change.record.state is State.FAILED and change.state is State.PLANNED),
            )
            for change in changes
        }
        return {**records, **after}

    def _predicted(self, before: Mapping[str, Record], records: Mapping[str, Record]) -> Outcome:
        planned = {device: record for device, record in records.items() if record.state is State.PLANNED}
        told = self.step.preflight(self._items(planned)) if planned else {}
        refused = self._settle(planned, _changes(planned, told, REFUSED_BEFORE))
        waiting = {device: found.reason or {} for device, found in told.items() if found.found is Found.PENDING}
        return Outcome(before, {**records, **refused}, [device for device in planned if device not in told], waiting)


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
