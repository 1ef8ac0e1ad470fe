# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests steer a tenant's managed devices with, under /_control/tenants/TENANT/devices, and its webhook."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .devices import NAMES, SETTABLE, VALUES, Device, udid_of
from .state import Tenant
from .world import World, world_of

LOOK_SECONDS = 0.01
Act = Callable[[World, Tenant, dict[str, Any]], Awaitable[Any]]


class Refused(Exception):
    """The sentence for whoever asked."""


def chosen(tenant: Tenant, serials: list[str] | None) -> list[Device]:
    """The devices of these serial numbers, or all."""
    if serials is None:
        return list(tenant.managed.values())
    unknown = [serial for serial in serials if udid_of(serial) not in tenant.managed]
    if unknown:
        raise Refused(f"no such managed device: {unknown[0]}")
    return [tenant.managed[udid_of(serial)] for serial in serials]


async def webhook(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    if not body["url"].startswith("http://"):
        raise Refused("the address of the webhook has to begin with http://")
    tenant.nanomdm.webhook_url, tenant.nanomdm.webhook_key = body["url"], body["key"]


async def enrol_all(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    world.fleet.tell_enrolments(tenant)


async def settled(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """Whether all was done within these seconds."""
    deadline = time.monotonic() + body["seconds"]
    while world.fleet.busy(tenant) and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
    return not world.fleet.busy(tenant)


async def told(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    return [device_facts(tenant, device) for device in chosen(tenant, body["serials"])]


def device_facts(tenant: Tenant, device: Device) -> dict[str, Any]:
    return {
        **dict(zip(NAMES, VALUES(device), strict=True)),
        "profiles": [one.identifier for one in device.profiles],
        "apps": [one.identifier for one in device.apps],
        "managed_apps": [one.identifier for one in device.apps if one.managed],
        "queue": list(tenant.nanomdm.queues.get(device.udid, ())),
    }


async def set_facts(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    if unknown := set(body["facts"]) - set(SETTABLE):
        raise Refused(f"no such fact that can be set: {sorted(unknown)[0]}")
    for device in chosen(tenant, body["serials"]):
        for name, value in body["facts"].items():
            setattr(device, name, value)
        world.fleet.changed(tenant, device)


async def connects(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    for device in chosen(tenant, [body["serial"]]):
        world.fleet.wake(tenant, device)


async def enrols(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    for device in chosen(tenant, [body["serial"]]):
        device.handed_on()
        world.fleet.enrols(tenant, device)


def endpoint(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def steered(request: Request) -> Response:
        world = world_of(request)
        tenant = world.state.tenants.get(request.path_params["name"])
        if tenant is None:
            return JSONResponse({"error": "no such tenant"}, 404)
        try:
            result = await act(world, tenant, await request.json())
        except Refused as error:
            return JSONResponse({"error": str(error)}, 400)
        world.save()
        return JSONResponse(result)

    return steered


def routes() -> list[Route]:
    acts = {
        "webhook": webhook,
        "enrol_all": enrol_all,
        "settled": settled,
        "managed": told,
        "device_set": set_facts,
        "device_connects": connects,
        "device_enrols": enrols,
    }
    base = "/_control/tenants/{name}"
    return [Route(f"{base}/{name}", endpoint(act), methods=["POST"]) for name, act in acts.items()]
