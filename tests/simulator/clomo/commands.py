# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The life of a command: registered, sent, answered or not, given up after seven days. One device takes one after another."""

from __future__ import annotations

import datetime

from ..clomo_state import MANAGED, PanelCommand, Record, Tablet
from ..state import Clomo, Tenant
from ..world import World, iso, moment
from . import logbook, tablets
from .catalogue import INFORMATION

HELD_DAYS = 7
HELD_FOR_EVER = ("EnableLostMode",)
DAY = datetime.timedelta(days=1)


def register(world: World, tenant: Tenant, clomo: Clomo, record: Record, command: PanelCommand) -> None:
    command.at = iso(world.now())
    record.queue.append(command)
    if command.by:
        logbook.write(world, clomo, record, logbook.ORDERED, by=command.by, request=command.kind)
    logbook.write(world, clomo, record, logbook.REGISTERED, request=command.kind)
    if pushes_work(world, clomo):
        logbook.write(world, clomo, record, logbook.PUSHED, request=command.kind)
    wake(world, tenant, clomo, record)


def pushes_work(world: World, clomo: Clomo) -> bool:
    return clomo.push is not None and moment(clomo.push.not_after) > world.now()


def wake(world: World, tenant: Tenant, clomo: Clomo, record: Record) -> None:
    """The device comes for its commands in a moment, if it hears of them; what it put off comes again then."""
    for command in record.queue:
        command.put_off = False
    key = (tenant.name, record.number)
    if record.queue and key not in world.memory.panel_visits and hears(world, clomo, record):
        world.memory.panel_visits.add(key)
        world.fleet.later(tenant, tenant.switches.clomo_wakes_ms, lambda: step(world, tenant, clomo, record))


def hears(world: World, clomo: Clomo, record: Record) -> bool:
    tablet = clomo.tablets[record.serial]
    return record.state == MANAGED and tablet.enrolled and not tablet.off and pushes_work(world, clomo)


def give_up_old(world: World, record: Record) -> None:
    """Silently: Reports has no line of it."""
    oldest = world.now() - HELD_DAYS * DAY
    record.queue = [one for one in record.queue if one.kind in HELD_FOR_EVER or moment(one.at) > oldest]


def step(world: World, tenant: Tenant, clomo: Clomo, record: Record) -> None:
    """The device fetches its next command, or answers the one it has fetched."""
    give_up_old(world, record)
    tablet = clomo.tablets[record.serial]
    command = next((one for one in record.queue if not one.put_off), None)
    if clomo.records.get(record.number) is not record or command is None or not hears(world, clomo, record):
        world.memory.panel_visits.discard((tenant.name, record.number))
        return
    if not command.sent:
        command.sent = True
        logbook.write(world, clomo, record, logbook.SENT, request=command.kind)
        delay = tenant.switches.clomo_answer_ms + tablet.slow_ms
    else:
        answer(world, tenant, clomo, record, tablet, command)
        delay = 0
    world.save()
    world.fleet.later(tenant, delay, lambda: step(world, tenant, clomo, record))


def answer(world: World, tenant: Tenant, clomo: Clomo, record: Record, tablet: Tablet, command: PanelCommand) -> None:
    if tablet.not_now and command.kind not in INFORMATION:
        tablet.not_now -= 1
        command.put_off, command.sent = True, False
        return
    if command.kind in tablet.mute:
        command.put_off = True
        return
    record.queue.remove(command)
    work = tablets.Work(world, tenant, clomo, record, tablet, command)
    record.last_contact = iso(world.now())
    if command.kind in tablet.failing or not tablets.carry_out(work):
        if tenant.switches.clomo_failure_lines:
            logbook.write(world, clomo, record, logbook.FAILED, request=command.kind)
        return
    tablet.seen.append(command.kind)
    logbook.write(world, clomo, record, logbook.SUCCEEDED, request=command.kind)


def issue_daily(world: World, tenant: Tenant, clomo: Clomo) -> None:
    """Once a day CLOMO itself asks every managed device; so commands that no administrator gave stand in Reports."""
    if tenant.switches.clomo_daily_commands and world.now() - moment(clomo.last_daily) > DAY:
        ask_all(world, tenant, clomo)


def ask_all(world: World, tenant: Tenant, clomo: Clomo) -> None:
    clomo.last_daily = iso(world.now())
    for record in clomo.records.values():
        give_up_old(world, record)
        if record.state == MANAGED:
            for kind in INFORMATION:
                register(world, tenant, clomo, record, PanelCommand(kind))


def resume(world: World, tenant: Tenant, clomo: Clomo) -> None:
    """After a start of the world: what devices were about to do."""
    for record in clomo.records.values():
        wake(world, tenant, clomo, record)
    tablets.resume(world, tenant, clomo)
