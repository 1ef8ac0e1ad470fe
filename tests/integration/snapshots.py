# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a killed run leaves, taken before each write of a run that nobody kills: the world, and the files of its stores.

Put back, it is as if the run had died there. test_snapshots.py compares with what a real SIGKILL leaves."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call, Ended, record_modules
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Copy, Tenant

__all__ = ["Snapshot", "Snapshots"]

NOT_KEPT = ("-journal", ".lock")  # of a transaction that dies with its run; a lock's file means nothing


@dataclass(frozen=True)
class Snapshot:
    """files: mode and content by path below the folder; folders have no content."""

    world: Copy
    files: dict[str, tuple[int, bytes | None]]

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self.world.digest, sorted(self.files.items()))).encode()).hexdigest()


@dataclass
class Snapshots:
    """Of one tenant and one folder. places: what was left at each write; two at which the same was left have the same one."""

    tenant: Tenant
    folder: Path
    places: list[Snapshot] = field(default_factory=list)
    _known: dict[str, Snapshot] = field(default_factory=dict)

    @property
    def different(self) -> list[Snapshot]:
        return list(self._known.values())

    def record(self, calls: Sequence[Call]) -> Ended:
        """Runs the modules to their end, and takes a snapshot before each of their writes."""
        return record_modules(calls, self.take)

    def take(self) -> Snapshot | None:
        """The new one; None where the same was left before.

        The files after the world: an event of a device may be known twice then, but never to nobody."""
        with self.tenant.copied() as copy:
            taken = Snapshot(copy, files_in(self.folder))
        known = self._known.setdefault(taken.digest, taken)
        self.places.append(known)
        return taken if known is taken else None

    def put_back(self, snapshot: Snapshot) -> None:
        self.tenant.settled()
        self._put_back_files(snapshot)
        self.tenant.put_back(snapshot.world)

    def _put_back_files(self, snapshot: Snapshot) -> None:
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if str(path.relative_to(self.folder)) not in snapshot.files:
                path.rmdir() if path.is_dir() else path.unlink()
        for name, (mode, data) in sorted(snapshot.files.items()):
            path = self.folder / name
            if data is None:
                path.mkdir(exist_ok=True)
                path.chmod(mode)
                continue
            new = path.with_name(f"{path.name}.put-back")
            new.write_bytes(data)
            new.chmod(mode)
            new.replace(path)


def files_in(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Of databases what is committed: another process may be writing, and the run that dies has a transaction open."""
    paths = [path for path in folder.rglob("*") if not path.name.endswith(NOT_KEPT)]
    return {str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), content(path)) for path in paths}


def content(path: Path) -> bytes | None:
    if path.is_dir():
        return None
    return committed(path) if path.suffix == ".db" else path.read_bytes()


def committed(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        return copy.serialize()
