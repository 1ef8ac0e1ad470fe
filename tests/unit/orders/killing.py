# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Children that are killed on the spot, or run out of disk: what an order store has to survive."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

__all__ = ["KILLED", "kill_at_write", "run_in_child", "with_little_disk"]

KILLED = -signal.SIGKILL
_WRITES = ("os.rename", "os.mkdir", "os.remove", "os.truncate", "fcntl.flock")


def run_in_child(act: Callable[[], object]) -> int:
    """The exit code of a forked child: 0 after act, 1 after an error, KILLED."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at_write(number: int, act: Callable[[], object]) -> int:
    """Run act in a child that dies just before its write of this number, counted from 1."""

    def doomed() -> None:
        _die_at_write(number)
        act()

    return run_in_child(doomed)


def with_little_disk(size: int, act: Callable[[], object]) -> int:
    """Run act in a child whose files cannot grow beyond size."""

    def cramped() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        act()

    return run_in_child(cramped)


def _die_at_write(number: int) -> None:
    left = number

    def count(*_args: Any, **_kwargs: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, args: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or name in _WRITES:
            count()

    sync = os.fsync

    def counted_sync(handle: int) -> None:
        count()
        sync(handle)

    mock.patch("os.fsync", counted_sync).start()
    sys.addaudithook(audit)
    if "sqlalchemy" in sys.modules:
        from sqlalchemy import Engine, event

        for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(Engine, moment, count)
