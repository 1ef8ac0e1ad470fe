# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands of このデバイスの操作: in which group each stands, what it asks the device for, and when it is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..clomo_state import MANAGED, Record
from ..state import Clomo, Switches

Condition = Callable[[Clomo, Record], bool]


def managed(clomo: Clomo, record: Record) -> bool:
    return record.state == MANAGED


def supervised(clomo: Clomo, record: Record) -> bool:
    return managed(clomo, record) and record.supervised


def manageable(clomo: Clomo, record: Record) -> bool:
    """It has a registered app that is not managed yet."""
    known = [clomo.apps[one] for one in record.apps if one in clomo.apps]
    return managed(clomo, record) and any(one.adam_id and not one.managed for one in known)


def struck(clomo: Clomo, record: Record) -> bool:
    return record.state != MANAGED


@dataclass(frozen=True)
class PanelAction:
    """request: the request type. items: what its window lets one choose from. confirmed: OK is asked for."""

    group: str
    request: str = ""
    items: str = ""
    confirmed: bool = True
    offered: Condition = managed


ACTIONS = {
    "device_information": PanelAction("group_information", "DeviceInformation", confirmed=False),
    "profile_list": PanelAction("group_information", "ProfileList", confirmed=False),
    "app_list": PanelAction("group_information", "InstalledApplicationList", confirmed=False),
    "remove_profile": PanelAction("group_profiles", "RemoveProfile", items="profiles"),
    "remove_app": PanelAction("group_apps", "RemoveApplication", items="apps"),
    "notify_install": PanelAction("group_apps", "InstallApplication", items="installable"),
    "notify_managed": PanelAction("group_apps", "InstallApplication", items="manageable", offered=manageable),
    "grant_licence": PanelAction("group_licences", items="grantable"),
    "revoke_licence": PanelAction("group_licences", items="licences"),
    "lock": PanelAction("group_security", "DeviceLock"),
    "lost_mode": PanelAction("group_security", "EnableLostMode", offered=supervised),
    "erase": PanelAction("group_device", "EraseDevice"),
    "delete": PanelAction("group_device"),
    "purge": PanelAction("group_device", offered=struck),
}
INFORMATION = tuple(one.request for one in ACTIONS.values() if one.group == "group_information")


def offered(switches: Switches, clomo: Clomo, records: list[Record]) -> list[str]:
    """The names of those that every one of the records allows."""
    hidden = set(switches.clomo_hidden_commands)
    if len(records) > 1:
        hidden |= set(switches.clomo_single_commands)
    return [
        name
        for name, one in ACTIONS.items()
        if name not in hidden and records and all(one.offered(clomo, each) for each in records)
    ]
