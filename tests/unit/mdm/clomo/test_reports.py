# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports read again and again while it grows: each line once, none left out, and no page twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo import reports as reports_module
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.report_lines import (
    Line,
    mark_for,
    newer,
    reaches_back,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.reports import Reports

SERIALS = [f"SM{number:02}" for number in range(8)]
PAGE = 5


@dataclass
class Log:
    """A panel, its browser and what Reports shows: lines from the newest. page: which is open. pages: how many were read.
    busy: what is written while the next page is on its way. searched: what the lines shown have in them."""

    lines: list[Line] = field(default_factory=list)
    searched: str = ""
    busy: Callable[[], None] = lambda: None
    page: int = 0
    pages: int = 0
    zone: Any = None

    @contextmanager
    def work(self) -> Iterator[Log]:
        yield self

    def rest(self) -> None:
        pass

    def press(self, key: str) -> None:
        assert key == "reports.next"
        self.page += 1
        self.busy()

    def write(self, second: int, serial: str, text: str) -> None:
        self.lines.insert(0, Line(f"2027-03-01T00:{second // 60:02}:{second % 60:02}+00:00", f"{serial} / iPad", text))


class Pages(Reports):
    """Reports without a browser."""

    def __init__(self, log: Any) -> None:
        super().__init__(log)
        self._shown: Log = log

    def _search(self, screen: Any, text: str) -> None:
        self._shown.searched, self._shown.page = text, 0

    def _page(self, screen: Any) -> list[Line]:
        self._shown.pages += 1
        return self._found()[self._shown.page * PAGE : (self._shown.page + 1) * PAGE]

    def _is_last(self, screen: Any) -> bool:
        return (self._shown.page + 1) * PAGE >= len(self._found())

    def _found(self) -> list[Line]:
        return [line for line in self._shown.lines if self._shown.searched in line.target]


def write_some(log: Log, rng: random.Random, second: int, number: int) -> None:
    for _line in range(number):
        log.write(second, rng.choice(SERIALS), f"[Success] {rng.randrange(3)}")


@pytest.mark.parametrize("seed", range(50))
def test_each_line_is_told_once_however_often_it_is_looked_at(seed: int) -> None:
    """Several lines of one second and of the same text, also beside the mark and where the last look ended."""
    rng, log = random.Random(seed), Log()
    write_some(log, rng, 0, rng.randrange(12))
    marks = {serial: mark_for(serial, [line for line in log.lines if line.at == log.lines[0].at]) for serial in SERIALS}
    before, reports = len(log.lines), Pages(log)
    for second in range(6):
        write_some(log, rng, second, rng.randrange(6))
        told = reports.since(marks)
        since = log.lines[: len(log.lines) - before]
        for serial in SERIALS:
            mine = [line for line in since if line.target.startswith(serial)]
            assert Counter(newer(serial, told[serial], marks[serial])) == Counter(mine)


def test_pages_that_were_read_are_not_read_again() -> None:
    rng, log = random.Random(1), Log()
    write_some(log, rng, 0, 3)
    marks = {serial: mark_for(serial, log.lines) for serial in SERIALS}
    for second in range(1, 31):
        write_some(log, rng, second, 1)
    reports = Pages(log)
    reports.since(marks)
    log.pages = 0
    write_some(log, rng, 40, 2)
    reports.since(marks)
    assert log.pages == 1


@pytest.mark.parametrize("seed", range(20))
def test_lines_that_come_while_it_is_read(seed: int) -> None:
    rng, log = random.Random(seed), Log()
    log.write(0, SERIALS[0], "[Success] before")
    marks = {serial: mark_for(serial, log.lines) for serial in SERIALS}
    for number in range(20):
        log.write(1 + number // 4, rng.choice(SERIALS), f"[Success] {number}")
    there, reports = len(log.lines), Pages(log)
    log.busy = lambda: log.write(9, rng.choice(SERIALS), f"[Success] {len(log.lines)}") if rng.randrange(2) else None
    for _look in range(3):
        told = reports.since(marks)
        for serial in SERIALS:
            found = newer(serial, told[serial], marks[serial])
            mine = [line for line in log.lines[:-1] if line.target.startswith(serial)]
            assert len(set(found)) == len(found) and set(found) <= set(mine)
            assert {line for line in mine if line in log.lines[-there:]} <= set(found)


def test_lines_in_another_order_than_before_are_read_anew() -> None:
    log = Log()
    log.write(0, SERIALS[0], "[Success] before")
    marks = {serial: mark_for(serial, log.lines) for serial in SERIALS}
    reports = Pages(log)
    log.write(5, SERIALS[0], "[Success] one")
    log.write(5, SERIALS[0], "[Success] two")
    reports.since(marks)
    log.lines[:2] = reversed(log.lines[:2])
    log.write(6, SERIALS[0], "[Success] three")
    told = newer(SERIALS[0], reports.since(marks)[SERIALS[0]], marks[SERIALS[0]])
    assert sorted(line.text for line in told) == ["[Success] one", "[Success] three", "[Success] two"]


@pytest.mark.parametrize("earlier", [True, False], ids=["its own lines", "only those of others"])
@pytest.mark.parametrize("purged", [True, False])
def test_what_reports_does_not_tell_has_not_been_only_if_it_still_reaches_back(earlier: bool, purged: bool) -> None:
    log = Log()
    log.write(0, SERIALS[0], "[Success] before")
    log.write(1, SERIALS[0] if earlier else SERIALS[1], "[Success] newest")
    mark = mark_for(SERIALS[0], log.lines[:1])
    for second in range(2, 10):
        log.write(second, SERIALS[second % 2], "[Success] later")
    if purged:
        del log.lines[-2:]
    if not (earlier or purged):
        del log.lines[-1]
    told = Pages(log).since({SERIALS[0]: mark})[SERIALS[0]]
    assert reaches_back(told, mark) is not purged
    assert len(newer(SERIALS[0], told, mark)) == 4


def test_a_device_that_says_more_than_is_read_of_it_misses_no_line_where_reports_reaches_back() -> None:
    """The log of all devices was read before, page after page, and the search of one device ends earlier."""
    log = Log()
    log.write(0, SERIALS[1], "[Success] before")
    marks = {serial: mark_for(serial, log.lines) for serial in SERIALS}
    for second in range(1, 4 * PAGE):
        log.write(second, SERIALS[0], f"[Success] {second}")
    reports = Pages(log)
    with mock.patch.object(reports_module, "SEARCH_PAGES", 2):
        told = reports.since(marks)[SERIALS[0]]
        alone = reports.since({SERIALS[0]: marks[SERIALS[0]]})[SERIALS[0]]
    for lines in (told, alone):
        assert reaches_back(lines, marks[SERIALS[0]])
        assert len(newer(SERIALS[0], lines, marks[SERIALS[0]])) == 4 * PAGE - 1
