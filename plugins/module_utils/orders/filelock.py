# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks that end with the process that holds them: flock on a file, waiting with a deadline."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from .._errors import OrderBusy

__all__ = ["LOCK_POLL", "busy", "file_lock", "this_process", "wait_until_taken"]

LOCK_POLL = 0.2


def this_process() -> tuple[int, str]:
    return os.getpid(), os.uname().nodename


def busy(what: str, holder: str, timeout: float) -> OrderBusy:
    return OrderBusy(
        f"Another run works on {what}: {holder}. Waited {timeout:g} seconds; this run changed nothing. "
        "Let the other one end (it frees the order even if it dies), then run again.",
        holder=holder,
    )


def wait_until_taken(
    take: Callable[[], bool],
    refusal: Callable[[], OrderBusy],
    *,
    timeout: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> None:
    deadline = monotonic() + timeout
    while not take():
        left = deadline - monotonic()
        if left <= 0:
            raise refusal()
        sleep(min(LOCK_POLL, left))


@contextlib.contextmanager
def file_lock(
    path: str,
    what: str,
    *,
    timeout: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
) -> Iterator[None]:
    """Hold the lock file at path, whose folder exists. OrderBusy after timeout seconds, naming who holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        wait_until_taken(
            lambda: _try_lock(handle),
            lambda: busy(what, _holder(handle), timeout),
            timeout=timeout,
            sleep=sleep,
            monotonic=monotonic,
        )
        _sign(handle)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(handle: int) -> None:
    """For the message of whoever waits; the lock holds without it, so a full disk does not matter here."""
    pid, host = this_process()
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": pid, "host": host, "since": since}).encode(), 0)


def _holder(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just begun"
