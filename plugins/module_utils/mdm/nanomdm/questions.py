# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Under which CommandUUIDs a device may have been asked about a command: one more a period, since an answer may be lost."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

from ..._time import from_iso
from ..protocol import Item
from .commands import derived

__all__ = ["questions_so_far"]


def questions_so_far(item: Item, now: datetime, period: timedelta, *words: str) -> list[str]:
    """The newest is the last. words: tell these questions from others about the same command."""
    since = now - from_iso(item.intended_at) if item.intended_at else timedelta(0)
    return [_question(item.command_id, *words, str(each)) for each in range(int(since / period) + 1)]


@functools.cache  # a device that is waited for is looked at many times
def _question(*words: str) -> str:
    return derived(*words)
