# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which devices and organisations belong to whom, and what leaves with a user."""

from __future__ import annotations

from ..clomo_state import MANAGED, PanelCommand, Record
from ..state import Clomo, Tenant
from ..world import World
from . import commands


def with_children(clomo: Clomo, number: str) -> set[str]:
    """The organisation and all below it."""
    found, grown = {number}, True
    while grown:
        more = {one.number for one in clomo.tree.values() if one.parent in found} - found
        found |= more
        grown = bool(more)
    return found


def owned_by(clomo: Clomo, numbers: set[str]) -> list[Record]:
    return [one for one in clomo.records.values() if one.owner in numbers]


def remove(world: World, tenant: Tenant, clomo: Clomo, numbers: set[str]) -> None:
    """Their devices leave the organisation: what it had put on them by itself goes, as soon as they answer."""
    for record in owned_by(clomo, numbers):
        record.owner = record.organization = ""
        if record.state == MANAGED:
            take_back(world, tenant, clomo, record)
    for number in numbers:
        clomo.users.pop(number, None)


def take_back(world: World, tenant: Tenant, clomo: Clomo, record: Record) -> None:
    tablet = clomo.tablets[record.serial]
    for kind, known, items in (
        ("RemoveProfile", clomo.profiles, tablet.profiles),
        ("RemoveApplication", clomo.apps, tablet.apps),
    ):
        for item in items:
            if item in known and known[item].automatic:
                commands.register(world, tenant, clomo, record, PanelCommand(kind, item))
