# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content token of Apps and Books as an order: nothing to request, only a file to fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._errors import ConfigurationError, CredentialError
from .._time import from_iso
from ..credentials.content_token import judge_content_token, parse_content_token
from ..credentials.verdicts import Verdict
from ..mdm.protocol import Ability, CredentialPort
from .kind import Requested
from .model import Order, OrderStore
from .status import Status, in_use_as_facts

__all__ = ["ContentTokenKind", "is_in_use"]


@dataclass(frozen=True)
class ContentTokenKind:
    """organization: the one that the token must name; that of the token in use if None."""

    organization: str | None = None
    apple_account: str | None = None
    portal: str = "school"
    portal_url: str | None = None

    credential = "content_token"
    received_name = "received.vpptoken"
    examine_in_check_mode = True

    def check_options(self, status: Status, port: CredentialPort) -> None:
        if Ability.UPLOAD not in port.abilities:
            raise ConfigurationError("This MDM server's driver cannot take a content token. Nothing was changed.")
        if status.in_use and not (self.organization or _organization(in_use_as_facts(status.in_use))):
            raise ConfigurationError(
                "This MDM server does not tell whose content token it has, so another organisation's could not be told from"
                " it. Nothing was changed. Give the organisation's name as Apple has it, in content_token_organization."
            )

    def make_request(
        self, order: Order, store: OrderStore, port: CredentialPort, now: datetime, *, write: bool
    ) -> Requested:
        return Requested({})

    def handoff(self, order: Order, store: OrderStore) -> dict[str, Any]:
        before = order.fact("in_use_before") or {"identity": self.organization, "facts": {}}
        return {
            "apple_account": self.apple_account,
            "identity": before["facts"].get("location_name") or self.organization or _organization(before),
            "inbox_place": store.inbox_place(order),
            "answer_variable": "content_token_content",
            "portal_kind": self.portal,
            "portal_url": self.portal_url,
        }

    def judge(self, data: bytes, order: Order, others: Sequence[Order], now: datetime, store: OrderStore) -> Verdict:
        before = order.fact("in_use_before") or {"facts": {}}
        return judge_content_token(
            data,
            now=now,
            organization=self.organization or _organization(before),
            fingerprint_in_use=before["facts"].get("fingerprint_sha256"),
            not_after_in_use=from_iso(before["not_after"]) if "not_after" in before else None,
        )

    def expected(self, order: Order) -> dict[str, Any]:
        received, before = order.fact("received"), order.fact("in_use_before") or {"facts": {}}
        return {
            "identity": before["facts"].get("slot") or received["organization"],
            "serial": None,
            "not_after": received["not_after"],
            "facts": {},
        }

    def private_key(self, order: Order, store: OrderStore) -> bytes | None:
        return None


def _organization(in_use: Mapping[str, Any] | None) -> str | None:
    """Of a token in use. A server that keeps it in a slot of its own does not tell it, but the last order may."""
    if not in_use or "identity" not in in_use:
        return None
    return in_use["facts"].get("organization") or (None if "slot" in in_use["facts"] else in_use["identity"])


def is_in_use(data: bytes, port: CredentialPort) -> bool:
    """Whether a file given by hand is the very token that is in use."""
    in_use = port.read(None)
    try:
        token = parse_content_token(data)
    except CredentialError:
        return False
    return in_use is not None and in_use.facts.get("fingerprint_sha256") == token.fingerprint_sha256
