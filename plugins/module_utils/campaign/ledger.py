# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: what campaigns intended, did and proved, per device and step, in SQLite or PostgreSQL.

Several processes share it. An intention is stored before its request leaves, and belongs to the run that stored it; what
a dead run left intended is in doubt for everybody. Reads make nothing, not even the file.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

try:
    import sqlalchemy as sa
    from cryptography.fernet import Fernet, InvalidToken
except ImportError:
    pass

from .._database import AT_ONCE, MAKE_KEY, Database, checked_key, execute_many, insert_or_leave
from .._errors import ConfigurationError, LedgerError
from .._portions import portions
from .._time import now_utc, to_iso
from .events import Events
from .model import STEPS, TRANSITIONS, Change, Event, Record, State
from .runners import Runners
from .tables import tables
from .witness import Witness

__all__ = ["Ledger", "open_ledger"]

SCHEMA_VERSION = 1
_SECRET = ("campaign", "device", "name")  # its key


def open_ledger(location: str, key: str | None = None, *, keep_open: bool = False) -> Ledger:
    """location: the absolute path of a SQLite file (or ~), or a database URL. key: Fernet's, for secrets.

    keep_open: as Database's."""
    if "://" not in location:
        path = os.path.expanduser(location)
        if not os.path.isabs(path):
            raise ConfigurationError(f"The ledger {location!r} needs its whole path from the root, or a database URL.")
        location = f"sqlite:///{path}"
    return Ledger(location, key, keep_open)


class Ledger:
    def __init__(self, url: str, key: str | None, keep_open: bool) -> None:
        self._key = checked_key(key, "ledger")
        self._database = Database(
            url,
            noun="ledger",
            kind=LedgerError,
            schema=lambda: tables().schema,
            version=SCHEMA_VERSION,
            key=key,
            keep_open=keep_open,
        )
        self.name = self._database.name
        self.events = Events(self._database)
        self._runners = Runners(self._database)
        self._witness = Witness(self._database.file) if self._database.file else None

    def close(self) -> None:
        self._runners.close()

    def check_newest(self) -> None:
        """LedgerError where an older copy of it was put back. Writes nothing."""
        if self._witness is not None:
            self._witness.check_meanwhile(self._standing)

    def _standing(self) -> tuple[str, int]:
        """Its id and how many intentions it knows of."""
        table = tables().ledger
        rows = self._database.rows(sa.select(table.c.id, table.c.generation))
        return (rows[0].id, rows[0].generation) if rows else ("", 0)

    # Records

    def records(
        self, campaign: str, *, step: str | None = None, devices: Collection[str] | None = None
    ) -> list[Record]:
        """In the order of devices and steps. devices: those alone."""
        table = tables().record
        wanted = sa.select(*_columns()).where(table.c.campaign == campaign).order_by(table.c.device, table.c.step)
        if step is not None:
            wanted = wanted.where(table.c.step == step)
        return [_record(row) for row in self._of(wanted, table.c.device, devices)]

    def summary(self, campaign: str) -> dict[str, dict[str, int]]:
        """How many devices are in which state, by step."""
        table = tables().record
        counts = sa.select(table.c.step, table.c.state, sa.func.count()).where(table.c.campaign == campaign)
        found: dict[str, dict[str, int]] = {}
        for step, state, count in self._database.rows(counts.group_by(table.c.step, table.c.state)):
            found.setdefault(step, {})[state] = count
        return found

    def states(self, campaign: str, devices: Collection[str]) -> dict[str, dict[str, State]]:
        """By device and step, of what was begun."""
        table = tables().record
        wanted = sa.select(table.c.device, table.c.step, table.c.state).where(table.c.campaign == campaign)
        found: dict[str, dict[str, State]] = {}
        for row in self._database.rows_of(wanted, table.c.device, devices):
            found.setdefault(row.device, {})[row.step] = State(row.state)
        return found

    def attempts(self, campaign: str, step: str, devices: Collection[str]) -> dict[str, tuple[State, int]]:
        """By device, its state and how often a request was intended."""
        table = tables().record
        wanted = sa.select(table.c.device, table.c.state, table.c.attempts)
        of_step = wanted.where(table.c.campaign == campaign, table.c.step == step)
        rows = self._database.rows_of(of_step, table.c.device, devices)
        return {device: (State(state), attempts) for device, state, attempts in rows}

    def enter(self, campaign: str, tenant: str, outcome: str, devices: Collection[str]) -> None:
        """The devices take part in the campaign. LedgerError as of not_entered."""
        rows = [
            {"campaign": campaign, "tenant": tenant, "outcome": outcome, "device": device}
            for device in self.not_entered(campaign, tenant, outcome, devices)
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(insert_or_leave(connection, tables().device), rows)
            self.not_entered(campaign, tenant, outcome, devices)

    def entered(self, campaign: str, devices: Collection[str]) -> dict[str, str]:
        """By device that takes part, its outcome."""
        table = tables().device
        wanted = sa.select(table).where(table.c.campaign == campaign)
        return {row.device: row.outcome for row in self._database.rows_of(wanted, table.c.device, devices)}

    def not_entered(self, campaign: str, tenant: str, outcome: str, devices: Collection[str]) -> list[str]:
        """Those that do not take part yet. LedgerError where one does for another tenant or with another outcome."""
        there = self._entered(campaign, tenant, devices)
        self._refuse(campaign, {device: other for device, other in there.items() if other != outcome}, outcome)
        return [device for device in devices if device not in there]

    def _entered(self, campaign: str, tenant: str, devices: Collection[str]) -> dict[str, str]:
        """By device that takes part, its outcome. LedgerError where it does for another tenant."""
        table = tables().device
        rows = list(
            self._database.rows_of(sa.select(table).where(table.c.campaign == campaign), table.c.device, devices)
        )
        if strange := sorted(row.device for row in rows if row.tenant != tenant):
            raise LedgerError(
                f"{campaign}: {_named(strange)} {'belong' if len(strange) > 1 else 'belongs'} to another tenant than {tenant}"
                " in the ledger. Nothing was sent. Check the inventory: a device is in the group of one tenant.",
                devices=strange,
            )
        return {row.device: row.outcome for row in rows}

    def _refuse(self, campaign: str, others: Mapping[str, str], wanted: str) -> None:
        """others: the outcomes of devices that what is wanted now does not go with."""
        if not others:
            return
        strange = sorted(others)
        raise LedgerError(
            f"{campaign}: {_named(strange)} entered the campaign to {others[strange[0]]}, which does not go with {wanted}."
            " Nothing was sent. Check graduation_outcome of the devices' group; a device that is meant for something else"
            " now needs a campaign with another id.",
            devices=strange,
        )

    def plan(self, campaign: str, tenant: str, step: str, devices: Iterable[str]) -> bool:
        """Records for the devices that have none. Whether some had one. LedgerError where a device is another tenant's in
        this campaign, or is in it with an outcome that lacks the step."""
        wanted = list(dict.fromkeys(devices))
        entered = self._entered(campaign, tenant, wanted)
        self._refuse(campaign, {device: other for device, other in entered.items() if step not in STEPS[other]}, step)
        table = tables().record
        of_step = sa.select(table.c.device, table.c.tenant).where(table.c.campaign == campaign, table.c.step == step)
        there = {row.device: row.tenant for row in self._database.rows_of(of_step, table.c.device, wanted)}
        if strange := sorted(device for device, owner in there.items() if owner != tenant):
            raise LedgerError(
                f"{campaign}: {_named(strange)} {'belong' if len(strange) > 1 else 'belongs'} to"
                f" {there[strange[0]]} in the ledger, not to {tenant}. Nothing was sent. Check the inventory: a device is in"
                " the group of one tenant.",
                devices=strange,
            )
        missing = sorted(device for device in wanted if device not in there)
        if missing:
            new = {**_NEW, "campaign": campaign, "step": step, "tenant": tenant}
            values = [sa.literal(value, table.c[name].type) for name, value in new.items()]
            with self._database.write() as connection:
                insert = insert_or_leave(connection, table)
                for portion in portions(missing, AT_ONCE):
                    rows = sa.select(self._database.listed(portion), *values).where(sa.true())
                    connection.execute(insert.from_select(["device", *new], rows))
        return bool(there)

    def skip(self, campaign: str, tenant: str, step: str, devices: Collection[str], reason: Mapping[str, str]) -> None:
        """The step is not needed for these devices, but for those with which it was begun."""
        self.plan(campaign, tenant, step, devices)
        table = tables().record
        skipped = {"state": State.SKIPPED.value, "reason": json.dumps(reason), "settled_at": to_iso(now_utc())}
        with self._database.write() as connection:
            for portion in portions(sorted(devices), AT_ONCE):
                connection.execute(
                    sa.update(table)
                    .where(table.c.campaign == campaign, table.c.step == step, table.c.attempts == 0)
                    .where(table.c.state == State.PLANNED.value, self._database.is_one_of(table.c.device, portion))
                    .values(**skipped)
                )

    def intend(
        self, campaign: str, step: str, baselines: Mapping[str, Mapping[str, Any]], now: datetime
    ) -> list[Record]:
        """The intention to send, stored: those of the devices that were planned and are now this run's alone.

        baselines: by device, what evidence begins with. That of earlier attempts is of no use any more."""
        table, claim = tables().record, str(uuid.uuid4())
        runner = self._runners.begin()
        with self._counted() as connection:
            intended = {"state": State.INTENDED.value, "runner": runner, "claim": claim, "intended_at": to_iso(now)}
            execute_many(
                connection,
                sa.update(table)
                .where(table.c.campaign == campaign, table.c.step == step, table.c.device == sa.bindparam("which"))
                .where(table.c.state == State.PLANNED.value)
                .values(**intended, attempts=table.c.attempts + 1, reason=None, evidence=sa.bindparam("new_evidence")),
                [{"which": device, "new_evidence": json.dumps(told)} for device, told in sorted(baselines.items())],
            )
            mine = sa.select(*_columns()).where(table.c.claim == claim).order_by(table.c.device)
            rows = connection.execute(mine).all()
        return [_record(row) for row in rows]

    def settle(self, changes: Sequence[Change], now: datetime) -> None:
        """Each change, unless another run has settled that attempt by now. LedgerError for a step that TRANSITIONS lacks.

        In the order of devices, a transaction for each state, so that two runs never wait for each other."""
        for change in changes:
            if change.state not in TRANSITIONS[change.record.state]:
                raise LedgerError(
                    f"{change.record.device}: {change.record.step} cannot go from {change.record.state.value} to"
                    f" {change.state.value}. This is a fault of the collection; nothing was sent."
                )
        settled_at = to_iso(now)
        in_order = sorted(changes, key=lambda change: (change.state.value, change.record.device))
        for state, group in itertools.groupby(in_order, key=_new_state):
            with self._database.write() as connection:
                execute_many(connection, _settling(State(state)), [_settled(change, settled_at) for change in group])

    def look_again(self, campaign: str, step: str, devices: Collection[str]) -> None:
        """What was done is planned anew: only for a step that asks and changes nothing, so it is not in TRANSITIONS."""
        if not devices:
            return
        table = tables().record
        with self._database.write() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.campaign == campaign, table.c.step == step, table.c.device == sa.bindparam("which"))
                .where(table.c.state == State.DONE.value)
                .values(state=State.PLANNED.value),
                [{"which": device} for device in sorted(devices)],
            )

    def doubt_the_dead(self, campaign: str, step: str) -> None:
        """What runs that are no more left intended is in doubt."""
        table = tables().record
        ours = (table.c.campaign == campaign, table.c.step == step, table.c.state == State.INTENDED.value)
        runners = [row.runner for row in self._database.rows(sa.select(table.c.runner).where(*ours).distinct())]
        dead = self._runners.dead(runners)
        if dead:
            with self._database.write() as connection:
                doubt = sa.update(table).where(*ours, table.c.runner.in_(dead)).values(state=State.IN_DOUBT.value)
                connection.execute(doubt)

    # What is known of devices

    def facts(self, campaign: str, devices: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
        table = tables().fact
        wanted = sa.select(table).where(table.c.campaign == campaign)
        return {row.device: json.loads(row.facts) for row in self._of(wanted, table.c.device, devices)}

    def owners(self, campaign: str, devices: Collection[str]) -> dict[str, str]:
        """Of the devices whose owner was collected."""
        table = tables().fact
        told = sa.select(table).where(table.c.campaign == campaign, table.c.facts.like('%"owner"%'))
        owned = (
            (row.device, json.loads(row.facts).get("owner"))
            for row in self._database.rows_of(told, table.c.device, devices)
        )
        return {device: owner for device, owner in owned if owner}

    def keep_facts(self, campaign: str, tenant: str, facts: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces what was known of these devices."""
        rows = [
            {"campaign": campaign, "tenant": tenant, "device": device, "facts": json.dumps(told)}
            for device, told in facts.items()
        ]
        self._replace(tables().fact, ("campaign", "device"), rows)

    def keep_secrets(self, campaign: str, secrets: Mapping[tuple[str, str], bytes]) -> None:
        """By device and name, encrypted."""
        self._replace(tables().secret, _SECRET, self._encrypted(campaign, secrets))

    def _encrypted(self, campaign: str, secrets: Mapping[tuple[str, str], bytes]) -> list[dict[str, Any]]:
        if not secrets:
            return []
        fernet = self._fernet()
        return [
            {"campaign": campaign, "device": device, "name": name, "data": fernet.encrypt(data)}
            for (device, name), data in secrets.items()
        ]

    def having_secret(self, campaign: str, devices: Collection[str], name: str) -> set[str]:
        """Of which of them it is kept. Needs no key."""
        table = tables().secret
        wanted = sa.select(table.c.device).where(table.c.campaign == campaign, table.c.name == name)
        return {row.device for row in self._database.rows_of(wanted, table.c.device, devices)}

    def secret(self, campaign: str, device: str, name: str) -> bytes | None:
        rows = self._sealed(campaign, device, name)
        if not rows:
            return None
        try:
            return self._fernet().decrypt(rows[0].data)
        except InvalidToken:
            raise LedgerError(
                f"The key given does not open what the ledger keeps of {device}: it was stored with another key. Nothing"
                " is lost. Give the key from vault that was in use when the campaign began."
            ) from None

    def _sealed(self, campaign: str, device: str, name: str) -> list[Any]:
        table = tables().secret
        wanted = (table.c.campaign == campaign, table.c.device == device, table.c.name == name)
        return self._database.rows(sa.select(table.c.data).where(*wanted))

    # What MDM servers tell

    def receive(self, told: Sequence[tuple[Event, Mapping[str, bytes]]]) -> None:
        """Events, and what was secret in each, all at once or nothing. Secrets are kept under the enrolment's id, the newest of
        each name, where there is a key for them."""
        in_order = sorted(told, key=lambda one: one[0].created_at)
        secrets = {(event.enrollment_id, name): data for event, found in in_order for name, data in found.items()}
        encrypted = self._encrypted("", secrets) if self._key else []
        with self._database.write() as connection:
            self.events.store(connection, (event for event, _secrets in told))
            _replace_rows(connection, tables().secret, _SECRET, encrypted)

    # The database

    def _of(self, wanted: Any, column: Any, values: Collection[str] | None) -> Iterable[Any]:
        """All rows, or those whose column is one of the values."""
        return self._database.rows(wanted) if values is None else self._database.rows_of(wanted, column, values)

    def _replace(self, table: Any, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            with self._database.write() as connection:
                _replace_rows(connection, table, key, rows)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[sa.Connection]:
        """A write that the witness knows of, where there is a file of which an older copy could be put back."""
        if self._witness is None:
            with self._database.write() as connection:
                yield connection
            return
        table = tables().ledger
        with self._witness.alone():
            if not self._database.rows(sa.select(table)):  # stored before the witness may name it
                with self._database.write() as connection:
                    connection.execute(sa.insert(table).values(id=str(uuid.uuid4()), generation=0))
            with self._database.write() as connection:
                ledger_id, generation = connection.execute(sa.select(table.c.id, table.c.generation)).one()
                self._witness.check(ledger_id, generation)
                self._witness.begins(ledger_id, generation + 1)
                connection.execute(sa.update(tables().ledger).values(generation=generation + 1))
                yield connection
            self._witness.is_at(ledger_id, generation + 1)

    def _fernet(self) -> Fernet:
        if self._key is None:
            raise ConfigurationError(
                f"The ledger {self.name} keeps bypass codes and unlock tokens encrypted, and no key for that is given."
                f" Nothing was sent. Make a key with: {MAKE_KEY} ; keep it in vault for good, and give it to every run."
            )
        return Fernet(self._key)


_NEW = {
    "state": State.PLANNED.value,
    "attempts": 0,
    "failures": 0,
    "repeatable": True,
    "evidence": "{}",
    "reason": None,
    "intended_at": None,
    "settled_at": None,
    "runner": None,
    "claim": None,
}


def _columns() -> list[Any]:
    """What a record is read from."""
    return [tables().record.c[name] for name in Record._fields]


def _record(row: Any) -> Record:
    record = Record(*row)
    return record._replace(
        state=State(record.state),
        evidence=json.loads(row.evidence),
        reason=json.loads(row.reason) if row.reason else None,
    )


def _named(devices: Sequence[str]) -> str:
    return ", ".join(devices[:5]) + (f" and {len(devices) - 5} more" if len(devices) > 5 else "")


def _new_state(change: Change) -> str:
    return change.state.value


def _settling(state: State) -> Any:
    """By attempt, and only from states that may come before this one: what another run settled stays."""
    table = tables().record
    before = [table.c.state == earlier.value for earlier, after in TRANSITIONS.items() if state in after]
    return (
        sa.update(table)
        .where(*(table.c[name] == sa.bindparam(f"old_{name}") for name in ("campaign", "step", "device", "attempts")))
        .where(sa.or_(*before))
        .values(
            state=state.value,
            evidence=sa.bindparam("new_evidence"),
            reason=sa.bindparam("new_reason"),
            repeatable=sa.bindparam("new_repeatable"),
            failures=sa.bindparam("new_failures"),
            settled_at=sa.bindparam("new_settled_at"),
        )
    )


def _settled(change: Change, settled_at: str) -> dict[str, Any]:
    record = change.record
    again = record.state is State.FAILED and change.state is State.PLANNED
    return {
        "old_campaign": record.campaign,
        "old_step": record.step,
        "old_device": record.device,
        "old_attempts": record.attempts,
        "new_evidence": json.dumps({**record.evidence, **change.evidence}),
        "new_reason": json.dumps(change.reason) if change.reason else None,
        "new_repeatable": change.repeatable,
        "new_failures": record.failures + again,
        "new_settled_at": settled_at,
    }


def _replace_rows(
    connection: sa.Connection, table: Any, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        same = sa.delete(table).where(*(table.c[name] == sa.bindparam(f"old_{name}") for name in key))
        connection.execute(same, [{f"old_{name}": row[name] for name in key} for row in rows])
        connection.execute(sa.insert(table), list(rows))
