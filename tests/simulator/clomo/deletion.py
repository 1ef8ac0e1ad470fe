# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a device's record goes: at once, only after its licences, or struck through until all that belongs to it is gone."""

from __future__ import annotations

from ..clomo_state import DELETED, Record
from ..state import Clomo, Tenant
from ..world import World
from . import logbook
from .tablets import licences_of, revoke_licence
from .texts import words


def related(tenant: Tenant, record: Record) -> bool:
    """Whether licences or certificates are left."""
    return bool(record.certificates or licences_of(tenant, record.serial))


def delete(world: World, tenant: Tenant, clomo: Clomo, record: Record, *, with_apps: bool) -> None:
    """With licences left the first time only revokes them. with_apps: those that were installed automatically go, too."""
    tablet = clomo.tablets[record.serial]
    licences = licences_of(tenant, record.serial)
    for adam_id in licences:
        if f"{record.serial} {adam_id}" not in clomo.revocations:
            revoke_licence(world, tenant, clomo, record.serial, adam_id)
    if licences and not tenant.switches.clomo_first_delete_strikes:
        return
    if with_apps:
        tablet.apps = [one for one in tablet.apps if one not in clomo.apps or not clomo.apps[one].automatic]
    tablet.deleted += 1
    tablet.enrolled = False
    tablet.lost += [one.kind for one in record.queue]
    record.queue.clear()
    if licences or record.certificates:
        record.state = DELETED
        logbook.write(world, clomo, record, f"[Failed] {words(tenant.switches)['related']}")
    else:
        forget(clomo, record)


def forget(clomo: Clomo, record: Record) -> None:
    clomo.remove(record)
