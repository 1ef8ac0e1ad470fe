# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests steer a customer's devices and people with, under /_control/tenants/TENANT/panel_…, and what they read there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.routing import Route

from ..clomo_state import OF_RECORD, OF_TABLET, PanelApp, PanelProfile, Record
from ..device_control import Act, Refused, endpoint
from ..state import Clomo, Tenant, plain
from ..world import World
from . import commands, tablets
from .colleagues import ACTS, Unknown, perform, the_record
from .devices import owner_text
from .tablets import licences_of


def of_panel(tenant: Tenant) -> Clomo:
    if tenant.clomo is None:
        raise Refused(f"{tenant.name} is no customer of the panel")
    return tenant.clomo


def chosen(clomo: Clomo, serials: list[str] | None) -> list[str]:
    wanted = list(clomo.tablets) if serials is None else serials
    if unknown := [serial for serial in wanted if serial not in clomo.tablets]:
        raise Refused(f"no such device: {unknown[0]}")
    return wanted


async def told(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    clomo = of_panel(tenant)
    return [
        {
            **plain(clomo.tablets[serial]),
            "records": [record_facts(world, clomo, one) for one in clomo.records_of(serial)],
            "licences": licences_of(tenant, serial),
        }
        for serial in chosen(clomo, body["serials"])
    ]


def record_facts(world: World, clomo: Clomo, record: Record) -> dict[str, Any]:
    commands.give_up_old(world, record)
    return plain(record) | {
        "owner": owner_text(clomo, record),
        "organization": path_of(clomo, record.organization),
    }


def path_of(clomo: Clomo, number: str) -> str:
    found = clomo.tree.get(number)
    return f"{path_of(clomo, found.parent)}/{found.name}".lstrip("/") if found else ""


async def set_facts(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """Of the iPads and of their records; what both have is set at both."""
    clomo, facts = of_panel(tenant), body["facts"]
    if unknown := set(facts) - {*OF_TABLET, *OF_RECORD}:
        raise Refused(f"no such fact that can be set: {sorted(unknown)[0]}")
    for serial in chosen(clomo, body["serials"]):
        records = clomo.records_of(serial)
        for name, value in facts.items():
            for one in ([clomo.tablets[serial]] if name in OF_TABLET else []) + (records if name in OF_RECORD else []):
                setattr(one, name, list(value) if isinstance(value, list) else value)
        for record in records:
            commands.wake(world, tenant, clomo, record)
        if records:
            tablets.come_back_later(world, tenant, clomo, clomo.tablets[serial], records[0].number)


async def catalogue(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """What the panel knows of profiles and apps, by identifier."""
    clomo = of_panel(tenant)
    clomo.profiles |= {name: PanelProfile(**facts) for name, facts in body["profiles"].items()}
    clomo.apps |= {name: PanelApp(**facts) for name, facts in body["apps"].items()}


async def collect(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """As if the information commands had been answered."""
    clomo = of_panel(tenant)
    for serial in chosen(clomo, body["serials"]):
        tablets.collect(tenant, the_record(clomo, serial), clomo.tablets[serial])


async def erased_by_hand(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """The panel does not notice."""
    clomo = of_panel(tenant)
    for serial in chosen(clomo, [body["serial"]]):
        tablets.wipe(clomo.tablets[serial])


async def enrols(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    """Somebody set it up by hand: in the row it has, or in a new one."""
    clomo = of_panel(tenant)
    for serial in chosen(clomo, [body["serial"]]):
        old = next((one.number for one in clomo.records_of(serial)), None)
        tablets.enrol(world, tenant, clomo, clomo.tablets[serial], old)


async def colleague(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    try:
        perform(world, tenant, of_panel(tenant), body)
    except (Unknown, KeyError) as error:
        raise Refused(f"{error}; there are {', '.join(ACTS)}") from None


async def day(world: World, tenant: Tenant, body: dict[str, Any]) -> Any:
    commands.ask_all(world, tenant, of_panel(tenant))


def lists(tenant: Tenant) -> dict[str, Callable[[], Any]]:
    clomo = tenant.clomo
    if clomo is None:
        return {}
    return {
        "panel_acts": lambda: clomo.acts,
        "panel_reports": lambda: [plain(line) for line in clomo.reports],
        "panel_users": lambda: [
            {**plain(one), "organization": path_of(clomo, one.organization)} for one in clomo.users.values()
        ],
        "panel_organizations": lambda: [path_of(clomo, number) for number in clomo.tree],
    }


def routes() -> list[Route]:
    acts: dict[str, Act] = {
        "panel_devices": told,
        "panel_set": set_facts,
        "panel_catalogue": catalogue,
        "panel_collect": collect,
        "panel_erased_by_hand": erased_by_hand,
        "panel_enrols": enrols,
        "panel_colleague": colleague,
        "panel_day": day,
    }
    base = "/_control/tenants/{name}"
    return [Route(f"{base}/{name}", endpoint(act), methods=["POST"]) for name, act in acts.items()]
