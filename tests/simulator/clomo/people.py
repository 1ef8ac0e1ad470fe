# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users/Org: who is there and what they own, and how users and organisations are deleted."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clomo_state import PanelUser
from ..state import Clomo, Tenant
from ..world import PanelJob, PanelSession, World, token
from .belonging import owned_by, remove, with_children
from .customers import PREFIX
from .devices import MOST_ROWS, organization_text
from .entry import signed_in_only
from .logbook import acted, administrator
from .shown import refused
from .texts import words


def users(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    """The tree at the left; the rows come by themselves."""
    tree = [{"id": one.number, "name": one.name, "parent": one.parent} for one in clomo.tree.values()]
    return {
        "organizations": tree,
        "menu": tenant.switches.clomo_vintage != "newer",
        "survive_scrolling": tenant.switches.clomo_ticks_survive_scrolling,
        "survive_search": tenant.switches.clomo_ticks_survive_search,
    }


def matching(clomo: Clomo, organization: str, search: str) -> list[PanelUser]:
    found = list(clomo.users.values())
    if organization:
        wanted = with_children(clomo, organization)
        found = [one for one in found if one.organization in wanted]
    if search := search.strip().lower():
        found = [one for one in found if search in one.name.lower() or search in one.mail.lower()]
    return sorted(found, key=lambda one: (one.name, one.number))


async def rows(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    query = request.query_params
    found = matching(clomo, query.get("organization", ""), query.get("search", ""))
    first, count = int(query.get("first", "0")), min(int(query.get("count", "100")), MOST_ROWS)
    owned = Counter(one.owner for one in clomo.records.values())
    some = [row(tenant, clomo, one, owned[one.number]) for one in found[first : first + count]]
    return JSONResponse({"total": len(found), "rows": some})


def row(tenant: Tenant, clomo: Clomo, user: PanelUser, owned: int) -> dict[str, Any]:
    return {
        "id": user.number,
        "name": user.name,
        "mail": user.mail,
        "organization": organization_text(tenant, clomo, user.organization),
        "role": user.role,
        "owned": str(owned),
    }


async def numbers(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    query = request.query_params
    found = matching(clomo, query.get("organization", ""), query.get("search", ""))
    return JSONResponse([one.number for one in found])


async def pane(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    user = clomo.users.get(request.path_params["number"])
    if user is None:
        return JSONResponse({"error": words(tenant.switches)["user_gone"]})
    devices = owned_by(clomo, {user.number})
    return JSONResponse({**row(tenant, clomo, user, len(devices)), "serials": [one.serial for one in devices]})


async def targets(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """The mail addresses of the users of a window."""
    body = await request.json()
    found = [clomo.users[number] for number in body["rows"] if number in clomo.users]
    return JSONResponse({"rows": [one.number for one in found], "mails": [one.mail for one in found]})


async def delete_users(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """One from its form, at once; several as a job."""
    body = await request.json()
    numbers = [one for one in body["rows"] if one in clomo.users]
    mails = [clomo.users[one].mail for one in numbers]
    several, by = bool(body.get("several")), administrator(tenant, clomo)
    owned = [one.serial for one in owned_by(clomo, set(numbers))]
    acted(world, clomo, "delete_users" if several else "delete_user", owned, by, mails=mails)
    if len(numbers) < len(body["rows"]):
        return refused(tenant, "user_gone")
    fails = several and tenant.switches.clomo_people_fail
    if not fails:
        remove(world, tenant, clomo, set(numbers))
    if not several:
        return JSONResponse({"notice": words(tenant.switches)["user_deleted"]})
    name = token()
    world.memory.panel_jobs[name] = PanelJob(time.time() + tenant.switches.clomo_job_ms / 1000, not fails)
    return JSONResponse({"job": name})


async def delete_organization(
    request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession
) -> Response:
    number, by = (await request.json())["organization"], administrator(tenant, clomo)
    if number not in clomo.tree:
        return refused(tenant, "organization_gone")
    inside = with_children(clomo, number)
    members = {one.number for one in clomo.users.values() if one.organization in inside}
    devices = [one for one in clomo.records.values() if one.organization in inside]
    filled = bool(members or devices or len(inside) > 1) and not tenant.switches.clomo_organization_cascade
    name = clomo.tree[number].name
    told = {"refused": "organization_filled"} if filled else {}
    acted(world, clomo, "delete_organization", [one.serial for one in devices], by, name=name, **told)
    if filled:
        return refused(tenant, "organization_filled")
    remove(world, tenant, clomo, members)
    for record in devices:
        record.organization = ""
    for one in inside:
        del clomo.tree[one]
    return JSONResponse({"notice": words(tenant.switches)["organization_deleted"]})


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{panel}/rows/users", signed_in_only(rows)),
        Route(f"{panel}/numbers/users", signed_in_only(numbers)),
        Route(f"{panel}/people/{{number}}", signed_in_only(pane)),
        Route(f"{panel}/ask/users", signed_in_only(targets), methods=["POST"]),
        Route(f"{panel}/people/delete", signed_in_only(delete_users), methods=["POST"]),
        Route(f"{panel}/organizations/delete", signed_in_only(delete_organization), methods=["POST"]),
    ]
