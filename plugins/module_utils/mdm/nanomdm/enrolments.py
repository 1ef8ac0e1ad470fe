# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which enrolment of NanoMDM a device has, as the events tell it. All times are of the server's clock alone."""

from __future__ import annotations

import plistlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["Enrolment", "enrolments"]

AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT = "mdm.Authenticate", "mdm.TokenUpdate", "mdm.CheckOut"


@dataclass(frozen=True)
class Enrolment:
    """complete: its TokenUpdate came, so it can be given commands. awaiting: in Setup Assistant until DeviceConfigured."""

    enrollment_id: str
    enrolled_at: str
    complete: bool = False
    awaiting: bool = False
    ended: bool = False


def enrolments(notebook: Notebook, devices: Collection[str]) -> dict[str, Enrolment]:
    """The newest of each device that was ever seen to enrol."""
    found: dict[str, Enrolment] = {}
    for event in notebook.events(serials=devices, topics=[AUTHENTICATE]):
        found[event.serial or ""] = Enrolment(event.enrollment_id, event.created_at)
    owner = {enrolment.enrollment_id: device for device, enrolment in found.items()}
    for event in notebook.events(enrollment_ids=list(owner), topics=[TOKEN_UPDATE, CHECK_OUT]):
        device = owner[event.enrollment_id]
        if event.created_at < found[device].enrolled_at:
            continue
        if event.topic == CHECK_OUT:
            found[device] = replace(found[device], ended=True)
        else:
            awaiting = bool(plistlib.loads(event.payload).get("AwaitingConfiguration")) if event.payload else False
            found[device] = replace(found[device], complete=True, awaiting=awaiting)
    return found
