# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Orders in a database (SQLite, PostgreSQL), for runs whose disk is thrown away, such as AWX's containers.

Files are blobs; secret ones are encrypted with Fernet and the key from vault. Tables are made at the first write: a
read finds no orders where there are no tables, and makes nothing, not even SQLite's file. Errors are raised from None,
since a traceback of the database's own would show statements and connection data.
"""

from __future__ import annotations

import base64
import binascii
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
    from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
    from sqlalchemy.pool import NullPool
except ImportError:
    pass

from .._errors import AppleMdmError, ConfigurationError, LibraryMissing, OrderBusy, OrderError
from .._libraries import require
from .filelock import busy, file_lock, this_process, wait_until_taken
from .folder import changed_meanwhile, disk_trouble, make_folder
from .journal import as_stored, check_file_name, event_as_data, event_from_data, folder_name, in_order, is_order_id
from .model import Event, InboxFile, Order

__all__ = ["DatabaseStore"]

SCHEMA_VERSION = 1
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_CONNECT_SECONDS = 10
_PG_DISK_FULL = "53100"
_SQLITE_DISK = ("SQLITE_FULL", "SQLITE_IOERR")
_MAKE_TABLES = 0x6E656E646F  # PostgreSQL's advisory lock while the tables are made
_MAKE_KEY = "openssl rand -base64 32 | tr '+/' '-_'"


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
        self._url = _parsed(url)
        self._key = _checked_key(key)
        self._sleep = sleep
        self._monotonic = monotonic
        self._ready = False
        self._file = self._url.database if self._url.get_backend_name() == "sqlite" else None
        self._secrets = _secrets(self._url, key)
        self.name = _name(self._url)
        self._engine = _engine(self._url)

    def __repr__(self) -> str:
        return f"DatabaseStore({self.name!r})"

    @contextlib.contextmanager
    def lock(self, tenant: str, credential: str, *, timeout: float) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            take = self._lock_by_file if self._file else self._lock_by_session
            stack.enter_context(take(tenant, credential, timeout))
            yield

    def orders(self, tenant: str, credential: str) -> list[Order]:
        event = _tables().event
        wanted = sa.select(event).where(event.c.tenant == tenant, event.c.credential == credential)
        found: dict[str, Order] = {}
        for row in self._rows(wanted.order_by(event.c.order_id, event.c.number)):
            order = found.get(row.order_id) or Order(row.order_id, tenant, credential)
            found[row.order_id] = order.with_event(self._event(row))
        return in_order(found.values())

    def tenants(self) -> list[str]:
        return sorted(row.tenant for row in self._rows(sa.select(_tables().event.c.tenant).distinct()))

    def append(self, order: Order, event: Event) -> Order:
        table, after = _tables().event, order.with_event(as_stored(event))
        row = _row(_checked(order), after.events[-1], len(after.events))
        before = tuple(map(as_stored, order.events))
        stored = sa.select(table).where(table.c.tenant == order.tenant, table.c.order_id == order.order_id)
        with self._write() as connection:
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
        with self._write() as connection:
            connection.execute(sa.delete(table).where(*(table.c[part] == value for part, value in key.items())))
            connection.execute(sa.insert(table).values(**key, secret=secret, sha256=digest, data=kept))

    def read_file(self, order: Order, name: str) -> bytes | None:
        table, key = _tables().file, self._file_key(order, check_file_name(name))
        rows = self._rows(sa.select(table).where(*(table.c[part] == value for part, value in key.items())))
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
        rows = self._rows(wanted.where(table.c.tenant == order.tenant, table.c.order_id == order.order_id))
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
                f"Nothing was written. Make a key with: {_MAKE_KEY} ; keep it in vault for good, and give it to every "
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

    # The database

    def _rows(self, statement: Any) -> list[Any]:
        if self._file and not os.path.exists(self._file):
            return []
        with self._translated(), self._engine.connect() as connection:
            return list(connection.execute(statement)) if self._has_tables(connection) else []

    @contextlib.contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._translated():
            if not self._ready:
                self._make_tables()
            with self._engine.begin() as connection:
                yield connection

    def _has_tables(self, connection: sa.Connection) -> bool:
        schema = _tables().schema
        if self._ready or not sa.inspect(connection).has_table(schema.name):
            return self._ready
        version = connection.scalar(sa.select(sa.func.max(schema.c.version)))
        if version != SCHEMA_VERSION:
            raise OrderError(
                f"The order store {self.name} has tables of version {version}, and this release of nendo.apple_mdm "
                f"knows version {SCHEMA_VERSION}. Nothing was changed. Install the newer release of the collection "
                "where this runs, then run again.",
                version=version,
            )
        self._ready = True
        return True

    def _make_tables(self) -> None:
        if self._file:
            _make_file(self._file)
        tables = _tables()
        with self._engine.begin() as connection:
            alone = "BEGIN IMMEDIATE" if self._file else f"SELECT pg_advisory_xact_lock({_MAKE_TABLES})"
            connection.exec_driver_sql(alone)
            if not self._has_tables(connection):
                tables.schema.metadata.create_all(connection)
                connection.execute(sa.insert(tables.schema).values(version=SCHEMA_VERSION))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with disk_trouble(self._file or self.name):
                yield
        except AppleMdmError:
            raise
        except (SQLAlchemyError, ValueError) as error:
            raise self._trouble(error) from None

    def _trouble(self, error: Exception) -> OrderError:
        """The database's own first line, with every secret of ours taken out."""
        original = getattr(error, "orig", None) or error
        said = (str(original).strip().splitlines() or [type(original).__name__])[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        sqlite = getattr(original, "sqlite_errorname", "")
        full = getattr(original, "sqlstate", None) == _PG_DISK_FULL or sqlite.startswith(_SQLITE_DISK)
        cure = "Make room on the disk that holds it" if full else "See that it runs and that its address is right"
        return OrderError(
            f"The order store {self.name} did not do its work: {said}. Nothing is lost: each write is there "
            f"whole or not at all. {cure}, then run again."
        )

    # Locks

    def _lock_by_file(self, tenant: str, credential: str, timeout: float) -> contextlib.AbstractContextManager[None]:
        folder = f"{self._file}.locks"
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
            with self._translated():
                connection = stack.enter_context(self._engine.connect())
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


def _make_file(path: str) -> None:
    """SQLite's file, for its owner only."""
    make_folder(os.path.dirname(path))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _parsed(url: str) -> sa.URL:
    """The URL with our driver's name. No message quotes it: a password may stand anywhere in a mistyped one."""
    require("sqlalchemy", "cryptography")
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"The order store's URL cannot be read. {_SHAPES}") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise ConfigurationError(f"The order store's URL names a database that is not supported. {_SHAPES}")
    if "@" in (parsed.host or ""):
        raise ConfigurationError(
            "The order store's URL has an '@' within its password. Write it as %40 (and '/' as %2F, ':' as %3A)."
        )
    if parsed.get_backend_name() == "sqlite" and not os.path.isabs(parsed.database or ""):
        raise ConfigurationError(f"The order store's SQLite file needs its whole path from the root. {_SHAPES}")
    return parsed


_SHAPES = "Write sqlite:////folder/orders.db (four slashes) or postgresql://user:password@host/database."


def _checked_key(key: str | None) -> bytes | None:
    if not key:
        return None
    with contextlib.suppress(binascii.Error, ValueError):
        if len(base64.urlsafe_b64decode(key.strip())) == 32:
            return key.strip().encode()
    raise ConfigurationError(
        f"The key of the order store is not one: it has to be 32 random bytes in base64. Make one with: {_MAKE_KEY}"
    )


def _secrets(url: sa.URL, key: str | None) -> list[str]:
    in_query = [value for name, value in url.query.items() if "pass" in name.lower()]
    return [str(secret) for secret in (url.password, key, *in_query) if secret]


def _name(url: sa.URL) -> str:
    """The URL as people may see it: a query can hold passwords too."""
    return sa.URL.create(
        url.get_backend_name(), url.username, host=url.host, port=url.port, database=url.database
    ).render_as_string()


def _engine(url: sa.URL) -> sa.Engine:
    patience = {"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 60}
    ours = {} if url.get_backend_name() == "sqlite" else {k: v for k, v in patience.items() if k not in url.query}
    if url.get_backend_name() != "sqlite":
        require("psycopg")
    try:
        return sa.create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=ours)
    except ImportError:
        raise LibraryMissing(
            "The Python library psycopg on this host finds no libpq. Nothing was changed. Install it with its own: "
            "python3 -m pip install 'psycopg[binary]'"
        ) from None
