# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request for a push certificate: private key, CSR, and the upload file that a vendor's signature makes of it.

The upload file is base64 of a property list with the CSR, its signature by the vendor, and the vendor's chain.
"""

from __future__ import annotations

import base64
import itertools
import plistlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._errors import ConfigurationError
from .envelope import open_envelope, read_envelope
from .files import LONGEST, blocks, from_base64, look
from .keys import (
    load_certificate,
    load_certificates,
    load_private_key,
    new_rsa_key,
    private_key_pem,
    spki_sha256,
)
from .moments import day
from .server_token import make_server_token_key_pair
from .verdicts import ACCEPTED, Verdict, clean, refusal, verdict

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.x509.oid import NameOID
except ImportError:
    pass

__all__ = [
    "decrypt_private_key",
    "judge_push_request",
    "make_csr",
    "make_delivery_certificate",
    "make_private_key",
    "open_signed_request",
    "public_key_sha256",
    "request_public_key_sha256",
    "sign_push_request",
]

_BOX = "push_request"
_CSR, _CHAIN, _SIGNATURE = "PushCertRequestCSR", "PushCertCertificateChain", "PushCertSignature"


def make_private_key(passphrase: str | None) -> bytes:
    """RSA 2048 as PKCS#8 PEM, encrypted if there is a passphrase."""
    return private_key_pem(new_rsa_key(), passphrase)


def decrypt_private_key(private_key: bytes, passphrase: str | None) -> bytes:
    """The same key as PKCS#8 PEM without a passphrase, as MDM servers want it."""
    return private_key_pem(_private_key(private_key, passphrase), None)


def make_csr(private_key: bytes, passphrase: str | None, *, common_name: str, email: str, country: str) -> bytes:
    """PEM. Apple ignores the subject; it is for the people who find the file."""
    try:
        email.encode("ascii")
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, country.upper()),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
                x509.NameAttribute(NameOID.EMAIL_ADDRESS, email),
            ]
        )
        unsigned = x509.CertificateSigningRequestBuilder().subject_name(subject)
        signed = unsigned.sign(_private_key(private_key, passphrase), hashes.SHA256())
        return bytes(signed.public_bytes(serialization.Encoding.PEM))
    except ValueError as error:
        raise ConfigurationError(
            "The request cannot carry these names: common_name needs 1 to 64 characters, email an address in ASCII, "
            "country a code of two letters such as JP."
        ) from error


def public_key_sha256(private_key_or_csr_or_cert: bytes, passphrase: str | None = None) -> str:
    """One identity for a private key, its CSR and its certificate, so that they can be compared."""
    kind = look(private_key_or_csr_or_cert).kind
    if kind == "is_csr":
        holder = _csr(private_key_or_csr_or_cert)
    elif kind == "is_private_key":
        holder = load_private_key(private_key_or_csr_or_cert, passphrase)
        if holder is None:
            raise refusal(verdict("private_key_unreadable", _BOX))
    else:
        holder = load_certificate(private_key_or_csr_or_cert)
    identity = _identity(holder)
    if identity is None:
        raise refusal(verdict("damaged_certificate" if kind.endswith("certificate") else kind, _BOX))
    return identity


def sign_push_request(
    csr: bytes,
    *,
    vendor_certificate: bytes,
    vendor_private_key: bytes,
    vendor_passphrase: str | None,
    chain: bytes,
    now: datetime,
) -> bytes:
    """The upload file, tested before it is returned. chain: Apple's WWDR intermediate and root, PEM, in any order."""
    request = _csr(csr)
    if request is None:
        raise refusal(verdict("request_csr_damaged", _BOX))
    vendor = load_certificates(vendor_certificate)
    issuers = load_certificates(chain)
    if not vendor or not issuers:
        raise refusal(verdict("vendor_unreadable", _BOX))
    key = load_private_key(vendor_private_key, vendor_passphrase)
    if key is None:
        raise refusal(verdict("private_key_unreadable", _BOX))
    if _identity(vendor[0]) != spki_sha256(key.public_key()):
        raise refusal(verdict("vendor_key_mismatch", _BOX))
    whole = _in_order(vendor[0], [*vendor[1:], *issuers])
    der = request.public_bytes(serialization.Encoding.DER)
    parts = {
        _CSR: base64.b64encode(der).decode("ascii"),
        _CHAIN: "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in whole),
        _SIGNATURE: base64.b64encode(key.sign(der, padding.PKCS1v15(), hashes.SHA256())).decode("ascii"),
    }
    upload_file = base64.b64encode(plistlib.dumps(parts))
    found = judge_push_request(upload_file, csr=csr, now=now)
    if not found.accepted:
        raise refusal(found)
    return upload_file


def judge_push_request(upload_file: bytes, *, csr: bytes, now: datetime) -> Verdict:
    """Whether Apple's portal can take the file, and whether it is the request for our CSR."""
    parts = _parts(upload_file)
    if isinstance(parts, Verdict):
        return parts
    try:
        return _judge(parts, csr, now)
    except Exception:  # cryptography reads keys, names and dates of certificates lazily and fails in many ways
        return verdict("request_damaged", _BOX)


def request_public_key_sha256(upload_file: bytes) -> str | None:
    """Of the key that a signed request is for, as public_key_sha256 tells it; None for what is no such file."""
    parts = _parts(upload_file)
    return None if isinstance(parts, Verdict) else spki_sha256(parts.csr.public_key())


def make_delivery_certificate() -> tuple[bytes, bytes]:
    """Certificate and private key (PEM) for mdmcert.download to encrypt its answer with; not the push key."""
    return make_server_token_key_pair("mdmcert.download")


def open_signed_request(hex_p7: bytes, certificate: bytes, private_key: bytes) -> bytes:
    """The upload file in what mdmcert.download sent: hex text of a CMS message for the delivery certificate."""
    found = look(hex_p7)
    if found.kind not in ("is_encrypted_request", "is_server_token"):
        raise refusal(verdict("delivery_unreadable", _BOX))
    ours, key = load_certificate(certificate), load_private_key(private_key, None)
    if ours is None:
        raise refusal(verdict("own_certificate_unreadable", _BOX))
    if key is None:
        raise refusal(verdict("private_key_unreadable", _BOX))
    try:
        return open_envelope(read_envelope(found.content), key, ours.public_bytes(serialization.Encoding.DER))
    except Exception as error:  # damaged, for another key, or of another kind: the cure is one
        raise refusal(verdict("delivery_unreadable", _BOX)) from error


@dataclass(frozen=True)
class _Parts:
    csr: Any
    csr_der: bytes
    chain: list[Any]
    chain_pem: str
    signature: bytes


def _parts(upload_file: bytes) -> _Parts | Verdict:
    if len(upload_file) > LONGEST:
        return verdict("too_long", _BOX)
    packed = from_base64(upload_file.decode("utf-8-sig", "replace"))
    try:
        content = plistlib.loads(packed or b"", fmt=plistlib.FMT_XML)
    except Exception:  # expat's, plistlib's and base64's errors, and RecursionError
        content = None
    if not isinstance(content, dict):
        kind = look(upload_file).kind
        return verdict("request_damaged" if kind in ("unknown_file", "is_upload_file") else kind, _BOX)
    missing = [name for name in (_CSR, _CHAIN, _SIGNATURE) if not isinstance(content.get(name), str)]
    if missing:
        return verdict("request_incomplete", _BOX, missing=", ".join(missing))
    csr_der = from_base64(content[_CSR]) or b""
    csr = _csr(csr_der)
    if csr is None:
        return verdict("request_csr_damaged", _BOX)
    chain = load_certificates(content[_CHAIN].encode("utf-8", "replace"))
    if chain is None or "-----BEGIN" not in content[_CHAIN]:
        return verdict("vendor_unreadable", _BOX)
    return _Parts(csr, csr_der, chain, content[_CHAIN], from_base64(content[_SIGNATURE]) or b"")


def _judge(parts: _Parts, csr: bytes, now: datetime) -> Verdict:
    vendor, key = parts.chain[0], parts.csr.public_key()
    ours = _identity(_csr(csr))
    if not parts.csr.is_signature_valid:
        return verdict("request_csr_damaged", _BOX)
    if ours is None or spki_sha256(key) != ours:
        return verdict("request_of_other_key", _BOX)
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != 2048:
        return verdict("request_weak_key", _BOX)
    if not _has_short_lines(parts.chain_pem):
        return verdict("request_long_lines", _BOX)
    if vendor.not_valid_after_utc <= now:
        return verdict("vendor_expired", _BOX, date=day(vendor.not_valid_after_utc, now))
    if vendor.not_valid_before_utc > now:
        return verdict("vendor_not_yet_valid", _BOX, date=day(vendor.not_valid_before_utc, now))
    for certificate, issuer in itertools.zip_longest(parts.chain, parts.chain[1:]):
        if not _issued(certificate, issuer or certificate):
            return verdict("chain_incomplete", _BOX, name=clean(certificate.subject.rfc4514_string()))
    try:
        vendor.public_key().verify(parts.signature, parts.csr_der, padding.PKCS1v15(), hashes.SHA256())
    except Exception:  # InvalidSignature, or a vendor key of another kind
        return verdict("request_signature_wrong", _BOX)
    return verdict(ACCEPTED, _BOX, vendor=clean(vendor.subject.rfc4514_string()), public_key_sha256=ours)


def _in_order(vendor: Any, pool: list[Any]) -> list[Any]:
    """The vendor's certificate and each issuer after it, as far as they are there."""
    chain = [vendor]
    while not _issued(chain[-1], chain[-1]):
        issuer = next((one for one in pool if one not in chain and _issued(chain[-1], one)), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def _issued(certificate: Any, issuer: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # other names, InvalidSignature, unsupported algorithms: not its issuer
        return False
    return True


def _has_short_lines(pem: str) -> bool:
    """Every body line of 64 characters, the last of each block at most that."""
    for _label, body in blocks(pem) or []:
        *full, last = body.split() or [""]
        if len(last) > 64 or any(len(line) != 64 for line in full):
            return False
    return True


def _csr(data: bytes) -> Any | None:
    """The one CSR in PEM or DER."""
    found = look(data)
    if found.kind != "is_csr":
        return None
    try:
        return x509.load_der_x509_csr(found.content)
    except Exception:  # cryptography fails in many ways on damaged files
        return None


def _identity(holder: Any) -> str | None:
    """Of a key, CSR or certificate; None for one whose key cannot be read."""
    try:
        return spki_sha256(holder.public_key())
    except Exception:  # cryptography reads the key lazily
        return None


def _private_key(private_key: bytes, passphrase: str | None) -> Any:
    key = load_private_key(private_key, passphrase)
    if key is None:
        raise refusal(verdict("private_key_unreadable", _BOX))
    return key
