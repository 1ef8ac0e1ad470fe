# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ADE service under /ade, and at the root as NanoDEP calls it: session, account, a small device list."""

from __future__ import annotations

import datetime
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .oauth1 import BadHeader, parameters, signature
from .school_api import server_id
from .state import IssuedServerToken, ServerEntry, Tenant
from .world import AdeSession, World, moment, token, world_of

PREFIXES = ("/ade", "")
SESSION_HEADER = "X-ADM-Auth-Session"
CLOCK_TOLERANCE = datetime.timedelta(minutes=5)
DEFAULT_LIMIT, MAXIMUM_LIMIT = 100, 1000
Endpoint = Callable[[World, Tenant, Request], Awaitable[Response]]
Found = tuple[Tenant, ServerEntry, IssuedServerToken]


class Refusal(Exception):
    def __init__(self, status: int, word: str, tenant: Tenant | None = None) -> None:
        super().__init__(word)
        self.status, self.word, self.tenant = status, word, tenant

    def answer(self) -> Response:
        quoted = self.tenant is not None and self.tenant.switches.ade_quoted_errors
        return PlainTextResponse(f'"{self.word}"' if quoted else self.word, self.status)


def consumer(world: World, consumer_key: str, access_token: str) -> Found | None:
    """Whose token this is, revoked ones included."""
    for tenant in world.state.tenants.values():
        for entry in tenant.servers:
            for issued in entry.issued:
                if (issued.tokens.consumer_key, issued.tokens.access_token) == (consumer_key, access_token):
                    return tenant, entry, issued
    return None


def tenant_of(world: World, headers: dict[str, str]) -> str | None:
    """For the request log and faults; no judgement."""
    session = world.memory.ade_sessions.get(headers.get(SESSION_HEADER.lower(), ""))
    if session:
        return session.tenant
    try:
        given = parameters(headers.get("authorization", ""))
    except BadHeader:
        return None
    owner = consumer(world, given["oauth_consumer_key"], given["oauth_token"])
    return owner[0].name if owner else None


def need_user_agent(request: Request) -> None:
    if not request.headers.get("user-agent"):
        raise Refusal(400, "USER_AGENT_MISSING")


def check_token(world: World, request: Request) -> Tenant:
    """The tenant whose live token signed the request."""
    try:
        given = parameters(request.headers.get("authorization", ""))
    except BadHeader as error:
        raise Refusal(400, str(error)) from None
    known = [entry.consumer_key for tenant in world.state.tenants.values() for entry in tenant.servers]
    owner = consumer(world, given["oauth_consumer_key"], given["oauth_token"])
    if owner is None:
        raise Refusal(401, "token_rejected" if given["oauth_consumer_key"] in known else "consumer_key_unknown")
    tenant, _token, issued = owner
    url = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
    tokens = issued.tokens
    expected = signature(request.method, url, given, tokens.consumer_secret, tokens.access_secret)
    if given["oauth_signature"] != expected:
        raise Refusal(401, "signature_invalid", tenant)
    stamp = datetime.datetime.fromtimestamp(int(given["oauth_timestamp"]), datetime.timezone.utc)
    if abs(stamp - world.now()) > CLOCK_TOLERANCE:
        raise Refusal(401, "timestamp_refused", tenant)
    nonce = (given["oauth_consumer_key"], given["oauth_timestamp"], given["oauth_nonce"])
    if nonce in world.memory.nonces:
        raise Refusal(401, "nonce_used", tenant)
    world.memory.nonces.add(nonce)
    if issued.revoked or moment(tokens.access_token_expiry) < world.now():
        raise Refusal(401, "token_rejected", tenant)
    return tenant


async def session(request: Request) -> Response:
    world = world_of(request)
    try:
        need_user_agent(request)
        tenant = check_token(world, request)
        if tenant.switches.ade_user_deleted:
            raise Refusal(403, "FORBIDDEN", tenant)
        if tenant.switches.terms_refused_at == "session":
            raise Refusal(403, "T_C_NOT_SIGNED", tenant)
    except Refusal as refusal:
        return refusal.answer()
    return JSONResponse({"auth_session_token": open_session(world, tenant)})


def open_session(world: World, tenant: Tenant) -> str:
    name = token()
    world.memory.ade_sessions[name] = AdeSession(tenant.name, world.now())
    return name


def check_session(world: World, request: Request) -> Tenant:
    name = request.headers.get(SESSION_HEADER)
    if not name:
        raise Refusal(401, "UNAUTHORIZED")
    opened = world.memory.ade_sessions.get(name)
    if opened is None or opened.tenant not in world.state.tenants:
        raise Refusal(403, "FORBIDDEN")
    tenant = world.state.tenants[opened.tenant]
    if world.now() - opened.last_use > datetime.timedelta(seconds=tenant.switches.ade_session_seconds):
        raise Refusal(401, "UNAUTHORIZED", tenant)
    opened.last_use = world.now()
    if tenant.switches.terms_refused_at == "data":
        raise Refusal(403, "T_C_NOT_SIGNED", tenant)
    if tenant.switches.ade_access_denied:
        raise Refusal(403, "ACCESS_DENIED", tenant)
    return tenant


def with_session(show: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        world = world_of(request)
        try:
            need_user_agent(request)
            tenant = check_session(world, request)
            response = await show(world, tenant, request)
        except Refusal as refusal:
            return refusal.answer()
        if tenant.switches.ade_rotate_sessions:
            del world.memory.ade_sessions[request.headers[SESSION_HEADER]]
            response.headers[SESSION_HEADER] = open_session(world, tenant)
        return response

    return guarded


async def account(world: World, tenant: Tenant, request: Request) -> Response:
    entry = tenant.servers[0]
    facts: dict[str, Any] = {
        "server_name": entry.name,
        "server_uuid": entry.server_uuid,
        "admin_id": tenant.account,
        "facilitator_id": tenant.account,
        "org_name": tenant.organization,
        "org_email": tenant.account,
        "org_phone": "000-0000-0000",
        "org_address": "1 Loopback Street",
    }
    version = request.headers.get("x-server-protocol-version", "1")
    if version.isdigit() and int(version) >= 3:
        limit = {"default": DEFAULT_LIMIT, "maximum": MAXIMUM_LIMIT}
        facts |= {
            "org_id": entry.server_uuid[:10],
            "org_id_hash": entry.server_uuid.lower() * 2,
            "org_type": "edu",
            "org_version": "v2",
            "urls": [
                {"uri": "/server/devices", "http_method": ["POST"], "limit": limit},
                {"uri": "/devices/sync", "http_method": ["POST"], "limit": limit},
            ],
        }
    return JSONResponse(facts)


async def body_of(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise Refusal(400, "MALFORMED_REQUEST_BODY") from None
    if not isinstance(body, dict):
        raise Refusal(400, "MALFORMED_REQUEST_BODY")
    return body


async def devices(world: World, tenant: Tenant, request: Request) -> Response:
    """A cursor is the hex text of the next index."""
    body = await body_of(request)
    cursor, limit = body.get("cursor") or "", min(int(body.get("limit") or DEFAULT_LIMIT), MAXIMUM_LIMIT)
    try:
        start = int(cursor, 16) if cursor else 0
    except ValueError:
        raise Refusal(400, "INVALID_CURSOR", tenant) from None
    if cursor and start >= len(tenant.devices):
        raise Refusal(400, "EXHAUSTED_CURSOR", tenant)
    end = start + limit
    return JSONResponse(
        {
            "devices": tenant.devices[start:end],
            "cursor": f"{min(end, len(tenant.devices)):08x}",
            "fetched_until": world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "more_to_follow": end < len(tenant.devices),
        }
    )


async def details(world: World, tenant: Tenant, request: Request) -> Response:
    """Of devices by their serial numbers. One that is assigned to no server or to another entry is not accessible."""
    serials = (await body_of(request)).get("devices")
    if not serials or not isinstance(serials, list):
        raise Refusal(400, "DEVICE_ID_REQUIRED", tenant)
    known = {device["serial_number"]: device for device in tenant.devices}
    return JSONResponse({"devices": {serial: detail(tenant, serial, known.get(serial)) for serial in serials}})


def detail(tenant: Tenant, serial: str, known: dict[str, Any] | None) -> dict[str, Any]:
    here = server_id(tenant.servers[0])
    if known is None or (tenant.school and tenant.school.assigned.get(serial, here) != here):
        return {"response_status": "NOT_ACCESSIBLE"}
    if serial in tenant.switches.ade_failing:
        return {"response_status": "FAILED"}
    if serial in tenant.switches.ade_without_profile:
        known = {name: value for name, value in known.items() if name != "profile_uuid"} | {"profile_status": "empty"}
    return {**known, "response_status": "SUCCESS"}


def routes() -> list[Route]:
    return [
        route
        for prefix in PREFIXES
        for route in (
            Route(f"{prefix}/session", session),
            Route(f"{prefix}/account", with_session(account)),
            Route(f"{prefix}/server/devices", with_session(devices), methods=["POST"]),
            Route(f"{prefix}/devices", with_session(details), methods=["POST"]),
        )
    ]
