# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step collect: the device is asked what it is and has, and once Reports tells that it has answered, its pane is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..._time import to_iso
from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .command_step import CommandStep
from .commands import COMMANDS, Answer
from .devices import Device
from .reasons import another_owner, failed, waits
from .report_lines import Line, Seen, newer, seen_of
from .selection import same_owner
from .step import OWNER, Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["QUESTIONS", "CollectStep"]

QUESTIONS: Mapping[str, str] = {
    "information": "DeviceInformation",
    "profile_list": "ProfileList",
    "app_list": "InstalledApplicationList",
}
NEEDED: Mapping[str | None, Sequence[str]] = {
    "donate": ("profile_list", "app_list"),
    "reassign": ("information",),
    None: tuple(QUESTIONS),
}


class CollectStep(CommandStep):
    """Its owner at the first time is the one that the campaign is about. outcome: asked and read is what its later steps need;
    None: all."""

    name = "collect"
    lasting = False
    needs_facts = False

    def __init__(self, screens: Screens, notebook: Notebook, *, outcome: str | None) -> None:
        super().__init__(screens, notebook)
        self._questions = {name: QUESTIONS[name] for name in NEEDED[outcome]}
        self._reads_lists = "profile_list" in self._questions
        self.command = next(iter(self._questions))

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        marks = self._screens.marks([item.device for item in items])
        return {item.device: {"mark": marks[item.device], "first": item.evidence.get("first")} for item in items}

    def alone(self, screen: Screen, item: Item) -> Evidence:
        if hindrance := self.selected(screen, item, left=Found.FAILED):
            return hindrance
        for name in self._questions:
            answer = self._screens.commands.give(screen, COMMANDS[name], [item.device])
            if not answer.accepted:
                break
        return self.answered(answer)

    def give(
        self, screen: Screen, serials: Sequence[str], fits: Callable[[Device], bool], choices: Sequence[str]
    ) -> Answer:
        """All questions to the devices that are ticked, and that have to stay so."""
        devices, answer = self._screens.devices, Answer(offered=False)
        for number, name in enumerate(self._questions):
            if (
                number
                and devices.ticked(screen, fits) != serials
                and devices.tick(screen, fits, len(serials)) != serials
            ):
                return Answer(offered=False)
            answer = self._screens.commands.give(screen, COMMANDS[name], serials)
            if not answer.accepted:
                break
        return answer

    def is_owner(self, item: Item, cell: str) -> bool:
        """Whoever it is at the first time."""
        first = item.evidence.get("first")
        return first is None or same_owner(first, cell)

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        lines = self._screens.reports.since({item.device: item.evidence["mark"] for item in items})
        told = {item.device: self._judged(item, lines[item.device]) for item in items}
        answered = [item for item in items if told[item.device].found is Found.DONE]
        return {**told, **self._read(answered)}

    def _judged(self, item: Item, lines: Sequence[Line]) -> Evidence:
        """DONE: its pane may be read."""
        mine = newer(item.device, lines, item.evidence["mark"])
        seen = {request: seen_of(mine, request) for request in self._questions.values()}
        if all(each.succeeded for each in seen.values()):
            return Evidence(Found.DONE)
        if refused := [request for request, each in seen.items() if each.failed and not each.succeeded]:
            names = ", ".join(refused)
            return failed(f"The device did not answer {names}.", f"デバイスが {names} に応答しませんでした。")
        lost = any(not each.anything for each in seen.values()) and self.is_late(item)
        if lost or self.is_dead(item):
            return Evidence(Found.NOT_ARRIVED)
        return waits(self.dies_on(item, _first(seen)), [name for name, each in seen.items() if not each.succeeded])

    def _read(self, items: Sequence[Item]) -> dict[str, Evidence]:
        if not items:
            return {}
        known = {item.device: item for item in items}
        told = {} if self._reads_lists else self._by_the_file(known)
        if len(told) == len(known):
            return told
        with self._panel.work() as screen:
            visited = self._screens.devices.visit(screen, [serial for serial in known if serial not in told])
            return told | {serial: self._kept(screen, known[serial], device) for serial, device in visited}

    def _by_the_file(self, known: Mapping[str, Item]) -> dict[str, Evidence]:
        """As far as it tells of them."""
        rows = self._screens.file.rows(known)
        same = {
            serial: self._screens.pane.details(row)
            for serial, row in rows.items()
            if self.is_owner(known[serial], row["device.owner"])
        }
        return {serial: another_owner() for serial in rows} | self._keep(known, same)

    def _keep(self, known: Mapping[str, Item], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Evidence]:
        now = to_iso(self._screens.clock())
        self._notebook.keep_facts({serial: {**mine, "last_answer_at": now} for serial, mine in facts.items()})
        return {
            serial: Evidence(
                Found.DONE,
                facts={
                    "collected": True,
                    "first": known[serial].evidence.get("first") or {name: mine[name] for name in OWNER},
                },
            )
            for serial, mine in facts.items()
        }

    def _kept(self, screen: Screen, item: Item, device: Device | None) -> Evidence:
        """Of the pane that is open."""
        found = self.visited(item, device)
        if isinstance(found, Evidence):
            return found
        facts = self._screens.pane.facts(screen, found.pane, lists=self._reads_lists)
        return self._keep({item.device: item}, {item.device: facts})[item.device]

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        way = super().clicks(facts)[:2]
        return way + [
            self._screens.label(key) for name in self._questions for key in ("command.menu", *COMMANDS[name].labels())
        ]


def _first(seen: Mapping[str, Seen]) -> str | None:
    return min((each.first_at for each in seen.values() if each.first_at), default=None)
