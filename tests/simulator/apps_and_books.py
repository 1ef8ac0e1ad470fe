# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps and Books v2 under /vpp/mdm/v2: service config, client config with its call-back, paged assets, assignments."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .licences import Licences, Row, asset_name
from .state import ContentToken, LicenceEvent, Location, Tenant
from .world import World, moment, world_of

PREFIX = "/vpp/mdm/v2"
MESSAGES = {
    9601: (401, "Login required."),
    9602: (400, "Invalid argument."),
    9603: (500, "Internal error."),
    9621: (401, "Expired content token."),
    9622: (401, "Invalid content token."),
    9625: (401, "The content token was revoked."),
    9646: (429, "Too many requests. Try again later."),
    9650: (400, "The page index is out of range."),
    9700: (400, "Too many assets."),
    9702: (400, "Too many serial numbers."),
    9703: (400, "The same asset twice."),
    9705: (400, "The same serial number twice."),
    9708: (400, "The event is not known."),
    9718: (400, "Assets are missing."),
    9719: (400, "Assignees are missing."),
    9710: (400, "notificationUrl and notificationAuthToken have to be given together."),
    9711: (400, "notificationUrl or notificationAuthToken is too long."),
    9712: (400, "notificationUrl is not https."),
    9713: (400, "metadata in mdmInfo is too long."),
    9722: (401, "The Authorization header is not of the form Bearer and token."),
    9723: (400, "mdmInfo needs id, name and metadata."),
    9724: (400, "id in mdmInfo is too long."),
    9725: (400, "name in mdmInfo is too long."),
    9726: (405, "Method not allowed."),
    9727: (415, "The content type has to be application/json."),
    9728: (400, "The notification URL cannot be reached."),
}
LIMITS = {
    "maxAssets": 25,
    "maxClientUserIds": 1000,
    "maxSerialNumbers": 1000,
    "maxRevokeClientUserIds": 100,
    "maxRevokeSerialNumbers": 100,
    "maxUsers": 100,
    "maxNotificationLength": 512,
    "maxMdmIdLength": 100,
    "maxMdmNameLength": 100,
    "maxMdmMetadataLength": 255,
    "maxSubscriptions": 25,
    "maxSubscriptionClientUserIds": 1000,
    "maxRequestPerSecond": 15,
}
ENDPOINTS = {
    "clientConfig": "client/config",
    "getAssets": "assets",
    "getAssignments": "assignments",
    "associateAssets": "assets/associate",
    "disassociateAssets": "assets/disassociate",
    "revokeAssets": "assets/revoke",
    "getUsers": "users",
    "createUsers": "users/create",
    "updateUsers": "users/update",
    "retireUsers": "users/retire",
    "eventStatus": "status",
}
NOTIFICATION_TYPES = ["ASSET_MANAGEMENT", "ASSET_COUNT", "USER_MANAGEMENT", "USER_ASSOCIATED"]
FILTERS = ("adamId", "pricingParam", "productType")
Endpoint = Callable[[World, Tenant, Location, Request], Awaitable[dict[str, Any]]]
Found = tuple[Tenant, Location, ContentToken]


class Refusal(Exception):
    def __init__(self, number: int, tenant: Tenant | None = None) -> None:
        super().__init__(number)
        self.number, self.tenant = number, tenant

    def answer(self) -> Response:
        status, message = MESSAGES[self.number]
        if self.tenant is not None and self.tenant.switches.vpp_errors_as_200:
            status = 200
        return JSONResponse({"errorNumber": self.number, "errorMessage": message}, status)


def owner_of(world: World, bearer: str) -> Found | None:
    for tenant in world.state.tenants.values():
        for location in tenant.locations:
            for issued in location.tokens:
                if issued.text == bearer:
                    return tenant, location, issued
    return None


def tenant_of(world: World, headers: dict[str, str]) -> str | None:
    """For the request log and faults; no judgement."""
    owner = owner_of(world, headers.get("authorization", "").removeprefix("Bearer "))
    return owner[0].name if owner else None


def check_token(world: World, request: Request) -> Found:
    scheme, _space, bearer = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise Refusal(9601)
    if scheme != "Bearer" or not bearer or " " in bearer:
        raise Refusal(9722)
    owner = owner_of(world, bearer)
    if owner is None:
        raise Refusal(9622)
    tenant, _token, issued = owner
    if issued.revoked:
        raise Refusal(9625, tenant)
    if moment(issued.not_after) < world.now():
        raise Refusal(9621, tenant)
    return owner


def check_pace(world: World, tenant: Tenant, location: Location) -> None:
    now = time.monotonic()
    recent = world.memory.vpp_requests.setdefault(location.u_id, deque())
    while recent and now - recent[0] >= 1:
        recent.popleft()
    recent.append(now)
    if len(recent) > tenant.switches.vpp_max_per_second:
        raise Refusal(9646, tenant)


def authenticated(methods: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    """What every reply has besides its own fields: uId, tokenExpirationDate and, once set, mdmInfo."""

    async def guarded(request: Request) -> Response:
        world = world_of(request)
        try:
            if request.method not in methods:
                raise Refusal(9726)
            tenant, location, issued = check_token(world, request)
            check_pace(world, tenant, location)
            answer = await methods[request.method](world, tenant, location, request)
        except Refusal as refusal:
            return refusal.answer()
        end = moment(issued.not_after).strftime("%Y-%m-%dT%H:%M:%S+0000")
        answer |= {"uId": location.u_id, "tokenExpirationDate": end}
        return JSONResponse(answer | ({"mdmInfo": location.mdm_info} if location.mdm_info else {}))

    return guarded


async def service_config(request: Request) -> Response:
    if request.method != "GET":
        return Refusal(9726).answer()
    base = world_of(request).url + PREFIX
    return JSONResponse(
        {
            "limits": LIMITS,
            "urls": {name: f"{base}/{path}" for name, path in ENDPOINTS.items()},
            "notificationTypes": [*NOTIFICATION_TYPES, "TEST_NOTIFICATION"],
            "errorCodes": [
                {"errorNumber": number, "errorMessage": message} for number, (_status, message) in MESSAGES.items()
            ],
        }
    )


def client_config_facts(world: World, tenant: Tenant, location: Location) -> dict[str, Any]:
    facts = {
        "countryISO2ACode": "JP",
        "defaultPlatform": "enterprisestore",
        "locationName": location.name,
        "websiteURL": "https://school.apple.com",
        "subscribedNotificationTypes": location.notifications.get("notificationTypes", []),
    }
    url = location.notifications.get("notificationUrl")
    return facts | ({"notificationUrl": url} if url else {})


async def read_client_config(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
    return client_config_facts(world, tenant, location)


def checked_mdm_info(wanted: Any, tenant: Tenant) -> dict[str, str]:
    if not isinstance(wanted, dict) or any(not isinstance(wanted.get(key), str) for key in ("id", "name", "metadata")):
        raise Refusal(9723, tenant)
    for key, limit, number in (
        ("id", "maxMdmIdLength", 9724),
        ("name", "maxMdmNameLength", 9725),
        ("metadata", "maxMdmMetadataLength", 9713),
    ):
        if len(wanted[key]) > LIMITS[limit]:
            raise Refusal(number, tenant)
    return {key: wanted[key] for key in ("id", "name", "metadata")}


async def write_client_config(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
    """Overwrites another MDM's claim without a word, as Apple's does."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refusal(9727, tenant)
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refusal(9602, tenant) from None
    if not isinstance(body, dict):
        raise Refusal(9602, tenant)
    mdm_info = checked_mdm_info(body["mdmInfo"], tenant) if "mdmInfo" in body else location.mdm_info
    notifications = location.notifications
    if "notificationUrl" in body or "notificationAuthToken" in body:
        notifications = {key: body.get(key) for key in ("notificationUrl", "notificationAuthToken")}
        notifications["notificationTypes"] = body.get("notificationTypes", [])
        await check_notifications(world, tenant, location, notifications)
    location.mdm_info, location.notifications = mdm_info, notifications
    return client_config_facts(world, tenant, location)


async def check_notifications(world: World, tenant: Tenant, location: Location, wanted: dict[str, Any]) -> None:
    """Sends the test notification; plain http is taken for loopback, where this world lives."""
    url, secret = wanted["notificationUrl"], wanted["notificationAuthToken"]
    if not url or not secret:
        raise Refusal(9710, tenant)
    if max(len(url), len(secret)) > LIMITS["maxNotificationLength"]:
        raise Refusal(9711, tenant)
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise Refusal(9712, tenant)
    message = {
        "notificationId": str(uuid.uuid4()),
        "notificationType": "TEST_NOTIFICATION",
        "uId": location.u_id,
        "notification": {},
    }
    if not await anyio.to_thread.run_sync(delivered, url, secret, message):
        raise Refusal(9728, tenant)


def delivered(url: str, secret: str, message: dict[str, Any]) -> bool:
    import requests

    try:
        headers = {"Authorization": f"Bearer {secret}"}
        return requests.post(url, json=message, headers=headers, timeout=5, allow_redirects=False).ok
    except requests.RequestException:
        return False


def paged(
    tenant: Tenant, location: Location, request: Request, name: str, total: int, some: Callable[[int, int], list[Any]]
) -> dict[str, Any]:
    """some: those from a place on, at most so many."""
    size = tenant.switches.vpp_page_size
    index, pages = request.query_params.get("pageIndex", "0"), max(1, -(-total // size))
    if not index.isdigit() or int(index) >= pages:
        raise Refusal(9650, tenant)
    page = some(int(index) * size, size)
    answer = {
        name: page,
        "currentPageIndex": int(index),
        "size": len(page),
        "totalPages": pages,
        "versionId": str(location.version),
    }
    return answer | ({"nextPageIndex": int(index) + 1} if int(index) + 1 < pages else {})


async def assets(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
    query = request.query_params
    chosen = [
        asset for asset in location.assets if all(asset[name] == query.get(name, asset[name]) for name in FILTERS)
    ]
    return paged(tenant, location, request, "assets", len(chosen), lambda first, size: chosen[first : first + size])


async def assignments(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
    apply_what_is_due(tenant, location)
    names = ("adamId", "pricingParam", "serialNumber")
    chosen = location.assignments.chosen(*map(request.query_params.get, names))

    def some(first: int, size: int) -> list[dict[str, str]]:
        return [dict(zip(names, one, strict=True)) for one in chosen.page(first, size)]

    return paged(tenant, location, request, "assignments", len(chosen), some)


def changing(kind: str) -> Endpoint:
    async def begin(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise Refusal(9727, tenant)
        try:
            body = json.loads(await request.body())
            wanted = [[one["adamId"], one["pricingParam"]] for one in body.get("assets", [])]
            serials = list(body.get("serialNumbers", []))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(9602, tenant) from None
        for wrong, number in (
            (not wanted, 9718),
            (not serials, 9719),
            (len(wanted) > LIMITS["maxAssets"], 9700),
            (len(serials) > LIMITS["maxSerialNumbers"], 9702),
            (len(set(map(tuple, wanted))) < len(wanted), 9703),
            (len(set(serials)) < len(serials), 9705),
        ):
            if wrong:
                raise Refusal(number, tenant)
        name = str(uuid.uuid4())
        location.events[name] = LicenceEvent(kind, wanted, serials, time.time() + tenant.switches.vpp_event_seconds)
        location.running.append(name)
        return {"eventId": name}

    return begin


def apply_what_is_due(tenant: Tenant, location: Location) -> None:
    for name in list(location.running):
        event = location.events[name]
        if time.time() < event.done_at:
            continue
        location.running.remove(name)
        event.applied = True
        if not tenant.switches.vpp_events_fail:
            for adam_id, pricing in event.assets:
                for serial in event.serials:
                    move(tenant, location.assignments, event, (adam_id, pricing, serial))
        location.version += 1


def move(tenant: Tenant, licences: Licences, event: LicenceEvent, row: Row) -> None:
    adam_id, pricing, serial = row
    asset = asset_name(adam_id, pricing)
    there, wanted = licences.has(asset, serial), event.kind == "ASSOCIATE"
    if serial in tenant.switches.vpp_failing or there == wanted:
        info = {"adamId": adam_id, "pricingParam": pricing, "serialNumber": serial}
        event.failures.append({"errorNumber": 9603, "errorMessage": MESSAGES[9603][1], "errorInfo": info})
    elif wanted:
        licences.add(asset, serial)
    else:
        licences.remove(asset, serial)


async def event_status(world: World, tenant: Tenant, location: Location, request: Request) -> dict[str, Any]:
    apply_what_is_due(tenant, location)
    event = location.events.get(request.query_params.get("eventId", ""))
    if event is None:
        raise Refusal(9708, tenant)
    requested = len(event.assets) * len(event.serials)
    status = "PENDING" if not event.applied else "FAILED" if tenant.switches.vpp_events_fail else "COMPLETE"
    done = requested - len(event.failures) if status == "COMPLETE" else 0
    facts = {"eventStatus": status, "eventType": event.kind, "numRequested": requested, "numCompleted": done}
    return facts | {"failures": event.failures}


def routes() -> list[Route]:
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    config = authenticated({"GET": read_client_config, "POST": write_client_config})
    return [
        Route(f"{PREFIX}/service/config", service_config, methods=every),
        Route(f"{PREFIX}/client/config", config, methods=every),
        Route(f"{PREFIX}/assets", authenticated({"GET": assets}), methods=every),
        Route(f"{PREFIX}/assignments", authenticated({"GET": assignments}), methods=every),
        Route(f"{PREFIX}/assets/associate", authenticated({"POST": changing("ASSOCIATE")}), methods=every),
        Route(f"{PREFIX}/assets/disassociate", authenticated({"POST": changing("DISASSOCIATE")}), methods=every),
        Route(f"{PREFIX}/status", authenticated({"GET": event_status}), methods=every),
    ]
