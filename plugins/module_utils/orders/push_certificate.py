# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The push certificate as an order: our key, the vendor-signed request, the judgement of what comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._errors import ConfigurationError, CredentialError, OrderError
from .._time import from_iso, to_iso
from ..credentials.push_certificate import judge_push_certificate
from ..credentials.push_request import (
    decrypt_private_key,
    judge_push_request,
    make_csr,
    make_delivery_certificate,
    make_private_key,
    open_signed_request,
    public_key_sha256,
    request_public_key_sha256,
    sign_push_request,
)
from ..credentials.verdicts import Text, Verdict
from ..mdm.protocol import Ability, CredentialPort
from .instructions import PUSH_PORTAL, portal_note
from .kind import Requested
from .model import Order, OrderStore
from .status import Status

__all__ = ["PushCertificateKind", "Signing"]

PRIVATE_KEY = "push_certificate.key"
CSR = "push_certificate.csr"
REQUEST = "upload_this_to_apple.b64"
DELIVERY_KEY = "mdmcert_delivery.key"
DELIVERY_CERTIFICATE = "mdmcert_delivery.pem"
SENT = "mdmcert_sent.txt"

SIGNATURE_AWAITED = Text(
    "mdmcert.download sends the signed request by e-mail. A person puts the attachment into the order's inbox as it is.",
    "mdmcert.download から、署名済みのファイルがメールで届きます。添付ファイルをそのまま注文の inbox フォルダに入れてください。",
)


@dataclass(frozen=True)
class Signing:
    """Who signs the request: our own vendor certificate, or mdmcert.download; neither if the MDM server does."""

    vendor_certificate: bytes | None = None
    vendor_private_key: bytes | None = field(default=None, repr=False)
    vendor_passphrase: str | None = field(default=None, repr=False)
    vendor_chain: bytes | None = None
    mdmcert_email: str | None = None
    mdmcert_api_key: str | None = field(default=None, repr=False)
    mdmcert_url: str = ""
    ca_path: str | None = None


@dataclass(frozen=True)
class PushCertificateKind:
    """passphrase: of the private key in the order. The rest is needed until the hand-off only."""

    passphrase: str | None = field(default=None, repr=False)
    common_name: str = ""
    email: str = ""
    country: str = ""
    apple_account: str | None = None
    portal_url: str = PUSH_PORTAL
    signing: Signing = Signing()

    credential = "push_certificate"
    received_name = "received.pem"
    examine_in_check_mode = False

    def check_options(self, status: Status, port: CredentialPort) -> None:
        if status.in_use is None:
            raise ConfigurationError(
                "Nothing tells which push certificate is in use, so none can be renewed; nothing was changed. Give its"
                " topic (push_topic) if the MDM server can show it, or the certificate itself (push_certificate_path),"
                " in the option mdm. A first certificate is made by hand; this collection only renews."
            )
        signing = self.signing
        if not (Ability.REQUEST in port.abilities or signing.vendor_certificate or signing.mdmcert_email):
            raise ConfigurationError(
                "Nobody is named who signs the request for Apple, and this MDM server cannot. Nothing was changed."
                " Give vendor_certificate_path with its key and chain, or mdmcert_email with mdmcert_api_key."
            )

    def make_request(
        self, order: Order, store: OrderStore, port: CredentialPort, now: datetime, *, write: bool
    ) -> Requested:
        if Ability.REQUEST in port.abilities:
            upload_file = _keep(store, order, REQUEST, port.request if write else bytes, write=write)
            key_told = request_public_key_sha256(upload_file)
            known = {"public_key_sha256": key_told} if key_told else {}
            return Requested({"signed_by": "mdm_server", **known, "files": {REQUEST: _sha256(upload_file)}})
        key = _keep(store, order, PRIVATE_KEY, lambda: make_private_key(self.passphrase), secret=True, write=write)
        csr = _keep(store, order, CSR, lambda: self._csr(key), write=write)
        if self.signing.vendor_certificate:
            signed, upload_file = {"signed_by": "vendor_certificate"}, self._vendor_signed(csr, now)
        else:
            if store.inbox_place(order) is None:
                raise ConfigurationError(
                    "mdmcert.download answers by e-mail, and orders in a database have no inbox that takes the answer."
                    " Nothing was sent. Keep the orders in a folder, or sign with a vendor certificate."
                )
            if write:
                self._ask_mdmcert(order, store, csr, now)
            answer = _answer_of_mdmcert(store, order, csr, now)
            if answer is None:
                return Requested({}, SIGNATURE_AWAITED)
            mail, upload_file = answer
            signed = {"signed_by": "mdmcert_download", "signed_from": _sha256(mail)}
        _keep(store, order, REQUEST, lambda: upload_file, write=write)
        files = {CSR: _sha256(csr), REQUEST: _sha256(upload_file)}
        return Requested({**signed, "public_key_sha256": public_key_sha256(csr), "files": files})

    def handoff(self, order: Order, store: OrderStore) -> dict[str, Any]:
        topic = (order.fact("in_use_before") or {}).get("identity", "")
        return {
            "apple_account": self.apple_account,
            "identity": topic,
            "request_file": _path(store, order, REQUEST),
            "note": portal_note(order.tenant, topic, order.order_id),
            "inbox_place": store.inbox_place(order),
            "answer_variable": "push_certificate_content",
            "account_variable": "push_certificate_apple_account",
            "push_portal_url": self.portal_url,
        }

    def judge(self, data: bytes, order: Order, others: Sequence[Order], now: datetime, store: OrderStore) -> Verdict:
        before = order.fact("in_use_before") or {}
        return judge_push_certificate(
            data,
            now=now,
            topic=before.get("identity"),
            public_key_sha256=order.fact("public_key_sha256"),
            serial_in_use=before.get("serial"),
            not_after_in_use=from_iso(before["not_after"]) if before else None,
            issuer_in_use=before.get("facts", {}).get("issuer"),
            other_requests={
                other.order_id: other.fact("public_key_sha256") for other in others if other.fact("public_key_sha256")
            },
        )

    def expected(self, order: Order) -> dict[str, Any]:
        received = order.fact("received")
        return {
            "identity": received["topic"],
            "serial": received["serial"],
            "not_after": received["not_after"],
            "facts": {},
        }

    def private_key(self, order: Order, store: OrderStore) -> bytes | None:
        if order.fact("signed_by") == "mdm_server":
            return None
        key = store.read_file(order, PRIVATE_KEY)
        if key is None:
            raise OrderError(
                f"The private key is missing from {store.place(order)}, and the certificate is worth nothing without it."
                " Put it back from a backup, or remove the order to begin a new one.",
                order=order.order_id,
            )
        return decrypt_private_key(key, self.passphrase)

    def request_text(self, order: Order, store: OrderStore) -> str | None:
        data = store.read_file(order, REQUEST)
        return data.decode("ascii") if data else None

    def _csr(self, key: bytes) -> bytes:
        return make_csr(key, self.passphrase, common_name=self.common_name, email=self.email, country=self.country)

    def _vendor_signed(self, csr: bytes, now: datetime) -> bytes:
        signing = self.signing
        return sign_push_request(
            csr,
            vendor_certificate=signing.vendor_certificate or b"",
            vendor_private_key=signing.vendor_private_key or b"",
            vendor_passphrase=signing.vendor_passphrase,
            chain=signing.vendor_chain or b"",
            now=now,
        )

    def _ask_mdmcert(self, order: Order, store: OrderStore, csr: bytes, now: datetime) -> None:
        """Once: every question is an e-mail."""
        from ..apple.mdmcert_download import sign_request

        if store.read_file(order, DELIVERY_KEY) is None:
            certificate, key = make_delivery_certificate()
            store.write_file(order, DELIVERY_CERTIFICATE, certificate, secret=False)
            store.write_file(order, DELIVERY_KEY, key, secret=True)
        certificate = store.read_file(order, DELIVERY_CERTIFICATE) or b""
        if store.read_file(order, SENT) is None:
            signing = self.signing
            sign_request(
                csr,
                signing.mdmcert_email or "",
                signing.mdmcert_api_key or "",
                certificate,
                url=signing.mdmcert_url,
                ca_path=signing.ca_path,
            )
            store.write_file(order, SENT, f"{to_iso(now)} {signing.mdmcert_email}\n".encode(), secret=False)


def _answer_of_mdmcert(store: OrderStore, order: Order, csr: bytes, now: datetime) -> tuple[bytes, bytes] | None:
    """The file in the inbox that holds the signed request, and the request."""
    certificate, key = (store.read_file(order, name) for name in (DELIVERY_CERTIFICATE, DELIVERY_KEY))
    if certificate is None or key is None:
        return None
    for file in store.inbox(order):
        try:
            upload_file = open_signed_request(file.data, certificate, key)
        except CredentialError:
            continue
        if judge_push_request(upload_file, csr=csr, now=now).accepted:
            return file.data, upload_file
    return None


def _keep(
    store: OrderStore, order: Order, name: str, make: Callable[[], bytes], *, secret: bool = False, write: bool
) -> bytes:
    """The order's file of this name, made now if an earlier run has not made it."""
    data = store.read_file(order, name)
    if data is None:
        data = make()
        if write:
            store.write_file(order, name, data, secret=secret)
    return data


def _path(store: OrderStore, order: Order, name: str) -> str:
    """Where a person finds the file: below the order's folder; by its name alone where the store is a database."""
    return f"{store.place(order)}/{name}" if store.inbox_place(order) else name


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
