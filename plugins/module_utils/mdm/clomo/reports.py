# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The screen Reports: its lines, read from the newest back to a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

from ..._errors import PanelError
from ...web.grid import Grid, Row
from ...web.screen import Screen
from .panel import Panel
from .readings import read_moment
from .report_lines import Line, joined, reaches_back, serial_in

__all__ = ["Reports"]

COLUMNS = ("reports.at", "reports.target", "reports.log")
FEW = 3  # devices that are searched for one by one
PAGES_A_DEVICE = 1  # of the whole log are read at most, before devices are searched for one by one
MARK_PAGES = 40
SEARCH_PAGES = 20


@dataclass(frozen=True)
class Read:
    """lines: from the newest down to one that is older than was asked for. whole: not ended before by the number of pages. exact:
    no line came meanwhile, which pushes others on to the next page, so that none can have been taken for another that is the same."""

    lines: list[Line]
    whole: bool
    exact: bool


class Reports:
    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._known: list[Line] = []  # of the whole log, from the newest that was seen, without a gap

    def newest(self) -> list[Line]:
        """All lines of the newest moment."""
        with self._panel.work() as screen:
            lines = self._log(screen, None, MARK_PAGES).lines
            return [line for line in lines if line.at == lines[0].at]

    def since(self, marks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Line]]:
        """By device, its lines as far back as its mark, and if there are such, some before that."""
        if not marks:
            return {}
        with self._panel.work() as screen:
            found = self._whole(screen, marks, PAGES_A_DEVICE * len(marks)) if len(marks) > FEW else None
            if found is not None:
                return found
            found = {serial: self._of(screen, serial, mark["at"]) for serial, mark in marks.items()}
            # Without earlier lines of its own, only those of others can tell that Reports reaches back to its mark
            new = {
                serial: mark for serial, mark in marks.items() if mark["at"] and not reaches_back(found[serial], mark)
            }
            return found | (self._whole(screen, new, SEARCH_PAGES) or {}) if new else found

    def _whole(self, screen: Screen, marks: Mapping[str, Mapping[str, Any]], most: int) -> dict[str, list[Line]] | None:
        """By the log of all devices, if that takes no more than so many pages."""
        oldest = min(mark["at"] for mark in marks.values())
        log = self._log(screen, oldest, most)
        if not log.whole:
            return None
        before = [line for line in log.lines if line.at <= oldest][-1:]
        return {
            serial: [line for line in log.lines if serial_in(line.target) == serial or line in before]
            for serial in marks
        }

    def _log(self, screen: Screen, until: str | None, most: int) -> Read:
        """Of all devices. Pages that were read before are not read again. until: as for _read."""
        known = self._known if self._known and (until is None or self._known[-1].at <= until) else []
        first = self._first(screen, "")
        if first and first == known[: len(first)]:
            return Read(known, whole=True, exact=True)
        read = self._read(screen, "", first, known[0].at if known else until, most)
        if not read.whole:
            return read
        lines = joined(read.lines, known)
        meet = not known or len(lines) < len(read.lines) + len(known)
        self._known = lines if meet and read.exact else []
        return Read(lines, read.whole, read.exact) if meet else self._log(screen, until, most)

    def _of(self, screen: Screen, serial: str, until: str) -> list[Line]:
        lines = self._read(screen, serial, self._first(screen, serial), until, SEARCH_PAGES).lines
        return [line for line in lines if serial_in(line.target) == serial]

    def _read(self, screen: Screen, text: str, first: list[Line], until: str | None, most: int) -> Read:
        """first: the page that is open, of the search for the text. until: a moment; the newest one if None."""
        pages, whole = [first], True
        moment = until if until is not None or not pages[0] else pages[0][0].at
        while pages[-1] and pages[-1][-1].at >= (moment or "") and not self._is_last(screen):
            if len(pages) >= most:
                whole = False
                break
            screen.press("reports.next")
            self._panel.rest()
            pages.append(self._page(screen))
        exact = len(pages) == 1 or self._first(screen, text) == pages[0]
        return Read(list(chain(*pages)) if exact else reduce(joined, pages), whole, exact)

    def _first(self, screen: Screen, text: str) -> list[Line]:
        self._search(screen, text)
        return self._page(screen)

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
