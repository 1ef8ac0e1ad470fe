# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another administrator at work in the same panel: by script at certain requests, or busy with some devices all the time.

A scripted act has at (a pattern of the request's path), perhaps nth (which of those requests, 1 if it is not given), act (a name
of ACTS) and what the act needs; it happens once, before the request is answered."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from ..clomo_state import MANAGED, PanelCommand, PanelUser, Record, Tablet
from ..state import Clomo, Tenant
from ..world import World
from . import belonging, catalogue, commands, deletion
from .logbook import acted
from .stock import add_user, equip, new_record, organization_at

COLLEAGUE = "別の管理者"
Act = Callable[[World, Tenant, Clomo, dict[str, Any]], None]


class Unknown(Exception):
    """The sentence for whoever steers."""


def the_record(clomo: Clomo, serial: str) -> Record:
    """Its newest, the managed one first."""
    found = clomo.records_of(serial)
    if not found:
        raise Unknown(f"the panel has no record of {serial}")
    return max(found, key=lambda one: (one.state == MANAGED, int(one.number)))


def user_of(clomo: Clomo, mail: str) -> PanelUser:
    """Made if nobody has this address."""
    found = next((one for one in clomo.users.values() if one.mail == mail), None)
    return found or add_user(clomo, PanelUser(clomo.number(), mail.split("@")[0], mail))


def rename(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    record = the_record(clomo, facts["serial"])
    record.name = clomo.tablets[record.serial].name = facts["name"]


def hand_over(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    """To the owner with this mail address; an empty one: to nobody."""
    record = the_record(clomo, facts["serial"])
    owner = user_of(clomo, facts["mail"]) if facts["mail"] else None
    record.owner, record.organization = (owner.number, owner.organization) if owner else ("", "")


def tag(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    the_record(clomo, facts["serial"]).tags = list(facts["tags"])


def move(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    """To another organisation, by its path."""
    the_record(clomo, facts["serial"]).organization = organization_at(clomo, facts["organization"])


def add_device(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    tablet = clomo.tablets.setdefault(facts["serial"], Tablet(facts["serial"]))
    tablet.name, tablet.enrolled = facts.get("name", tablet.name), True
    equip(tenant, clomo, tablet)
    new_record(world, clomo, tablet)


def delete(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    deletion.delete(world, tenant, clomo, the_record(clomo, facts["serial"]), with_apps=False)


def vanish(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    """The row is gone, whatever belongs to it."""
    deletion.forget(clomo, the_record(clomo, facts["serial"]))


def command(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    """name: of a command as in the catalogue, with its item and options."""
    request = catalogue.ACTIONS[facts["name"]].request
    order = PanelCommand(request, facts.get("item", ""), by=COLLEAGUE, options=facts.get("options", {}))
    commands.register(world, tenant, clomo, the_record(clomo, facts["serial"]), order)


def delete_user(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    belonging.remove(world, tenant, clomo, {user_of(clomo, facts["mail"]).number})


def add_new_user(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    user = user_of(clomo, facts["mail"])
    user.name, user.role = facts.get("name", user.name), facts.get("role", user.role)
    if facts.get("organization"):
        user.organization = organization_at(clomo, facts["organization"])


ACTS: dict[str, Act] = {
    "rename": rename,
    "hand_over": hand_over,
    "tag": tag,
    "move": move,
    "add_device": add_device,
    "delete": delete,
    "vanish": vanish,
    "command": command,
    "delete_user": delete_user,
    "add_user": add_new_user,
}


def work(world: World, tenant: Tenant, clomo: Clomo, path: str) -> None:
    switches = tenant.switches
    for scripted in list(switches.clomo_colleague):
        if re.search(scripted["at"], path):
            scripted["nth"] = scripted.get("nth", 1) - 1
            if scripted["nth"] <= 0:
                switches.clomo_colleague.remove(scripted)
                perform(world, tenant, clomo, scripted)
    if switches.clomo_busy_serials:
        be_busy(world, tenant, clomo)


def perform(world: World, tenant: Tenant, clomo: Clomo, facts: dict[str, Any]) -> None:
    if facts.get("act") not in ACTS:
        raise Unknown(f"no such act of a colleague: {facts.get('act')}")
    ACTS[facts["act"]](world, tenant, clomo, facts)
    told = {key: value for key, value in facts.items() if key not in ("at", "nth", "act", "serial")}
    acted(world, clomo, facts["act"], [facts["serial"]] if "serial" in facts else [], COLLEAGUE, **told)
    world.save()


def be_busy(world: World, tenant: Tenant, clomo: Clomo) -> None:
    """One of its devices is renamed, which moves its row, or its row vanishes or appears."""
    chance = random.Random(f"{tenant.switches.clomo_busy_seed}/{clomo.last_number}/{len(clomo.acts)}")
    serial = chance.choice(tenant.switches.clomo_busy_serials)
    if not clomo.records_of(serial):
        perform(
            world, tenant, clomo, {"act": "add_device", "serial": serial, "name": f"iPad-{chance.randrange(10**5):05}"}
        )
    elif chance.random() < 0.5:
        perform(world, tenant, clomo, {"act": "rename", "serial": serial, "name": f"iPad-{chance.randrange(10**5):05}"})
    else:
        perform(world, tenant, clomo, {"act": "vanish", "serial": serial})
