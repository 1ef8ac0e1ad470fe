# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step licences: the device's licences of Apps and Books are taken back by the panel; its empty list is the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .command_step import CommandStep
from .commands import COMMANDS
from .devices import Device
from .reasons import failed, not_collected, pending
from .report_lines import Line, newer, reaches_back, seen_of
from .step import Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["LicencesStep"]


class LicencesStep(CommandStep):
    name = "licences"
    command = "revoke"

    def __init__(self, screens: Screens, notebook: Notebook) -> None:
        super().__init__(screens, notebook)
        self._asked: set[str] = set()

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        if "licences" not in facts:
            return not_collected()
        return None if facts["licences"] else _none_left()

    def choices(self, item: Item) -> Sequence[str] | None:
        """As for what is removed from devices."""
        return list(item.facts["licences"]) if not item.evidence["again"] else None

    def asked(self, item: Item) -> Mapping[str, Any]:
        return {"asked": list(item.facts["licences"])}

    def alone(self, screen: Screen, item: Item) -> Evidence:
        if hindrance := self.selected(screen, item):
            return hindrance
        there = self._screens.pane.licences(screen)
        return self.given(screen, item, there, asked=there) if there else _none_left()

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        lines = self._screens.reports.since({item.device: item.evidence["mark"] for item in items})
        known = {item.device: item for item in items}
        with self._panel.work() as screen:
            visited = self._screens.devices.visit(screen, list(known))
            return {serial: self._judged(screen, known[serial], device, lines[serial]) for serial, device in visited}

    def _judged(self, screen: Screen, item: Item, device: Device | None, lines: Sequence[Line]) -> Evidence:
        """By the pane that is open."""
        found = self.visited(item, device)
        if isinstance(found, Evidence):
            return found
        left = self._screens.pane.licences(screen)
        if not left:
            return _none_left()
        seen = seen_of(newer(item.device, lines, item.evidence["mark"]), self._screens.label("reports.revocation"))
        if seen.failed:
            return failed(
                f"CLOMO PANEL could not take back: {', '.join(left)}.",
                f"CLOMO PANEL がライセンスを剥奪できませんでした: {'、'.join(left)}",
            )
        asked = item.evidence.get("asked") or left
        if seen.succeeded >= len(asked):
            self._ask_anew(screen, item)
        elif not seen.anything and self.is_late(item):
            return (
                Evidence(Found.NOT_ARRIVED) if reaches_back(lines, item.evidence["mark"]) else Evidence(Found.UNKNOWN)
            )
        return pending(
            f"{len(left)} licences are still shown; CLOMO takes them back within some minutes.",
            f"ライセンスが {len(left)} 件表示されています。反映に数分かかることがあります。",
        )

    def _ask_anew(self, screen: Screen, item: Item) -> None:
        """The list may be that of the last collection: once an attempt the device's apps are collected again."""
        name = f"{item.command_id} {item.attempt}"
        if name not in self._asked:
            self._asked.add(name)
            self._screens.commands.give(screen, COMMANDS["app_list"], [item.device])

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        way = super().clicks(facts)
        return [*way[:-2], *facts.get("licences", ()), *way[-2:]]


def _none_left() -> Evidence:
    return Evidence(Found.DONE, facts={"licences_left": 0})
