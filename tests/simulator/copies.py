# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tenant as it is at a moment, kept, and put back: so that a test goes on from many moments of one story.

A copy has what is under way, too: what devices are about to do, and the events that were not delivered yet. What does not
survive a restart of the world (sessions) is not in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import clomo, saving
from .state import Account, Tenant
from .world import World, world_of


@dataclass(frozen=True)
class Copy:
    """saved: tenant and account in JSON. events: target and request of each that was under way. log: the tenant's requests."""

    saved: str
    events: list[tuple[tuple[str, int], bytes]]
    log: list[dict[str, Any]]

    @property
    def digest(self) -> str:
        """The same of two copies between which nothing happened but reading."""
        writes = [entry for entry in self.log if entry["write"]]
        told = json.dumps([self.saved, sorted(request.hex() for _target, request in self.events), writes])
        return hashlib.sha256(told.encode()).hexdigest()


def copied(world: World, tenant: Tenant) -> Copy:
    both = {"tenant": tenant, "account": world.state.accounts[tenant.account]}
    log = [dict(entry) for entry in world.log if entry["tenant"] == tenant.name]
    return Copy(json.dumps(both, default=saving.saved), world.fleet.webhooks.under_way(tenant.name), log)


def put_back(world: World, present: Tenant, copy: Copy) -> None:
    both = json.loads(copy.saved)
    tenant: Tenant = saving.of_dataclass(Tenant)(both["tenant"])
    account: Account = saving.of_dataclass(Account)(both["account"])
    world.fleet.forget_tenant(present)
    memory = world.memory
    memory.panel_visits = {visit for visit in memory.panel_visits if visit[0] != tenant.name}
    world.state.tenants[tenant.name], world.state.accounts[account.name] = tenant, account
    world.log[:] = [entry for entry in world.log if entry["tenant"] != tenant.name]
    world.log += [dict(entry) for entry in copy.log]
    for target, request in copy.events:
        world.fleet.webhooks.give(tenant.name, target, request)
    world.fleet.resume(tenant)
    if tenant.clomo:
        clomo.resume(world, tenant, tenant.clomo)
    world.save()


async def copies(request: Request) -> Response:
    """POST keeps a copy and holds all devices and events of the world, DELETE lets them go on, PUT puts a copy back."""
    world = world_of(request)
    tenant = world.state.tenants.get(request.path_params["name"])
    if tenant is None:
        return JSONResponse({"error": "no such tenant"}, 404)
    kept: list[Copy] = world.memory.copies
    if request.method == "POST":
        world.fleet.hold()
        kept.append(copied(world, tenant))
        return JSONResponse({"number": len(kept) - 1, "digest": kept[-1].digest})
    if request.method == "PUT":
        put_back(world, tenant, kept[(await request.json())["number"]])
    else:
        world.fleet.release()
    return JSONResponse({})


def routes() -> list[Route]:
    return [Route("/_control/tenants/{name}/copies", copies, methods=["POST", "PUT", "DELETE"])]
