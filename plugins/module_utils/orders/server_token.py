# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ADE server token as an order: the MDM server's public key, the judgement of the .p7m that comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._errors import ConfigurationError
from .._time import from_iso
from ..credentials.server_token import judge_server_token
from ..credentials.verdicts import Verdict
from ..mdm.protocol import Ability, CredentialPort
from .kind import Requested
from .model import Order, OrderStore
from .status import Status

__all__ = ["ServerTokenKind"]

PUBLIC_KEY = "upload_this_to_apple.pem"


@dataclass(frozen=True)
class ServerTokenKind:
    """All fields are needed until the hand-off only."""

    server_name: str | None = None
    apple_account: str | None = None
    portal: str = "school"
    portal_url: str | None = None

    credential = "server_token"
    received_name = "received.p7m"
    examine_in_check_mode = True

    def check_options(self, status: Status, port: CredentialPort) -> None:
        if Ability.UPLOAD not in port.abilities:
            raise ConfigurationError("This MDM server's driver cannot renew a server token. Nothing was changed.")

    def make_request(
        self, order: Order, store: OrderStore, port: CredentialPort, now: datetime, *, write: bool
    ) -> Requested:
        """Nothing where the MDM server's key was given to Apple once and for all."""
        if Ability.REQUEST not in port.abilities:
            return Requested({"files": {}})
        public_key = store.read_file(order, PUBLIC_KEY)
        if public_key is None and write:
            public_key = port.request()
            store.write_file(order, PUBLIC_KEY, public_key, secret=False)
        return Requested({"files": {PUBLIC_KEY: hashlib.sha256(public_key or b"").hexdigest()}})

    def handoff(self, order: Order, store: OrderStore) -> dict[str, Any]:
        before = order.fact("in_use_before") or {"facts": {}}
        inbox = store.inbox_place(order)
        request_file = f"{store.place(order)}/{PUBLIC_KEY}" if inbox else PUBLIC_KEY
        return {
            "apple_account": self.apple_account,
            "identity": self.server_name or before["facts"].get("server_name"),
            "request_file": request_file if PUBLIC_KEY in (order.fact("files") or {}) else None,
            "inbox_place": inbox,
            "answer_variable": "server_token_content",
            "portal_kind": self.portal,
            "portal_url": self.portal_url,
        }

    def judge(self, data: bytes, order: Order, others: Sequence[Order], now: datetime, store: OrderStore) -> Verdict:
        """The key is the MDM server's, so only form and recipient are seen here; the server opens it."""
        before = order.fact("in_use_before")
        return judge_server_token(
            data,
            now=now,
            certificate=store.read_file(order, PUBLIC_KEY),
            consumer_key=before["identity"] if before else None,
            not_after_in_use=from_iso(before["not_after"]) if before else None,
        )

    def expected(self, order: Order) -> dict[str, Any]:
        before = order.fact("in_use_before")
        return {"identity": before["identity"] if before else None, "serial": None, "not_after": None, "facts": {}}

    def private_key(self, order: Order, store: OrderStore) -> bytes | None:
        return None

    def request_text(self, order: Order, store: OrderStore) -> str | None:
        data = store.read_file(order, PUBLIC_KEY)
        return data.decode("ascii") if data else None
