# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file beside a SQLite ledger that knows how far it has come, so that an older copy put back is noticed.

An older copy does not know what was sent since, and would send it again. Both are advanced at each intention: first the
witness says that generation N begins, then the ledger is N, then the witness says that it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._disk import disk_trouble, make_folder, sync_folder
from .._errors import LedgerError

__all__ = ["Witness"]


class Witness:
    def __init__(self, ledger_file: str) -> None:
        self._ledger = ledger_file
        self._path = f"{ledger_file}.witness"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other run moves ledger and witness meanwhile."""
        with disk_trouble(self._path, LedgerError):
            make_folder(os.path.dirname(self._path))
            handle = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def check(self, ledger_id: str, generation: int) -> None:
        """LedgerError where the ledger is not the one that was last seen here. It may be one ahead or one behind only
        of a generation that had begun."""
        self._compare(self._read(), ledger_id, generation)

    def check_meanwhile(self, standing: Callable[[], tuple[str, int]]) -> None:
        """As check, without keeping other runs from going on: until the witness said the same before and after the look.

        standing: looks at the ledger's id and generation."""
        while True:
            before, (ledger_id, generation) = self._read(), standing()
            if self._read() == before:
                self._compare(before, ledger_id, generation)
                return

    def _compare(self, seen: Mapping[str, Any] | None, ledger_id: str, generation: int) -> None:
        if seen is None and generation == 0:
            return
        if seen is None:
            raise self._refusal("its witness file is missing")
        if seen["ledger"] != ledger_id:
            raise self._refusal("it is another ledger than the one that was in use here")
        if generation < seen["is"] or generation > seen["begins"]:
            raise self._refusal(f"it is an older copy: it knows of {generation} of {seen['is']} steps that were taken")

    def begins(self, ledger_id: str, generation: int) -> None:
        self._write({"ledger": ledger_id, "is": generation - 1, "begins": generation})

    def is_at(self, ledger_id: str, generation: int) -> None:
        self._write({"ledger": ledger_id, "is": generation, "begins": generation})

    def _refusal(self, why: str) -> LedgerError:
        return LedgerError(
            f"The ledger {self._ledger} cannot be trusted: {why}. With it, devices could be erased or deleted twice, so"
            f" nothing was sent. Put back the newest {os.path.basename(self._ledger)} together with"
            f" {os.path.basename(self._path)}. If both are lost, begin a campaign with another id in a new ledger for the"
            " devices that the MDM server still shows as not done.",
            place=self._ledger,
        )

    def _read(self) -> dict[str, Any] | None:
        with disk_trouble(self._path, LedgerError):
            try:
                with open(self._path, encoding="utf-8") as stream:
                    seen = json.load(stream)
                return {"ledger": str(seen["ledger"]), "is": int(seen["is"]), "begins": int(seen["begins"])}
            except FileNotFoundError:
                return None
            except (ValueError, KeyError, TypeError):
                raise self._refusal("its witness file is damaged") from None

    def _write(self, seen: dict[str, Any]) -> None:
        new = f"{self._path}.new"
        with disk_trouble(self._path, LedgerError):
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as stream:
                json.dump(seen, stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(new, self._path)
            sync_folder(os.path.dirname(self._path))
