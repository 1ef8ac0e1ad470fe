# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What MDM servers have told of devices, as the ledger's database keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

try:
    import sqlalchemy as sa
except ImportError:
    pass

from .._database import Database, insert_or_leave
from .model import Event
from .tables import ANSWER, tables

__all__ = ["Events"]

_LOCK = 0x6E656E646F65  # PostgreSQL's advisory lock while events get their numbers


class Events:
    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, connection: sa.Connection, events: Iterable[Event]) -> None:
        """In the transaction of the connection. An event that comes twice is kept once."""
        _alone(connection)
        connection.execute(insert_or_leave(connection, tables().event), [_row(event) for event in events])

    def find(
        self,
        *,
        command_uuids: Collection[str] | None = None,
        enrollment_ids: Collection[str] | None = None,
        serials: Collection[str] | None = None,
        topics: Collection[str] | None = None,
        after: int = 0,
    ) -> list[Event]:
        """Those that fit all that is given, in the order of their making. At most one of the three is long.

        after: only those with a greater number. With the greatest number of an earlier answer to the same question, that is
        what is new since, with nothing left out, however many receivers store at once: numbers are given one transaction
        after the other, and an answer has either all or none of what was stored at a time."""
        table = tables().event
        # What comes while the portions are read waits for the next time: a later portion would see it, an earlier not.
        columns = [table.c[name] for name in Event._fields]
        wanted = sa.select(*columns).where(table.c.number > after, table.c.number <= self.newest())
        if topics is not None:
            wanted = wanted.where(table.c.topic.in_(topics))
            if ANSWER not in topics:
                wanted = wanted.where(sa.text(f"topic != '{ANSWER}'"))  # as the indices of check-ins have it
        given = [
            (column, values)
            for column, values in (
                (table.c.command_uuid, command_uuids),
                (table.c.enrollment_id, enrollment_ids),
                (table.c.serial, serials),
            )
            if values is not None
        ]
        for column, values in given[1:]:
            wanted = wanted.where(self._database.is_one_of(column, list(values)))
        rows = self._database.rows_of(wanted, *given[0]) if given else self._database.rows(wanted)
        return sorted((Event(*row) for row in rows), key=lambda event: (event.created_at, event.number))

    def newest(self) -> int:
        """The greatest number of all: with it, find(after=) tells what comes from now on. 0 where there are none."""
        newest = self._database.rows(sa.select(sa.func.max(tables().event.c.number).label("number")))
        return int(newest[0].number or 0) if newest else 0


def _row(event: Event) -> dict[str, Any]:
    """digest: in the order of time, so that a new one goes to the end of its index."""
    row = event._asdict()
    del row["number"]
    told = "\0".join(str(value) for name, value in sorted(row.items()) if name != "payload").encode()
    digest = hashlib.sha256(told + b"\0" + event.payload).hexdigest()
    return {**row, "digest": f"{event.created_at} {digest}"}


def _alone(connection: sa.Connection) -> None:
    """Until the transaction's end, so that events are seen in the order of their numbers. SQLite has one writer anyhow."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
