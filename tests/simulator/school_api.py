# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple School Manager's API under /api-school, Apple Business's under /api-business, and their OAuth server.

Devices, servers and the activities that change assignments; each activity ends after a while, and devices show it later.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .state import Activity, SchoolApi, ServerEntry, Tenant
from .world import World, iso, token, world_of

PRODUCTS = {"school": "/api-school/v1", "business": "/api-business/v1"}
TOKEN_PATHS = ("/account/auth/oauth2/token", "/account/auth/oauth2/v2/token")
AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
TOKEN_SECONDS = 3600
LONGEST_ASSERTION = 180 * 86400
BOTH = ("ASSIGN_DEVICES", "UNASSIGN_DEVICES")
KINDS: dict[str, tuple[str, ...]] = {"school": BOTH, "business": (*BOTH, "RELEASE_DEVICES")}
Endpoint = Callable[[World, Tenant, SchoolApi, Request], Awaitable[Response]]


def organisation(world: World, tenant: Tenant, product: str) -> SchoolApi:
    """Every device of the tenant, assigned to its first server."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    server = server_id(tenant.servers[0])
    return SchoolApi(
        product,
        f"{product.upper()}API.{uuid.uuid4()}",
        str(uuid.uuid4()),
        pem,
        {device["serial_number"]: server for device in tenant.devices},
    )


def server_id(entry: ServerEntry) -> str:
    return entry.server_uuid.replace("-", "").upper()


def tenant_of(world: World, headers: dict[str, str]) -> str | None:
    known = world.memory.api_tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
    return known[0] if known else None


# The OAuth server


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def granted(world: World, form: dict[str, str]) -> Tenant | None:
    """The tenant whose client signed the assertion as Apple wants it."""
    try:
        head, body, signature = form["client_assertion"].split(".")
        header, claims, raw = json.loads(decoded(head)), json.loads(decoded(body)), decoded(signature)
        owner = next(
            one for one in world.state.tenants.values() if one.school and one.school.client_id == form["client_id"]
        )
        assert owner.school
        key = serialization.load_pem_private_key(owner.school.private_key.encode(), None).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        now = time.time()
        right = (
            header["alg"] == "ES256"
            and header["kid"] == owner.school.key_id
            and claims["sub"] == claims["iss"] == form["client_id"]
            and claims["aud"] == AUDIENCE
            and claims["iat"] <= now + 60
            and now < claims["exp"] <= claims["iat"] + LONGEST_ASSERTION
            and claims["jti"]
            and form["grant_type"] == "client_credentials"
            and form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            and form["scope"] == f"{owner.school.product}.api"
        )
    except (KeyError, ValueError, StopIteration, InvalidSignature, TypeError):
        return None
    return owner if right else None


async def access_token(request: Request) -> Response:
    world, form = world_of(request), {**request.query_params, **{k: str(v) for k, v in (await request.form()).items()}}
    owner = granted(world, form)
    if owner is None:
        return JSONResponse({"error": "invalid_client"}, 400)
    new = token(64)
    world.memory.api_tokens[new] = (owner.name, time.time() + TOKEN_SECONDS)
    return JSONResponse(
        {"access_token": new, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "scope": form["scope"]}
    )


# What every endpoint checks


def error(status: int, code: str, detail: str) -> Response:
    told = {"id": str(uuid.uuid4()), "status": str(status), "code": code, "title": code.title(), "detail": detail}
    return JSONResponse({"errors": [told]}, status)


def too_many(world: World, tenant: Tenant, method: str) -> Response | None:
    reading = method == "GET"
    limit = tenant.switches.school_reads_per_minute if reading else tenant.switches.school_writes_per_hour
    period, key = (60 if reading else 3600), (tenant.name, "GET" if reading else "POST")
    recent = [at for at in world.memory.api_requests.get(key, []) if time.time() - at < period]
    if limit and len(recent) >= limit:
        wait = int(recent[0] + period - time.time()) + 1
        return JSONResponse({"errors": []}, 429, {"Retry-After": str(wait)})
    world.memory.api_requests[key] = [*recent, time.time()]
    return None


def endpoint(product: str, show: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        world = world_of(request)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        name, end = world.memory.api_tokens.get(bearer, ("", 0.0))
        if "accept" not in request.headers:
            return PlainTextResponse("Not Acceptable", 406)
        tenant = world.state.tenants.get(name)
        if tenant is None or tenant.school is None or time.time() > end or tenant.school.product != product:
            return PlainTextResponse("Unauthorized", 401)
        if refusal := too_many(world, tenant, request.method):
            return refusal
        if apply_what_is_due(tenant, tenant.school):
            world.save()
        return await show(world, tenant, tenant.school, request)

    return guarded


def apply_what_is_due(tenant: Tenant, api: SchoolApi) -> bool:
    due = [each for each in api.activities.values() if not each.applied and time.time() >= each.shown_at]
    for activity in due:
        activity.applied = True
        if tenant.switches.school_activity_fails:
            continue
        for serial in activity.serials:
            if serial in api.assigned and serial not in tenant.switches.school_failing:
                change(api, activity, serial)
    return bool(due)


def change(api: SchoolApi, activity: Activity, serial: str) -> None:
    if activity.kind == "RELEASE_DEVICES":
        del api.assigned[serial]
    elif activity.kind == "ASSIGN_DEVICES":
        api.assigned[serial] = activity.server
    elif api.assigned[serial] == activity.server:
        api.assigned[serial] = ""


# Reading


def page(request: Request, tenant: Tenant, entries: list[Any]) -> Response:
    size = min(int(request.query_params.get("limit", "100")), tenant.switches.school_page_size)
    first = int(request.query_params.get("cursor", "0"))
    paging: dict[str, Any] = {"limit": size}
    base = str(request.url.replace(query=""))
    links = {"self": str(request.url)}
    if first + size < len(entries):
        paging["nextCursor"] = str(first + size)
        links["next"] = f"{base}?limit={size}&cursor={first + size}"
    return JSONResponse({"data": entries[first : first + size], "links": links, "meta": {"paging": paging}})


def device_document(tenant: Tenant, api: SchoolApi, serial: str) -> dict[str, Any]:
    about = next((device for device in tenant.devices if device["serial_number"] == serial), {})
    return {
        "type": "orgDevices",
        "id": serial,
        "attributes": {
            "serialNumber": serial,
            "deviceModel": about.get("model", "iPad"),
            "productFamily": "iPad",
            "color": about.get("color"),
            "status": "ASSIGNED" if api.assigned[serial] else "UNASSIGNED",
            "purchaseSourceType": "RESELLER",
            "addedToOrgDateTime": "2021-04-01T00:00:00Z",
        },
    }


async def devices(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    return page(request, tenant, [device_document(tenant, api, serial) for serial in sorted(api.assigned)])


def not_found(serial: str) -> Response:
    return error(404, "NOT_FOUND", f"There is no resource of type 'orgDevices' with id '{serial}'")


async def device(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    serial = request.path_params["serial"]
    if serial not in api.assigned:
        return not_found(serial)
    return JSONResponse({"data": device_document(tenant, api, serial), "links": {"self": str(request.url)}})


async def linkage(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    serial = request.path_params["serial"]
    if serial not in api.assigned:
        return not_found(serial)
    server = api.assigned[serial]
    if not server and tenant.switches.school_unassigned_404:
        return error(404, "NOT_FOUND", "The device is assigned to no server")
    return JSONResponse(
        {"data": {"type": "mdmServers", "id": server} if server else None, "links": {"self": str(request.url)}}
    )


async def servers(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    found = []
    for entry in tenant.servers:
        mine = server_id(entry)
        count = sum(assigned == mine for assigned in api.assigned.values())
        facts = {"serverName": entry.name, "serverType": "MDM", "status": "ACTIVE", "deviceCount": count}
        found.append({"type": "mdmServers", "id": mine, "attributes": facts})
    return page(request, tenant, found)


async def devices_of(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    server = request.path_params["server"]
    mine = [serial for serial, assigned in sorted(api.assigned.items()) if assigned == server]
    return page(request, tenant, [{"type": "orgDevices", "id": serial} for serial in mine])


# Activities


async def begin(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    try:
        data = (await request.json())["data"]
        kind = data["attributes"]["activityType"]
        relations = data["relationships"]
        serials = [each["id"] for each in relations["devices"]["data"]]
        server = relations["mdmServer"]["data"]["id"] if kind != "RELEASE_DEVICES" else ""
    except (KeyError, TypeError, ValueError):
        return error(400, "PARAMETER_ERROR.REQUIRED", "The body is not a whole activity")
    if kind not in KINDS[api.product]:
        return error(409, "ENTITY_ERROR.ATTRIBUTE.INVALID", f"activityType {kind} is not known")
    if server and server not in map(server_id, tenant.servers):
        return error(409, "ENTITY_ERROR.RELATIONSHIP.INVALID", f"There is no server {server}")
    unknown = [serial for serial in serials if serial not in api.assigned]
    if unknown and tenant.switches.school_unknown_serial_409:
        return error(409, "ENTITY_ERROR.RELATIONSHIP.INVALID", f"There is no device {unknown[0]}")
    done = time.time() + tenant.switches.school_activity_seconds
    activity = Activity(kind, server, serials, iso(world.now()), done, done + tenant.switches.school_lag_seconds)
    name = str(uuid.uuid4())
    api.activities[name] = activity
    return JSONResponse({"data": activity_document(world, tenant, name, activity)}, 201)


def activity_document(world: World, tenant: Tenant, name: str, activity: Activity) -> dict[str, Any]:
    facts = {"createdDateTime": activity.created, "status": "IN_PROGRESS", "subStatus": "SUBMITTED"}
    if time.time() >= activity.done_at:
        failing = any(serial in tenant.switches.school_failing for serial in activity.serials)
        sub_status = "COMPLETED_WITH_ERROR" if failing else "COMPLETED_WITH_SUCCESS"
        facts |= {"status": "COMPLETED", "subStatus": sub_status, "completedDateTime": iso(world.now())}
        if tenant.switches.school_activity_fails:
            facts |= {"status": "FAILED", "subStatus": "FAILED"}
        elif tenant.switches.school_no_log:
            facts["subStatus"] = "COMPLETED_POST_PROCESSING_FAILED"
        else:
            facts["downloadUrl"] = f"{world.url}/blobstore/{name}?signature=presigned"
    return {"type": "orgDeviceActivities", "id": name, "attributes": facts}


async def activity(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    found = api.activities.get(request.path_params["activity"])
    if found is None:
        return error(404, "NOT_FOUND", "There is no such activity")
    return JSONResponse({"data": activity_document(world, tenant, request.path_params["activity"], found)})


async def log(request: Request) -> Response:
    """The log of an activity, at an address that is signed: a bearer token has no business here."""
    world, name = world_of(request), request.path_params["activity"]
    if "authorization" in request.headers:
        return PlainTextResponse("Only one auth mechanism allowed", 400)
    for tenant in world.state.tenants.values():
        if tenant.school and name in tenant.school.activities:
            return PlainTextResponse(written(tenant, tenant.school.activities[name], name), media_type="text/csv")
    return PlainTextResponse("Not Found", 404)


def written(tenant: Tenant, activity: Activity, name: str) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerows([["OPERATION", activity.kind], ["ACTIVITY_ID", name], ["STATUS", "COMPLETED"], []])
    rows.writerow(["serial_number", "operation_status", "operation_substatus", "timestamp"])
    for serial in activity.serials:
        failed = serial in tenant.switches.school_failing
        rows.writerow([serial, *(("FAILURE", "DEVICE_LOCKED") if failed else ("SUCCESS", "")), activity.created])
    return out.getvalue()


def routes() -> list[Route]:
    found = [Route(path, access_token, methods=["POST"]) for path in TOKEN_PATHS]
    found.append(Route("/blobstore/{activity}", log))
    for product, base in PRODUCTS.items():
        for path, show, method in (
            ("/orgDevices", devices, "GET"),
            ("/orgDevices/{serial}", device, "GET"),
            ("/orgDevices/{serial}/relationships/assignedServer", linkage, "GET"),
            ("/mdmServers", servers, "GET"),
            ("/mdmServers/{server}/relationships/devices", devices_of, "GET"),
            ("/orgDeviceActivities", begin, "POST"),
            ("/orgDeviceActivities/{activity}", activity, "GET"),
        ):
            found.append(Route(f"{base}{path}", endpoint(product, show), methods=[method]))
    return found
