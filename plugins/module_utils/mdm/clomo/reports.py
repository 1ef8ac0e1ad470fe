# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The screen Reports: its lines, read from the newest back to a moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..._errors import PanelError
from ...web.grid import Grid, Row
from ...web.screen import Screen
from .panel import Panel
from .readings import read_moment
from .report_lines import Line, joined, mark_for, serial_in

__all__ = ["Reports"]

COLUMNS = ("reports.at", "reports.target", "reports.log")
FEW = 3  # devices that are searched for one by one
PAGES_A_DEVICE = 1  # of the whole log are read at most, before devices are searched for one by one
MARK_PAGES = 40
SEARCH_PAGES = 20


class Reports:
    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def newest(self) -> list[Line]:
        """All lines of the newest moment."""
        with self._panel.work() as screen:
            self._search(screen, "")
            first = self._page(screen)
            until = first[0].at if first else ""
            return [line for line in self._read(screen, first, until, MARK_PAGES)[0] if line.at == until]

    def marks(self, serials: Collection[str]) -> dict[str, dict[str, Any]]:
        """By device, what tells later lines from those of now."""
        newest = self.newest()
        return {serial: mark_for(serial, newest) for serial in serials}

    def since(self, marks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Line]]:
        """By device, its lines as far back as its mark, and if there are such, some before that."""
        if not marks:
            return {}
        with self._panel.work() as screen:
            found = self._whole(screen, marks) if len(marks) > FEW else None
            if found is None:
                found = {serial: self._of(screen, serial, mark["at"]) for serial, mark in marks.items()}
        return found

    def _whole(self, screen: Screen, marks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Line]] | None:
        """By the log of all devices, where that is fewer pages than devices."""
        oldest = min(mark["at"] for mark in marks.values())
        self._search(screen, "")
        lines, whole = self._read(screen, self._page(screen), oldest, PAGES_A_DEVICE * len(marks))
        if not whole:
            return None
        before = [line for line in lines if line.at <= oldest][-1:]
        return {serial: [line for line in lines if serial_in(line.target) == serial] + before for serial in marks}

    def _of(self, screen: Screen, serial: str, until: str) -> list[Line]:
        self._search(screen, serial)
        lines, _whole = self._read(screen, self._page(screen), until, SEARCH_PAGES)
        return [line for line in lines if serial_in(line.target) == serial]

    def _read(self, screen: Screen, first: list[Line], until: str, most: int) -> tuple[list[Line], bool]:
        """The lines down to one that is older, and whether that was so, or the end came, within so many pages."""
        lines, pages = first, 1
        while lines and lines[-1].at >= until and not self._is_last(screen):
            if pages >= most:
                return lines, False
            screen.press("reports.next")
            self._panel.rest()
            lines, pages = joined(lines, self._page(screen)), pages + 1
        return lines, True

    def _is_last(self, screen: Screen) -> bool:
        told = [line.split("/") for line in screen.lines("reports.page")]
        pairs = [(here.strip(), there.strip()) for here, there in (pair for pair in told if len(pair) == 2)]
        numbers = [pair for pair in pairs if pair[0].isdigit() and pair[1].isdigit()]
        if len(numbers) != 1:
            raise screen.trouble("reports.page", "it does not tell which page this is")
        return numbers[0][0] == numbers[0][1]

    def _search(self, screen: Screen, text: str) -> None:
        self._panel.stay_at_reports(screen)
        screen.see("reports.search_now")
        screen.fill("reports.search", text)
        screen.press("reports.search_now")
        self._panel.rest()

    def _page(self, screen: Screen) -> list[Line]:
        return [self._line(screen, row) for row in Grid(screen, "reports.list", COLUMNS, None).rows()]

    def _line(self, screen: Screen, row: Row) -> Line:
        shown = row.cells["reports.at"]
        moment = read_moment(shown, self._panel.zone)
        if moment is None:
            raise PanelError(
                f"CLOMO PANEL, Reports: {shown} is no date.", label="reports.at", seen=shown, reason="label"
            )
        return Line(moment.at.isoformat(), row.cells["reports.target"], row.cells["reports.log"])
