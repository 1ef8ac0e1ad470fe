# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world's certificate authorities: Apple's, whose names are kept and whose keys are made here, and the one for TLS."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .apple_names import NAMES

OU = "Apple Certification Authority"
ROOT = {"CN": "Apple Root CA", "OU": OU, "O": "Apple Inc.", "C": "US"}
PUSH_ISSUER = {"CN": "Apple Application Integration 2 Certification Authority", "OU": OU, "O": "Apple Inc.", "C": "US"}
WWDR = {"CN": "Apple Worldwide Developer Relations Certification Authority", "OU": "G3", "O": "Apple Inc.", "C": "US"}
VENDOR = {"CN": "MDM Vendor: Vendor, Inc.", "OU": "SIM7ENDOR0", "O": "Vendor, Inc.", "C": "US"}
TLS_ROOT = {"CN": "Simulator TLS CA", "O": "nendo.apple_mdm simulator"}
ATTRIBUTES = {
    "UID": NameOID.USER_ID,
    "CN": NameOID.COMMON_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "C": NameOID.COUNTRY_NAME,
}
YEAR = datetime.timedelta(days=365)
SHARED_KEYS = 4


@dataclass
class Authority:
    certificate: x509.Certificate
    key: Any


def name(parts: dict[str, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(ATTRIBUTES[key], value) for key, value in parts.items()])


def pem(thing: x509.Certificate) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def topic_in(certificate: str) -> str:
    """The UID of a push certificate's subject; empty where it has none."""
    ids = x509.load_pem_x509_certificate(certificate.encode()).subject.get_attributes_for_oid(NameOID.USER_ID)
    return str(ids[0].value) if ids else ""


def key_pem(key: Any) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def private_key(data: bytes) -> Any:
    """Without the slow proof that its primes are prime."""
    return serialization.load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)


def new_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def serial_number() -> int:
    """64 bits, as Apple's push certificates have."""
    return int.from_bytes(os.urandom(8), "big") >> 1 | 1 << 62


def builder(
    subject: x509.Name, issuer: x509.Name, key: Any, start: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial_number())
        .not_valid_before(start.replace(microsecond=0))
        .not_valid_after(end.replace(microsecond=0))
    )


def key_usage(*, signs_certificates: bool = False, encrypts: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=encrypts,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def make_authority(subject: dict[str, str], key: Any, parent: Authority | None) -> Authority:
    """Valid so long that a moved clock does not matter."""
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer, signer = (parent.certificate.subject, parent.key) if parent else (name(subject), key)
    certificate = (
        builder(name(subject), issuer, key.public_key(), now - 10 * YEAR, now + 20 * YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Authority(certificate, key)


def self_signed(common_name: str, key: Any, start: datetime.datetime, end: datetime.datetime) -> x509.Certificate:
    """What NanoDEP and people make for the token portal."""
    subject = name({"CN": common_name})
    unsigned = builder(subject, subject, key.public_key(), start, end)
    return unsigned.add_extension(key_usage(encrypts=True), critical=True).sign(key, hashes.SHA256())


class Pki:
    """Made once in a folder and read again from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "tls_server.pem").exists():
            self._make()
        self.root = self._authority("root")
        self.push_issuer = self._authority("push_issuer")
        self.wwdr = self._authority("wwdr")
        self.vendor_key = self._key("vendor")

    def _make(self) -> None:
        names = ("root", "push_issuer", "wwdr", "vendor")
        with ThreadPoolExecutor() as pool:
            keys = dict(zip(names, pool.map(lambda _: new_rsa_key(), names), strict=True))
        root = make_authority(ROOT, keys["root"], None)
        self._store("root", root.certificate, root.key)
        for label, subject in (("push_issuer", PUSH_ISSUER), ("wwdr", WWDR)):
            self._store(label, make_authority(subject, keys[label], root).certificate, keys[label])
        self._store("vendor", None, keys["vendor"])
        self._make_tls()

    def _make_tls(self) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        root = make_authority(TLS_ROOT, ec.generate_private_key(ec.SECP256R1()), None)
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(each) for each in ("localhost", *NAMES)]
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            builder(name({"CN": "localhost"}), root.certificate.subject, key.public_key(), now - YEAR, now + YEAR)
            .add_extension(x509.SubjectAlternativeName([*names, address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
            .sign(root.key, hashes.SHA256())
        )
        self._store("tls_root", root.certificate, root.key)
        self._store("tls_server", certificate, key)

    def _store(self, label: str, certificate: x509.Certificate | None, key: Any) -> None:
        (self.folder / f"{label}.key").write_text(key_pem(key))
        (self.folder / f"{label}.key").chmod(0o600)
        if certificate is not None:
            (self.folder / f"{label}.pem").write_text(pem(certificate))

    def _key(self, label: str) -> Any:
        return private_key((self.folder / f"{label}.key").read_bytes())

    def _authority(self, label: str) -> Authority:
        certificate = x509.load_pem_x509_certificate((self.folder / f"{label}.pem").read_bytes())
        return Authority(certificate, self._key(label))

    def path(self, label: str) -> Path:
        return self.folder / f"{label}.pem"

    def tls(self) -> ssl.SSLContext:
        """What a server needs to answer under any of its names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.path("tls_server"), self.folder / "tls_server.key")
        return context

    @functools.lru_cache(maxsize=SHARED_KEYS)  # noqa: B019 - one Pki a process
    def shared_key(self, number: int) -> Any:
        """Keys that made-up tenants share, so that a hundred of them take no minute."""
        path = self.folder / f"shared_{number}.key"
        if not path.exists():
            self._store(f"shared_{number}", None, new_rsa_key())
        return self._key(f"shared_{number}")

    @functools.lru_cache(maxsize=SHARED_KEYS)  # noqa: B019 - one Pki a process
    def shared_key_pem(self, number: int) -> str:
        return key_pem(self.shared_key(number))

    def vendor_certificate(self, start: datetime.datetime, end: datetime.datetime) -> x509.Certificate:
        """The MDM vendor's signing certificate."""
        key = self.vendor_key.public_key()
        return (
            builder(name(VENDOR), self.wwdr.certificate.subject, key, start, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.wwdr.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(key_usage(), critical=True)
            .sign(self.wwdr.key, hashes.SHA256())
        )

    def push_certificate(
        self, uuid: str, key: Any, start: datetime.datetime, end: datetime.datetime
    ) -> x509.Certificate:
        """A leaf with the fields that Apple's have, and no more. key is the public key of the request."""
        subject = name({"UID": f"com.apple.mgmt.External.{uuid}", "CN": f"APSP:{uuid}", "C": "US"})
        policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.840.113635.100.5.1"), None)
        crl = x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://crl.apple.com/aai2ca.crl")], None, None, None
        )
        apns_production = x509.ObjectIdentifier("1.2.840.113635.100.6.3.2")
        issuer_key = self.push_issuer.key.public_key()
        extensions: list[x509.ExtensionType] = [
            x509.BasicConstraints(ca=False, path_length=None),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key),
            x509.CertificatePolicies([policy]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
            x509.CRLDistributionPoints([crl]),
            x509.SubjectKeyIdentifier.from_public_key(key),
            key_usage(),
            x509.UnrecognizedExtension(apns_production, b"\x05\x00"),
        ]
        unsigned = builder(subject, self.push_issuer.certificate.subject, key, start, end)
        for extension in extensions:
            unsigned = unsigned.add_extension(extension, critical=False)
        return unsigned.sign(self.push_issuer.key, hashes.SHA256())
