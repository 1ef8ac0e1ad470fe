# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the nano servers' answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..._errors import ServiceError
from ...credentials.moments import parse_moment

__all__ = ["moment", "not_queued", "says_absent"]

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


def not_queued(answer: Mapping[str, Any], ids: list[str]) -> dict[str, str]:
    """Why a command did not enter the queue, by enrolment id; empty where it entered everywhere.

    The status code does not tell: 207 and 500 also come when only the push failed and the command is queued."""
    if answer.get("command_error"):
        return dict.fromkeys(ids, str(answer["command_error"]))
    status: Mapping[str, Mapping[str, Any]] = answer.get("status") or {}
    return {
        each: str(status[each]["command_error"]) for each in ids if each in status and status[each].get("command_error")
    }
