# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the nano servers' answers are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..._errors import ServiceError
from ...credentials.moments import parse_moment

__all__ = ["moment", "says_absent"]

ABSENT = ("not found", "no rows in result set", "no such file or directory")  # key-value, SQL and file storage


def moment(text: Any, host: str) -> datetime:
    """A time as a service writes it, as aware UTC, whole seconds."""
    read = parse_moment(text)
    if read is None:
        raise ServiceError(f"{host} gave no readable expiry ({str(text)[:40]!r}). Check that the address is right.")
    return read.replace(microsecond=0)


def says_absent(error: ServiceError) -> bool:
    """The servers answer 500 for what they do not have, with the storage's own words."""
    return any(words in error.details.get("body", "") for words in ABSENT)
