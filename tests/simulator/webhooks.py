# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""NanoMDM's events on their way to a webhook: several at a time, each tried once; by the tenant's switches some get lost,
come twice or late."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .state import NanoMdm, Switches

PARALLEL = 128  # NanoMDM tells each event in a goroutine of its own
LATE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Event:
    """label: what tells it from others, in any run of the same story. idle: it only asks for work."""

    topic: str
    enrollment_id: str
    payload: bytes
    created_at: str
    event_id: str
    label: str
    idle: bool = False
    status: str | None = None
    command_uuid: str | None = None
    tally: int | None = None

    def body(self) -> bytes:
        about: dict[str, Any] = {"command_uuid": self.command_uuid} if self.command_uuid else {}
        about["ids"] = {"id": self.enrollment_id, "type": "Device"}
        about["raw_payload"] = base64.b64encode(self.payload).decode()
        about |= {} if self.status is None else {"status": self.status}
        about |= {} if self.tally is None else {"token_update_tally": self.tally}
        about["udid"] = self.enrollment_id
        kind = "acknowledge_event" if self.topic == "mdm.Connect" else "checkin_event"
        told = {kind: about, "created_at": self.created_at, "event_id": self.event_id, "topic": self.topic}
        return json.dumps(told, separators=(",", ":")).encode()


def happens(switches: Switches, mishap: str, event: Event) -> bool:
    """Whether the mishap befalls this event: by the count of the next ones, which is used up, or by the fraction."""
    if event.idle:
        return False
    count = getattr(switches, f"events_{mishap}_next")
    if count:
        setattr(switches, f"events_{mishap}_next", count - 1)
        return True
    fraction: float = getattr(switches, f"events_{mishap}")
    if not fraction:
        return False
    text = f"{switches.events_seed}/{mishap}/{event.label}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") < fraction * 2**64


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One delivery. jobs: those of the same tenant that are under way, this one among them."""

    target: tuple[str, int]
    request: bytes
    jobs: set[Job]


class Connection:
    """A kept connection to a webhook."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def post(self, request: bytes) -> bool:
        """Whether the connection can be used again. Which status was answered does not matter."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0].strip()
        if not length.isdigit():
            return False
        await self.reader.readexactly(int(length))
        return b"\r\nconnection: close" not in head and head.startswith(b"http/1.1")


class Webhooks:
    """released: nothing goes out while it is not set."""

    def __init__(self, released: asyncio.Event) -> None:
        self._released = released
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._under_way: defaultdict[str, set[Job]] = defaultdict(set)
        self._idle: dict[tuple[str, int], list[Connection]] = {}
        self._used: set[Connection] = set()
        self.forget()

    def forget(self) -> None:
        """What is under way goes nowhere."""
        while not self._jobs.empty():
            self._jobs.get_nowait()
        for jobs in self._under_way.values():
            jobs.clear()
        for connection in self._used:
            connection.writer.close()

    @property
    def waiting(self) -> int:
        return self._jobs.qsize()

    def under_way(self, tenant: str) -> list[tuple[tuple[str, int], bytes]]:
        """Target and request of each delivery that was not answered yet."""
        return [(job.target, job.request) for job in self._under_way[tenant]]

    def give(self, tenant: str, target: tuple[str, int], request: bytes, *, late: bool = False) -> None:
        job = Job(target, request, self._under_way[tenant])
        job.jobs.add(job)
        if late:
            asyncio.get_running_loop().call_later(LATE_SECONDS, self._queue, job)
        else:
            self._queue(job)

    def tell(self, tenant: str, server: NanoMdm, switches: Switches, event: Event) -> None:
        if not server.webhook_url or happens(switches, "lost", event):
            return
        url = urlsplit(server.webhook_url)
        target, body = (url.hostname or "", url.port or 80), event.body()
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        head = f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: Go-http-client/1.1\r\n"
        head += f"Content-Length: {len(body)}\r\nContent-Type: application/json; charset=utf-8\r\n"
        if server.webhook_key:
            signature = base64.b64encode(hmac.digest(server.webhook_key.encode(), body, "sha256")).decode()
            head += f"X-Hmac-Signature: {signature}\r\n"
        late = happens(switches, "late", event)
        for _copy in range(2 if happens(switches, "doubled", event) else 1):
            self.give(tenant, target, head.encode() + b"\r\n" + body, late=late)

    def _queue(self, job: Job) -> None:
        if job in job.jobs:
            self._jobs.put_nowait(job)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _worker in range(PARALLEL):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            await self._released.wait()
            try:
                await self._deliver(job)
            except (OSError, EOFError, asyncio.LimitOverrunError):
                pass  # NanoMDM would only write it to its log
            finally:
                job.jobs.discard(job)

    async def _deliver(self, job: Job) -> None:
        connection = self._kept(job.target)
        if connection is None:
            connection = Connection(*await asyncio.open_connection(*job.target))
        usable = False
        self._used.add(connection)
        try:
            usable = await connection.post(job.request)
        finally:
            self._used.discard(connection)
            if usable:
                self._idle.setdefault(job.target, []).append(connection)
            else:
                connection.writer.close()

    def _kept(self, target: tuple[str, int]) -> Connection | None:
        """One that the other side has not closed."""
        kept = self._idle.get(target, [])
        while kept:
            connection = kept.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.writer.close()
        return None
