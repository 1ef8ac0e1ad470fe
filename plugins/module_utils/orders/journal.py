# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How an order is written down, the same in every store: an event as JSON, ids, file and folder names."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from .._errors import ConfigurationError, OrderError
from .model import CREDENTIALS, STATES, Event, Order

__all__ = [
    "INBOX",
    "JOURNAL",
    "as_stored",
    "check_file_name",
    "event_as_data",
    "event_from_data",
    "folder_name",
    "in_order",
    "is_order_id",
    "parse_journal",
    "tenant_name",
    "write_journal",
]

JOURNAL = "journal.jsonl"
INBOX = "inbox"
_ORDER_ID = re.compile(rf"({'|'.join(CREDENTIALS)})-(\d{{4}}-\d\d-\d\d)(?:-(\d{{1,6}}))?", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_UNSAFE = frozenset('%/\\:*?"<>|')
_LONGEST_FOLDER_NAME = 200  # of the 255 bytes that file systems allow: lock files append to it


def event_as_data(event: Event) -> dict[str, Any]:
    return {"at": event.at, "by": event.by, "act": event.act, "state": event.state, "facts": dict(event.facts)}


def event_from_data(data: Any) -> Event:
    """ValueError where the data are not those of an event."""
    try:
        event = Event(data["at"], data["by"], data["act"], data["state"], data["facts"])
    except (KeyError, TypeError) as error:
        raise ValueError("not an event") from error
    texts = (event.at, event.by, event.act)
    if not all(isinstance(text, str) for text in texts) or not isinstance(event.facts, dict):
        raise ValueError("not an event")
    if event.state is not None and event.state not in STATES:
        raise ValueError(f"unknown state {event.state!r}")
    return event


def as_stored(event: Event) -> Event:
    """The event as it will be read back (tuples become lists, keys become text)."""
    return event_from_data(json.loads(json.dumps(event_as_data(event), allow_nan=False)))


def write_journal(order: Order) -> bytes:
    """One line an event; the first line also says whose order it is."""
    whose = {"order": {"order_id": order.order_id, "tenant": order.tenant, "credential": order.credential}}
    lines = (
        {"number": number, **(whose if number == 1 else {}), **event_as_data(event)}
        for number, event in enumerate(order.events, 1)
    )
    text = "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
    return text.encode("utf-8", "surrogatepass")


def parse_journal(data: bytes, order: Order, path: str) -> tuple[Event, ...]:
    """The events of the order that the journal at path must belong to."""
    lines = data.split(b"\n")
    events = []
    for number, line in enumerate(lines[:-1] if data.endswith(b"\n") else lines, 1):
        try:
            content = json.loads(line)
            event = event_from_data(content)
            if content.get("number") != number:
                raise ValueError("number out of turn")
        except (ValueError, RecursionError) as error:
            raise OrderError(
                f"The journal {path} is damaged in line {number}, so order {order.order_id} of {order.tenant} cannot "
                "go on. Nothing was sent or changed. Put this file back from a backup, then run again.",
                place=path,
                line=number,
            ) from error
        if number == 1:
            _check_owner(content.get("order"), order, path)
        events.append(event)
    return tuple(events)


def _check_owner(found: Any, order: Order, path: str) -> None:
    owner = found.get("tenant") if isinstance(found, dict) else None
    if owner != order.tenant:
        raise OrderError(
            f"The journal {path} belongs to tenant {owner}, not to {order.tenant}. Nothing was changed. Two tenants' "
            "names may not share a folder (a name that differs only in capitals, or a folder that was renamed): give "
            "each its own.",
            place=path,
            line=1,
        )


def is_order_id(name: str, credential: str | None = None) -> bool:
    match = _ORDER_ID.fullmatch(name)
    return match is not None and credential in (None, match[1])


def in_order(orders: Iterable[Order]) -> list[Order]:
    """Oldest first: by date, then by the number on the day."""

    def key(order: Order) -> tuple[str, int]:
        match = _ORDER_ID.fullmatch(order.order_id)
        return (match[2], int(match[3] or 1)) if match else ("", 0)

    return sorted(orders, key=key)


def check_file_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name) or name.lower() in (JOURNAL, INBOX):
        raise OrderError(f"{name!r} cannot be the name of an order's file: use letters, digits, '_', '-' and '.'.")
    return name


def folder_name(tenant: str) -> str:
    """A name that is safe on every file system and can be turned back. Japanese stays readable."""
    composed = tenant.isascii() or unicodedata.normalize("NFC", tenant) == tenant
    last = len(tenant) - 1

    def safe(index: int, char: str) -> bool:
        if char in _UNSAFE or not char.isprintable() or not (composed or char.isascii()):
            return False
        return not (char in ". " and index in (0, last))

    name = "".join(
        char if safe(index, char) else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for index, char in enumerate(tenant)
    )
    if not name or len(name.encode()) > _LONGEST_FOLDER_NAME:
        raise ConfigurationError(
            f"The tenant's name {tenant!r} is {'too long' if name else 'empty'}: a folder is named after it. "
            "Give the inventory host another name."
        )
    return name


def tenant_name(folder: str) -> str | None:
    """The tenant a folder is named after; None for a folder that no tenant's name gives."""
    try:
        tenant = unquote_to_bytes(folder).decode("utf-8", "surrogatepass")
        return tenant if folder_name(tenant) == folder else None
    except (UnicodeError, ConfigurationError):
        return None
