# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ADE server token: a .p7m that Apple locks for the public key of an MDM server, holding four OAuth values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from .._errors import ConfigurationError
from .._time import to_iso
from .envelope import CannotDecrypt, Damaged, Envelope, Unsupported, open_envelope, read_envelope
from .files import LONGEST, look
from .keys import load_certificate, load_private_key, new_rsa_key, private_key_pem, spki_sha256
from .moments import day, parse_moment
from .verdicts import ACCEPTED, Verdict, refusal, verdict

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID
except ImportError:
    pass

__all__ = [
    "ServerToken",
    "decrypt_server_token",
    "judge_server_token",
    "make_server_token_key_pair",
    "parse_server_token_json",
]

_BOX = "server_token"
_PARTS = ("consumer_key", "consumer_secret", "access_token", "access_secret")
_MESSAGE = re.compile(r"-----BEGIN MESSAGE-----(.*?)-----END MESSAGE-----", re.DOTALL)


@dataclass(frozen=True)
class ServerToken:
    """The four OAuth values and when Apple stops taking them. consumer_key names the MDM server's entry at Apple."""

    consumer_key: str
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)
    access_token_expiry: datetime


def decrypt_server_token(
    p7m: bytes, *, certificate: bytes, private_key: bytes, passphrase: str | None = None
) -> ServerToken:
    """The token as Apple gave it (MIME, PEM, base64 or bare; BER or DER); CredentialError for anything else."""
    envelope = _envelope(p7m, certificate)
    found = envelope if isinstance(envelope, Verdict) else _token(envelope, certificate, private_key, passphrase)
    if isinstance(found, Verdict):
        raise refusal(found)
    return found


def parse_server_token_json(data: bytes | str) -> ServerToken:
    """What is inside: JSON, folded or not, with or without its MESSAGE lines and headers."""
    found = _from_json(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
    if isinstance(found, Verdict):
        raise refusal(found)
    return found


def judge_server_token(
    data: bytes,
    *,
    now: datetime,
    certificate: bytes | None,
    private_key: bytes | None = None,
    passphrase: str | None = None,
    consumer_key: str | None = None,
    not_after_in_use: datetime | None = None,
) -> Verdict:
    """Whether the file may replace the token in use; what is None is not known and not compared.

    Without our private key only form and recipient are judged; the facts then say decrypted: False.
    """
    envelope = _envelope(data, certificate)
    if isinstance(envelope, Verdict):
        return envelope
    if certificate is None or private_key is None:
        return verdict(ACCEPTED, _BOX, decrypted=False)
    token = _token(envelope, certificate, private_key, passphrase)
    if isinstance(token, Verdict):
        return token
    expiry = token.access_token_expiry
    code = ACCEPTED
    if consumer_key and token.consumer_key != consumer_key:
        code = "other_consumer_key"
    elif not_after_in_use and expiry == not_after_in_use:
        code = "same_as_in_use"
    elif not_after_in_use and expiry < not_after_in_use:
        code = "older_than_in_use"
    elif expiry <= now:
        code = "expired"
    return verdict(
        code,
        _BOX,
        decrypted=True,
        consumer_key=token.consumer_key,
        not_after=to_iso(expiry),
        date=day(expiry, now),
    )


def make_server_token_key_pair(common_name: str) -> tuple[bytes, bytes]:
    """Certificate and private key (PEM): the public key for Apple. Apple looks at its key, not at its dates."""
    key = new_rsa_key()
    start = datetime.now(timezone.utc) - timedelta(hours=1)
    try:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    except ValueError as error:
        raise ConfigurationError("The name for the server token's public key must have 1 to 64 characters.") from error
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private_key_pem(key, None)


def _envelope(data: bytes, certificate: bytes | None) -> Envelope | Verdict:
    """The CMS structure, if it is a server token for the owner of the certificate."""
    ours = None if certificate is None else load_certificate(certificate)
    if certificate is not None and ours is None:
        return verdict("own_certificate_unreadable", _BOX)
    found = look(data)
    if found.kind != "is_server_token":
        return verdict(_kind_of_certificate(data, ours) if found.kind == "is_certificate" else found.kind, _BOX)
    try:
        envelope = read_envelope(found.content)
        for_us = ours is None or any(one.is_for(_der(ours)) for one in envelope.recipients)
    except Unsupported as error:
        return verdict("unsupported_encryption", _BOX, method=str(error))
    except Exception:  # Damaged, and names of recipients that asn1crypto cannot compare
        return verdict("damaged_server_token", _BOX)
    return envelope if for_us else verdict("other_recipient", _BOX)


def _kind_of_certificate(data: bytes, ours: Any) -> str:
    """Our own public key by its key, and what is self-signed like one by its names."""
    certificate = load_certificate(data)
    if certificate is None:
        return "damaged_certificate"
    try:
        same_key = ours is not None and spki_sha256(certificate.public_key()) == spki_sha256(ours.public_key())
        return "is_ade_public_key" if same_key or certificate.subject == certificate.issuer else "is_certificate"
    except Exception:  # cryptography reads names and keys lazily
        return "damaged_certificate"


def _token(envelope: Envelope, certificate: bytes, private_key: bytes, passphrase: str | None) -> ServerToken | Verdict:
    key = load_private_key(private_key, passphrase)
    if key is None:
        return verdict("private_key_unreadable", _BOX)
    ours = load_certificate(certificate)
    if ours is None or spki_sha256(ours.public_key()) != spki_sha256(key.public_key()):
        return verdict("own_key_mismatch", _BOX)
    try:
        content = open_envelope(envelope, key, _der(ours))
    except Unsupported as error:
        return verdict("unsupported_encryption", _BOX, method=str(error))
    except (CannotDecrypt, Damaged):
        return verdict("cannot_decrypt", _BOX)
    return _from_json(content)


def _from_json(data: bytes) -> ServerToken | Verdict:
    if len(data) > LONGEST:
        return verdict("too_long", _BOX)
    content = _json_in(data.decode("utf-8-sig", "replace"))
    if content is None:
        return verdict("unexpected_content", _BOX)
    missing = [part for part in _PARTS if not isinstance(content.get(part), str) or not content[part]]
    if missing:
        return verdict("incomplete_server_token", _BOX, missing=", ".join(missing))
    if content.get("access_token_expiry") in (None, ""):
        return verdict("expiry_missing", _BOX)
    expiry = parse_moment(content["access_token_expiry"])
    if expiry is None:
        return verdict("expiry_unreadable", _BOX)
    return ServerToken(**{part: content[part] for part in _PARTS}, access_token_expiry=expiry)


def _json_in(text: str) -> dict[str, Any] | None:
    """The object between the MESSAGE lines, or else from the first brace to the last; folded lines are joined."""
    message = _MESSAGE.search(text)
    body = message[1] if message else text[text.find("{") : text.rfind("}") + 1]
    try:
        content = json.loads(body.replace("\r", "").replace("\n", ""))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _der(certificate: Any) -> bytes:
    return bytes(certificate.public_bytes(serialization.Encoding.DER))
