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
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError

from .model import Event

__all__ = ["AWAITING", "FIRST", "SIGNATURE", "Refused", "event_of", "exact_time", "signed"]

SIGNATURE = "X-Hmac-Signature"
KEPT = ("UnlockToken", "ActivationLockBypassCode")  # encrypted
DROPPED = ("Token", "PushMagic", "BootstrapToken")
SERIAL = "SerialNumber"
SECRET = tuple(name.encode() for name in (*KEPT, *DROPPED))
SECRET_OR_SERIAL = (*SECRET, SERIAL.encode())  # at check-in a device says who it is
FIRST = "first"  # of an enrolment: it tells of the enrolment if its Authenticate was lost
AWAITING = "awaiting"  # the device stands in Setup Assistant until DeviceConfigured
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
        command_uuid = about.get("command_uuid")
        message = _without_secrets(payload, SECRET if command_uuid else SECRET_OR_SERIAL)
        event = Event(
            topic=_storable(told["topic"]),
            created_at=exact_time(told["created_at"]),
            enrollment_id=_storable(enrollment),
            payload=message.payload,
            serial=_storable(message.serial.strip().upper()) if message.serial else None,
            command_uuid=_storable(command_uuid) if command_uuid else None,
            status=_status(about, message.awaiting and not command_uuid),
        )
        return event, message.secrets
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


def _status(about: dict[str, Any], awaiting: bool) -> str | None:
    """Of an answer, as the device says it; of a TokenUpdate what it is besides."""
    words = [FIRST] * (about.get("token_update_tally") == 1) + [AWAITING] * awaiting
    said = " ".join(words) or about.get("status")
    return _storable(said) if said else None


def _storable(text: Any) -> str:
    """Text that every database takes."""
    if not isinstance(text, str) or len(text.encode()) > LONGEST or "\0" in text:
        raise ValueError
    return text


class Message(NamedTuple):
    """What a device says. payload: a secret's place tells that there was one."""

    payload: bytes
    secrets: dict[str, bytes]
    serial: str = ""
    awaiting: bool = False


def _without_secrets(payload: bytes, names: Sequence[bytes]) -> Message:
    """Most messages have none of the names. Those are not read: that would be most of the work."""
    if not any(name in payload for name in names):
        return Message(payload, {})
    try:
        message = plistlib.loads(payload)
        found = {name: message[name] for name in (*KEPT, *DROPPED) if message.get(name)}
        serial = str(message.get(SERIAL) or "")
    except _NO_EVENT:
        return Message(b"", {})
    secrets = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in found.items()}
    if found:
        payload = plistlib.dumps({**message, **dict.fromkeys(found, True)})
    kept = {name: secrets[name] for name in KEPT if name in secrets}
    return Message(payload, kept, serial, bool(message.get("AwaitingConfiguration")))
