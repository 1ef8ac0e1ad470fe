# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The screen Devices: rows by serial number, and which of them are ticked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...web.grid import Grid, Row
from ...web.screen import Screen
from .pane import shown
from .panel import Panel
from .selection import counts_in, difference, one_row

__all__ = ["Device", "Devices"]

COLUMNS = ("devices.serial", "devices.name", "devices.owner", "devices.organization", "devices.state")
APART = ("devices.serial", "devices.state")
TRIES = 3  # to press a row that moves
FEW = 8  # devices that are searched for one by one
ROWS_A_SEARCH = 20  # so many are read in the time of a search
ROWS_A_COMMAND = 50  # and in that of a command to one device


@dataclass(frozen=True)
class Device:
    """A row. owner: the cell. pane: what its pane showed when it was opened, by caption."""

    serial: str
    name: str
    owner: str
    organization: str
    state: str
    struck: bool
    pane: Mapping[str, str] = field(default_factory=dict)


class Devices:
    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def find(self, screen: Screen, serial: str) -> list[Device]:
        """The rows of this serial number; a search shows others, too."""
        self._search(screen, serial)
        return [device for device in self._all(screen) if device.serial == serial]

    def everything(self, screen: Screen) -> list[Device]:
        self._search(screen, "")
        return self._all(screen)

    def the_one(self, screen: Screen, serial: str) -> Device | None:
        """The row that counts; None where there is none. PanelError where it is not clear which."""
        return self._chosen(screen, self.find(screen, serial), serial)

    def _chosen(self, screen: Screen, found: Sequence[Device], serial: str) -> Device | None:
        number = one_row([vars(device) for device in found], [device.struck for device in found])
        if found and number is None:
            raise screen.trouble("devices.serial", f"{serial} stands there {len(found)} times")
        return None if number is None else found[number]

    def the_ones(self, screen: Screen, serials: Collection[str]) -> dict[str, Device | None]:
        """The same of many."""
        return {serial: self._chosen(screen, rows, serial) for serial, rows in self.rows_of(screen, serials).items()}

    def rows_of(self, screen: Screen, serials: Collection[str]) -> dict[str, list[Device]]:
        """In the whole list one may be missed that moves meanwhile: those that are missing are looked for again."""
        found: dict[str, list[Device]] = {serial: [] for serial in serials}
        for _look in range(2):
            missing = {serial for serial, rows in found.items() if not rows}
            if not self._is_short(screen, len(missing)):
                return found | {serial: self.find(screen, serial) for serial in missing}
            for device in self._all(screen):
                if device.serial in missing:
                    found[device.serial].append(device)
        return found

    def visit(self, screen: Screen, serials: Collection[str]) -> Iterator[tuple[str, Device | None]]:
        """Each with its pane open, in the order of the list as far as they can be had there; None for one that is not there."""
        left = dict.fromkeys(serials)
        if self.ticked_count(screen):
            self._panel.open_devices(screen, anew=True)
        if self._is_short(screen, len(left)):
            for device in self._along_the_list(screen, serials):
                del left[device.serial]
                yield device.serial, device
        for serial in left:
            found = self.the_one(screen, serial)
            yield serial, found and self.select(screen, found)

    def _along_the_list(self, screen: Screen, serials: Collection[str]) -> Iterator[Device]:
        """Those of which the list has one row."""
        states: dict[str, list[str]] = {serial: [] for serial in serials}
        for row in self._grid(screen).rows_if_still() or []:
            states.get(row.cells["devices.serial"], []).append(row.cells["devices.state"])
        single = {serial for serial, mine in states.items() if len(mine) == 1}
        for row in self._grid(screen).each(lambda row: row.cells["devices.serial"] in single):
            if device := self._opened(screen, self._device(row)):
                yield device

    def select(self, screen: Screen, device: Device) -> Device:
        """Its pane is open afterwards, and no row is ticked. The list was searched for it."""
        if self.ticked_count(screen):
            self._panel.open_devices(screen, anew=True)
            self._search(screen, device.serial)
        opened = self._opened(screen, device)
        if opened is None:
            raise screen.trouble("device.serial", f"it shows another device than {device.serial}")
        return opened

    def _opened(self, screen: Screen, device: Device) -> Device | None:
        for _try in range(TRIES):
            self._grid(screen).press_row({"devices.serial": device.serial, "devices.state": device.state})
            self._panel.rest()
            told = shown(screen)
            if told.get("device.serial") == device.serial:
                return replace(device, pane=told)
        return None

    def tick(self, screen: Screen, fits: Callable[[Device], bool], number: int) -> list[str] | None:
        """The serial numbers of the rows that are ticked afterwards: those that fit, at most so many. None where others are, as
        read over the whole list, or where that would take longer than one device after the other."""
        rows = self._unticked(screen)
        if rows > ROWS_A_COMMAND * number:
            return None
        if rows < 2 * number and self._grid(screen).tick_all():
            self._panel.rest()
            ticked = self._ticked_as(screen, fits, rows)
            if ticked is not None:
                return ticked
            self._unticked(screen)
        return self._ticked_as(screen, fits, number)

    def _unticked(self, screen: Screen) -> int:
        """How many rows there are; all are shown."""
        self._panel.open_devices(screen, anew=True)
        self._search(screen, "")
        return self._grid(screen).count()

    def _ticked_as(self, screen: Screen, fits: Callable[[Device], bool], most: int) -> list[str] | None:
        self._grid(screen).tick(lambda row: fits(self._device(row)), most, APART)
        self._panel.rest()
        return self.ticked(screen, fits)

    def ticked(self, screen: Screen, fits: Callable[[Device], bool]) -> list[str] | None:
        """The same, of what is ticked now."""
        ticked = [row for row in self._grid(screen).rows_if_still() or [] if row.ticked]
        serials = [row.cells["devices.serial"] for row in ticked]
        others = not all(fits(self._device(row)) for row in ticked)
        return None if others or difference(serials, serials, [self.ticked_count(screen)]) else serials

    def ticked_count(self, screen: Screen) -> int:
        """Rows that are not in view are counted, too."""
        counts = set(counts_in(screen.lines("devices.ticked")))
        if len(counts) > 1:
            raise screen.trouble("devices.ticked", "it tells two numbers")
        return counts.pop() if counts else 0

    def _search(self, screen: Screen, text: str) -> None:
        self._panel.open_devices(screen)
        screen.see("devices.search_now")
        screen.fill("devices.search", text)
        screen.press("devices.search_now")
        self._panel.rest()

    def _is_short(self, screen: Screen, wanted: int) -> bool:
        """Whether the whole list, which is shown then, is read in less time than so many searches take."""
        if wanted <= FEW:
            return False
        self._search(screen, "")
        return self._grid(screen).count() <= ROWS_A_SEARCH * wanted

    def _all(self, screen: Screen) -> list[Device]:
        return [self._device(row) for row in self._grid(screen).rows()]

    def _device(self, row: Row) -> Device:
        serial, name, owner, organization, state = (row.cells[key] for key in COLUMNS)
        struck = any(text in state for text in self._panel.labels["devices.struck"].texts)
        return Device(serial, name, owner, organization, state, row.struck or struck)

    def _grid(self, screen: Screen) -> Grid:
        return Grid(screen, "devices.list", COLUMNS, "devices.serial")
