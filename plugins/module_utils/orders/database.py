# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Orders in a database (SQLite, PostgreSQL), for runs whose disk is thrown away, such as AWX's containers.

Files are blobs; secret ones are encrypted with Fernet and the key from vault. Tables are made at the first write: a
read finds no orders where there are no tables, and makes nothing, not even SQLite's file. Errors are raised from None,
since a traceback of the database's own would show statements and connection data.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

try:
    import sqlalchemy as sa
    from cryptography.fernet import Fernet, InvalidToken
    from sqlalchemy.exc import IntegrityError
except ImportError:
    pass

from .._database import MAKE_KEY, Database, checked_key, free_lock
from .._disk import disk_trouble, make_folder
from .._errors import ConfigurationError, OrderBusy, OrderError
from .filelock import busy, file_lock, this_process, wait_until_taken
from .folder import changed_meanwhile
from .journal import as_stored, check_file_name, event_as_data, event_from_data, folder_name, in_order, is_order_id
from .model import Event, InboxFile, Order

__all__ = ["DatabaseStore"]

SCHEMA_VERSION = 1


class DatabaseStore:
    """An OrderStore (model.py) behind a database URL. key: Fernet's, 32 bytes in base64; None reads no secret file."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = checked_key(key, "order store")
        self._sleep = sleep
        self._monotonic = monotonic
        self._database = Database(
            url, noun="order store", kind=OrderError, schema=lambda: _tables().schema, version=SCHEMA_VERSION, key=key
        )
        self.name = self._database.name

    def __repr__(self) -> str:
        return f"DatabaseStore({self.name!r})"

    @contextlib.contextmanager
    def lock(self, tenant: str, credential: str, *, timeout: float) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            take = self._lock_by_file if self._database.file else self._lock_by_session
            stack.enter_context(take(tenant, credential, timeout))
            yield

    def orders(self, tenant: str, credential: str) -> list[Order]:
        event = _tables().event
        wanted = sa.select(event).where(event.c.tenant == tenant, event.c.credential == credential)
        found: dict[str, Order] = {}
        for row in self._database.rows(wanted.order_by(event.c.order_id, event.c.number)):
            order = found.get(row.order_id) or Order(row.order_id, tenant, credential)
            found[row.order_id] = order.with_event(self._event(row))
        return in_order(found.values())

    def tenants(self) -> list[str]:
        return sorted(row.tenant for row in self._database.rows(sa.select(_tables().event.c.tenant).distinct()))

    def append(self, order: Order, event: Event) -> Order:
        table, after = _tables().event, order.with_event(as_stored(event))
        row = _row(_checked(order), after.events[-1], len(after.events))
        before = tuple(map(as_stored, order.events))
        stored = sa.select(table).where(table.c.tenant == order.tenant, table.c.order_id == order.order_id)
        with self._database.write() as connection:
            try:
                connection.execute(sa.insert(table).values(row))
            except IntegrityError:
                raise changed_meanwhile(order) from None
            rows = connection.execute(stored.order_by(table.c.number)).all()
            if tuple(map(self._event, rows[:-1])) != before:
                raise changed_meanwhile(order)
        return after

    def write_file(self, order: Order, name: str, data: bytes, *, secret: bool) -> None:
        table, key = _tables().file, self._file_key(_checked(order), check_file_name(name))
        digest = hashlib.sha256(data).hexdigest()
        kept = self._fernet().encrypt(data) if secret else data
        with self._database.write() as connection:
            connection.execute(sa.delete(table).where(*(table.c[part] == value for part, value in key.items())))
            connection.execute(sa.insert(table).values(**key, secret=secret, sha256=digest, data=kept))

    def read_file(self, order: Order, name: str) -> bytes | None:
        table, key = _tables().file, self._file_key(order, check_file_name(name))
        rows = self._database.rows(sa.select(table).where(*(table.c[part] == value for part, value in key.items())))
        if not rows:
            return None
        data = self._decrypted(rows[0].data, order, name) if rows[0].secret else rows[0].data
        if hashlib.sha256(data).hexdigest() != rows[0].sha256:
            raise OrderError(
                f"The file {name} of {self.place(order)} is damaged: it is not what was stored. Nothing was sent or "
                "changed. Put the database back from a backup, then run again.",
                file=name,
            )
        return data

    def file_names(self, order: Order) -> list[str]:
        return sorted(self._names(order))

    def secret_names(self, order: Order) -> list[str]:
        """The files that are kept encrypted."""
        return sorted(name for name, secret in self._names(order).items() if secret)

    def inbox(self, order: Order) -> list[InboxFile]:
        return []

    def inbox_place(self, order: Order) -> None:
        return None

    def place(self, order: Order) -> str:
        return f"{self.name}, order {order.order_id} of {order.tenant}"

    def _names(self, order: Order) -> dict[str, bool]:
        table = _tables().file
        wanted = sa.select(table.c.name, table.c.secret)
        rows = self._database.rows(wanted.where(table.c.tenant == order.tenant, table.c.order_id == order.order_id))
        return {row.name: row.secret for row in rows}

    @staticmethod
    def _file_key(order: Order, name: str) -> dict[str, str]:
        return {"tenant": order.tenant, "order_id": order.order_id, "name": name}

    def _event(self, row: Any) -> Event:
        try:
            return event_from_data({**row._mapping, "facts": json.loads(row.facts)})
        except (ValueError, RecursionError):
            raise OrderError(
                f"Event {row.number} of order {row.order_id} of {row.tenant} in {self.name} is damaged. Nothing was "
                "sent or changed. Put the database back from a backup, then run again.",
                order_id=row.order_id,
            ) from None

    # Encryption

    def _fernet(self) -> Fernet:
        if self._key is None:
            raise ConfigurationError(
                f"The order store {self.name} keeps private keys and tokens encrypted, and no key for that is given. "
                f"Nothing was written. Make a key with: {MAKE_KEY} ; keep it in vault for good, and give it to every "
                "run."
            )
        return Fernet(self._key)

    def _decrypted(self, data: bytes, order: Order, name: str) -> bytes:
        try:
            return self._fernet().decrypt(data)
        except InvalidToken:
            raise OrderError(
                f"The key given does not open the file {name} of {self.place(order)}: it was stored with another key, "
                "or it is damaged. Nothing is lost and nothing was changed. Give the key from vault that was in use "
                "when the order was opened, then run again.",
                file=name,
            ) from None

    # Locks

    def _lock_by_file(self, tenant: str, credential: str, timeout: float) -> contextlib.AbstractContextManager[None]:
        folder = f"{self._database.file}.locks"
        path = os.path.join(folder, f"{folder_name(tenant)}.{credential}.lock")
        with disk_trouble(folder):
            make_folder(folder)
        what = f"{tenant}: {credential}"
        return _file_lock(path, what, timeout=timeout, sleep=self._sleep, monotonic=self._monotonic)

    @contextlib.contextmanager
    def _lock_by_session(self, tenant: str, credential: str, timeout: float) -> Iterator[None]:
        """A lock of the connection: the server frees it when this process dies."""
        number = _lock_number(tenant, credential)
        with contextlib.ExitStack() as stack:
            with self._database.translated():
                connection = stack.enter_context(self._database.engine.connect())
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                pid, host = this_process()
                name = sa.func.set_config("application_name", f"nendo.apple_mdm {pid}@{host}"[:60], False)
                connection.execute(sa.select(name))
                wait_until_taken(
                    lambda: bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number)))),
                    lambda: self._busy(connection, number, f"{tenant}: {credential}", timeout),
                    timeout=timeout,
                    sleep=self._sleep,
                    monotonic=self._monotonic,
                )
                stack.callback(free_lock, connection, number)
            yield

    @staticmethod
    def _busy(connection: sa.Connection, number: int, what: str, timeout: float) -> OrderBusy:
        row = connection.execute(sa.text(_HOLDER), {"number": number}).first()
        holder = f"process {row.name.rpartition(' ')[2]}, since {row.since}" if row else "a process that has just begun"
        return busy(what, holder.replace("@", " on ", 1), timeout)


_HOLDER = """
SELECT a.application_name AS name, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = :number
"""


class _Tables(NamedTuple):
    schema: Any
    event: Any
    file: Any


@functools.cache
def _tables() -> _Tables:
    data = sa.MetaData()

    def key(name: str) -> sa.Column:
        return sa.Column(name, sa.Text, primary_key=True)

    def text(name: str, *, nullable: bool = False) -> sa.Column:
        return sa.Column(name, sa.Text, nullable=nullable)

    schema = sa.Table(
        "apple_mdm_order_schema", data, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
    )
    event = sa.Table(
        "apple_mdm_order_event",
        data,
        key("tenant"),
        key("order_id"),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        text("credential"),
        text("at"),
        text("by"),
        text("act"),
        text("state", nullable=True),
        text("facts"),
    )
    file = sa.Table(
        "apple_mdm_order_file",
        data,
        key("tenant"),
        key("order_id"),
        key("name"),
        sa.Column("secret", sa.Boolean, nullable=False),
        text("sha256"),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    return _Tables(schema, event, file)


def _row(order: Order, event: Event, number: int) -> dict[str, Any]:
    whose = {"tenant": order.tenant, "order_id": order.order_id, "credential": order.credential, "number": number}
    return {**whose, **event_as_data(event), "facts": json.dumps(event.facts, allow_nan=False)}


def _checked(order: Order) -> Order:
    folder_name(order.tenant)
    if not is_order_id(order.order_id, order.credential):
        raise OrderError(f"{order.order_id!r} is not the id of an order of a {order.credential}.")
    return order


def _lock_number(tenant: str, credential: str) -> int:
    digest = hashlib.sha256(f"nendo.apple_mdm\0{tenant}\0{credential}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextlib.contextmanager
def _file_lock(
    path: str, what: str, *, timeout: float, sleep: Callable[[float], None], monotonic: Callable[[], float]
) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        with disk_trouble(path):
            stack.enter_context(file_lock(path, what, timeout=timeout, sleep=sleep, monotonic=monotonic))
        yield
