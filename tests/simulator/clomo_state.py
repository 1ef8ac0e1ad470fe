# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What CLOMO PANEL remembers of its devices and people, and what the iPads themselves are: plain data.

Numbers of records, users and organisations are texts, as JSON's keys are; an empty one is none."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

MDM_PROFILE = "com.clomo.mdm.profile"
AGENT = "com.clomo.mdm.agent"
MANAGED, ERASED, DELETED = "managed", "erased", "deleted"


@dataclass
class PanelProfile:
    """removable: offered by 構成プロファイルを削除. automatic: of the owner's organisation."""

    name: str
    removable: bool = True
    automatic: bool = False


@dataclass
class PanelApp:
    """automatic: installed without anybody's doing. adam_id: empty where it needs no licence."""

    name: str
    managed: bool = True
    automatic: bool = False
    adam_id: str = ""


@dataclass(slots=True)
class PanelCommand:
    """A command that a device has not answered yet. item: identifier of a profile or an app. by: the administrator; empty: nobody."""

    kind: str
    item: str = ""
    at: str = ""
    by: str = ""
    sent: bool = False
    put_off: bool = False
    options: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Tablet:
    """The iPad itself, whatever the panel believes of it. May be set: all down to apps.

    off: it takes nothing. slow_ms: its answers take so much longer. not_now: how many more commands are put off. failing:
    the request types that it refuses; mute: those that it never answers. returns: whether it comes back after an erase with Return to Service.
    lost: request types of commands that were given up with its record."""

    serial: str
    name: str = "iPad"
    os_version: str = "18.4"
    supervised: bool = True
    lost_mode: bool = False
    activation_lock: bool = False
    returns: bool = True
    off: bool = False
    slow_ms: int = 0
    not_now: int = 0
    failing: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    enrolled: bool = True
    enrolments: int = 1
    returning: bool = False
    carried: dict[str, Any] = field(default_factory=dict)  # what its new record takes over
    erased: int = 0
    deleted: int = 0  # how often its record was deleted
    seen: list[str] = field(default_factory=list)  # request types of the commands that it carried out
    removed_profiles: list[str] = field(default_factory=list)
    removed_apps: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """A row of Devices. May be set: all from name to certificates. profiles and apps: as last collected."""

    number: str
    serial: str
    name: str = "iPad"
    owner: str = ""
    organization: str = ""
    tags: list[str] = field(default_factory=list)
    memo: str = ""
    os_version: str = "18.4"
    supervised: bool = True
    lost_mode: bool = False
    activation_lock: bool = False
    work_smart: str = ""
    ade: bool = True
    last_contact: str = ""
    certificates: list[str] = field(default_factory=list)
    state: str = MANAGED
    collected: list[str] = field(default_factory=list)  # request types answered since the enrolment
    profiles: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)
    queue: list[PanelCommand] = field(default_factory=list)


@dataclass(slots=True)
class PanelUser:
    """role: empty of a pupil."""

    number: str
    name: str
    mail: str
    organization: str = ""
    role: str = ""


@dataclass(slots=True)
class PanelOrganization:
    number: str
    name: str
    parent: str = ""


def settable(kind: Any, last: str, first: str) -> tuple[str, ...]:
    names = [each.name for each in dataclasses.fields(kind)]
    return tuple(names[names.index(first) : names.index(last) + 1])


OF_TABLET = settable(Tablet, "apps", "name")
OF_RECORD = settable(Record, "certificates", "name")
