# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders that survive a power cut, and the operating system's errors as sentences for people."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from ._errors import AppleMdmError, OrderError

__all__ = ["disk_trouble", "make_folder", "sync_folder"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def disk_trouble(path: str, kind: type[AppleMdmError] = OrderError) -> Iterator[None]:
    """An operating system's error as an error of this kind."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        why = error.strerror or type(error).__name__
        if error.errno in _FULL:
            message = (
                f"The disk that holds {path} is full ({why}). Nothing is lost: what was stored before is as it was. "
                "Make room (df -h shows where), then run again: it goes on from there."
            )
        else:
            message = (
                f"{where} cannot be used: {why}. Nothing is lost: what was stored before is as it was. Give the user "
                "who runs this the rights to that folder, or name another one, then run again."
            )
        raise kind(message, place=where, errno=error.errno) from error


def make_folder(path: str) -> None:
    """The folder and the missing ones above it, mode 0700."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    sync_folder(above)


def sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
