# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests and a person steer the world with, under /_control; never logged, never faulty."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import copies, device_control
from .clomo import steering
from .state import Fault, Switches, plain
from .tenants import Wish, described, lists, make
from .world import World, iso, moment, world_of


def refused(reason: str, status: int = 400) -> Response:
    return JSONResponse({"error": reason}, status)


async def reset(request: Request) -> Response:
    world_of(request).reset()
    return JSONResponse({})


async def clock(request: Request) -> Response:
    """POST at for a moment, or days, hours, seconds relative to the real clock."""
    world = world_of(request)
    if request.method == "POST":
        body = await request.json()
        if "at" in body:
            world.state.clock_offset = (
                moment(body["at"]) - datetime.datetime.now(datetime.timezone.utc)
            ).total_seconds()
        else:
            world.state.clock_offset = datetime.timedelta(**body).total_seconds()
        world.save()
    return JSONResponse({"now": iso(world.now())})


async def tenants(request: Request) -> Response:
    world = world_of(request)
    if request.method == "POST":
        try:
            wishes = [Wish(**wish) for wish in await request.json()]
        except TypeError as error:
            return refused(str(error))
        if taken := [wish.name for wish in wishes if wish.name in world.state.tenants]:
            return refused(f"there is a tenant {taken[0]} already", 409)
        made = [make(world, wish) for wish in wishes]
        world.save()
        return JSONResponse([described(world, tenant) for tenant in made])
    return JSONResponse([described(world, tenant) for tenant in world.state.tenants.values()])


async def tenant(request: Request) -> Response:
    """PATCH sets switches."""
    world = world_of(request)
    found = world.state.tenants.get(request.path_params["name"])
    if found is None:
        return refused("no such tenant", 404)
    if request.method == "PATCH":
        wanted: dict[str, Any] = await request.json()
        known = {field.name for field in dataclasses.fields(Switches)}
        if unknown := set(wanted) - known:
            return refused(f"no such switch: {sorted(unknown)[0]}")
        found.switches = dataclasses.replace(found.switches, **wanted)
        world.save()
    return JSONResponse(described(world, found))


async def tenant_list(request: Request) -> Response:
    found = world_of(request).state.tenants.get(request.path_params["name"])
    if found is None:
        return refused("no such tenant", 404)
    return JSONResponse(lists(found)[request.path_params["list"]]())


async def act(request: Request) -> Response:
    """What befalls a tenant behind everybody's back."""
    world = world_of(request)
    found = world.state.tenants.get(request.path_params["name"])
    if found is None:
        return refused("no such tenant", 404)
    name, body = request.path_params["act"], await request.json()
    if name == "revoke_server_token":
        for issued in found.servers[0].issued:
            issued.revoked = True
    elif name == "revoke_content_token":
        for token in found.locations[0].tokens:
            token.revoked = True
    elif name == "claim_location":
        found.locations[0].mdm_info = {"metadata": "", **body}
    elif name == "enroll":
        found.nanomdm.enrollments[body["id"]].enrolled = bool(body["enrolled"])
    else:
        return refused("no such act", 404)
    world.save()
    return JSONResponse(described(world, found))


async def faults(request: Request) -> Response:
    world = world_of(request)
    if request.method == "POST":
        try:
            fault = Fault(**await request.json())
            re.compile(fault.path)
        except (TypeError, re.error) as error:
            return refused(str(error))
        world.state.faults.append(fault)
    elif request.method == "DELETE":
        world.state.faults.clear()
    world.save()
    return JSONResponse([plain(fault) for fault in world.state.faults])


async def requests(request: Request) -> Response:
    world = world_of(request)
    if request.method == "DELETE":
        world.forget_log()
    return JSONResponse(chosen(world, request.query_params.get("tenant"), request.query_params.get("path", "")))


def chosen(world: World, tenant: str | None, path: str) -> list[dict[str, Any]]:
    return [entry for entry in world.log if tenant in (None, entry["tenant"]) and re.search(path, entry["path"])]


async def mails(request: Request) -> Response:
    return JSONResponse([plain(mail) for mail in world_of(request).state.mails])


def routes() -> list[Route]:
    base = "/_control"
    return [
        Route(f"{base}/reset", reset, methods=["POST"]),
        Route(f"{base}/clock", clock, methods=["GET", "POST"]),
        Route(f"{base}/tenants", tenants, methods=["GET", "POST"]),
        Route(f"{base}/tenants/{{name}}", tenant, methods=["GET", "PATCH"]),
        *device_control.routes(),
        *steering.routes(),
        *copies.routes(),
        Route(f"{base}/tenants/{{name}}/lists/{{list}}", tenant_list),
        Route(f"{base}/tenants/{{name}}/{{act}}", act, methods=["POST"]),
        Route(f"{base}/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route(f"{base}/requests", requests, methods=["GET", "DELETE"]),
        Route(f"{base}/mails", mails),
    ]
