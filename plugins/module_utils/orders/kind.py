# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a credential kind brings to the order engine: its own request, its own judgement, its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..credentials.verdicts import Text, Verdict
from ..mdm.protocol import CredentialPort
from .model import Order, OrderStore
from .status import Status

__all__ = ["Kind", "Requested"]


@dataclass(frozen=True)
class Requested:
    """The request is ready (facts for the journal), or what it waits for."""

    facts: dict[str, Any]
    awaiting: Text | None = None


class Kind(Protocol):
    """credential: its name; received_name: the name under which an accepted file is kept in the order.

    examine_in_check_mode: whether asking Apple about a received file is harmless enough for a dry run."""

    credential: str
    received_name: str
    examine_in_check_mode: bool

    def check_options(self, status: Status, port: CredentialPort) -> None:
        """Raises ConfigurationError when an order could not be carried through with what is known and given."""

    def make_request(
        self, order: Order, store: OrderStore, port: CredentialPort, now: datetime, *, write: bool
    ) -> Requested:
        """Writes the order's request files. Called again after a crash: what is there already is used, not made anew.

        write: False in check mode: everything that can fail is tried, nothing is written or sent."""

    def handoff(self, order: Order, store: OrderStore) -> dict[str, Any]:
        """What the person has to do: the fields of instructions.Handoff that the engine does not know, plain JSON."""

    def judge(self, data: bytes, order: Order, others: Sequence[Order], now: datetime, store: OrderStore) -> Verdict:
        """Whether a file is the one this order waits for. others: the tenant's other orders of this credential."""

    def expected(self, order: Order) -> dict[str, Any]:
        """What the server will tell after the upload, in the shape of in_use_as_facts; None where only it can know."""

    def private_key(self, order: Order, store: OrderStore) -> bytes | None:
        """What goes to the server together with the received file: unencrypted PEM, or None."""
