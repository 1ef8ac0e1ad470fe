# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nendo-events: takes what NanoMDM tells by webhook, and keeps it in the ledger before it answers.

NanoMDM tells once and does not repeat, so this runs all the time beside the server:
python3 -m ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver --ledger … --listen …

One loop takes the requests. All that come while a transaction waits for the disk are stored in the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import cast

from .._errors import AppleMdmError
from .ledger import Ledger, open_ledger
from .model import Event
from .webhook import SIGNATURE, Refused, event_of, signed

LONGEST = 16 * 1024 * 1024
REQUEST_SECONDS = 120  # Go leaves an idle connection after 90: if we did first, an event just on its way would be lost
AT_ONCE = 500  # events of a transaction: other writers of the ledger get their turn after it
WAITING = 4096  # connections that wait in the kernel

Told = tuple[Event, Mapping[str, bytes]]


class Store:
    """Stores events in groups: each holds what has come while the one before was being stored."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: asyncio.Queue[tuple[Told, asyncio.Future[str]]] = asyncio.Queue()

    async def keep(self, told: Told) -> str:
        """Returns when it is stored; else says why it is not."""
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((told, outcome))
        return await outcome

    async def run(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < AT_ONCE and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            why = await asyncio.to_thread(self._store, [told for told, _outcome in group])
            for _told, outcome in group:
                outcome.set_result(why)

    def _store(self, group: Sequence[Told]) -> str:
        why = ""
        try:
            self._ledger.receive(group)
        except AppleMdmError as error:
            why = str(error)
        except Exception as error:  # a fault of ours: those who wait are answered all the same
            why = f"it is at fault itself: {type(error).__name__}"
        if why:
            _complain(f"answered 500 to {len(group)}: {why}")
        return why


class Receiver:
    """HTTP/1.1, as much of it as a client with a body of known length needs."""

    def __init__(self, ledger: Ledger, key: bytes | None) -> None:
        self._store = Store(ledger)
        self._key = key
        self._ends = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()

    async def serve(self, host: str, port: int) -> None:
        """Until SIGTERM. What was taken by then is stored and answered."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._ends.set)
        storing = asyncio.create_task(self._store.run())
        server = await asyncio.start_server(self._converse, host, port, backlog=WAITING)
        sys.stdout.write(f"nendo-events: listens at {host}:{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await self._ends.wait()
        server.close()
        for task in self._idle:
            task.cancel()
        while self._connections:
            await asyncio.wait(self._connections)
        storing.cancel()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection, with its requests one after the other."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer_next(task, reader, writer):
                pass
        self._connections.discard(task)
        writer.close()

    async def _answer_next(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection can be used again."""
        again = False
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                self._idle.add(task)
                headers = await _headers(reader)
                self._idle.discard(task)
                body = await _body(headers, reader, writer)
            again = headers.get("connection", "").lower() != "close"
            why = await self._take(body, headers.get(SIGNATURE.lower()))
            status = 500 if why else 200
        except Refused as refusal:
            status, why = refusal.status, str(refusal)
            _complain(f"answered {status}: {why}")
        finally:
            self._idle.discard(task)
        again = again and not self._ends.is_set()
        _answer(writer, status, why, again)
        await writer.drain()
        return again

    async def _take(self, body: bytes, signature: str | None) -> str:
        """As Store.keep."""
        signed(body, self._key, signature)
        told = event_of(body)
        return await self._store.keep(told) if told else ""


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    """By name in small letters."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Refused(431, "the headers are too long") from None
    request, *lines = head.decode("latin-1").split("\r\n")
    if not re.fullmatch(r"POST \S+ HTTP/1\.1", request):
        raise Refused(405, "only POST of HTTP/1.1 is taken")
    return {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


async def _body(headers: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    length = headers.get("content-length", "")
    if not re.fullmatch("[0-9]+", length):
        raise Refused(411, "the body has no length")
    if len(length) > 9 or int(length) > LONGEST:
        raise Refused(413, "the body is too long")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(int(length))


def _answer(writer: asyncio.StreamWriter, status: int, why: str, again: bool) -> None:
    data = why.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    close = "" if again else "Connection: close\r\n"
    writer.write(f"{head}{close}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def _complain(why: str) -> None:
    sys.stderr.write(f"nendo-events: {why}\n")
    sys.stderr.flush()


def _many_connections() -> None:
    """As many as we may have: a device that answers can be a connection."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: Sequence[str] | None = None) -> None:
    """Until SIGTERM. Secrets come from files, not from arguments that others can read."""
    parser = argparse.ArgumentParser(prog="nendo-events", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ledger", default=os.environ.get("NENDO_LEDGER"), help="path or URL; or NENDO_LEDGER")
    parser.add_argument("--listen", default="127.0.0.1:9006", help="ADDRESS:PORT (127.0.0.1:9006)")
    parser.add_argument("--hmac-key-file", type=Path, help="the key of NanoMDM's -webhook-hmac-key")
    parser.add_argument(
        "--ledger-key-file", type=Path, help="the ledger's key; without it unlock tokens and bypass codes are lost"
    )
    given = parser.parse_args(arguments)
    if not given.ledger:
        parser.error("--ledger is missing")
    key = given.hmac_key_file.read_bytes().strip() if given.hmac_key_file else None
    ledger_key = given.ledger_key_file.read_text().strip() if given.ledger_key_file else None
    host, _colon, port = given.listen.rpartition(":")
    ledger = open_ledger(given.ledger, ledger_key, keep_open=True)
    _many_connections()
    asyncio.run(Receiver(ledger, key).serve(host, int(port)))


if __name__ == "__main__":
    main()
