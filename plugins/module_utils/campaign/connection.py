# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection of NanoMDM to nendo-events: HTTP/1.1, as much of it as a client with a body of known length needs."""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from .webhook import SIGNATURE, Refused

if TYPE_CHECKING:
    from .receiver import Receiver

__all__ = ["Connection", "complain"]

LONGEST = 16 * 1024 * 1024
LONGEST_HEAD = 64 * 1024
REQUEST_SECONDS = 120  # Go leaves an idle connection after 90: if we did first, an event just on its way would be lost


class Connection(asyncio.Protocol):
    """Its requests are taken one after the other."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._data = bytearray()
        self._headers: Mapping[str, str] | None = None  # of the request whose body is awaited
        self._storing = False
        self._told_all = False  # the client sends nothing more
        self._lost = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._receiver.greet(self)
        self._since = self._loop.time()
        self._timer = self._loop.call_later(REQUEST_SECONDS, self._end_if_late)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._storing:
            self._transport.pause_reading()
        else:
            self._go_on()

    def eof_received(self) -> bool:
        """Whether the connection stays, for an answer."""
        self._told_all = True
        return self._storing

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._timer.cancel()
        if not self._storing:
            self._receiver.forget(self)

    # Its end

    def end_if_idle(self) -> None:
        """Who has not sent the whole head of a request is not waited for."""
        if self._headers is None and not self._storing:
            self._transport.close()

    def _end_if_late(self) -> None:
        left = REQUEST_SECONDS if self._storing else self._since + REQUEST_SECONDS - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._end_if_late)
        else:
            self._transport.close()

    # Its requests

    def _go_on(self) -> None:
        """As far as requests are there as a whole, each after the one before was answered."""
        while not self._storing and not self._transport.is_closing():
            try:
                body = self._body()
            except Refused as refusal:
                self._refuse(refusal, again=False)
                return
            if body is None:
                return
            self._take(body)

    def _body(self) -> bytes | None:
        """Of the next request; None before all of it is there."""
        if self._headers is None:
            self._headers = self._head()
        if self._headers is None or len(self._data) < int(self._headers["content-length"]):
            return None
        return self._taken(int(self._headers["content-length"]))

    def _head(self) -> Mapping[str, str] | None:
        end = self._data.find(b"\r\n\r\n")
        if max(end, len(self._data) if end < 0 else 0) > LONGEST_HEAD:
            raise Refused(431, "the headers are too long")
        if end < 0:
            return None
        headers = _headers(self._taken(end + 4)[:-4].decode("latin-1"))
        if headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return headers

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._data[:length])
        del self._data[:length]
        return taken

    def _take(self, body: bytes) -> None:
        headers, self._headers = self._headers or {}, None
        again = headers.get("connection", "").lower() != "close"
        try:
            stored = self._receiver.take(body, headers.get(SIGNATURE.lower()))
        except Refused as refusal:
            self._refuse(refusal, again)
            return
        if stored is None:
            self._answer(200, "", again)
            return
        self._storing = True
        stored.add_done_callback(functools.partial(self._stored, again))

    def _stored(self, again: bool, outcome: asyncio.Future[str]) -> None:
        self._storing = False
        if self._lost:
            self._receiver.forget(self)
            return
        self._answer(500 if outcome.result() else 200, outcome.result(), again)
        self._transport.resume_reading()
        self._go_on()
        if self._told_all and not self._storing:
            self._transport.close()

    def _refuse(self, refusal: Refused, again: bool) -> None:
        complain(f"answered {refusal.status}: {refusal}")
        self._answer(refusal.status, str(refusal), again)

    def _answer(self, status: int, why: str, again: bool) -> None:
        again = again and not self._receiver.ends
        self._transport.write(_response(status, why, again))
        self._since = self._loop.time()
        if not again:
            self._transport.close()


def _headers(head: str) -> Mapping[str, str]:
    """By name in small letters; the length of the body among them."""
    request, *lines = head.split("\r\n")
    if not re.fullmatch(r"POST \S+ HTTP/1\.1", request):
        raise Refused(405, "only POST of HTTP/1.1 is taken")
    headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "")
    if not re.fullmatch("[0-9]+", length):
        raise Refused(411, "the body has no length")
    if len(length) > 9 or int(length) > LONGEST:
        raise Refused(413, "the body is too long")
    return headers


@functools.lru_cache
def _response(status: int, why: str, again: bool) -> bytes:
    data = why.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    close = "" if again else "Connection: close\r\n"
    return f"{head}{close}Content-Length: {len(data)}\r\n\r\n".encode() + data


def complain(why: str) -> None:
    sys.stderr.write(f"nendo-events: {why}\n")
    sys.stderr.flush()
