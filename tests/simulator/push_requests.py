# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file a customer uploads to the push portal: checked as Apple does, and written as a vendor does."""

from __future__ import annotations

import base64
import binascii
import datetime
import plistlib
import re
from typing import Any
from xml.parsers.expat import ExpatError

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from .pki import Pki, pem

KEYS = ("PushCertRequestCSR", "PushCertCertificateChain", "PushCertSignature")
PEM_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\n(.*?)\n-----END CERTIFICATE-----", re.DOTALL)


class Refused(Exception):
    """The portal's sentence on a file it does not take."""


def read_upload(data: bytes, pki: Pki, now: datetime.datetime) -> tuple[x509.CertificateSigningRequest, str]:
    """The request and the vendor's organisation. Raises Refused."""
    plist = _plist(data)
    chain = _chain(plist["PushCertCertificateChain"], pki, now)
    der = _from_base64(plist["PushCertRequestCSR"], "PushCertRequestCSR")
    signature = _from_base64(plist["PushCertSignature"], "PushCertSignature")
    try:
        _rsa(chain[0].public_key(), "vendor certificate").verify(signature, der, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Refused("The signature does not fit the request and the vendor certificate.") from None
    organisations = chain[0].subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return _request(der), str(organisations[0].value) if organisations else "Unknown"


def write_upload(csr: x509.CertificateSigningRequest, pki: Pki, vendor: x509.Certificate) -> bytes:
    """The upload file, signed by the vendor."""
    der = csr.public_bytes(serialization.Encoding.DER)
    signature = pki.vendor_key.sign(der, padding.PKCS1v15(), hashes.SHA256())
    chain = pem(vendor) + pem(pki.wwdr.certificate) + pem(pki.root.certificate)
    parts = (base64.b64encode(der).decode(), chain, base64.b64encode(signature).decode())
    return base64.b64encode(plistlib.dumps(dict(zip(KEYS, parts, strict=True))))


def _plist(data: bytes) -> dict[str, Any]:
    try:
        xml = base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        raise Refused("The file is not in base64.") from None
    try:
        plist = plistlib.loads(xml, fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, AttributeError, IndexError, TypeError):
        raise Refused("The file holds no property list.") from None
    missing = [key for key in KEYS if not isinstance(plist, dict) or not isinstance(plist.get(key), str)]
    if missing:
        raise Refused(f"The property list has no string named {missing[0]}.")
    return plist


def _from_base64(text: str, key: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{key} is not in base64.") from None


def _rsa(key: Any, owner: str) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise Refused(f"The key of the {owner} is not RSA.")
    return key


def _request(der: bytes) -> x509.CertificateSigningRequest:
    try:
        csr = x509.load_der_x509_csr(der)
    except ValueError:
        raise Refused("PushCertRequestCSR is no certificate signing request.") from None
    if _rsa(csr.public_key(), "request").key_size != 2048:
        raise Refused("The key of the request does not have 2048 bits.")
    if not csr.is_signature_valid:
        raise Refused("The request is not signed by its own key.")
    return csr


def _chain(text: str, pki: Pki, now: datetime.datetime) -> list[x509.Certificate]:
    bodies = [match.group(1).split("\n") for match in PEM_BLOCK.finditer(text)]
    for lines in bodies:
        if any(len(line) != 64 for line in lines[:-1]) or not 0 < len(lines[-1]) <= 64:
            raise Refused("A certificate of the chain is not PEM with lines of 64 characters.")
    try:
        chain = [x509.load_der_x509_certificate(base64.b64decode("".join(lines), validate=True)) for lines in bodies]
    except (ValueError, binascii.Error):
        raise Refused("A certificate of the chain cannot be read.") from None
    if len(chain) < 3 or chain[-1] != pki.root.certificate:
        raise Refused("The certificate chain does not end in Apple's root.")
    for certificate, issuer in zip(chain, chain[1:], strict=False):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise Refused("The certificate chain is broken.") from None
    if chain[0].not_valid_after_utc < now:
        raise Refused("The vendor's signing certificate has expired.")
    if chain[0].not_valid_before_utc > now:
        raise Refused("The vendor's signing certificate is not valid yet.")
    return chain
