# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lines of Reports prove: which are newer than a mark, and what became of a device's command. Pure.

Tags vary in case, and pushes leave no line in newer editions, so neither counts. Source: CLOMO's table of a command's life."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Line", "Seen", "joined", "mark_for", "newer", "reaches_back", "seen_of", "serial_in"]

TAGGED = re.compile(r"^\s*\[\s*([^\]]+?)\s*\]\s*(.*)$")
REGISTERED, SENT, SUCCESS, FAILED = ("registered",), ("send command",), ("success",), ("failed", "failure", "error")
ORDERED = re.compile(
    r"コマンド\s*([A-Za-z]+)\s*を実行"
)  # an administrator's line, before the first of the command itself
COMMAND = re.compile(r"command\s+([A-Za-z]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """at: as a moment, UTC, ISO 8601; comparable as text. target: the device, as the panel writes it."""

    at: str
    target: str
    text: str


@dataclass(frozen=True)
class Seen:
    """How many lines of a command's life there are since the mark."""

    ordered: int = 0
    registered: int = 0
    fetched: int = 0
    succeeded: int = 0
    failed: int = 0
    first_at: str | None = None  # of the first line
    last_at: str | None = None  # of the last success

    @property
    def anything(self) -> bool:
        return bool(self.ordered or self.registered or self.fetched or self.succeeded or self.failed)


def serial_in(target: str) -> str:
    """The serial number that stands first."""
    return re.split(r"[\s/\u3000]", target.strip(), maxsplit=1)[0]


def mark_for(serial: str, newest: Sequence[Line]) -> dict[str, Any]:
    """Plain data by which later lines of the device are told from those that are there now.

    newest: all lines of the newest moment that Reports shows."""
    at = max((line.at for line in newest), default="")
    return {"at": at, "lines": [line.text for line in newest if serial_in(line.target) == serial and line.at == at]}


def newer(serial: str, lines: Sequence[Line], mark: Mapping[str, Any]) -> list[Line]:
    """The device's lines since the mark. Of its moment those are newer that were not there."""
    known, found = Counter(mark["lines"]), []
    for line in lines:
        if serial_in(line.target) != serial or line.at < mark["at"]:
            continue
        if line.at == mark["at"] and known[line.text] > 0:
            known[line.text] -= 1
            continue
        found.append(line)
    return found


def reaches_back(lines: Sequence[Line], mark: Mapping[str, Any]) -> bool:
    """Whether Reports still tells what was before the mark, so that what it does not tell has not been."""
    return bool(mark["at"]) and any(line.at <= mark["at"] for line in lines)


def seen_of(lines: Sequence[Line], command: str) -> Seen:
    """What the lines tell of a command by its request type, or by a part of what its lines say."""
    counts: Counter[str] = Counter()
    ours = [(line, tag) for line in lines if (tag := _tag(line.text, command))]
    for _line, tag in ours:
        counts[tag] += 1
    done = [line.at for line, tag in ours if tag == "succeeded"]
    first = min((line.at for line, _tag in ours), default=None)
    return Seen(**counts, first_at=first, last_at=max(done, default=None))


def joined(read: Sequence[Line], page: Sequence[Line]) -> list[Line]:
    """The lines read until now and the next page, which may begin with some of them: new lines push others on."""
    most = min(len(read), len(page))
    for overlap in range(most, 0, -1):
        if list(read[-overlap:]) == list(page[:overlap]):
            return [*read, *page[overlap:]]
    return [*read, *page]


def _tag(text: str, command: str) -> str | None:
    told = TAGGED.match(text)
    if told is None:
        ordered = ORDERED.search(text)
        return "ordered" if ordered and ordered[1].lower() == command.lower() else None
    if not _names(told[2], command):
        return None
    tag = told[1].lower()
    tags: Mapping[str, Collection[str]] = {
        "registered": REGISTERED,
        "fetched": SENT,
        "succeeded": SUCCESS,
        "failed": FAILED,
    }
    return next((name for name, known in tags.items() if tag in known), None)


def _names(text: str, command: str) -> bool:
    found = COMMAND.search(text)
    return found[1].lower() == command.lower() if found else command in text
