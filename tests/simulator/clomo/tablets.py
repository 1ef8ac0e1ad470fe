# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a command does to the iPad, what the panel learns of it, and how an erased one comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..clomo_state import ERASED, MANAGED, PanelCommand, Record, Tablet
from ..licences import asset_name
from ..state import Clomo, Location, Tenant
from ..world import World, iso
from . import logbook
from .catalogue import INFORMATION
from .stock import equip, new_record, told_by
from .texts import words

CARRIED = ("owner", "organization", "tags", "memo")


class Work(NamedTuple):
    """What a command is carried out on, and for whom."""

    world: World
    tenant: Tenant
    clomo: Clomo
    record: Record
    tablet: Tablet
    command: PanelCommand


Deed = Callable[[Work], bool]


def carry_out(work: Work) -> bool:
    """False: the device refuses."""
    done = DEEDS[work.command.kind](work)
    if done and work.command.kind not in work.record.collected:
        work.record.collected.append(work.command.kind)
    return done


def tell(work: Work) -> bool:
    told_by(work.record, work.tablet)
    return True


def tell_profiles(work: Work) -> bool:
    work.record.profiles = list(work.tablet.profiles)
    return True


def tell_apps(work: Work) -> bool:
    work.record.apps = list(work.tablet.apps)
    work.record.licences = licences_of(work.tenant, work.tablet.serial)
    return True


def collect(tenant: Tenant, record: Record, tablet: Tablet) -> None:
    """All that the information commands tell."""
    told_by(record, tablet)
    record.profiles, record.apps = list(tablet.profiles), list(tablet.apps)
    record.licences = licences_of(tenant, tablet.serial)
    record.collected = list(dict.fromkeys([*record.collected, *INFORMATION]))


def remove_profile(work: Work) -> bool:
    known = work.clomo.profiles.get(work.command.item)
    if work.command.item not in work.tablet.profiles or (known and not known.removable):
        return False
    work.tablet.profiles.remove(work.command.item)
    work.tablet.removed_profiles.append(work.command.item)
    return True


def remove_app(work: Work) -> bool:
    known = work.clomo.apps.get(work.command.item)
    if work.command.item not in work.tablet.apps or (known and not known.managed):
        return False
    work.tablet.apps.remove(work.command.item)
    work.tablet.removed_apps.append(work.command.item)
    return True


def install_app(work: Work) -> bool:
    if work.command.item not in work.tablet.apps:
        work.tablet.apps.append(work.command.item)
    return True


def lock(work: Work) -> bool:
    return True


def lose(work: Work) -> bool:
    work.tablet.lost_mode = work.record.lost_mode = work.tablet.supervised
    return work.tablet.supervised


def erase(work: Work) -> bool:
    """One that a user's Activation Lock holds stops there, Return to Service or not."""
    if work.tablet.lost_mode:
        return False
    wipe(work.tablet)
    work.tablet.returning = (
        bool(work.command.options.get("return_to_service")) and work.tablet.returns and not work.tablet.activation_lock
    )
    carries = work.command.options.get("carry_over")
    work.tablet.carried = {name: getattr(work.record, name) for name in CARRIED} if carries else {}
    work.tablet.lost += [one.kind for one in work.record.queue]
    work.record.queue.clear()
    work.record.state = ERASED
    come_back_later(work.world, work.tenant, work.clomo, work.tablet, work.record.number)
    return True


def wipe(tablet: Tablet) -> None:
    tablet.erased += 1
    tablet.enrolled, tablet.name = False, "iPad"
    tablet.profiles, tablet.apps = [], []


def come_back_later(world: World, tenant: Tenant, clomo: Clomo, tablet: Tablet, old: str) -> None:
    if tablet.returning and not tablet.off:
        delay = tenant.switches.device_returns_ms
        world.fleet.later(tenant, delay, lambda: come_back(world, tenant, clomo, tablet, old))


def come_back(world: World, tenant: Tenant, clomo: Clomo, tablet: Tablet, old: str) -> None:
    """By itself, after Return to Service."""
    if tablet.returning and not tablet.off:
        enrol(world, tenant, clomo, tablet, None if tenant.switches.clomo_return_new_row else old)


def enrol(world: World, tenant: Tenant, clomo: Clomo, tablet: Tablet, number: str | None) -> Record:
    """number: of the record that it comes back to, if that is still there."""
    carried, tablet.carried = tablet.carried, {}
    tablet.returning, tablet.enrolled, tablet.lost_mode = False, True, False
    tablet.enrolments += 1
    equip(tenant, clomo, tablet)
    tablet.apps.pop()
    record = clomo.records.get(number or "")
    if record is None:
        record = new_record(world, clomo, tablet)
    else:
        clomo.records[record.number] = record = Record(record.number, record.serial, last_contact=iso(world.now()))
        told_by(record, tablet)
    record.state, record.ade = MANAGED, not tenant.switches.clomo_ade_missing
    for name, value in carried.items():
        setattr(record, name, value)
    world.save()
    return record


def licences_of(tenant: Tenant, serial: str) -> list[str]:
    """The Adam IDs."""
    return [asset.split()[0] for asset in tenant.locations[0].assignments.of_serial.get(serial, [])]


def revoke_licence(world: World, tenant: Tenant, clomo: Clomo, serial: str, adam_id: str) -> None:
    """Under way from now on: it takes a job's time and that of Apple's event."""
    clomo.revocations[f"{serial} {adam_id}"] = None
    go_on_revoking(world, tenant, clomo, serial, adam_id)


def go_on_revoking(world: World, tenant: Tenant, clomo: Clomo, serial: str, adam_id: str) -> None:
    delay = tenant.switches.clomo_job_ms + 1000 * tenant.switches.vpp_event_seconds
    world.fleet.later(tenant, delay, lambda: revoked(world, tenant, clomo, serial, adam_id))


def revoked(world: World, tenant: Tenant, clomo: Clomo, serial: str, adam_id: str) -> None:
    clomo.revocations.pop(f"{serial} {adam_id}", None)
    switches = tenant.switches
    failed = serial in switches.vpp_failing or switches.vpp_events_fail
    if not failed:
        take_licence(tenant.locations[0], serial, adam_id)
    record = next(iter(clomo.records_of(serial)), None)
    text = words(switches)
    line = text["log_not_revoked" if failed else "log_revoked"]
    logbook.write(world, clomo, record, line, what=text["command_revoke_licence"], app=f"App {adam_id}")
    world.save()


def take_licence(location: Location, serial: str, adam_id: str) -> None:
    for asset in location.assets:
        name = asset_name(asset["adamId"], asset["pricingParam"])
        if asset["adamId"] == adam_id and location.assignments.has(name, serial):
            location.assignments.remove(name, serial)
            location.version += 1


def grant_licence(tenant: Tenant, serial: str, adam_id: str) -> None:
    location = tenant.locations[0]
    for asset in location.assets:
        name = asset_name(asset["adamId"], asset["pricingParam"])
        if asset["adamId"] == adam_id and not location.assignments.has(name, serial):
            location.assignments.add(name, serial)
            location.version += 1


def resume(world: World, tenant: Tenant, clomo: Clomo) -> None:
    for serial, adam_id in map(str.split, clomo.revocations):
        go_on_revoking(world, tenant, clomo, serial, adam_id)
    for record in list(clomo.records.values()):
        if record.state == ERASED:
            come_back_later(world, tenant, clomo, clomo.tablets[record.serial], record.number)


DEEDS: dict[str, Deed] = {
    "DeviceInformation": tell,
    "ProfileList": tell_profiles,
    "InstalledApplicationList": tell_apps,
    "RemoveProfile": remove_profile,
    "RemoveApplication": remove_app,
    "InstallApplication": install_app,
    "DeviceLock": lock,
    "EnableLostMode": lose,
    "EraseDevice": erase,
}
