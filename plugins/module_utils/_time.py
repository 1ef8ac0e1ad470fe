# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times as data: UTC, ISO 8601 with Z, whole seconds."""

from __future__ import annotations

from datetime import datetime, timezone

__all__ = ["from_iso", "now_utc", "to_iso", "whole_days"]


def now_utc() -> datetime:
    return datetime.now(timezone.utc)


def to_iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> datetime:
    if len(text) != len("2027-03-20T08:00:00Z") or not text.endswith("Z"):
        raise ValueError(f"{text!r} is no time of the form 2027-03-20T08:00:00Z")
    return datetime.fromisoformat(text)  # ten times as fast as strptime


def whole_days(until: datetime, now: datetime) -> int:
    """Full days left; negative once the moment has passed."""
    return (until - now).days
