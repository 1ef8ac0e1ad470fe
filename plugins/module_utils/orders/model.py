# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An order: one renewal of one credential, told by its journal. The state is what the journal's events say.

An order's id is CREDENTIAL-DATE with -2, -3, … for more on a day, e.g. push_certificate-2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

__all__ = ["CREDENTIALS", "STATES", "Event", "InboxFile", "Order", "OrderStore"]

CREDENTIALS = ("push_certificate", "server_token", "content_token")
STATES = ("open", "requested", "handed_off", "received", "uploaded", "proven", "void")


@dataclass(frozen=True)
class Event:
    """One line of a journal."""

    at: str  # UTC, ISO 8601 with Z
    by: str  # who ran it: a user name, an AWX user
    act: str  # what was done, a word: opened, requested, handed_off, refused, received, uploaded, proven, voided
    state: str | None  # the order's state from here on; None leaves it
    facts: Mapping[str, Any] = field(default_factory=dict)  # plain JSON, no secrets


@dataclass(frozen=True)
class Order:
    order_id: str
    tenant: str
    credential: str
    events: tuple[Event, ...] = ()

    @property
    def state(self) -> str:
        """The last state an event gave; open for an order with no event yet."""
        return next((event.state for event in reversed(self.events) if event.state), "open")

    @property
    def active(self) -> bool:
        return self.state not in ("proven", "void")

    def with_event(self, event: Event) -> Order:
        return replace(self, events=(*self.events, event))

    def fact(self, name: str) -> Any:
        """The newest value that any event gave under this name; None if none did."""
        return next((event.facts[name] for event in reversed(self.events) if name in event.facts), None)


@dataclass(frozen=True)
class InboxFile:
    """A file that a person put into an order's inbox. place: how a person finds it again (a path)."""

    name: str
    place: str
    data: bytes


class OrderStore(Protocol):
    """Where orders live. All that a method wrote is durable when it returns (fsync, commit)."""

    def lock(self, tenant: str, credential: str, *, timeout: float) -> AbstractContextManager[None]:
        """One run at a time; freed when the process dies. OrderBusy, with a sentence, after timeout seconds."""

    def orders(self, tenant: str, credential: str) -> list[Order]:
        """Oldest first; empty where there are none. No write, and no lock needed: what is half-written is not seen."""

    def tenants(self) -> list[str]:
        """Every tenant that has orders here, sorted."""

    def append(self, order: Order, event: Event) -> Order:
        """The order with the event added to its journal; the first event creates the order. The order given must be
        as stored (OrderError if another run has added events meanwhile)."""

    def write_file(self, order: Order, name: str, data: bytes, *, secret: bool) -> None:
        """Whole or not at all. secret: mode 0600 in a folder, encrypted in a database. May come before the first event."""

    def read_file(self, order: Order, name: str) -> bytes | None:
        """None where there is no such file."""

    def file_names(self, order: Order) -> list[str]:
        """Of all files but the journal and the inbox, sorted."""

    def inbox(self, order: Order) -> list[InboxFile]:
        """What a person put in, sorted by name; at most 64 files, each at most 1 MiB + 1 byte read. A database has none."""

    def inbox_place(self, order: Order) -> str | None:
        """Where a person puts the file: the inbox folder's path; None for a database."""

    def place(self, order: Order) -> str:
        """How a person finds the order: the folder's path, or the database's name without its password and the id."""
