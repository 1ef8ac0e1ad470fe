# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the screen Devices shows: rows of a search, the right pane, the commands and what their windows offer. No writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clomo_state import MANAGED, Record
from ..school_api import server_id
from ..state import Clomo, Tenant
from ..world import PanelSession, World
from . import catalogue
from .belonging import with_children
from .customers import PREFIX
from .entry import signed_in_only
from .shown import shown_time
from .tablets import licences_of
from .texts import words

MOST_ROWS = 500
APP_ITEMS = ("apps", "installable", "manageable")


def owner_text(clomo: Clomo, record: Record) -> str:
    owner = clomo.users.get(record.owner)
    return f"{owner.name} <{owner.mail}>" if owner else ""


def organization_text(tenant: Tenant, clomo: Clomo, number: str) -> str:
    found = clomo.tree.get(number)
    return found.name if found else words(tenant.switches)["all_organizations"]


def state_text(tenant: Tenant, record: Record) -> str:
    return words(tenant.switches)[f"state_{record.state}"]


def matching(tenant: Tenant, clomo: Clomo, query: Mapping[str, str]) -> list[Record]:
    """In the order of the grid."""
    records: Iterable[Record] = clomo.records.values()
    if search := query.get("search", "").strip().lower():
        records = [one for one in records if any(search in text.lower() for text in searched(clomo, one))]
    if tag := query.get("tag"):
        records = [one for one in records if tag in one.tags]
    if organization := query.get("organization"):
        wanted = with_children(clomo, organization)
        records = [one for one in records if one.organization in wanted]
    if state := query.get("state"):
        records = [one for one in records if one.state == state]
    if tenant.switches.clomo_device_order == "contact":
        return sorted(records, key=lambda one: (one.last_contact, one.number), reverse=True)
    return sorted(records, key=lambda one: (one.name, one.number))


def searched(clomo: Clomo, record: Record) -> tuple[str, str, str]:
    return record.serial, record.name, owner_text(clomo, record)


def row(tenant: Tenant, clomo: Clomo, record: Record) -> dict[str, Any]:
    return {
        "id": record.number,
        "name": record.name,
        "serial": record.serial,
        "owner": owner_text(clomo, record),
        "organization": organization_text(tenant, clomo, record.organization),
        "os": f"iPadOS {record.os_version}",
        "state": state_text(tenant, record),
        "contact": shown_time(tenant, record.last_contact),
        "struck": record.state != MANAGED,
    }


def devices(world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> dict[str, Any]:
    """What stands around the grid."""
    text, switches = words(tenant.switches), tenant.switches
    return {
        "tags": sorted({tag for one in clomo.records.values() for tag in one.tags}),
        "organizations": [{"id": one.number, "name": one.name} for one in clomo.tree.values()],
        "states": [{"id": state, "name": text[f"state_{state}"]} for state in ("managed", "erased", "deleted")],
        "menu": switches.clomo_vintage != "newer",
        "survive_scrolling": switches.clomo_ticks_survive_scrolling,
        "survive_search": switches.clomo_ticks_survive_search,
        "ticks_by_place": switches.clomo_ticks_by_place,
        "refresh": switches.clomo_grid_refresh_ms,
    }


async def rows(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    query = request.query_params
    found = matching(tenant, clomo, query)
    first, count = int(query.get("first", "0")), min(int(query.get("count", "100")), MOST_ROWS)
    some = [row(tenant, clomo, one) for one in found[first : first + count]]
    return JSONResponse({"total": len(found), "rows": some})


async def numbers(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    return JSONResponse([one.number for one in matching(tenant, clomo, request.query_params)])


async def pane(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    record = clomo.records.get(request.path_params["number"])
    if record is None:
        return JSONResponse({"error": words(tenant.switches)["row_gone"]})
    text = words(tenant.switches)
    yes_no = {True: text["yes"], False: text["no"]}
    return JSONResponse(
        {
            **row(tenant, clomo, record),
            "details": [
                [text["serial_number"], record.serial],
                [text["device_name"], record.name],
                [text["owner"], owner_text(clomo, record)],
                [text["organization"], organization_text(tenant, clomo, record.organization)],
                [text["os_version"], record.os_version],
                [text["supervised"], yes_no[record.supervised]],
                [text["lost_mode_state"], yes_no[record.lost_mode]],
                [text["activation_lock"], yes_no[record.activation_lock]],
                [text["work_smart_sets"], record.work_smart],
                [text["last_contact"], shown_time(tenant, record.last_contact)],
                [text["tag"], "、".join(record.tags)],
                [text["memo"], record.memo],
            ],
            "ade": ade_facts(tenant, record, text),
            "profiles": [named(clomo, "profiles", one) for one in record.profiles],
            "apps": [{**named(clomo, "apps", one), "managed": managed_text(clomo, one, text)} for one in record.apps],
            "licences": [f"App {one}" for one in shown_licences(tenant, record)],
            "certificates": record.certificates,
            "tags": record.tags,
        }
    )


def ade_facts(tenant: Tenant, record: Record, text: dict[str, str]) -> list[list[str]]:
    """None where the panel has no data of it."""
    if not record.ade:
        return []
    return [[text["ade_server"], tenant.servers[0].name], [text["ade_status"], text["ade_assigned"]]]


def in_ade(tenant: Tenant, serial: str) -> bool:
    """Whether Apple has it assigned to the panel's server."""
    return tenant.school is not None and tenant.school.assigned.get(serial) == server_id(tenant.servers[0])


def named(clomo: Clomo, kind: str, identifier: str) -> dict[str, str]:
    known = (clomo.profiles if kind == "profiles" else clomo.apps).get(identifier)
    return {"id": identifier, "name": known.name if known else identifier}


def managed_text(clomo: Clomo, identifier: str, text: dict[str, str]) -> str:
    known = clomo.apps.get(identifier)
    return text["app_managed"] if known is None or known.managed else text["app_unmanaged"]


def shown_licences(tenant: Tenant, record: Record) -> list[str]:
    late = tenant.switches.clomo_licences_shown_late
    return record.licences if late else licences_of(tenant, record.serial)


def asked_for(clomo: Clomo, wanted: list[str]) -> list[Record]:
    """Those of the rows that are still there."""
    return [clomo.records[number] for number in wanted if number in clomo.records]


async def commands(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """What is offered for the rows, by groups."""
    text, groups = words(tenant.switches), dict[str, list[dict[str, str]]]()
    for name in catalogue.offered(tenant.switches, clomo, asked_for(clomo, (await request.json())["rows"])):
        group = groups.setdefault(text[catalogue.ACTIONS[name].group], [])
        group.append({"id": name, "name": text[f"command_{name}"]})
    return JSONResponse([{"group": group, "options": options} for group, options in groups.items()])


async def window(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    """What a command's window shows: the devices it would go to, and what may be chosen."""
    body = await request.json()
    records, name = asked_for(clomo, body["rows"]), body["command"]
    action, switches = catalogue.ACTIONS[name], tenant.switches
    if name not in catalogue.offered(switches, clomo, records):
        return JSONResponse({"error": words(switches)["not_offered"]})
    return JSONResponse(
        {
            "rows": [one.number for one in records],
            "serials": [one.serial for one in records],
            "items": items(tenant, clomo, action.items, records) if action.items else None,
            "confirmed": action.confirmed,
            "last_ok_informs": switches.clomo_last_ok_informs,
            "ticked": {
                "with_apps": switches.clomo_ticked_keep_apps,
                "return_to_service": switches.clomo_ticked_return,
                "carry_over": switches.clomo_ticked_carry_over,
            },
            "unknown_dialog": switches.clomo_unknown_dialog_at == "window",
        }
    )


def items(tenant: Tenant, clomo: Clomo, kind: str, records: list[Record]) -> list[dict[str, str]]:
    """Of one device those that it has, of several the union or what they have in common."""
    each = [dict.fromkeys(items_of(tenant, clomo, kind, one)) for one in records]
    found = dict.fromkeys(item for one in each for item in one)
    if tenant.switches.clomo_bulk_items == "intersection":
        found = {item: None for item in found if all(item in one for one in each)}
    if kind == "profiles" or kind in APP_ITEMS:
        return [named(clomo, kind, item) for item in found]
    return [{"id": item, "name": f"App {item}"} for item in found]


def items_of(tenant: Tenant, clomo: Clomo, kind: str, record: Record) -> list[str]:
    if kind == "profiles":
        return [one for one in record.profiles if one not in clomo.profiles or clomo.profiles[one].removable]
    if kind == "apps":
        return [one for one in record.apps if one not in clomo.apps or clomo.apps[one].managed]
    if kind == "installable":
        return [name for name, one in clomo.apps.items() if one.managed]
    if kind == "manageable":
        return [
            one for one in record.apps if one in clomo.apps and not clomo.apps[one].managed and clomo.apps[one].adam_id
        ]
    has = licences_of(tenant, record.serial)
    if kind == "licences":
        return has
    return [one["adamId"] for one in tenant.locations[0].assets if one["adamId"] not in has]


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{panel}/rows/devices", signed_in_only(rows)),
        Route(f"{panel}/numbers/devices", signed_in_only(numbers)),
        Route(f"{panel}/devices/{{number}}", signed_in_only(pane)),
        Route(f"{panel}/ask/commands", signed_in_only(commands), methods=["POST"]),
        Route(f"{panel}/ask/window", signed_in_only(window), methods=["POST"]),
    ]
