# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a customer of the panel has before the work begins: organisations, pupils, and an iPad of each."""

from __future__ import annotations

from ..clomo_state import (
    AGENT,
    MDM_PROFILE,
    PanelApp,
    PanelOrganization,
    PanelProfile,
    PanelUser,
    Record,
    Tablet,
)
from ..state import Clomo, Tenant
from ..world import World, iso

SYSTEM_ADMINISTRATOR = "システム管理者"
PROFILES = {
    MDM_PROFILE: PanelProfile("MDM 構成プロファイル", removable=False),
    "school.wifi": PanelProfile("校内 Wi-Fi", automatic=True),
    "school.restrictions": PanelProfile("機能制限"),
}
UNMANAGED = "com.example.game"
APPS = {AGENT: PanelApp("CLOMO MDM Agent"), UNMANAGED: PanelApp("ゲーム", managed=False)}


def furnish(world: World, tenant: Tenant, clomo: Clomo, classes: list[str], administrators: int) -> None:
    """classes: paths of organisations, as 3年生/3年1組; the pupils are spread over them evenly, a block each."""
    clomo.profiles |= PROFILES
    clomo.apps |= APPS | {app_of(adam_id): licensed(adam_id) for adam_id in adam_ids(tenant)}
    for name in clomo.organizations:
        organization_at(clomo, name)
    places = [organization_at(clomo, path) for path in classes] or [""]
    add_user(clomo, PanelUser(clomo.number(), SYSTEM_ADMINISTRATOR, clomo.account, "", SYSTEM_ADMINISTRATOR))
    for number in range(1, administrators):
        mail = f"staff{number}@{clomo.domain}.example"
        add_user(clomo, PanelUser(clomo.number(), f"教職員 {number:02}", mail, "", SYSTEM_ADMINISTRATOR))
    for index, facts in enumerate(tenant.devices):
        place = places[index * len(places) // len(tenant.devices)]
        mail = f"s{index + 1:05}@{clomo.domain}.example"
        pupil = add_user(clomo, PanelUser(clomo.number(), f"生徒 {index + 1:05}", mail, place))
        enrolled_for_long(world, tenant, clomo, facts["serial_number"], f"iPad-{index + 1:05}", pupil)
    clomo.last_daily = iso(world.now())


def adam_ids(tenant: Tenant) -> list[str]:
    return [asset["adamId"] for asset in tenant.locations[0].assets]


def app_of(adam_id: str) -> str:
    return f"com.example.app{adam_id}"


def licensed(adam_id: str) -> PanelApp:
    return PanelApp(f"App {adam_id}", automatic=True, adam_id=adam_id)


def add_user(clomo: Clomo, user: PanelUser) -> PanelUser:
    clomo.users[user.number] = user
    return user


def organization_at(clomo: Clomo, path: str) -> str:
    """Its number; what is not there is made."""
    parent = ""
    for name in path.split("/"):
        there = [one.number for one in clomo.tree.values() if (one.name, one.parent) == (name, parent)]
        number = there[0] if there else clomo.number()
        clomo.tree.setdefault(number, PanelOrganization(number, name, parent))
        parent = number
    return parent


def enrolled_for_long(
    world: World, tenant: Tenant, clomo: Clomo, serial: str, name: str, owner: PanelUser | None
) -> Record:
    tablet = Tablet(serial, name)
    clomo.tablets[serial] = tablet
    equip(tenant, clomo, tablet)
    record = new_record(world, clomo, tablet)
    if owner:
        record.owner, record.organization = owner.number, owner.organization
        record.tags = ["貸出"]
        record.memo = f"{owner.name} に貸出"
    return record


def equip(tenant: Tenant, clomo: Clomo, tablet: Tablet) -> None:
    """As an enrolment leaves it: the profiles, the agent and the apps it has licences for."""
    tablet.profiles = list(PROFILES)
    licences = tenant.locations[0].assignments.of_serial.get(tablet.serial, [])
    tablet.apps = [AGENT, *(app_of(asset.split()[0]) for asset in licences), UNMANAGED]


def new_record(world: World, clomo: Clomo, tablet: Tablet) -> Record:
    record = Record(clomo.number(), tablet.serial, last_contact=iso(world.now()))
    clomo.add(record)
    told_by(record, tablet)
    return record


def told_by(record: Record, tablet: Tablet) -> None:
    """What DeviceInformation tells."""
    for name in ("name", "os_version", "supervised", "lost_mode", "activation_lock"):
        setattr(record, name, getattr(tablet, name))
