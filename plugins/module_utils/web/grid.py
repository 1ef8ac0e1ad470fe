# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of rows: tables that hold only the rows in view, and plain lists. A row is known by what its cells say, never by its
place, and by several cells where one does not tell it from others."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .screen import Screen, pattern
from .scripts import BRANCHES, CHOICES, LIST_ITEMS, SCROLL, TABLE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

__all__ = ["Grid", "Row", "branches_of", "choices_of", "choose", "items_of", "press_branch"]

WALKS = 4  # through a list that does not keep still
DRAW_SECONDS = 0.02
DRAWN_SECONDS = 5.0
STEP = 0.8  # of what is in view, so that no row is passed by


@dataclass(frozen=True)
class Row:
    """cells: by key of the column's label."""

    cells: Mapping[str, str]
    ticked: bool
    selected: bool
    struck: bool


class Grid:
    """key: the label that names it. columns: keys of the labels of its columns that are read. own: what tells its rows
    apart, if anything does."""

    def __init__(self, screen: Screen, key: str, columns: Sequence[str], own: str | None) -> None:
        self._screen = screen
        self._key = key
        self._columns = columns
        self._own = own

    def in_view(self) -> list[Row]:
        return self._read()[0]

    def count(self) -> int:
        """How many rows it says that it has."""
        return int(self._read()[1]["total"])

    def rows(self) -> list[Row]:
        """All rows, from the top to the end."""
        found = self.rows_if_still()
        if found is None:
            raise self._screen.trouble(self._key, "the list does not keep still")
        return found

    def rows_if_still(self) -> list[Row] | None:
        """The same, or None where it never keeps still for as long as that takes."""
        for _walk in range(WALKS):
            found = self._walked()
            if found is not None:
                return list(found.values())
        return None

    def tick(self, wanted: Callable[[Row], bool], most: int, apart: Sequence[str]) -> None:
        """Presses the boxes that are not as wanted, wherever in the list they stand, until so many were pressed. What is ticked
        afterwards has to be read again. apart: the columns that tell one row from others of its name."""
        for count, row in enumerate(self.each(lambda row: row.ticked != wanted(row)), 1):
            self._screen.press_at(self._key, self._row({key: row.cells[key] for key in apart}).get_by_role("checkbox"))
            if count >= most:
                return

    def tick_all(self) -> bool:
        """By the box in the head of the list, if there is one."""
        box = self._place().get_by_role("columnheader").get_by_role("checkbox").filter(visible=True)
        if self._screen.number(self._key, box) != 1:
            return False
        self._screen.press_at(self._key, box)
        return True

    def each(self, wanted: Callable[[Row], bool]) -> Iterator[Row]:
        """Such rows from the top to the end, each once, and as the list is at that moment: a press on a row may scroll it."""
        own, met, part = self._own or "", set[str](), 0.0
        while not self._screen.ask(self._key, self._place(), SCROLL, part)["end"] or not part:
            part = STEP
            while row := next((row for row in self._drawn()[0] if row.cells[own] not in met and wanted(row)), None):
                met.add(row.cells[own])
                yield row

    def press_row(self, cells: Mapping[str, str]) -> None:
        """The row whose cells say all of it."""
        name = cells[self._own or ""]
        self._screen.press_at(self._key, self._row(cells).get_by_role("gridcell", name=name, exact=True))

    def _row(self, cells: Mapping[str, str]) -> Locator:
        row = self._place().get_by_role("row")
        for text in cells.values():
            row = row.filter(has=self._screen.page.get_by_role("gridcell", name=text, exact=True))
        return row.filter(visible=True)

    def _place(self) -> Locator:
        names = pattern(self._screen.labels[self._key].texts)
        return self._screen.page.get_by_role("grid", name=names).filter(visible=True)

    def _read(self) -> tuple[list[Row], dict[str, Any]]:
        told = self._screen.ask(self._key, self._place(), TABLE)
        places = {key: self._column(key, told["heads"]) for key in self._columns}
        rows = [
            Row(
                {key: row["cells"][place] for key, place in places.items()},
                row["ticked"],
                row["selected"],
                row["struck"],
            )
            for row in told["rows"]
            if len(row["cells"]) == len(told["heads"])
        ]
        return rows, told

    def _column(self, key: str, heads: Sequence[str]) -> int:
        wanted = pattern(self._screen.labels[key].texts)
        found = [place for place, head in enumerate(heads) if wanted.search(head)]
        if len(found) != 1:
            raise self._screen.trouble(key, f"{len(found)} columns are called so", "、".join(filter(None, heads)))
        return found[0]

    def _walked(self) -> dict[int, Row] | None:
        """All rows by their place, or None where some moved meanwhile."""
        part, found, totals = 0.0, dict[int, Row](), set[int]()
        while not self._screen.ask(self._key, self._place(), SCROLL, part)["end"] or not part:
            rows, told = self._drawn()
            found |= dict(zip(told["places"], rows, strict=True))
            totals.add(told["total"])
            part = STEP
        return found if totals == {len(found)} and self._is_each_once(found.values()) else None

    def _is_each_once(self, rows: Collection[Row]) -> bool:
        """A row that moves while one scrolls is seen twice, and another one is not. One thing may stand there struck through, too."""
        return self._own is None or len({(row.cells[self._own], row.struck) for row in rows}) == len(rows)

    def _drawn(self) -> tuple[list[Row], dict[str, Any]]:
        """Once the rows of this place are there."""
        deadline = time.monotonic() + DRAWN_SECONDS
        while True:
            rows, told = self._read()
            if told["drawn"] and len(rows) == len(told["places"]):
                return rows, told
            if time.monotonic() > deadline:
                raise self._screen.trouble(self._key, "its rows do not come")
            self._screen.page.wait_for_timeout(DRAW_SECONDS * 1000)


def items_of(screen: Screen, key: str) -> list[list[str]] | None:
    """The entries of the list that the label names, each as its lines; None where there is no such list. Of long ones only those in
    view are there, so they are scrolled."""
    names = pattern(screen.labels[key].texts)
    place = screen.root.get_by_role("list", name=names)  # an empty one has no height
    if not screen.number(key, place):
        return None
    told = screen.ask(key, place, LIST_ITEMS)
    found, size, part = dict(told["items"]), told["size"], 0.0
    while len(found) != size and (not screen.ask(key, place, SCROLL, part)["end"] or not part):
        screen.page.wait_for_timeout(DRAW_SECONDS * 1000 if part else 0)
        told = screen.ask(key, place, LIST_ITEMS)
        found, size, part = found | dict(told["items"]), told["size"], STEP
    if len(found) != size:
        raise screen.trouble(key, f"{len(found)} of its {size} entries were seen")
    return [found[number] for number in sorted(found)]


def choices_of(screen: Screen, key: str) -> list[tuple[str, bool]]:
    """What may be ticked in the window on top, and whether it is."""
    boxes = screen.root.get_by_role("checkbox").filter(visible=True)
    return [(str(name), bool(ticked)) for name, ticked in screen.ask_all(key, boxes, CHOICES)]


def choose(screen: Screen, key: str, name: str) -> None:
    """Ticks the only box of this name in the window on top."""
    screen.press_at(key, screen.root.get_by_role("checkbox", name=name, exact=True))


def branches_of(screen: Screen, key: str) -> list[list[str]]:
    """The entries of an open tree as paths from below its top."""
    return [path for path, _place in _branches(screen, key)]


def press_branch(screen: Screen, key: str, path: Sequence[str]) -> None:
    places = [place for found, place in _branches(screen, key) if found == list(path)]
    if len(places) != 1:
        raise screen.trouble(key, f"{'/'.join(path)} stands there {len(places)} times")
    screen.press_at(key, _tree(screen, key).get_by_role("treeitem").nth(places[0]))


def _branches(screen: Screen, key: str) -> list[tuple[list[str], int]]:
    told = screen.ask(key, _tree(screen, key), BRANCHES)
    way: list[str] = []
    found = []
    for place, (level, name) in enumerate(told):
        way = [*way[: level - 1], name]
        found.append((way[1:], place))
    return [(path, place) for path, place in found if path]


def _tree(screen: Screen, key: str) -> Locator:
    return screen.page.get_by_role("tree", name=pattern(screen.labels[key].texts)).filter(visible=True)
