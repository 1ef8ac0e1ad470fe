# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database that keeps what may not be lost: SQLite in one file, or PostgreSQL.

Tables are made at the first write: a read finds nothing where there are no tables, and makes nothing, not even SQLite's
file. Errors are raised from None, since a traceback of the database's own would show statements and connection data.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.pool import NullPool, QueuePool
except ImportError:
    pass

from ._disk import disk_trouble, make_folder
from ._errors import AppleMdmError, ConfigurationError, LibraryMissing
from ._libraries import require
from ._portions import portions

__all__ = ["AT_ONCE", "MAKE_KEY", "Database", "checked_key", "execute_many", "free_lock", "insert_or_leave"]

MAKE_KEY = "openssl rand -base64 32 | tr '+/' '-_'"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
AT_ONCE = 10_000  # values of a query
_CONNECT_SECONDS = 10
_SQLITE_SECONDS = 60  # for another writer to end
_PG_DISK_FULL = "53100"
_SQLITE_DISK = ("SQLITE_FULL", "SQLITE_IOERR")
_MAKE_TABLES = 0x6E656E646F  # PostgreSQL's advisory lock while the tables are made
_SHAPES = "Write sqlite:////folder/{file}.db (four slashes) or postgresql://user:password@host/database."


class Database:
    """noun: what people call it. kind: of its errors. schema: its table with the column version. key: kept secret.

    keep_open: connections to PostgreSQL are used again, for a process that writes all the time. SQLite's file is opened anew
    for each transaction all the same: another one may have been put in its place."""

    def __init__(
        self,
        url: str,
        *,
        noun: str,
        kind: type[AppleMdmError],
        schema: Callable[[], Any],
        version: int,
        key: str | None = None,
        keep_open: bool = False,
    ) -> None:
        self._noun = noun
        self._kind = kind
        self._schema = schema
        self._version = version
        self._ready = False
        parsed = _parsed(url, noun)
        self.file: str | None = parsed.database if parsed.get_backend_name() == "sqlite" else None
        self._secrets = _secrets(parsed, key)
        self.name = _name(parsed)
        self.engine = _engine(parsed, keep_open)

    def rows(self, statement: Any) -> list[Any]:
        if self.file and not os.path.exists(self.file):
            return []
        with self.translated(), self.engine.connect() as connection:
            return list(connection.execute(statement).all()) if self._has_tables(connection) else []

    def rows_of(self, statement: Any, column: Any, values: Iterable[str]) -> Iterator[Any]:
        """Those whose column is one of the values, in portions that a database takes."""
        for portion in portions(sorted(set(values)), AT_ONCE):
            yield from self.rows(statement.where(self.is_one_of(column, portion)))

    def is_one_of(self, column: Any, values: Sequence[str]) -> Any:
        return column.in_(sa.select(self.listed(values)))

    def listed(self, values: Sequence[str]) -> Any:
        """The values as a column of rows, with one parameter for all of them."""
        if self.file:
            return sa.func.json_each(json.dumps(values)).table_valued("value").c.value
        return sa.func.unnest(sa.cast(values, sa.ARRAY(sa.Text))).column_valued("value")

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, committed at its end. On SQLite it is the only writer from its beginning."""
        with self.translated():
            if not self._ready:
                self._make_tables()
            with self.engine.begin() as connection:
                if self.file:
                    connection.exec_driver_sql("PRAGMA synchronous = EXTRA")  # FULL may undo a commit at a power cut
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """The database's errors as ours."""
        try:
            with disk_trouble(self.file or self.name, self._kind):
                yield
        except AppleMdmError:
            raise
        except (SQLAlchemyError, ValueError) as error:
            raise self._trouble(error) from None

    def _has_tables(self, connection: sa.Connection) -> bool:
        schema = self._schema()
        if self._ready or not sa.inspect(connection).has_table(schema.name):
            return self._ready
        version = connection.scalar(sa.select(sa.func.max(schema.c.version)))
        if version != self._version:
            raise self._kind(
                f"The {self._noun} {self.name} has tables of version {version}, and this release of nendo.apple_mdm "
                f"knows version {self._version}. Nothing was changed. Install the newer release of the collection "
                "where this runs, then run again.",
                version=version,
            )
        self._ready = True
        return True

    def _make_tables(self) -> None:
        if self.file:
            _make_file(self.file)
        schema = self._schema()
        with self.engine.begin() as connection:
            alone = "BEGIN IMMEDIATE" if self.file else f"SELECT pg_advisory_xact_lock({_MAKE_TABLES})"
            connection.exec_driver_sql(alone)
            if not self._has_tables(connection):
                schema.metadata.create_all(connection)
                connection.execute(sa.insert(schema).values(version=self._version))

    def _trouble(self, error: Exception) -> AppleMdmError:
        """The database's own first line, with every secret of ours taken out."""
        original = getattr(error, "orig", None) or error
        said = (str(original).strip().splitlines() or [type(original).__name__])[0]
        for secret in self._secrets:
            said = said.replace(secret, "***")
        sqlite = getattr(original, "sqlite_errorname", "")
        full = getattr(original, "sqlstate", None) == _PG_DISK_FULL or sqlite.startswith(_SQLITE_DISK)
        cure = "Make room on the disk that holds it" if full else "See that it runs and that its address is right"
        return self._kind(
            f"The {self._noun} {self.name} did not do its work: {said}. Nothing is lost: each write is there "
            f"whole or not at all. {cure}, then run again."
        )


def execute_many(connection: sa.Connection, statement: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """As connection.execute() of a statement whose values the driver takes as they are: SQLAlchemy's own work on each row is
    half of all the work."""
    compiled = statement.compile(dialect=connection.dialect)
    names, fixed = compiled.positiontup, compiled.params
    given = [fixed | row for row in rows]
    values: Any = [tuple(row[name] for name in names) for row in given] if names else given
    connection.exec_driver_sql(str(compiled), values)


def insert_or_leave(connection: sa.Connection, table: Any) -> Any:
    """Rows that are there already stay as they are."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def free_lock(connection: sa.Connection, number: int) -> None:
    """PostgreSQL's advisory lock, at once: the server notices a closed connection a little later."""
    with contextlib.suppress(SQLAlchemyError):
        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))


def checked_key(key: str | None, noun: str) -> bytes | None:
    """Fernet's key: 32 bytes in base64."""
    if not key:
        return None
    with contextlib.suppress(binascii.Error, ValueError):
        if len(base64.urlsafe_b64decode(key.strip())) == 32:
            return key.strip().encode()
    raise ConfigurationError(
        f"The key of the {noun} is not one: it has to be 32 random bytes in base64. Make one with: {MAKE_KEY}"
    )


def _make_file(path: str) -> None:
    """SQLite's file, for its owner only. It is never opened here: closing it would free the locks that other connections of
    this process have on it."""
    if os.path.exists(path):
        return
    make_folder(os.path.dirname(path))
    handle, new = tempfile.mkstemp(dir=os.path.dirname(path))
    os.close(handle)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.unlink(new)


def _parsed(url: str, noun: str) -> sa.URL:
    """The URL with our driver's name. No message quotes it: a password may stand anywhere in a mistyped one."""
    require("sqlalchemy", "cryptography")
    shapes = _SHAPES.format(file=noun.partition(" ")[0])
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"The {noun}'s URL cannot be read. {shapes}") from None
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise ConfigurationError(f"The {noun}'s URL names a database that is not supported. {shapes}")
    if "@" in (parsed.host or ""):
        raise ConfigurationError(
            f"The {noun}'s URL has an '@' within its password. Write it as %40 (and '/' as %2F, ':' as %3A)."
        )
    if parsed.get_backend_name() == "sqlite" and not os.path.isabs(parsed.database or ""):
        raise ConfigurationError(f"The {noun}'s SQLite file needs its whole path from the root. {shapes}")
    return parsed


def _secrets(url: sa.URL, key: str | None) -> list[str]:
    in_query = [value for name, value in url.query.items() if "pass" in name.lower()]
    return [str(secret) for secret in (url.password, key, *in_query) if secret]


def _name(url: sa.URL) -> str:
    """The URL as people may see it: a query can hold passwords too."""
    return sa.URL.create(
        url.get_backend_name(), url.username, host=url.host, port=url.port, database=url.database
    ).render_as_string()


def _engine(url: sa.URL, keep_open: bool) -> sa.Engine:
    patience = {"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 60}
    sqlite = url.get_backend_name() == "sqlite"
    ours = {"timeout": _SQLITE_SECONDS} if sqlite else {k: v for k, v in patience.items() if k not in url.query}
    if not sqlite:
        require("psycopg")
    pool = {"poolclass": QueuePool, "pool_pre_ping": True} if keep_open and not sqlite else {"poolclass": NullPool}
    try:
        return sa.create_engine(url, hide_parameters=True, connect_args=ours, **pool)
    except ImportError:
        raise LibraryMissing(
            "The Python library psycopg on this host finds no libpq. Nothing was changed. Install it with its own: "
            "python3 -m pip install 'psycopg[binary]'"
        ) from None
