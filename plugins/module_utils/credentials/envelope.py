# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CMS EnvelopedData opened: BER (indefinite lengths, as Apple writes them) and DER on one path.

asn1crypto reads the structure; the key and the content are decrypted with cryptography.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

try:
    from asn1crypto import cms
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives import hashes, padding
    from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    pass
try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    with contextlib.suppress(ImportError):
        from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

__all__ = ["CannotDecrypt", "Damaged", "Envelope", "Recipient", "Unsupported", "open_envelope", "read_envelope"]


class Damaged(ValueError):
    """The structure cannot be read."""


class CannotDecrypt(ValueError):
    """The key is not the right one, or the contents were altered."""


class Unsupported(ValueError):
    """An algorithm that we do not open; its message is the name."""


@dataclass(frozen=True)
class Recipient:
    """Whose public key the content key is locked with: issuer and serial, or the subject key identifier."""

    issuer: bytes  # DER of the name, empty where key_identifier is used
    serial: int
    key_identifier: bytes
    key_algorithm: str
    key_hash: str  # of OAEP
    encrypted_key: bytes = field(repr=False)

    def is_for(self, certificate_der: bytes) -> bool:
        """Whether this is the owner of the certificate."""
        certificate = asn1_x509.Certificate.load(certificate_der)
        if self.key_identifier:
            return bool(certificate.key_identifier == self.key_identifier)
        if certificate.serial_number != self.serial:
            return False
        return bool(certificate.issuer.dump() == self.issuer or certificate.issuer == asn1_x509.Name.load(self.issuer))


@dataclass(frozen=True)
class Envelope:
    recipients: tuple[Recipient, ...]
    method: str  # aes128_cbc, aes256_cbc, tripledes_3key, …
    initial_vector: bytes
    content: bytes = field(repr=False)


def read_envelope(data: bytes) -> Envelope:
    """Raises Damaged, or Unsupported for CMS that is not plainly enveloped."""
    try:
        info = cms.ContentInfo.load(data)
        if info["content_type"].native != "enveloped_data":
            raise Unsupported(str(info["content_type"].native))
        enveloped = info["content"]
        encrypted = enveloped["encrypted_content_info"]
        algorithm = encrypted["content_encryption_algorithm"]
        method = algorithm["algorithm"].native
        initial_vector = algorithm["parameters"].native
        recipients = tuple(_recipient(one.chosen) for one in enveloped["recipient_infos"] if one.name == "ktri")
        return Envelope(
            recipients,
            str(method),
            initial_vector if isinstance(initial_vector, bytes) else b"",
            encrypted["encrypted_content"].native or b"",
        )
    except Unsupported:
        raise
    except Exception as error:  # asn1crypto parses lazily and fails in many ways on damaged files
        raise Damaged("the CMS structure cannot be read") from error


def open_envelope(envelope: Envelope, private_key: Any, certificate_der: bytes) -> bytes:
    """The content, with the loaded RSA key. Raises CannotDecrypt, Unsupported."""
    ours = [one for one in envelope.recipients if one.is_for(certificate_der)] or list(envelope.recipients)
    cipher_key = _cipher(envelope.method)
    for recipient in ours:
        try:
            content_key = private_key.decrypt(recipient.encrypted_key, _key_padding(recipient))
            cipher = Cipher(cipher_key(content_key), modes.CBC(envelope.initial_vector)).decryptor()
            padded = cipher.update(envelope.content) + cipher.finalize()
            unpadder = padding.PKCS7(len(envelope.initial_vector) * 8).unpadder()
            return bytes(unpadder.update(padded) + unpadder.finalize())
        except Unsupported:
            raise
        except Exception:  # wrong length, wrong padding, wrong key: one answer, and no oracle
            continue
    raise CannotDecrypt("none of the recipients' keys could be opened")


def _recipient(info: Any) -> Recipient:
    who = info["rid"]
    algorithm = info["key_encryption_algorithm"]
    name = str(algorithm["algorithm"].native)
    by_name = who.name == "issuer_and_serial_number"
    return Recipient(
        issuer=who.chosen["issuer"].dump() if by_name else b"",
        serial=who.chosen["serial_number"].native if by_name else 0,
        key_identifier=b"" if by_name else who.chosen.native,
        key_algorithm=name,
        key_hash=algorithm["parameters"]["hash_algorithm"]["algorithm"].native if name == "rsaes_oaep" else "",
        encrypted_key=info["encrypted_key"].native,
    )


def _cipher(method: str) -> Any:
    if method in ("aes128_cbc", "aes192_cbc", "aes256_cbc"):
        return algorithms.AES
    if method == "tripledes_3key":
        return TripleDES
    raise Unsupported(method)


def _key_padding(recipient: Recipient) -> Any:
    if recipient.key_algorithm in ("rsaes_pkcs1v15", "rsa"):
        return rsa_padding.PKCS1v15()
    known: dict[str, Any] = {
        "sha1": hashes.SHA1,
        "sha256": hashes.SHA256,
        "sha384": hashes.SHA384,
        "sha512": hashes.SHA512,
    }
    if recipient.key_algorithm == "rsaes_oaep" and recipient.key_hash in known:
        digest = known[recipient.key_hash]
        return rsa_padding.OAEP(rsa_padding.MGF1(digest()), digest(), None)
    raise Unsupported(recipient.key_algorithm)
