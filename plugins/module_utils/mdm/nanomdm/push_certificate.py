# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The push certificate on NanoMDM: PUT pushcert stores it; GET tells topic and end on builds after v0.9.0 only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._errors import AccessRefused, ConfigurationError, CredentialError, OtherOwner, ServiceError
from ..._http import HttpClient
from ..._time import to_iso
from ..protocol import Ability, InUse
from .answers import moment, says_absent

if TYPE_CHECKING:
    from ...credentials.push_certificate import PushCertificate

__all__ = ["PushCertificatePort"]

NO_TOPIC = "com.apple.mgmt.External.unknown"  # asked for where no topic is known, to learn whether the server tells
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:RSA )?PRIVATE KEY-----.+?-----END (?:RSA )?PRIVATE KEY-----", re.DOTALL)


class DoesNotTell(ServiceError):
    """v0.9.0 takes the GET for an upload without a body."""


class PushCertificatePort:
    def __init__(self, client: HttpClient, options: Mapping[str, Any]) -> None:
        self._client = client
        self._path = f"{options['path_prefix'].rstrip('/')}/pushcert"
        self._options = options
        self._tells: bool | None = None
        self._first_answer: dict[str, InUse | None] = {}  # the probe's, spent by the first read
        self._assumed: InUse | None = None

    @property
    def abilities(self) -> frozenset[Ability]:
        if self._tells is None:
            topic = self._topic or NO_TOPIC
            try:
                self._first_answer[topic] = self._ask(topic)
                self._tells = True
            except DoesNotTell:
                self._tells = False
        can = {Ability.UPLOAD}
        can |= {Ability.READ} if self._tells else set()
        can |= {Ability.EXAMINE} if self._options["probe_apns"] else set()
        return frozenset(can)

    def assumed(self) -> InUse | None:
        """The certificate that push_certificate_path holds: what the inventory says is in use. No network."""
        path = self._options.get("push_certificate_path")
        if path and self._assumed is None:
            self._assumed = _stated(path, self._options.get("push_topic"))
        return self._assumed

    def read(self, identity: str | None) -> InUse | None:
        topic = identity or self._topic
        if not topic:
            raise ConfigurationError(
                "NanoMDM must be told the topic to tell the push certificate in use. Give push_topic (the UID in the"
                " certificate's subject, com.apple.mgmt.External.…) or push_certificate_path in the MDM's options."
            )
        return self._first_answer.pop(topic) if topic in self._first_answer else self._ask(topic)

    def request(self) -> bytes:
        raise ServiceError("NanoMDM makes no push certificate request; apns_csr makes it.")

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        from ...apple.apns import probe
        from ...credentials.push_certificate import parse_push_certificate

        certificate = parse_push_certificate(received)
        result = probe(
            certificate.pem.encode(),
            _plain_key(private_key),
            certificate.topic,
            url=self._options["apns_url"],
            ca_path=self._options.get("apple_ca_path"),
            timeout=self._options["timeout"],
        )
        if not result.accepted:
            raise AccessRefused(result.sentence, status=result.status, reason=result.reason)
        return {"apns": result.reason or "accepted"}

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        """Store leaf and key. The topic is compared before, and with the server's answer after: NanoMDM takes a
        certificate of any topic without a word, and leaves the old one in use."""
        from ...credentials.push_certificate import parse_push_certificate

        certificate = parse_push_certificate(received)
        if self._topic not in (None, certificate.topic):
            raise OtherOwner(
                f"This push certificate is of topic {certificate.topic}, the tenant uses {self._topic}. It was not"
                " sent: with another topic every device would have to be enrolled again. Renew the row of the"
                " certificate in use in the portal; do not press Create.",
                topic=certificate.topic,
            )
        self._first_answer.clear()
        body = certificate.pem.strip().encode() + b"\n" + _plain_key(private_key)
        try:
            answer = self._client.request("PUT", self._path, data=body, idempotent=True).json()
        except AccessRefused:
            raise
        except ServiceError as error:
            raise _upload_refusal(error) from error
        topic, not_after = answer.get("topic"), moment(answer.get("not_after"), self._client.host)
        if topic != certificate.topic or abs((not_after - certificate.not_after).total_seconds()) > 1:
            raise OtherOwner(
                f"NanoMDM stored something else than was sent: topic {topic}, valid until {to_iso(not_after)}; sent was"
                f" {certificate.topic}, valid until {to_iso(certificate.not_after)}. The certificate in use before is"
                " still in use if its topic is another. Look at the server before anything else is done.",
                topic=topic,
            )
        return _in_use(certificate)

    def check(self) -> Mapping[str, Any]:
        raise ServiceError("NanoMDM does not ask APNs for us; probe_apns asks before the upload.")

    @property
    def _topic(self) -> str | None:
        """The topic the inventory names; if it does not, that of the certificate it points at."""
        assumed = None if self._options.get("push_topic") else self.assumed()
        return assumed.identity if assumed else self._options.get("push_topic")

    def _ask(self, topic: str) -> InUse | None:
        try:
            answer = self._client.request("GET", self._path, params={"topic": topic}, idempotent=True).json()
        except AccessRefused:
            raise
        except ServiceError as error:
            if error.status == 500 and says_absent(error):
                return None
            raise _read_refusal(error) from error
        return InUse(answer.get("topic") or topic, moment(answer.get("not_after"), self._client.host))


def _read_refusal(error: ServiceError) -> ServiceError:
    if error.status == 405 or (error.status == 400 and "PEM data" in error.details.get("body", "")):
        return DoesNotTell("This NanoMDM does not tell its push certificate; builds after v0.9.0 do.", **error.details)
    if error.status == 404:
        return ServiceError(
            "There is no NanoMDM at this address (HTTP 404). Check url and path_prefix: /v1 for NanoMDM,"
            " /api/v1/nanomdm for NanoHUB. NanoMDM serves its API only when it was started with an API key.",
            **error.details,
        )
    return error


def _upload_refusal(error: ServiceError) -> ServiceError:
    body = error.details.get("body", "")
    if error.status == 400 and "does not match" in body:
        return ServiceError(
            "NanoMDM refused the push certificate: it does not belong to this private key. The one in use before stays"
            " in use. Take certificate and key of one and the same order.",
            **error.details,
        )
    if error.status == 400:
        return ServiceError(
            f"NanoMDM refused the push certificate ({' '.join(body.split())[:200]}). The one before stays in use.",
            **error.details,
        )
    return error


def _plain_key(private_key: bytes | None) -> bytes:
    found = PRIVATE_KEY.search(private_key or b"")
    if found is None or b"Proc-Type:" in found.group(0):
        raise ConfigurationError(
            "NanoMDM takes a push certificate only with its private key, as unencrypted PEM. Nothing was sent."
        )
    return found.group(0) + b"\n"


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"push_certificate_path {path} cannot be read: {error.strerror}.") from error


def _stated(path: str, topic: str | None) -> InUse:
    from ...credentials.push_certificate import parse_push_certificate

    try:
        stated = _in_use(parse_push_certificate(_read(path)))
    except CredentialError as error:
        raise CredentialError(f"{path}: {error}", **error.details) from error
    if topic not in (None, stated.identity):
        raise ConfigurationError(
            f"push_topic says {topic}, but the certificate in {path} is of {stated.identity}. Look up in the portal or"
            " on a device which one is in use, and correct the other."
        )
    return stated


def _in_use(certificate: PushCertificate) -> InUse:
    facts = {"fingerprint_sha256": certificate.fingerprint_sha256, "issuer": certificate.issuer}
    return InUse(certificate.topic, certificate.not_after, certificate.serial, facts)
