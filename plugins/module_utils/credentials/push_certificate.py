# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The MDM push certificate: read, and judged against the one in use and the order that it was requested for.

What identifies it is the topic, the UID of its subject; the printed name is never compared.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._time import to_iso
from .files import look
from .keys import load_certificate, spki_sha256
from .moments import day
from .reasons import WARNINGS
from .verdicts import ACCEPTED, Text, Verdict, clean, refusal, verdict

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    pass

__all__ = ["PushCertificate", "judge_push_certificate", "parse_push_certificate"]

_BOX = "push_certificate"
_TOPIC = "com.apple.mgmt"
_EXTERNAL = "com.apple.mgmt.External."
_APNS_PRODUCTION = "1.2.840.113635.100.6.3.2"
_APP_TOPICS = "1.2.840.113635.100.6.3.6"
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True)
class PushCertificate:
    """serial: upper-case hex. public_key_sha256: over SubjectPublicKeyInfo. pem: one block, lines of 64."""

    topic: str
    serial: str
    not_before: datetime
    not_after: datetime
    issuer: str
    fingerprint_sha256: str
    public_key_sha256: str
    pem: str


@dataclass(frozen=True)
class _Contents:
    """What the checks ask of any certificate."""

    push: PushCertificate
    common_name: str
    is_authority: bool
    self_issued: bool
    client_auth: bool
    digital_signature: bool
    extensions: frozenset[str]


def parse_push_certificate(data: bytes) -> PushCertificate:
    """The one MDM push certificate in PEM or DER, valid or not; CredentialError with the verdict for anything else."""
    found = _read(data)
    if isinstance(found, Verdict):
        raise refusal(found)
    return found.push


def judge_push_certificate(
    data: bytes,
    *,
    now: datetime,
    topic: str | None,
    public_key_sha256: str | None,
    serial_in_use: str | None = None,
    not_after_in_use: datetime | None = None,
    issuer_in_use: str | None = None,
    other_requests: Mapping[str, str] | None = None,
) -> Verdict:
    """Whether the file may replace the certificate in use; what is None is not known and not compared.

    public_key_sha256: of this order's request. other_requests: the same of other orders, by order id."""
    found = _read(data)
    if isinstance(found, Verdict):
        return found
    push = found.push
    facts: dict[str, Any] = {
        "topic": push.topic,
        "serial": push.serial,
        "not_before": to_iso(push.not_before),
        "not_after": to_iso(push.not_after),
        "fingerprint_sha256": push.fingerprint_sha256,
        "issuer": push.issuer,
    }
    ours = public_key_sha256 is None or push.public_key_sha256 == public_key_sha256
    other_order = next(
        (order for order, key in (other_requests or {}).items() if key == push.public_key_sha256 and not ours), None
    )
    made_now = abs(now - push.not_before) <= timedelta(days=1)
    code, date = ACCEPTED, push.not_after
    if flaw := _flaw(found):
        code, facts["name"] = flaw, found.common_name
    elif topic and push.topic != topic:
        answers_us = public_key_sha256 is not None and ours
        code = "created_not_renewed" if answers_us or made_now else "other_topic"
        facts |= {"expected_topic": topic, "made": day(push.not_before, now)}
    elif _is_in_use(push, serial_in_use, not_after_in_use):
        code = "same_as_in_use"
    elif not_after_in_use and push.not_after <= not_after_in_use:
        code = "older_than_in_use"
    elif other_order is not None:
        code, facts["other_order"] = "key_of_other_order", other_order
    elif not ours:
        code = "key_mismatch"
    elif push.not_before > now:
        code, date = "not_yet_valid", push.not_before
    elif push.not_after <= now:
        code = "expired"
    return verdict(code, _BOX, warnings=_warnings(data, push, issuer_in_use), date=day(date, now), **facts)


def _read(data: bytes) -> _Contents | Verdict:
    """The certificate, if it is one for MDM push."""
    kind = look(data).kind
    if kind not in ("is_certificate", "is_push_certificate"):
        return verdict(kind, _BOX)
    certificate = load_certificate(data)
    try:
        found = None if certificate is None else _contents(certificate)
    except Exception:  # cryptography reads names, dates, keys and extensions lazily and fails there in many ways
        found = None
    if found is None:
        return verdict("damaged_certificate", _BOX)
    if found.push.topic.startswith(_TOPIC) and _APP_TOPICS not in found.extensions:
        return verdict("ca_certificate", _BOX, name=found.common_name) if found.is_authority else found
    return verdict(_other_purpose(found), _BOX, name=found.common_name)


def _contents(certificate: Any) -> _Contents:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extensions = {extension.oid.dotted_string: extension.value for extension in certificate.extensions}
        subject, issuer = certificate.subject, certificate.issuer
        serial = certificate.serial_number
    push = PushCertificate(
        topic=_name(subject, NameOID.USER_ID),
        serial=f"{serial:X}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        issuer=clean(issuer.rfc4514_string()),
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        public_key_sha256=spki_sha256(certificate.public_key()),
        pem=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
    )
    to_iso(push.not_before), to_iso(push.not_after)
    constraints = extensions.get("2.5.29.19")
    usage = extensions.get("2.5.29.15")
    purposes = extensions.get("2.5.29.37")
    return _Contents(
        push=push,
        common_name=_name(subject, NameOID.COMMON_NAME),
        is_authority=isinstance(constraints, x509.BasicConstraints) and constraints.ca,
        self_issued=subject == issuer,
        client_auth=isinstance(purposes, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH in purposes,
        digital_signature=isinstance(usage, x509.KeyUsage) and usage.digital_signature,
        extensions=frozenset(extensions),
    )


def _name(name: Any, oid: Any) -> str:
    return str(next((attribute.value for attribute in name.get_attributes_for_oid(oid)), ""))


def _other_purpose(found: _Contents) -> str:
    """What a certificate is that is not one for MDM push."""
    if found.is_authority:
        return "ca_certificate"
    if found.extensions & {_APP_TOPICS, _APNS_PRODUCTION}:
        return "app_push_certificate"
    if found.common_name.startswith("MDM Vendor"):
        return "vendor_certificate"
    return "is_ade_public_key" if found.self_issued else "not_push_certificate"


def _flaw(found: _Contents) -> str | None:
    """What Apple's own push certificates always have and this one lacks."""
    topic = found.push.topic
    if topic.startswith(_EXTERNAL) and found.common_name.lower() != "apsp:" + topic[len(_EXTERNAL) :].lower():
        return "name_mismatch"
    if not found.client_auth:
        return "no_client_auth"
    if not found.digital_signature:
        return "no_digital_signature"
    return None if _APNS_PRODUCTION in found.extensions else "no_apns_marker"


def _is_in_use(push: PushCertificate, serial_in_use: str | None, not_after_in_use: datetime | None) -> bool:
    if serial_in_use is None:
        return push.not_after == not_after_in_use
    return push.serial == serial_in_use.replace(":", "").upper().removeprefix("0X").lstrip("0")


def _warnings(data: bytes, push: PushCertificate, issuer_in_use: str | None) -> tuple[Text, ...]:
    found = []
    lifetime = push.not_after - push.not_before
    if abs(lifetime - _LIFETIME) > timedelta(days=2):
        days = str(lifetime.days)
        found.append(WARNINGS["odd_lifetime"].filled({"days": Text(days, days)}))
    if issuer_in_use and clean(issuer_in_use) != push.issuer:
        issuers = {"issuer": push.issuer, "issuer_in_use": clean(issuer_in_use)}
        found.append(WARNINGS["issuer_differs"].filled({name: Text(text, text) for name, text in issuers.items()}))
    if b"-----BEGIN" not in data:
        found.append(WARNINGS["not_pem"])
    return tuple(found)
