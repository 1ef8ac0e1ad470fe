# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the panel does when somebody presses the last button of a command's window. Each is a write, and leaves an act."""

from __future__ import annotations

import unicodedata
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clomo_state import PanelCommand, Record
from ..state import Clomo, Switches, Tenant
from ..world import PanelSession, World
from . import catalogue, commands, deletion, tablets
from .customers import PREFIX
from .devices import asked_for, items_of
from .entry import signed_in_only
from .logbook import acted, administrator
from .shown import refused
from .texts import words


def confirmed(switches: Switches, typed: str) -> bool:
    if switches.clomo_tolerant_yes:
        typed = unicodedata.normalize("NFKC", typed).strip().upper()
    return typed == "YES"


def why_not(tenant: Tenant, clomo: Clomo, name: str, records: list[Record], body: dict[str, Any]) -> str:
    """The name of the sentence that refuses the command; empty: nothing does."""
    if len(records) < len(body["rows"]):
        return "row_gone"
    if name not in catalogue.offered(tenant.switches, clomo, records):
        return "not_offered"
    if catalogue.ACTIONS[name].items and not body.get("items"):
        return "nothing_chosen"
    if name in ("erase", "delete") and not confirmed(tenant.switches, str(body.get("typed", ""))):
        return "type_yes"
    if name == "delete" and any(one.work_smart for one in records):
        return "work_smart_refuses"
    if name == "purge" and any(deletion.related(tenant, one) for one in records):
        return "related"
    return ""


async def execute(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """rows, and what the command asks for: items, options by name, typed."""
    body, name = await request.json(), request.path_params["command"]
    if name not in catalogue.ACTIONS:
        return Response(status_code=404)
    records, by = asked_for(clomo, body["rows"]), administrator(tenant, clomo)
    told: dict[str, Any] = {key: body[key] for key in ("items", "options") if key in body}
    reason = why_not(tenant, clomo, name, records, body)
    acted(world, clomo, name, [one.serial for one in records], by, **told, **({"refused": reason} if reason else {}))
    if reason:
        return refused(tenant, reason)
    for record in records:
        run(world, tenant, clomo, record, name, body, by)
    text = words(tenant.switches)
    return JSONResponse({"notice": text["command_accepted"].format(command=text[f"command_{name}"])})


def run(world: World, tenant: Tenant, clomo: Clomo, record: Record, name: str, body: dict[str, Any], by: str) -> None:
    options = {key: bool(value) for key, value in body.get("options", {}).items()}
    if name == "delete":
        deletion.delete(world, tenant, clomo, record, with_apps=options.get("with_apps", False))
    elif name == "purge":
        deletion.forget(clomo, record)
    elif name == "revoke_licence":
        for adam_id in set(body["items"]) & set(items_of(tenant, clomo, "licences", record)):
            tablets.revoke_licence(world, tenant, clomo, record.serial, adam_id)
    elif name == "grant_licence":
        for adam_id in body["items"]:
            tablets.grant_licence(tenant, record.serial, adam_id)
    else:
        action = catalogue.ACTIONS[name]
        has = items_of(tenant, clomo, action.items, record) if action.items else [""]
        for item in body["items"] if action.items else [""]:
            if item in has:
                commands.register(
                    world, tenant, clomo, record, PanelCommand(action.request, item, by=by, options=options)
                )


async def revoke_certificate(
    request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession
) -> Response:
    body = await request.json()
    record = clomo.records.get(body["row"])
    if record is None or body["name"] not in record.certificates:
        return refused(tenant, "row_gone")
    record.certificates.remove(body["name"])
    by = administrator(tenant, clomo)
    acted(world, clomo, "revoke_certificate", [record.serial], by, items=[body["name"]])
    return JSONResponse({"notice": words(tenant.switches)["certificate_revoked"]})


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{panel}/commands/{{command}}", signed_in_only(execute), methods=["POST"]),
        Route(f"{panel}/certificates/revoke", signed_in_only(revoke_certificate), methods=["POST"]),
    ]
