# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports: how lines are written about a device's commands, and how a page of them is read, the newest first."""

from __future__ import annotations

import time
from typing import Any

from ..clomo_state import Record
from ..state import Clomo, ReportLine, Tenant
from ..world import World, iso
from .customers import TAGS

PAGE = 50
ORDERED = "{by}がデバイスにコマンド {request} を実行しました"
REGISTERED = "[Registered] Command {request} was registered."
PUSHED = "[APNS push] Command {request} was pushed to APNs."
SENT = "[Send Command] Command {request} was sending to device."
SUCCEEDED = "{tag} Command {request} execute successful."
FAILED = "[Failed] Command {request} execute failed."


def write(world: World, clomo: Clomo, record: Record | None, text: str, **places: str) -> None:
    """The case of a success's tag varies."""
    line = text.format(tag=TAGS[len(clomo.reports) % len(TAGS)], **places)
    target = f"{record.serial} / {record.name}" if record else ""
    clomo.reports.append(ReportLine(iso(world.now()), line, target=target))


def page(clomo: Clomo, number: int, search: str) -> tuple[list[ReportLine], int]:
    """The page of this number, from 1, and how many there are."""
    now = time.time()
    found = [
        line
        for line in clomo.reports
        if line.appears <= now and (not search or search in line.text or search in line.target)
    ]
    found.reverse()
    pages = max(1, -(-len(found) // PAGE))
    first = (min(max(number, 1), pages) - 1) * PAGE
    return found[first : first + PAGE], pages


def acted(world: World, clomo: Clomo, kind: str, serials: list[str], by: str, **more: Any) -> None:
    """A press that reached the panel, for tests to count. refused: the name of the sentence, where it was."""
    clomo.acts.append({"at": iso(world.now()), "kind": kind, "serials": serials, "by": by, **more})


def administrator(tenant: Tenant, clomo: Clomo) -> str:
    return next((one.name for one in clomo.users.values() if one.mail == clomo.account), clomo.account)
