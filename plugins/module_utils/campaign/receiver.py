# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nendo-events: takes what NanoMDM tells by webhook, and keeps it in the ledger before it answers.

NanoMDM tells once and does not repeat, so this runs all the time beside the server:
python3 -m ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.receiver --ledger … --listen …
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import plistlib
import re
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from .._errors import AppleMdmError
from .ledger import Ledger, open_ledger
from .model import Event

__all__ = ["Receiver", "Refused", "event_of", "exact_time", "signed"]

LONGEST = 16 * 1024 * 1024
SIGNATURE = "X-Hmac-Signature"
KEPT = ("UnlockToken", "ActivationLockBypassCode")  # encrypted
DROPPED = ("Token", "PushMagic", "BootstrapToken")


class Refused(Exception):
    """status: of the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def signed(body: bytes, key: bytes | None, signature: str | None) -> None:
    """Refused unless the body is signed with the key (base64 of HMAC-SHA256); without a key nothing is checked."""
    if key is None:
        return
    wanted = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(wanted, signature or ""):
        raise Refused(401, f"the header {SIGNATURE} does not fit: NanoMDM's -webhook-hmac-key is another one")


def event_of(body: bytes) -> tuple[Event, dict[str, bytes]] | None:
    """An event as NanoMDM sends it, and the secrets that were in it; None for one that tells nothing: of no device, or
    that a device asks for work.

    Refused where it is none."""
    try:
        told = json.loads(body)
        about: dict[str, Any] = told.get("acknowledge_event") or told.get("checkin_event") or {}
        payload = base64.b64decode(about.get("raw_payload") or "", validate=True)
        enrollment = about.get("enrollment_id") or (about.get("ids") or {}).get("id") or about.get("udid")
        if not enrollment or about.get("status") == "Idle":
            return None
        message, secrets = _without_secrets(payload)
        event = Event(
            topic=str(told["topic"]),
            created_at=exact_time(str(told["created_at"])),
            enrollment_id=str(enrollment),
            payload=plistlib.dumps(message) if message else b"",
            serial=str(message["SerialNumber"]).strip().upper() if message.get("SerialNumber") else None,
            command_uuid=about.get("command_uuid") or None,
            status=about.get("status") or None,
        )
        return event, secrets
    except (ValueError, KeyError, AttributeError, TypeError, binascii.Error):
        raise Refused(400, "the body is no event of NanoMDM") from None


def exact_time(text: str) -> str:
    """UTC to the microsecond, so that times can be compared as text. Go leaves out trailing zeros and keeps its zone."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        raise ValueError(text)
    fraction = (found[2] or "")[:6].ljust(6, "0")
    moment = datetime.fromisoformat(f"{found[1]}.{fraction}{found[3].replace('Z', '+00:00')}")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _without_secrets(payload: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The device's message, in which a secret's place tells that there was one, and the secrets by name."""
    try:
        message = plistlib.loads(payload)
    except (ValueError, ExpatError, plistlib.InvalidFileException):
        return {}, {}
    if not isinstance(message, dict):
        return {}, {}
    found = {name: message[name] for name in (*KEPT, *DROPPED) if message.get(name)}
    secrets = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in found.items()}
    return {**message, **dict.fromkeys(found, True)}, {name: secrets[name] for name in KEPT if name in secrets}


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], ledger: Ledger, key: bytes | None) -> None:
        self.ledger = ledger
        self.key = key
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        try:
            body = self._body()
            signed(body, self.server.key, self.headers.get(SIGNATURE))
            event = event_of(body)
            if event is not None:
                self.server.ledger.receive(*event)
        except Refused as refusal:
            self._answer(refusal.status, str(refusal))
        except AppleMdmError as error:
            self._answer(500, str(error))
        else:
            self._answer(200, "")

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST:
            self.close_connection = True
            raise Refused(411 if not length.isdigit() else 413, "the body has no length, or is too long")
        return self.rfile.read(int(length))

    def _answer(self, status: int, why: str) -> None:
        data = why.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if why:
            sys.stderr.write(f"nendo-events: answered {status}: {why}\n")
            sys.stderr.flush()

    def log_message(self, *_arguments: Any) -> None:
        """Refusals alone are told."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Until SIGTERM. Secrets come from files, not from arguments that others can read."""
    parser = argparse.ArgumentParser(prog="nendo-events", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ledger", default=os.environ.get("NENDO_LEDGER"), help="path or URL; or NENDO_LEDGER")
    parser.add_argument("--listen", default="127.0.0.1:9006", help="ADDRESS:PORT (127.0.0.1:9006)")
    parser.add_argument("--hmac-key-file", type=Path, help="the key of NanoMDM's -webhook-hmac-key")
    parser.add_argument(
        "--ledger-key-file", type=Path, help="the ledger's key; without it unlock tokens and bypass codes are lost"
    )
    given = parser.parse_args(arguments)
    if not given.ledger:
        parser.error("--ledger is missing")
    key = given.hmac_key_file.read_bytes().strip() if given.hmac_key_file else None
    ledger_key = given.ledger_key_file.read_text().strip() if given.ledger_key_file else None
    host, _colon, port = given.listen.rpartition(":")
    receiver = Receiver((host, int(port)), open_ledger(given.ledger, ledger_key), key)
    signal.signal(signal.SIGTERM, lambda *_signal: threading.Thread(target=receiver.shutdown).start())
    sys.stdout.write(f"nendo-events: listens at {host}:{receiver.server_port}\n")
    sys.stdout.flush()
    receiver.serve_forever()
    receiver.server_close()


if __name__ == "__main__":
    main()
