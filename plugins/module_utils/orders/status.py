# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is in use, whether it is due, and which order is under way: the daily look, which writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .._errors import AccessRefused
from .._time import from_iso, to_iso, whole_days
from ..credentials.renewal import Renewal, judge_renewal
from ..credentials.verdicts import Text
from ..mdm.protocol import Ability, CredentialPort, InUse
from .model import Order, OrderStore

__all__ = [
    "Status",
    "checked",
    "in_use_as_facts",
    "in_use_from_facts",
    "look",
    "order_view",
    "refused_in_use",
    "shows",
    "status_view",
    "unknown_view",
]


@dataclass(frozen=True)
class Status:
    """source: who says what is in use: server, order (the last proven one), file (the inventory's), or none."""

    credential: str
    in_use: InUse | None
    source: str
    renewal: Renewal
    orders: tuple[Order, ...]

    @property
    def order(self) -> Order | None:
        """The order under way."""
        return self.orders[-1] if self.orders and self.orders[-1].active else None

    @property
    def due(self) -> bool:
        return self.renewal.renew or self.order is not None


def look(
    credential: str,
    *,
    tenant: str,
    port: CredentialPort,
    store: OrderStore,
    now: datetime,
    renew_before_days: int,
) -> Status:
    """The state of one credential of one tenant."""
    orders = tuple(store.orders(tenant, credential))
    in_use, source = _in_use(port, _last_proven(orders))
    renewal = judge_renewal(in_use.not_after if in_use else None, now=now, renew_before_days=renew_before_days)
    return Status(credential, in_use, source, renewal, orders)


def checked(status: Status, port: CredentialPort) -> Status:
    """The same after asking Apple: what Apple no longer accepts has to be renewed whatever its expiry.

    Raises what else Apple says: TermsNotSigned, OtherOwner, Unreachable."""
    if status.due or status.in_use is None or Ability.CHECK_ANYTIME not in port.abilities:
        return status
    try:
        port.check()
    except AccessRefused as error:
        reason = Text(
            f"Apple no longer accepts it, so it is renewed before its time. {error}",
            f"Apple が受け付けなくなったため、期限前に更新します。({error})",
        )
        return replace(status, renewal=Renewal(True, "refused", reason, status.renewal.days_left))
    return status


def _in_use(port: CredentialPort, recorded: InUse | None) -> tuple[InUse | None, str]:
    known = recorded or port.assumed()
    if Ability.READ in port.abilities:
        in_use = port.read(known.identity if known else None)
        return (_with_memory(in_use, known), "server") if in_use else (None, "none")
    return known, "order" if recorded else "file" if known else "none"


def _last_proven(orders: tuple[Order, ...]) -> InUse | None:
    proven = next((order for order in reversed(orders) if order.state == "proven"), None)
    return in_use_from_facts(proven.fact("in_use")) if proven else None


def _with_memory(in_use: InUse, recorded: InUse | None) -> InUse:
    """What the server tells, and what only our own record of the very same credential knows (serial, uId)."""
    if recorded is None or (recorded.identity, recorded.not_after) != (in_use.identity, in_use.not_after):
        return in_use
    return InUse(
        in_use.identity, in_use.not_after, in_use.serial or recorded.serial, {**recorded.facts, **in_use.facts}
    )


def shows(in_use: InUse, facts: Mapping[str, Any] | None) -> bool:
    """Whether what is in use is the credential of these facts.

    A server that shows its expiry to the day only says so by not_after_within: it is up to so many seconds later."""
    if facts is None or in_use.identity != facts["identity"]:
        return False
    later = from_iso(facts["not_after"]) - from_iso(to_iso(in_use.not_after))
    return timedelta(0) <= later < timedelta(seconds=in_use.facts.get("not_after_within", 1))


def in_use_as_facts(in_use: InUse | None) -> dict[str, Any] | None:
    if in_use is None:
        return None
    return {
        "identity": in_use.identity,
        "not_after": to_iso(in_use.not_after),
        "serial": in_use.serial,
        "facts": dict(in_use.facts),
    }


def in_use_from_facts(facts: Mapping[str, Any] | None) -> InUse | None:
    if facts is None:
        return None
    return InUse(facts["identity"], from_iso(facts["not_after"]), facts["serial"], facts["facts"])


def refused_in_use(order: Order | None) -> dict[str, Any] | None:
    """The verdict on what this order put on the server and Apple then refused: until another file comes, nothing works."""
    if order is None or order.state != "handed_off" or not order.fact("left_on_server"):
        return None
    verdict: dict[str, Any] = order.fact("verdict")
    return verdict


def status_view(status: Status, store: OrderStore, now: datetime) -> dict[str, Any]:
    """The returned shape of a credential, for every module that tells about one."""
    in_use, refusal = status.in_use, refused_in_use(status.order)
    return {
        "credential": status.credential,
        "identity": in_use.identity if in_use else None,
        "serial": in_use.serial if in_use else None,
        "not_after": to_iso(in_use.not_after) if in_use else None,
        "days_left": whole_days(in_use.not_after, now) if in_use else None,
        "source": status.source,
        "renew": status.renewal.renew,
        "code": status.renewal.code,
        "reason": status.renewal.reason.as_dict(),
        "due": status.due,
        "order": order_view(status.order, store) if status.order else None,
        "error": refusal["reason"]["en"] if refusal else None,
    }


def order_view(order: Order, store: OrderStore) -> dict[str, Any]:
    """The returned shape of an order."""
    return {
        "id": order.order_id,
        "tenant": order.tenant,
        "credential": order.credential,
        "state": order.state,
        "place": store.place(order),
        "inbox": store.inbox_place(order),
        "in_use_before": _brief(order.fact("in_use_before")),
        "in_use": _brief(order.fact("in_use")),
        "verified_by": order.fact("verified_by"),
        "refused": [
            {"file": event.facts["file"], **{key: event.facts["verdict"][key] for key in ("code", "reason", "cure")}}
            for event in order.events
            if event.act == "refused"
        ],
        "void_reason": order.fact("void_reason"),
    }


def _brief(in_use: dict[str, Any] | None) -> dict[str, Any] | None:
    return {key: in_use[key] for key in ("identity", "serial", "not_after")} if in_use else None


def unknown_view(credential: str, error: str) -> dict[str, Any]:
    """The same shape for a credential that could not be looked at."""
    nothing = dict.fromkeys(("identity", "serial", "not_after", "days_left", "renew", "reason", "order"))
    return {"credential": credential, **nothing, "source": "none", "code": "error", "due": True, "error": error}
