# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files for the tests: certificates made with cryptography, everything else with openssl."""

from __future__ import annotations

import base64
import functools
import json
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
UUID = "11111111-2222-4333-8444-555555555555"
TOPIC = "com.apple.mgmt.External." + UUID
OTHER_UUID = "99999999-2222-4333-8444-555555555555"
OTHER_TOPIC = "com.apple.mgmt.External." + OTHER_UUID
APNS_PRODUCTION = "1.2.840.113635.100.6.3.2"
APP_TOPICS = "1.2.840.113635.100.6.3.6"
EXPIRY = "2027-11-23T04:05:06Z"


@functools.cache
def key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_pem(name: str, passphrase: bytes | None = None) -> bytes:
    encryption: Any = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def pem(holder: Any) -> bytes:
    return holder.public_bytes(serialization.Encoding.PEM)


def der(holder: Any) -> bytes:
    return holder.public_bytes(serialization.Encoding.DER)


def name(**parts: str) -> x509.Name:
    oids = {"uid": NameOID.USER_ID, "cn": NameOID.COMMON_NAME, "c": NameOID.COUNTRY_NAME}
    return x509.Name([x509.NameAttribute(oids[part], value) for part, value in parts.items()])


AAI2 = "Apple Application Integration 2 Certification Authority"


def certificate(
    subject: x509.Name,
    *,
    owner: str = "push",
    issuer: x509.Name | None = None,
    signer: str = "ca",
    not_before: datetime = NOW,
    days: int = 365,
    serial: int = 0x1234567890ABCDEF,
    ca: bool = False,
    digital_signature: bool = True,
    client_auth: bool = True,
    extensions: tuple[str, ...] = (),
) -> x509.Certificate:
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
            "crl_sign",
        ),
        False,
    )
    usage["key_encipherment"] = not digital_signature
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or name(cn=AAI2))
        .public_key(key(owner).public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_before + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=digital_signature, key_cert_sign=ca, **usage), critical=True)
    )
    if client_auth:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
    for oid in extensions:
        unrecognised = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00")
        builder = builder.add_extension(unrecognised, critical=False)
    return builder.sign(key(signer), hashes.SHA256())


def push_certificate(uuid: str = UUID, **changes: Any) -> x509.Certificate:
    """As Apple issues them; changes make it odd."""
    subject = changes.pop("subject", name(uid="com.apple.mgmt.External." + uuid, cn="APSP:" + uuid, c="US"))
    return certificate(subject, **{"extensions": (APNS_PRODUCTION,), **changes})


def self_signed(common_name: str = "", owner: str = "ade", **changes: Any) -> x509.Certificate:
    subject = name(cn=common_name or owner)
    return certificate(subject, owner=owner, issuer=subject, signer=owner, client_auth=False, **changes)


def csr(owner: str = "push") -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(cn="push", c="JP"))
    return pem(builder.sign(key(owner), hashes.SHA256()))


def vendor_chain(**changes: Any) -> tuple[bytes, bytes]:
    """The vendor's certificate, and Apple's intermediate and root, all PEM; owners: vendor, wwdr, root."""
    years: dict[str, Any] = {"not_before": NOW - timedelta(days=100), "days": 3000, "client_auth": False}
    root = certificate(name(cn="Root"), owner="root", issuer=name(cn="Root"), signer="root", ca=True, **years)
    wwdr = certificate(name(cn="WWDR"), owner="wwdr", issuer=name(cn="Root"), signer="root", ca=True, **years)
    vendor = certificate(
        name(cn="MDM Vendor: Example"), owner="vendor", issuer=name(cn="WWDR"), signer="wwdr", **{**years, **changes}
    )
    return pem(vendor), pem(wwdr) + pem(root)


def openssl(*arguments: str, data: bytes = b"", **files: bytes) -> bytes:
    """What openssl prints; {name} in an argument is a file with the bytes of that keyword."""
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            Path(folder, file).write_bytes(content)
        filled = [argument.format(**{file: f"{folder}/{file}" for file in files}) for argument in arguments]
        done = subprocess.run(["openssl", *filled], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def token_json(**changes: Any) -> bytes:
    parts = {
        "consumer_key": "CK_48dd68d198350f51258e885ce9a5c37ab7f98543c4a697323d75682a6c10a32501cb247e3db08105db868f73f2c972bd",
        "consumer_secret": "CS_secret-of-the-consumer",
        "access_token": "AT_secret-access-token",
        "access_secret": "AS_secret-of-the-access",
        "access_token_expiry": EXPIRY,
    }
    return json.dumps({part: value for part, value in (parts | changes).items() if value is not None}).encode()


def folded(content: bytes, width: int = 64) -> bytes:
    """As Apple wraps the JSON: headers, MESSAGE lines, short lines."""
    lines = [content[at : at + width] for at in range(0, len(content), width)]
    head = b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    return head + b"\r\n".join([b"-----BEGIN MESSAGE-----", *lines, b"-----END MESSAGE-----", b""])


@functools.cache
def p7m(
    *flags: str, content: bytes | None = None, owner: str = "ade", program: str = "smime", outform: str = "SMIME"
) -> bytes:
    """A server token as openssl writes it."""
    return openssl(
        program, "-encrypt", *flags, "-outform", outform, "{recipient}",
        data=folded(token_json()) if content is None else content,
        recipient=pem(self_signed(owner=owner)),
    )  # fmt: skip


def content_token(**changes: Any) -> bytes:
    parts = {"token": "c2VjcmV0LWlubmVyLXRva2Vu", "expDate": "2027-11-23T04:05:06+0000", "orgName": "Example School"}
    content = {part: value for part, value in (parts | changes).items() if value is not None}
    return base64.b64encode(json.dumps(content).encode())
