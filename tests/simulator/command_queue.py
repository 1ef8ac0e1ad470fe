# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands that wait for one enrollment in NanoMDM, as a chain; with the fault that v0.9.0's key-value stores have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Queue:
    """CommandUUIDs, first in first out. put_off: those that were answered with NotNow."""

    first: str = ""
    last: str = ""
    following: dict[str, str] = field(default_factory=dict)
    preceding: dict[str, str] = field(default_factory=dict)
    put_off: dict[str, None] = field(default_factory=dict)

    def add(self, name: str) -> None:
        if self.last:
            self.following[self.last], self.preceding[name] = name, self.last
        else:
            self.first = name
        self.last = name

    def remove(self, name: str, *, faulty: bool) -> None:
        """faulty: the one before the last does not forget what followed it, so that comes again when it is removed itself;
        and the removal of one that is not in the chain any more empties the queue."""
        before, after = self.preceding.pop(name, ""), self.following.pop(name, "")
        self.put_off.pop(name, None)
        if before and after:
            self.following[before], self.preceding[after] = after, before
        elif before:
            self.last = before
            if not faulty:
                del self.following[before]
        elif after:
            self.first = after
            self.preceding.pop(after, None)
        else:
            self.first = self.last = ""

    def __iter__(self) -> Iterator[str]:
        name = self.first
        while name:
            yield name
            name = self.following.get(name, "")
