# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an order that waits for a file to the file in its inbox, judged."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import ConfigurationError, CredentialError, OrderError
from .._time import now_utc
from ..orders.content_token import ContentTokenKind
from ..orders.instructions import PORTALS
from ..orders.kind import Kind
from ..orders.model import Order, OrderStore
from ..orders.push_certificate import PushCertificateKind
from ..orders.server_token import ServerTokenKind
from .assist import Assistant, Errand

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Served", "serve"]

NAMES = {
    "push_certificate": "MDM_certificate.pem",
    "server_token": "server_token.p7m",
    "content_token": "content_token.vpptoken",
}


@dataclass(frozen=True)
class Served:
    """path: the file in the inbox."""

    changed: bool
    order: str | None = None
    path: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def serve(
    params: Mapping[str, Any],
    store: OrderStore,
    *,
    check_mode: bool,
    signed_in: Callable[[Page], None] | None = None,
) -> Served:
    """signed_in: as for Assistant."""
    credential = params["credential"]
    orders = store.orders(params["tenant"], credential)
    if not orders or orders[-1].state != "handed_off":
        return Served(False)
    order, kind = orders[-1], _kind(params)
    inbox = store.inbox_place(order)
    if inbox is None:
        raise ConfigurationError(
            "Orders in a database have no inbox. Fetch the file by hand, and give it to the run in the field that the"
            " instructions name."
        )
    for file in store.inbox(order):
        if kind.judge(file.data, order, orders[:-1], now_utc(), store).accepted:
            return Served(False, order.order_id, file.place)
    errand = errand_of(order, store, params)
    if check_mode:
        return Served(True, order.order_id)
    data = _fetched(credential, errand, params, signed_in)
    judged = kind.judge(data, order, orders[:-1], now_utc(), store)
    path = _put(Path(inbox), NAMES[credential], data)
    if not judged.accepted:
        raise CredentialError(
            f"The portal's file does not fit the order: {judged.reason.en} {judged.cure.en} It lies in {path}."
            f" / {judged.reason.ja}{judged.cure.ja}",
            verdict=judged.as_dict(),
        )
    return Served(True, order.order_id, str(path), dict(judged.facts))


def errand_of(order: Order, store: OrderStore, params: Mapping[str, Any]) -> Errand:
    """From what the order's instructions say."""
    handoff = order.fact("handoff") or {}
    named = {"server_token": params.get("server_name"), "content_token": params.get("location")}.get(order.credential)
    identity = named or handoff.get("identity")
    if not identity:
        raise ConfigurationError(
            f"The order does not say which entry of the portal is meant. Give {'server_name' if order.credential == 'server_token' else 'location'}."
        )
    request_file = handoff.get("request_file")
    request = store.read_file(order, Path(request_file).name) if request_file else None
    if request_file and request is None:
        raise OrderError(f"{request_file} is missing, so the portal cannot be asked. Put it back from a backup.")
    if order.credential == "push_certificate":
        url = handoff["push_portal_url"]
    else:
        url = handoff.get("portal_url") or PORTALS[handoff.get("portal_kind", "school")]
    return Errand(url, identity, request, handoff.get("note", ""), handoff.get("apple_account"))


def _kind(params: Mapping[str, Any]) -> Kind:
    if params["credential"] == "push_certificate":
        return PushCertificateKind()
    if params["credential"] == "server_token":
        return ServerTokenKind()
    return ContentTokenKind(params.get("organization") or None)


def _fetched(
    credential: str, errand: Errand, params: Mapping[str, Any], signed_in: Callable[[Page], None] | None
) -> bytes:
    assistant = Assistant(
        browser_path=params.get("browser_path"),
        headless=params["headless"],
        timeout=params["timeout"],
        sign_in_timeout=params["sign_in_timeout"],
        signed_in=signed_in,
    )
    try:
        data: bytes = getattr(assistant, credential)(errand)
    finally:
        assistant.close()
    return data


def _put(inbox: Path, name: str, data: bytes) -> Path:
    """Whole, beside what lies there already."""
    path, number = inbox / name, 1
    while path.exists():
        number += 1
        path = inbox / f"{Path(name).stem}-{number}{Path(name).suffix}"
    new = path.with_name(f".{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    return path
