# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wiring that all modules share: options, opening driver and store, results; the one place of fail_json."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ._errors import AppleMdmError, ConfigurationError
from ._libraries import require
from .mdm.drivers import OPTIONS as MDM_OPTIONS
from .mdm.drivers import driver_for
from .mdm.protocol import CredentialPort, MdmDriver
from .orders.model import InboxFile, OrderStore
from .orders.status import Status, look, order_view, refused_in_use
from .orders.store import open_store

if TYPE_CHECKING:
    from datetime import datetime

    from ansible.module_utils.basic import AnsibleModule

    from .orders.engine import Outcome, RenewalRun
    from .orders.kind import Kind
    from .orders.model import Order

__all__ = [
    "FILE_OR_TENANT_OPTIONS",
    "MDM_ONLY_OPTIONS",
    "NAMES",
    "PORTAL_OPTIONS",
    "RECEIVE_OPTIONS",
    "STORE_OPTIONS",
    "TENANT_OPTIONS",
    "Desk",
    "desk_for",
    "desk_if_given",
    "exit_completed",
    "given_file",
    "guard",
    "outcome_result",
    "read_file",
    "read_optional",
    "store_for",
]

STORE_OPTIONS: dict[str, Any] = {
    "order_store": {"type": "str", "required": True},
    "order_store_key": {"type": "str", "no_log": True},
}

TENANT_OPTIONS: dict[str, Any] = {
    **STORE_OPTIONS,
    "tenant": {"type": "str", "required": True},
    "mdm": {"type": "dict", "required": True, "options": MDM_OPTIONS},
    "renew_before_days": {"type": "int", "default": 30},
    "check_apple": {"type": "bool", "default": False},
    "actor": {"type": "str"},
    "lock_timeout": {"type": "int", "default": 60},
    "read_back_timeout": {"type": "int", "default": 60},
}

MDM_ONLY_OPTIONS: dict[str, Any] = {name: TENANT_OPTIONS[name] for name in ("tenant", "mdm")}

FILE_OR_TENANT_OPTIONS: dict[str, Any] = {
    name: {**option, "required": False} for name, option in TENANT_OPTIONS.items()
}

PORTAL_OPTIONS: dict[str, Any] = {
    "apple_account": {"type": "str"},
    "portal": {"type": "str", "choices": ["business", "school"], "default": "school"},
    "portal_url": {"type": "str"},
}

RECEIVE_OPTIONS: dict[str, Any] = {
    "handoff_wait": {"type": "int", "default": 0},
    "fail_below_days": {"type": "int", "default": 14},
}

NAMES = {
    "push_certificate": ("push certificate", "プッシュ証明書"),
    "server_token": ("ADE server token", "ADE サーバトークン"),
    "content_token": ("Apps and Books content token", "Apps and Books のコンテンツトークン"),
}


@dataclass(frozen=True)
class Desk:
    """One tenant's driver and order store, opened, and what the inventory says is in use."""

    params: dict[str, Any]
    driver: MdmDriver
    store: OrderStore
    check_mode: bool

    def port(self, credential: str) -> CredentialPort:
        port: CredentialPort | None = getattr(self.driver, credential)
        if port is None:
            raise ConfigurationError(
                f"{self.params['tenant']}: the option mdm does not say how to reach the {NAMES[credential][0]}."
                f" The driver {self.driver.name}'s page in the documentation lists what it needs."
            )
        return port

    def look(self, credential: str, now: datetime) -> Status:
        return look(
            credential,
            tenant=self.params["tenant"],
            port=self.port(credential),
            store=self.store,
            now=now,
            renew_before_days=self.params["renew_before_days"],
        )

    def run(self, kind: Kind) -> RenewalRun:
        from .orders.engine import RenewalRun

        return RenewalRun(
            tenant=self.params["tenant"],
            kind=kind,
            port=self.port(kind.credential),
            store=self.store,
            actor=self.params["actor"] or getpass.getuser(),
            renew_before_days=self.params["renew_before_days"],
            check_apple=self.params["check_apple"],
            check_mode=self.check_mode,
            lock_timeout=self.params["lock_timeout"],
            read_back_timeout=self.params["read_back_timeout"],
        )


@contextlib.contextmanager
def guard(module: AnsibleModule) -> Iterator[None]:
    """Our own errors end the module with their sentence."""
    try:
        yield
    except AppleMdmError as error:
        module.fail_json(msg=str(error), **error.details)


def store_for(module: AnsibleModule) -> OrderStore:
    """The order store. A password in its URL is hidden from every result, the invocation included."""
    location = module.params["order_store"]
    if "://" in location:
        require("sqlalchemy", "cryptography")
        password = urlsplit(location).password
        module.no_log_values.update({password, unquote(password)} if password else ())
    return open_store(location, module.params["order_store_key"])


@contextlib.contextmanager
def desk_for(module: AnsibleModule, *libraries: str) -> Iterator[Desk]:
    """libraries: what this act imports besides requests."""
    with guard(module):
        require("requests", *libraries)
        store = store_for(module)
        driver = driver_for(module.params["mdm"])
        try:
            yield Desk(module.params, driver, store, module.check_mode)
        finally:
            driver.close()


@contextlib.contextmanager
def desk_if_given(module: AnsibleModule, *libraries: str) -> Iterator[Desk | None]:
    """For modules that can also judge a file that belongs to no tenant."""
    if module.params["mdm"]:
        with desk_for(module, *libraries) as desk:
            yield desk
    else:
        with guard(module):
            require(*libraries)
            yield None


def given_file(module: AnsibleModule, noun: str) -> list[InboxFile]:
    """The file named by NOUN_path, or pasted as NOUN_content (a survey's answer); empty if the inbox is to be used."""
    content = module.params[f"{noun}_content"]
    if content:
        return [InboxFile(f"{noun}_content", "module option", content.encode("utf-8", "surrogateescape"))]
    path = module.params[f"{noun}_path"]
    return [InboxFile(Path(path).name, path, read_file(path))] if path else []


def read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. Nothing was changed.") from error


def read_optional(path: str | None) -> bytes | None:
    return read_file(path) if path else None


def outcome_result(outcome: Outcome, desk: Desk) -> dict[str, Any]:
    """The returned shape of every module that works on an order."""
    status = outcome.status
    return {
        "changed": outcome.changed,
        "renew": status.renewal.renew,
        "code": status.renewal.code,
        "reason": status.renewal.reason.as_dict(),
        "days_left": status.renewal.days_left,
        "pending": bool(outcome.after and outcome.after.active),
        "awaiting": outcome.awaiting.as_dict() if outcome.awaiting else None,
        "order": order_view(outcome.after, desk.store) if outcome.after else None,
        "instructions": None if desk.check_mode else _instructions(outcome, desk.store),
        "diff": {"before": _diff_side(outcome.before), "after": _diff_side(outcome.after)},
    }


def _instructions(outcome: Outcome, store: OrderStore) -> dict[str, str] | None:
    """While the order is in the person's hands: where the page is, or its text if it is in a database."""
    order = outcome.after
    if order is None or order.state != "handed_off":
        return None
    if store.inbox_place(order):
        return {language: f"{store.place(order)}/instructions.{language}.html" for language in ("en", "ja")}
    texts = {language: store.read_file(order, f"instructions.{language}.txt") for language in ("en", "ja")}
    return {language: text.decode() for language, text in texts.items() if text} or None


def exit_completed(module: AnsibleModule, outcome: Outcome, desk: Desk) -> None:
    """Ends the module: pending is ok until fewer than fail_below_days days are left, then it is a failure."""
    result = outcome_result(outcome, desk)
    for warning in _warnings(outcome, result):
        module.warn(warning)
    reason = _danger(outcome, result, module.params["fail_below_days"])
    if reason:
        module.fail_json(msg=_in_danger(module.params["tenant"], outcome, result, reason), **result)
    module.exit_json(**result)


def _warnings(outcome: Outcome, result: dict[str, Any]) -> Iterator[str]:
    """What people should see although it is no failure: wrong files, odd ones, an order that was given up."""
    order = result["order"]
    for refused in order["refused"] if result["pending"] else []:
        reason, cure = refused["reason"], refused["cure"]
        yield f"{refused['file']}: {reason['en']} {cure['en']} / {reason['ja']}{cure['ja']}"
    if outcome.after and outcome.changed:
        for odd in outcome.after.fact("warnings") or []:
            yield f"{odd['en']} / {odd['ja']}"
    if order and order["void_reason"]:
        yield f"The order {order['id']} is void and the next run begins another: {order['void_reason']['what']}"


def _danger(outcome: Outcome, result: dict[str, Any], fail_below_days: int) -> dict[str, str] | None:
    """Why waiting is no longer all right: Apple refuses what is in use, or its days are counted."""
    order, days_left = outcome.after, result["days_left"]
    if order is None or not order.active:
        return None
    if refusal := refused_in_use(order):
        return refusal["reason"]
    if order.fact("why") == "refused":
        return order.fact("why_reason")
    return result["reason"] if days_left is not None and days_left < fail_below_days else None


def _in_danger(tenant: str, outcome: Outcome, result: dict[str, Any], reason: dict[str, str]) -> str:
    en, ja = NAMES[outcome.status.credential]
    order, awaiting = result["order"], result["awaiting"]
    return (
        f"{tenant}: the {en} is not renewed yet. {reason['en']} {awaiting['en']} Order: {order['place']}"
        f" / {tenant}: {ja}の更新が終わっていません。{reason['ja']}{awaiting['ja']}注文: {order['place']}"
    )


def _diff_side(order: Order | None) -> dict[str, Any]:
    return {"order": order.order_id, "state": order.state} if order else {}
