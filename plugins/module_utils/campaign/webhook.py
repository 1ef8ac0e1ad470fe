# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What NanoMDM's webhook sends: whether it is signed, the event, and what is secret in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import plistlib
import re
from datetime import datetime, timezone
from typing import Any
from xml.parsers.expat import ExpatError

from .model import Event

__all__ = ["FIRST", "SIGNATURE", "Refused", "event_of", "exact_time", "signed"]

SIGNATURE = "X-Hmac-Signature"
KEPT = ("UnlockToken", "ActivationLockBypassCode")  # encrypted
DROPPED = ("Token", "PushMagic", "BootstrapToken")
SERIAL = "SerialNumber"
FIRST = (
    "first"  # the status of an enrolment's first TokenUpdate, which tells of the enrolment if its Authenticate was lost
)
LONGEST = 1000  # of what is looked up: an index of PostgreSQL takes no more than 2,704 bytes
_NO_EVENT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, ExpatError)


class Refused(Exception):
    """status: of the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def signed(body: bytes, key: bytes | None, signature: str | None) -> None:
    """Refused unless the body is signed with the key (base64 of HMAC-SHA256); without a key nothing is checked."""
    if key is None:
        return
    wanted = base64.b64encode(hmac.digest(key, body, hashlib.sha256))
    if not hmac.compare_digest(wanted, (signature or "").encode()):
        raise Refused(401, f"the header {SIGNATURE} does not fit: NanoMDM's -webhook-hmac-key is another one")


def event_of(body: bytes) -> tuple[Event, dict[str, bytes]] | None:
    """An event as NanoMDM sends it, and the secrets that were in it; None for one that tells nothing: of no device, or
    that a device asks for work.

    Refused where it is none, or could not be stored, so that it does not spoil what is stored with it."""
    try:
        told = json.loads(body)
        about: dict[str, Any] = told.get("acknowledge_event") or told.get("checkin_event") or {}
        payload = base64.b64decode(about.get("raw_payload") or "", validate=True)
        enrollment = about.get("enrollment_id") or (about.get("ids") or {}).get("id") or about.get("udid")
        if not enrollment or about.get("status") == "Idle":
            return None
        payload, serial, secrets = _without_secrets(payload)
        event = Event(
            topic=_storable(told["topic"]),
            created_at=exact_time(told["created_at"]),
            enrollment_id=_storable(enrollment),
            payload=payload,
            serial=_storable(serial.strip().upper()) if serial else None,
            command_uuid=_storable(about["command_uuid"]) if about.get("command_uuid") else None,
            status=_status(about),
        )
        return event, secrets
    except _NO_EVENT:
        raise Refused(400, "the body is no event of NanoMDM") from None


def exact_time(text: str) -> str:
    """UTC to the microsecond, so that times can be compared as text. Go leaves out trailing zeros and keeps its zone."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text, re.ASCII)
    if found is None:
        raise ValueError(text)
    fraction = (found[2] or "")[:6].ljust(6, "0")
    moment = datetime.fromisoformat(f"{found[1]}.{fraction}{found[3].replace('Z', '+00:00')}")
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _status(about: dict[str, Any]) -> str | None:
    if about.get("token_update_tally") == 1:
        return FIRST
    return _storable(about["status"]) if about.get("status") else None


def _storable(text: Any) -> str:
    """Text that every database takes."""
    if not isinstance(text, str) or len(text.encode()) > LONGEST or "\0" in text:
        raise ValueError
    return text


def _without_secrets(payload: bytes) -> tuple[bytes, str | None, dict[str, bytes]]:
    """The device's message, in which a secret's place tells that there was one; its serial number; the secrets by name.

    Most messages name none of them. Those are not read: that would be most of the work."""
    if not any(name.encode() in payload for name in (*KEPT, *DROPPED, SERIAL)):
        return payload, None, {}
    try:
        message = plistlib.loads(payload)
        found = {name: message[name] for name in (*KEPT, *DROPPED) if message.get(name)}
        serial = str(message.get(SERIAL) or "")
    except _NO_EVENT:
        return b"", None, {}
    secrets = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in found.items()}
    if found:
        payload = plistlib.dumps({**message, **dict.fromkeys(found, True)})
    return payload, serial, {name: secrets[name] for name in KEPT if name in secrets}
