# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which runs are alive: each holds a lock that ends with its process, so that what a dead one left can be told."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import uuid
from collections.abc import Collection
from typing import Any

try:
    import sqlalchemy as sa
except ImportError:
    pass

from .._database import Database, free_lock
from .._disk import disk_trouble, make_folder
from .._errors import LedgerError

__all__ = ["Runners"]


class Runners:
    """On SQLite a locked file beside the ledger, on PostgreSQL a lock of a connection. begin() makes this run known."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._own = contextlib.ExitStack()
        self._name: str | None = None

    def begin(self) -> str:
        if self._name is None:
            name = str(uuid.uuid4())
            if self._database.file:
                self._lock_file(name)
            else:
                self._lock_session(name)
            self._name = name
        return self._name

    def close(self) -> None:
        self._name = None
        self._own.close()

    def dead(self, names: Collection[str]) -> list[str]:
        others = sorted(set(names) - {self._name})
        if not others:
            return []
        return [name for name in others if self._file_is_free(name)] if self._database.file else self._free(others)

    # SQLite

    def _path(self, name: str) -> str:
        return os.path.join(f"{self._database.file}.runs", name)

    def _lock_file(self, name: str) -> None:
        path = self._path(name)
        with disk_trouble(path, LedgerError):
            make_folder(os.path.dirname(path))
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._own.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._own.callback(os.unlink, path)

    def _file_is_free(self, name: str) -> bool:
        with disk_trouble(self._path(name), LedgerError):
            try:
                handle = os.open(self._path(name), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return True
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(handle)
            return True

    # PostgreSQL

    def _lock_session(self, name: str) -> None:
        with self._database.translated():
            connection = self._own.enter_context(self._session())
            connection.execute(sa.select(sa.func.pg_advisory_lock(_number(name))))
            self._own.callback(free_lock, connection, _number(name))

    def _free(self, names: list[str]) -> list[str]:
        with self._database.translated(), self._session() as connection:
            return [name for name in names if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_number(name))))]

    def _session(self) -> Any:
        return self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _number(name: str) -> int:
    digest = hashlib.sha256(f"nendo.apple_mdm run\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
