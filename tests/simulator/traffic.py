# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Around every request: whose it is, the scripted mishaps, and the log that tests count."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from . import ade, apps_and_books, school_api
from .state import Fault
from .world import World, iso

UNLOGGED = ("/_control",)
SECRET_QUERY = ("password", "code", "token", "key")
READING_POSTS = re.compile(
    r"/(signin|code|create|login|oauth2/token|oauth2/v2/token|server/devices|devices|devices/sync|ask/\w+)$"
)
WRITING_GETS = re.compile(r"/nanodep/v1/tokenpki/|/v1/push/|/nanohub/api/v1/nanomdm/push/")
HANG_SECONDS = 600
DROPPED = "simulator.drop"


class DroppableProtocol(H11Protocol):
    """Gives the application a way to drop the connection without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        app = self.app

        async def droppable(scope: Any, receive: Any, send: Any) -> None:
            scope[DROPPED] = transport.abort
            await app(scope, receive, send)

        self.app = droppable


def is_write(method: str, path: str) -> bool:
    """Whether this call asks for a change, granted or not. Some reads are writes."""
    if method in ("GET", "HEAD"):
        return bool(WRITING_GETS.search(path))
    return not READING_POSTS.search(path)


def without_secrets(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(key, "-" if key in SECRET_QUERY else value) for key, value in pairs])


def identify(world: World, path: str, headers: dict[str, str]) -> str | None:
    """The tenant by the path or its domain, the ADE session or OAuth token, the bearer, or the portal's cookie."""
    if path.startswith("/t/"):
        return path.split("/")[2]
    if path.startswith(apps_and_books.PREFIX):
        return apps_and_books.tenant_of(world, headers)
    if path.startswith("/api-"):
        return school_api.tenant_of(world, headers)
    if path.startswith("/clomo/panel/"):
        customer = world.tenant_of_panel(path.split("/")[3])
        return customer.name if customer else None
    if path.startswith(("/pushcert", "/business")):
        match = re.search(r"(?:^|;\s*)session=([0-9a-f]+)", headers.get("cookie", ""))
        sign_in = world.memory.sign_ins.get(match.group(1)) if match else None
        account = world.state.accounts.get(sign_in.account) if sign_in else None
        owned = world.tenants_of(account) if account else []
        return owned[0].name if owned else None
    return ade.tenant_of(world, headers)


class Answer:
    """A whole answer, kept until it may go."""

    def __init__(self) -> None:
        self.start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        self.body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    def replace(self, fault: Fault) -> None:
        self.body = fault.body.encode()
        headers = {"content-type": "text/plain; charset=utf-8", **{k.lower(): v for k, v in fault.headers.items()}}
        headers["content-length"] = str(len(self.body))
        pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
        self.start = {"type": "http.response.start", "status": fault.status, "headers": pairs}

    async def send(self, send: Send) -> None:
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


class Traffic:
    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app, self.world = app, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(UNLOGGED):
            await self.app(scope, receive, send)
            return
        world, method, path = self.world, scope["method"], scope["path"]
        headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
        tenant = identify(world, path, headers)
        entry: dict[str, Any] = {
            "at": iso(world.now()),
            "method": method,
            "path": path,
            "query": without_secrets(scope["query_string"].decode("latin-1")),
            "status": None,  # stays so when no answer went out
            "tenant": tenant,
            "write": is_write(method, path),
        }
        world.log.append(entry)
        fault = world.take_fault(path, method, tenant)
        try:
            await self._answer(scope, receive, send, entry, fault)
        finally:
            if fault:
                world.save()
            world.record(entry)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, entry: dict[str, Any], fault: Fault | None
    ) -> None:
        answer = Answer()
        if fault is None or fault.when == "after" or not (fault.status or fault.reset or fault.hang):
            if fault and fault.when == "before":
                await asyncio.sleep(fault.delay)
            await self.app(scope, receive, answer.take)
            if entry["write"]:
                self.world.save()
        if fault and not (fault.when == "before" and not (fault.status or fault.reset or fault.hang)):
            await asyncio.sleep(fault.delay)
            if fault.hang:
                await gone(receive)
                return
            if fault.reset:
                scope[DROPPED]()
                return
            if fault.status:
                answer.replace(fault)
        entry["status"] = answer.start["status"]
        owner = self.world.state.tenants.get(entry["tenant"])
        if owner and owner.switches.answer_ms:
            await asyncio.sleep(owner.switches.answer_ms / 1000)
        await answer.send(send)


async def gone(receive: Receive) -> None:
    """Until the other side hangs up."""
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
