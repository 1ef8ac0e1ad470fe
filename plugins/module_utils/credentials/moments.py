# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moments in time: read as Apple writes them, shown as people have them."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["day", "parse_moment"]


def parse_moment(text: object) -> datetime | None:
    """ISO 8601 with Z, +0000 or +00:00 (without one: UTC) as an aware UTC time; None for what is no such text."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def day(moment: datetime, now: datetime) -> str:
    """The calendar day as the clock of the person sees it who gave now."""
    try:
        return moment.astimezone(now.tzinfo).date().isoformat()
    except OverflowError:
        return moment.date().isoformat()
