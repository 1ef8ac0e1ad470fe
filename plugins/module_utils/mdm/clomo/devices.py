# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The screen Devices: rows by serial number, and which of them are ticked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...web.grid import Grid, Row
from ...web.screen import Screen
from .pane import shown
from .panel import Panel
from .selection import counts_in, difference, one_row

__all__ = ["Device", "Devices"]

COLUMNS = ("devices.serial", "devices.name", "devices.owner", "devices.organization", "devices.state")
TRIES = 3  # to press a row that moves


@dataclass(frozen=True)
class Device:
    """A row. owner: the cell."""

    serial: str
    name: str
    owner: str
    organization: str
    state: str
    struck: bool


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
        return self.chosen(screen, self.find(screen, serial), serial)

    def chosen(self, screen: Screen, found: list[Device], serial: str) -> Device | None:
        if not found:
            return None
        number = one_row([vars(device) for device in found], [device.struck for device in found])
        if number is None:
            raise screen.trouble("devices.serial", f"{serial} stands there {len(found)} times")
        return found[number]

    def select(self, screen: Screen, device: Device) -> None:
        """Its pane is open afterwards, and no row is ticked. The list was searched for it."""
        if self.ticked_count(screen):
            self._panel.open_devices(screen, anew=True)
            self._search(screen, device.serial)
        cells = {"devices.serial": device.serial, "devices.state": device.state}
        for _try in range(TRIES):
            self._grid(screen).press_row(cells)
            self._panel.rest()
            if shown(screen).get("device.serial") == device.serial:
                return
        raise screen.trouble("device.serial", f"it shows another device than {device.serial}")

    def tick(self, screen: Screen, serials: Collection[str]) -> str | None:
        """Exactly these rows are ticked afterwards, as read over the whole list; else what is different."""
        self._panel.open_devices(screen, anew=True)
        self._search(screen, next(iter(serials)) if len(serials) == 1 else "")
        self._grid(screen).tick(serials)
        self._panel.rest()
        rows = self._grid(screen).rows_if_still()
        if rows is None:
            return "the list does not keep still"
        ticked = [row.cells["devices.serial"] for row in rows if row.ticked]
        return difference(serials, ticked, [self.ticked_count(screen)])

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

    def _all(self, screen: Screen) -> list[Device]:
        struck = self._panel.labels["devices.struck"].texts
        return [_device(row, struck) for row in self._grid(screen).rows()]

    def _grid(self, screen: Screen) -> Grid:
        return Grid(screen, "devices.list", COLUMNS, "devices.serial")


def _device(row: Row, struck: Collection[str]) -> Device:
    cells = {key.partition(".")[2]: text for key, text in row.cells.items()}
    return Device(**cells, struck=row.struck or any(text in cells["state"] for text in struck))
