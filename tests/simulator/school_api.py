# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple School Manager's API under /api-school, Apple Business's under /api-business, and their OAuth server.

Devices, servers and the activities that change assignments; each activity ends after a while, and devices show it later.
"""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .apple_names import FOLDERS, LOGS, asked, folder_of
from .state import Activity, SchoolApi, ServerEntry, Tenant
from .world import World, iso, token, world_of

PRODUCTS = {"school": "/api-school/v1", "business": "/api-business/v1"}
TOKEN_PATHS = ("/account/auth/oauth2/token", "/account/auth/oauth2/v2/token")
AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
TOKEN_SECONDS = 3600
LONGEST_ASSERTION = 180 * 86400
BOTH = ("ASSIGN_DEVICES", "UNASSIGN_DEVICES")
TITLES = {"NOT_FOUND": "The specified resource doesn't exist"}
KINDS: dict[str, tuple[str, ...]] = {"school": BOTH, "business": (*BOTH, "RELEASE_DEVICES")}
Endpoint = Callable[[World, Tenant, SchoolApi, Request], Awaitable[Response]]


def organisation(world: World, tenant: Tenant, product: str) -> SchoolApi:
    """Every device of the tenant, assigned to its first server; in the order of serial numbers, as pages have it."""
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
        dict.fromkeys(sorted(device["serial_number"] for device in tenant.devices), server),
    )


def as_downloaded(private_key: str) -> str:
    """The key's file as Apple's page gives it: PKCS#8, under the heading of the older form."""
    return private_key.replace("PRIVATE KEY", "EC PRIVATE KEY")


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
    told = {"id": str(uuid.uuid4()), "status": str(status), "code": code, "title": TITLES.get(code, code.title())}
    told["detail"] = detail
    return JSONResponse({"errors": [told]}, status)


def too_many(world: World, tenant: Tenant, method: str) -> Response | None:
    reading = method == "GET"
    limit = tenant.switches.school_reads_per_minute if reading else tenant.switches.school_writes_per_hour
    period, key = (60 if reading else 3600), (tenant.name, "GET" if reading else "POST")
    recent = world.memory.api_requests.setdefault(key, deque())
    while recent and time.time() - recent[0] >= period:
        recent.popleft()
    if limit and len(recent) >= limit:
        wait = int(recent[0] + period - time.time()) + 1
        return JSONResponse({"errors": []}, 429, {"Retry-After": str(wait)})
    recent.append(time.time())
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
        if apply_what_is_due(world, tenant, tenant.school):
            world.save()
        return await show(world, tenant, tenant.school, request)

    return guarded


def apply_what_is_due(world: World, tenant: Tenant, api: SchoolApi) -> bool:
    due = [each for each in api.activities.values() if not each.applied and time.time() >= each.shown_at]
    for activity in due:
        activity.applied = True
        if tenant.switches.school_activity_fails:
            continue
        for serial in activity.serials:
            if serial in api.assigned and serial not in tenant.switches.school_failing:
                change(world, api, activity, serial)
    return bool(due)


def change(world: World, api: SchoolApi, activity: Activity, serial: str) -> None:
    if activity.kind == "RELEASE_DEVICES":
        api.release(serial)
        api.released[serial] = iso(world.now())
    elif activity.kind == "ASSIGN_DEVICES":
        api.assign(serial, activity.server)
    elif api.assigned[serial] == activity.server:
        api.assign(serial, "")


# Reading


def page(
    request: Request,
    tenant: Tenant,
    entries: Sequence[Any] | Mapping[str, Any],
    document: Callable[[Any], dict[str, Any]],
) -> Response:
    """document: what is told of an entry; only those of the page are made."""
    size = min(int(request.query_params.get("limit", "100")), tenant.switches.school_page_size)
    first = int(request.query_params.get("cursor", "0"))
    paging: dict[str, Any] = {"limit": size}
    url = asked(request)
    links = {"self": str(url)}
    if first + size < len(entries):
        paging["nextCursor"] = str(first + size)
        links["next"] = str(url.include_query_params(limit=size, cursor=first + size))
    shown = itertools.islice(entries, first, first + size)
    data = [with_fields(request, document(entry)) for entry in shown]
    return JSONResponse({"data": data, "links": links, "meta": {"paging": paging}})


def single(request: Request, document: dict[str, Any] | None, status: int = 200) -> Response:
    data = with_fields(request, document) if document else None
    return JSONResponse({"data": data, "links": {"self": str(asked(request))}}, status)


def with_fields(request: Request, document: dict[str, Any]) -> dict[str, Any]:
    """With no more attributes than fields[type] names."""
    named = request.query_params.get(f"fields[{document['type']}]")
    if named is None:
        return document
    kept = {name: value for name, value in document["attributes"].items() if name in named.split(",")}
    return {**document, "attributes": kept}


def device_document(api: SchoolApi, serial: str) -> dict[str, Any]:
    return {
        "type": "orgDevices",
        "id": serial,
        "attributes": {
            "serialNumber": serial,
            "deviceModel": "iPad",
            "productFamily": "iPad",
            "color": "SILVER",
            "status": "ASSIGNED" if api.assigned.get(serial) else "UNASSIGNED",
            "purchaseSourceType": "RESELLER",
            "addedToOrgDateTime": "2021-04-01T00:00:00Z",
        },
    }


async def devices(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    return page(request, tenant, api.assigned, lambda serial: device_document(api, serial))


def not_found(kind: str, name: str) -> Response:
    return error(404, "NOT_FOUND", f"There is no resource of type '{kind}' with id '{name}'")


async def device(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    """releasedFromOrgDateTime is not told in lists."""
    serial = request.path_params["serial"]
    released = api.released.get(serial) if tenant.switches.school_released_shown else None
    if serial not in api.assigned and not released:
        return not_found("orgDevices", serial)
    document = device_document(api, serial)
    document["attributes"]["releasedFromOrgDateTime"] = released
    return single(request, document)


async def activation_lock(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    serial = request.path_params["serial"]
    if serial not in api.assigned:
        return not_found("orgDevices", serial)
    lock = tenant.switches.school_activation_locks.get(serial, "NONE")
    facts = {"isLocked": lock != "NONE", "lockType": lock}
    return single(request, {"type": "activationLockStatus", "id": serial, "attributes": facts})


async def linkage(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    return of_the_device(tenant, api, request, lambda entry: {"type": "mdmServers", "id": server_id(entry)})


async def assigned_server(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    return of_the_device(tenant, api, request, lambda entry: server_document(api, entry))


def of_the_device(
    tenant: Tenant, api: SchoolApi, request: Request, shown: Callable[[ServerEntry], dict[str, Any]]
) -> Response:
    """The server of a device. For one without, Apple's form is not known: null, or 404."""
    serial = request.path_params["serial"]
    if serial not in api.assigned:
        return not_found("orgDevices", serial)
    found = entry_of(tenant, api.assigned[serial])
    if found is None and tenant.switches.school_unassigned_404:
        return error(404, "NOT_FOUND", "The device is assigned to no server")
    return single(request, shown(found) if found else None)


def entry_of(tenant: Tenant, server: str) -> ServerEntry | None:
    return next((entry for entry in tenant.servers if server_id(entry) == server), None)


def server_document(api: SchoolApi, entry: ServerEntry) -> dict[str, Any]:
    mine = server_id(entry)
    count = len(api.of_server.get(mine, ()))
    facts = {"serverName": entry.name, "serverType": "MDM", "status": "ACTIVE", "deviceCount": count}
    return {"type": "mdmServers", "id": mine, "attributes": facts}


async def servers(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    return page(request, tenant, tenant.servers, lambda entry: server_document(api, entry))


async def server(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    found = entry_of(tenant, request.path_params["server"])
    if found is None:
        return not_found("mdmServers", request.path_params["server"])
    return single(request, server_document(api, found))


async def devices_of(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    server = request.path_params["server"]
    mine = api.of_server.get(server, {})
    return page(request, tenant, mine, lambda serial: {"type": "orgDevices", "id": serial})


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
    return single(request, activity_document(world, tenant, name, activity, request), 201)


def activity_document(world: World, tenant: Tenant, name: str, activity: Activity, request: Request) -> dict[str, Any]:
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
            facts["downloadUrl"] = log_address(world, name, request)
    own = str(asked(request).replace(query="")).removesuffix(f"/{name}") + f"/{name}"
    return {"type": "orgDeviceActivities", "id": name, "attributes": facts, "links": {"self": own}}


def log_address(world: World, name: str, request: Request) -> str:
    """Signed; at Apple's own name where the client used that. Some clients take the file's name from it."""
    base = f"https://{LOGS}" if folder_of(request) else f"{world.url}{FOLDERS[LOGS]}"
    shown = {"response-content-disposition": f'attachment;filename="ActivityLog_{name}.csv"', "Signature": "presigned"}
    return f"{base}/{name}?{urlencode(shown)}"


async def activity(world: World, tenant: Tenant, api: SchoolApi, request: Request) -> Response:
    name = request.path_params["activity"]
    found = api.activities.get(name)
    if found is None:
        return not_found("orgDeviceActivities", name)
    return single(request, activity_document(world, tenant, name, found, request))


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
            ("/orgDevices/{serial}/assignedServer", assigned_server, "GET"),
            ("/orgDevices/{serial}/activationLockStatus", activation_lock, "GET"),
            ("/mdmServers", servers, "GET"),
            ("/mdmServers/{server}", server, "GET"),
            ("/mdmServers/{server}/relationships/devices", devices_of, "GET"),
            ("/orgDeviceActivities", begin, "POST"),
            ("/orgDeviceActivities/{activity}", activity, "GET"),
        ):
            found.append(Route(f"{base}{path}", endpoint(product, show), methods=[method]))
    return found
