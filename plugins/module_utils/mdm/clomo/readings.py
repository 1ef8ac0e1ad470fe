# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the panel's texts mean: the UID of a subject, a date with or without its time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..._errors import ConfigurationError

__all__ = ["DATE", "UID", "Moment", "below_captions", "read_moment", "read_named", "zone"]

UID = r"com\.apple\.mgmt\.[A-Za-z0-9.-]+"
DATE = r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?(?:[\sT]*\d{1,2}:\d{2}(?::\d{2})?)?"
JAPAN = timezone(timedelta(hours=9), "JST")


@dataclass(frozen=True)
class Moment:
    """within: seconds by which the true moment may be later than what the panel shows (it shows whole days, say)."""

    at: datetime
    within: int

    def is_of(self, moment: datetime) -> bool:
        return timedelta(0) <= moment.replace(microsecond=0) - self.at < timedelta(seconds=self.within)


def zone(name: str) -> tzinfo:
    """Japan's is known where the machine has no table of time zones."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        if name == "Asia/Tokyo":
            return JAPAN
        raise ConfigurationError(f"time_zone {name!r} is no time zone; write it as Asia/Tokyo is written.") from error


def read_moment(text: str, where: tzinfo) -> Moment | None:
    """None for what is no date."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) not in (3, 5, 6):
        return None
    try:
        year, month, day, hour, minute, second = (*numbers, 0, 0, 0)[:6]
        local = datetime(year, month, day, hour, minute, second, tzinfo=where)
    except ValueError:
        return None
    return Moment(local.astimezone(timezone.utc), {3: 86400, 5: 60, 6: 1}[len(numbers)])


def read_named(text: str, where: tzinfo) -> tuple[str, Moment] | None:
    """A name and the date behind it; None for anything else."""
    told = re.fullmatch(rf"[:\uff1a\s]*([^:\uff1a]+?)\s+({DATE})\s*", text)
    moment = read_moment(told[2], where) if told else None
    return (told[1], moment) if told and moment else None


def below_captions(
    lines: Sequence[str], captions: Mapping[str, re.Pattern[str]], headings: Sequence[re.Pattern[str]]
) -> dict[str, str]:
    """By key, what stands below each caption that is there, up to the next caption or heading; of one that stands there twice
    what is below the first."""
    stops = [*captions.values(), *headings]
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        for key, caption in captions.items():
            if key not in found and caption.search(line):
                rest = lines[number + 1 :]
                end = next((place for place, text in enumerate(rest) if any(stop.search(text) for stop in stops)), None)
                found[key] = " ".join(rest[:end])
    return found
