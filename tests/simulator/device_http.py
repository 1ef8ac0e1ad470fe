# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A device at a real MDM server: Apple's protocol over HTTP, signed with the device's identity."""

from __future__ import annotations

import base64
import datetime
import plistlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .devices import Device

CHECK_IN = "application/x-apple-aspen-mdm-checkin"
CONNECT = "application/x-apple-aspen-mdm"
ROUNDS = 50


class Identities:
    """A CA of device identities; its certificate is what the server is given."""

    def __init__(self, folder: Path) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self._ca = _certificate("CA of the devices", self._key, self._key, "CA of the devices", ca=True)
        self.path = folder / "devices-ca.pem"
        self.path.write_bytes(self._ca.public_bytes(serialization.Encoding.PEM))
        self._device_key = rsa.generate_private_key(65537, 2048)  # one for all: making them takes long

    def sign(self, name: str) -> Callable[[bytes], str]:
        """What makes the header Mdm-Signature of a device."""
        certificate = _certificate(name, self._device_key, self._key, "CA of the devices", ca=False)

        def signature(body: bytes) -> str:
            builder = pkcs7.PKCS7SignatureBuilder().set_data(body)
            builder = builder.add_signer(certificate, self._device_key, hashes.SHA256())
            options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
            return base64.b64encode(builder.sign(serialization.Encoding.DER, options)).decode()

        return signature


class Connected:
    """A device and the server that it is enrolled in. lose: swallows the answer to a command, as a broken network does."""

    def __init__(self, device: Device, url: str, sign: Callable[[bytes], str]) -> None:
        self.device = device
        self._url = f"{url}/mdm"
        self._sign = sign
        self._session = requests.Session()

    def enrol(self, awaiting: bool = False) -> None:
        for message in self.device.enrolling(awaiting):
            self._send(message, CHECK_IN)

    def connect(self) -> list[str]:
        """Takes every command that the server has, until it has no more; their request types.

        After an erase the device comes back by itself if it can, as after Return to Service."""
        done: list[str] = []
        message: dict[str, Any] = {"UDID": self.device.udid, "Status": "Idle"}
        for _round in range(ROUNDS):
            if not self.device.enrolled:
                break
            given = self._send(message, CONNECT)
            if not given:
                return done
            command = plistlib.loads(given)
            done.append(command["Command"]["RequestType"])
            message = self.device.answer(command)
        if not self.device.enrolled:
            self._send(message, CONNECT)
            if farewell := self.device.farewell():
                self._send(farewell, CHECK_IN)
            if self.device.returning:
                self.enrol(awaiting=self.device.awaits)
        return done

    def _send(self, message: dict[str, Any], kind: str) -> bytes:
        body = plistlib.dumps(message)
        headers = {"Content-Type": kind, "Mdm-Signature": self._sign(body)}
        answer = self._session.put(self._url, data=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.content


def _certificate(
    name: str, key: rsa.RSAPrivateKey, issuer_key: rsa.RSAPrivateKey, issuer: str, *, ca: bool
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
