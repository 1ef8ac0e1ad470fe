# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RSA keys and certificates as the requests need them: made, loaded, compared. Failures come as None."""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

from .files import File, blocks, from_base64, look

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:
    pass

__all__ = [
    "load_certificate",
    "load_certificates",
    "load_private_key",
    "new_rsa_key",
    "private_key_pem",
    "spki_sha256",
]


def new_rsa_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_key_pem(key: Any, passphrase: str | None) -> bytes:
    """PKCS#8, encrypted if there is a passphrase."""
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption(),
        )
    )


def load_private_key(data: bytes, passphrase: str | None) -> Any | None:
    """An RSA private key, PEM or DER; a passphrase given for a key that has none is ignored."""
    load = serialization.load_pem_private_key if b"-----BEGIN" in data else serialization.load_der_private_key
    for password in (passphrase.encode("utf-8", "replace") if passphrase else None, None):
        try:
            key = load(data, password)
        except Exception:  # cryptography tells a wrong passphrase, a broken and a foreign key by many classes
            continue
        return key if isinstance(key, rsa.RSAPrivateKey) else None
    return None


def load_certificate(data: bytes) -> Any | None:
    """The one certificate in PEM or DER."""
    found: File = look(data)
    if found.kind not in ("is_certificate", "is_push_certificate"):
        return None
    return _certificate(found.content)


def load_certificates(data: bytes) -> list[Any] | None:
    """Every certificate of a PEM text, in its order, or the one in DER; None if any cannot be read."""
    if b"-----BEGIN" not in data:
        one = load_certificate(data)
        return None if one is None else [one]
    found = blocks(data.decode("utf-8-sig", "replace"))
    loaded = [_certificate(from_base64(body) or b"") for label, body in found or [] if label == "CERTIFICATE"]
    return None if not loaded or None in loaded else loaded


def spki_sha256(public_key: Any) -> str:
    """The public key's identity: SHA-256 over its SubjectPublicKeyInfo in DER, in hex."""
    der = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _certificate(der: bytes) -> Any | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return x509.load_der_x509_certificate(der)
    except Exception:  # cryptography fails in many ways on damaged files
        return None
