# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules that run as child processes and kill themselves at a chosen write, or stop at each until a copy was taken.

A write is what changes the world for the next run: a file put in place, a folder made, a transaction committed, a
request that asks for a change (counted twice, before it leaves and after it was answered). The child dies just before.
What it leaves is what it would leave anywhere between the write before and that one, after a commit or around a reading
request.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

import requests
from ansible.module_utils.testing import patch_module_args

__all__ = ["Call", "Countdown", "Ended", "Running", "Stops", "begin_modules", "record_modules", "run_modules"]

Call = tuple[ModuleType, dict[str, Any]]
KILLED = -signal.SIGKILL
OF_TESTS = "/_control/"
FILE_WRITES = ("os.rename", "os.mkdir", "os.link", "os.remove")


class Countdown:
    """How many writes are left until death; shared by all children, one after the other."""

    def __init__(self, number: int) -> None:
        self._memory = mmap.mmap(-1, 4)
        self._alone = threading.Lock()
        self._set(number)

    @property
    def left(self) -> int:
        return int.from_bytes(self._memory[:4], "big", signed=True)

    def _set(self, number: int) -> None:
        self._memory[:4] = number.to_bytes(4, "big", signed=True)

    def tick(self, *_args: Any) -> None:
        with self._alone:
            self._set(self.left - 1)
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def arm(self) -> None:
        """From now on this process dies at the write that is due."""
        sys.dont_write_bytecode = True
        sys.addaudithook(lambda name, _args: self.tick() if name in FILE_WRITES else None)
        send = requests.Session.send

        def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            if (request.method == "GET" and "/tokenpki/" not in str(request.url)) or OF_TESTS in str(request.url):
                return send(session, request, **options)
            self.tick()
            answer = send(session, request, **options)
            self.tick()
            return answer

        mock.patch.object(requests.Session, "send", watched).start()
        from sqlalchemy import Engine, event

        event.listen(Engine, "commit", self.tick)


class Stops(Countdown):
    """The child waits at each write until next() was called for the one after it."""

    def __init__(self) -> None:
        super().__init__(0)
        self._here, self._there = socket.socketpair()

    def tick(self, *_args: Any) -> None:
        with self._alone:
            self._there.sendall(b".")
            self._there.recv(1)

    def arm(self) -> None:
        self._here.close()
        super().arm()

    def __iter__(self) -> Iterator[None]:
        """The writes; ends with the child."""
        self._there.close()
        while self._here.recv(1):
            yield
            self._here.sendall(b".")


@dataclass(frozen=True)
class Ended:
    """killed: by itself. results: of the modules that came to their end."""

    killed: bool
    results: list[dict[str, Any]]


@dataclass(frozen=True)
class Running:
    """A child with its modules."""

    pid: int
    reading: int

    def ended(self) -> Ended:
        with os.fdopen(self.reading, "rb") as pipe:
            told = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert code in (0, KILLED), "the child ended by neither its result nor our signal; its traceback is above"
        return Ended(code == KILLED, json.loads(told or b"[]"))


def run_modules(calls: Sequence[Call], countdown: Countdown) -> Ended:
    """One module after the other in one child, as a play would; the first that fails is the last."""
    return begin_modules(calls, countdown).ended()


def record_modules(calls: Sequence[Call], take: Callable[[], object]) -> Ended:
    """The same without a death. take: is called before each write, while the child waits."""
    stops = Stops()
    running = begin_modules(calls, stops)
    for _write in stops:
        take()
    return running.ended()


def begin_modules(calls: Sequence[Call], countdown: Countdown) -> Running:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            countdown.arm()
            results = json.dumps(_run(calls)).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(results)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    return Running(pid, reading)


def _run(calls: Sequence[Call]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for module, options in calls:
        output = io.StringIO()
        with patch_module_args(options), contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            module.main()
        results.append(json.loads(output.getvalue()))
        if results[-1].get("failed"):
            break
    return results
