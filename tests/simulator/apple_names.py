# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple's own host names, for clients whose addresses are built in: a proxy on loopback leads from them to this world.

CONNECT to one of the names ends at TLS with a certificate of the test CA, everything else is refused, and only loopback is
ever contacted. A request to a name is served from the name's folder of the plain port; no answer shows that folder."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from functools import partial

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

LOGS = "store.blobstore.apple.com"
PUSH = "api.push.apple.com"
FOLDERS = {
    "account.apple.com": "/account",
    "api-business.apple.com": "/api-business",
    "api-school.apple.com": "/api-school",
    "vpp.itunes.apple.com": "/vpp",
    LOGS: "/blobstore",
}
NAMES = (*FOLDERS, PUSH)
LOOPBACK = "127.0.0.1"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class AppleNames:
    """Around the application: the paths of a name are those of its folder."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (folder := folder_of(Request(scope))):
            scope = {**scope, "path": folder + scope["path"]}
        await self.app(scope, receive, send)


def folder_of(request: Request) -> str:
    """Of the name that the client used; empty on the plain port's own address."""
    return FOLDERS.get(request.url.hostname or "", "")


def asked(request: Request) -> URL:
    """The address as the client wrote it."""
    folder = folder_of(request)
    return request.url.replace(scheme="https", path=request.url.path.removeprefix(folder)) if folder else request.url


async def start(port: int, tls: ssl.SSLContext, world_port: int, push_port: int) -> asyncio.Server:
    """The proxy. Behind it TLS ends at a port of its own for the folders, and at APNs itself for pushes."""
    web = await asyncio.start_server(partial(join, world_port), LOOPBACK, 0, ssl=tls)
    ends = {**dict.fromkeys(FOLDERS, web.sockets[0].getsockname()[1]), PUSH: push_port}
    return await asyncio.start_server(partial(tunnel, ends), LOOPBACK, port)


async def tunnel(ends: dict[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client of the proxy."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        writer.close()
        return
    method, target, *_version = head.decode("latin-1").split()
    host, _colon, port = target.partition(":")
    if (method, port) == ("CONNECT", "443") and host in ends:
        writer.write(CONNECTED)
        await join(ends[host], reader, writer)
    else:
        writer.write(REFUSED)
        writer.close()


async def join(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A client and a port of ours, until one of them hangs up."""
    try:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, port)
    except ConnectionError:
        writer.close()
        return
    await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
