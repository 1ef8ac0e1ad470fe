# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps have in common that give devices one of the panel's commands: to all at once that are ticked, where the panel has
the command for several and its window offers what is chosen for all of them; else to one that is selected."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .commands import COMMANDS, Answer
from .devices import Device
from .reasons import another_owner, has_left, is_gone, not_offered, not_there, refused, work_smart
from .selection import same_owner
from .step import OWNER, PanelStep

__all__ = ["CommandStep"]


class CommandStep(PanelStep):
    """command: its name in COMMANDS. limit: becomes 1 where the panel does not let the command go to several, so that one device
    that stops leaves no other in doubt."""

    command = ""

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """As DeviceStep's."""
        with self._panel.work() as screen:
            return self.to_all(screen, items)

    def to_all(self, screen: Screen, items: Sequence[Item]) -> dict[str, Evidence]:
        """Devices of which the same is chosen get one command."""
        told: dict[str, Evidence] = {}
        for group in self._alike(items):
            told |= self._together(screen, group) if len(group) > 1 else self._one_by_one(screen, group)
        return told

    @abstractmethod
    def alone(self, screen: Screen, item: Item) -> Evidence:
        """The command to one device, by what its pane shows now."""

    def choices(self, item: Item) -> Sequence[str] | None:
        """What is chosen in the command's window. None where only the pane can tell."""
        return ()

    def asked(self, item: Item) -> Mapping[str, Any]:
        """What is kept of a command that went to several."""
        return {}

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """again: an earlier attempt may have been carried out in part."""
        marks = self._screens.marks([item.device for item in items])
        return {
            item.device: {
                "mark": marks[item.device],
                "again": any(item.evidence.get(name) for name in ("accepted", "died", "again")),
                **{name: item.facts.get(name) for name in OWNER},
            }
            for item in items
        }

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        """What would be pressed, chosen and ticked for a device, by the words on the screen."""
        keys = ["tabs.devices", "devices.search_now", "command.menu", *COMMANDS[self.command].labels()]
        return [self._screens.label(key) for key in keys]

    # Several devices, ticked

    def _alike(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        groups: dict[tuple[str, ...], list[Item]] = {}
        for item in items:
            choices = self.choices(item)
            if choices is None:
                yield [item]
            else:
                groups.setdefault(tuple(sorted(choices)), []).append(item)
        yield from groups.values()

    def _one_by_one(self, screen: Screen, items: Sequence[Item]) -> dict[str, Evidence]:
        return {item.device: self.alone(screen, item) for item in items}

    def _together(self, screen: Screen, items: Sequence[Item]) -> dict[str, Evidence]:
        """Those that could not be ticked, since they are not as they were collected, say why when they are alone."""
        known = {item.device: item for item in items}

        def fits(device: Device) -> bool:
            item = known.get(device.serial)
            return item is not None and not device.struck and self.is_owner(item, device.owner)

        ticked = self._screens.devices.tick(screen, fits, len(known))
        if ticked is None:
            return self._not_together(known)
        answer = self.give(screen, ticked, fits, self.choices(items[0]) or ())
        told = {serial: self.answered(answer, **self.asked(known[serial])) for serial in ticked}
        if not answer.accepted and not any(each.found is Found.UNKNOWN for each in told.values()):
            told = self._not_together(ticked)
        return told | self._one_by_one(screen, [item for item in items if item.device not in told])

    def _not_together(self, serials: Iterable[str]) -> dict[str, Evidence]:
        """Nothing was pressed: from now on one a call."""
        self.limit = 1
        return {serial: Evidence(Found.NOT_ARRIVED) for serial in serials}

    def give(
        self, screen: Screen, serials: Sequence[str], fits: Callable[[Device], bool], choices: Sequence[str]
    ) -> Answer:
        """The step's command to the devices that are ticked."""
        return self._screens.commands.give(screen, COMMANDS[self.command], serials, choices)

    def is_owner(self, item: Item, cell: str) -> bool:
        return same_owner(item.evidence, cell)

    # A device, selected

    def selected(
        self, screen: Screen, item: Item, *, left: Found = Found.SKIPPED, gone: Found = Found.FAILED
    ) -> Evidence | None:
        """Its pane is open if this is None: it is there once, managed, and its owner's as collected."""
        device = self.managed(self._screens.devices.the_one(screen, item.device), left=left, gone=gone)
        if isinstance(device, Evidence):
            return device
        if not self.is_owner(item, device.owner):
            return another_owner()
        return self.owned(item, self._screens.devices.select(screen, device))

    def visited(self, item: Item, device: Device | None) -> Device | Evidence:
        """The device, whose pane is open, if the same is so; else why not."""
        found = self.managed(device, left=Found.FAILED)
        return found if isinstance(found, Evidence) else self.owned(item, found) or found

    def owned(self, item: Item, device: Device) -> Evidence | None:
        """None where its pane shows the owner that was collected."""
        return None if self.is_owner(item, device.pane.get("device.owner", "")) else another_owner()

    def managed(self, device: Device | None, *, left: Found, gone: Found = Found.FAILED) -> Device | Evidence:
        """The row, or why it cannot be worked on."""
        if device is None:
            return is_gone() if gone is Found.DONE else not_there()
        return has_left(left) if device.struck else device

    def given(self, screen: Screen, item: Item, chosen: Sequence[str] = (), **facts: Any) -> Evidence:
        """The step's command to the selected device."""
        answer = self._screens.commands.give(screen, COMMANDS[self.command], [item.device], chosen)
        return self.answered(answer, **facts)

    def answered(self, answer: Answer, **facts: Any) -> Evidence:
        key = COMMANDS[self.command].key
        label = self._screens.label(key)
        if not answer.offered:
            return not_offered(label, key)
        if answer.kind == "command.work_smart":
            return work_smart("")
        if answer.refused:
            return refused(label, answer.refused)
        return Evidence(Found.PENDING, facts={"accepted": True, **facts})
