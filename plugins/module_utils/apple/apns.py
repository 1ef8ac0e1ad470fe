# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A harmless question to APNs: does it take this push certificate and key? The push goes to a token nobody has.

It wakes no device and does not show that enrolled devices know the topic.
"""

from __future__ import annotations

import json
import os
import ssl
import tempfile
from dataclasses import dataclass

from .._errors import ConfigurationError, ServiceError, Unreachable

try:
    import certifi
    import httpx
except ImportError:
    pass

__all__ = ["APNS_URL", "ProbeResult", "probe", "verdict_on"]

APNS_URL = "https://api.push.apple.com"
NOBODY = "0" * 64
SOUND = frozenset({"BadDeviceToken", "Unregistered", "ExpiredToken"})
OTHER_TOPIC = frozenset({"DeviceTokenNotForTopic", "BadTopic", "TopicDisallowed", "MissingTopic"})
BUSY = frozenset({429, 500, 503})


@dataclass(frozen=True)
class ProbeResult:
    """status: None where APNs ended the connection instead of answering. reason: APNs's word, or the TLS alert's."""

    accepted: bool
    status: int | None
    reason: str
    sentence: str


def probe(
    certificate_pem: bytes,
    private_key_pem: bytes,
    topic: str,
    *,
    url: str = APNS_URL,
    ca_path: str | None = None,
    timeout: float = 30,
) -> ProbeResult:
    """Raises Unreachable where APNs does not answer, ServiceError where it is too busy to tell."""
    context = _client_context(certificate_pem, private_key_pem, ca_path)
    if context is None:
        return verdict_on(None, "KEY_VALUES_MISMATCH", topic)
    headers = {"apns-topic": topic, "apns-push-type": "mdm", "apns-priority": "10", "apns-expiration": "0"}
    try:
        with httpx.Client(http1=False, http2=True, verify=context, timeout=timeout) as client:
            answer = client.post(f"{url.rstrip('/')}/3/device/{NOBODY}", headers=headers, json={"mdm": "probe"})
    except httpx.HTTPError as error:
        return verdict_on(None, _reason_of_failure(error, url), topic)
    if answer.status_code in BUSY:
        raise ServiceError(
            f"APNs is too busy to tell (HTTP {answer.status_code}). Nothing was changed. Run again in some minutes.",
            status=answer.status_code,
        )
    return verdict_on(answer.status_code, _reason_in(answer.content), topic)


def verdict_on(status: int | None, reason: str, topic: str) -> ProbeResult:
    """What APNs's answer to the probe says of the certificate."""
    if status == 200 or reason in SOUND:
        return ProbeResult(True, status, reason, "APNs takes this push certificate and its key.")
    if reason == "KEY_VALUES_MISMATCH":
        sentence = "The private key does not belong to this push certificate: take the key of the same order."
    elif reason in OTHER_TOPIC:
        sentence = f"APNs does not let this push certificate speak for {topic} ({reason}): it is of another topic."
    else:
        sentence = (
            f"APNs does not take this push certificate ({reason or f'HTTP {status}'}): it has expired, was revoked, or"
            " is of another kind. Keep the one in use and renew again in the portal."
        )
    return ProbeResult(False, status, reason, sentence)


def _client_context(certificate_pem: bytes, private_key_pem: bytes, ca_path: str | None) -> ssl.SSLContext | None:
    """None where key and certificate are no pair. Python's ssl reads both from a file only: 0600, gone at once."""
    if ca_path and not os.path.exists(ca_path):
        raise ConfigurationError(f"The CA file {ca_path} does not exist on the host where the module runs.")
    context = ssl.create_default_context(cafile=ca_path or certifi.where())
    context.set_alpn_protocols(["h2"])
    with tempfile.NamedTemporaryFile(prefix="apns-", suffix=".pem") as pair:  # made with mode 0600
        pair.write(certificate_pem.rstrip() + b"\n" + private_key_pem)
        pair.flush()
        try:
            context.load_cert_chain(pair.name, password="")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                return None
            raise ConfigurationError(
                "The push certificate or its private key cannot be loaded for the question to APNs"
                f" ({error.reason or 'not PEM, or the key is encrypted'})."
            ) from error
    return context


def _reason_in(body: bytes) -> str:
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, KeyError, TypeError):
        return ""


def _reason_of_failure(error: Exception, url: str) -> str:
    """The reason in a GOAWAY frame, or a TLS alert against our certificate; everything else is Unreachable."""
    for cause in _causes(error):
        goodbye = getattr(cause.args[0], "additional_data", None) if cause.args else None
        if goodbye and _reason_in(goodbye):
            return _reason_in(goodbye)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise Unreachable(
                f"The TLS certificate of {url} was not accepted ({cause.verify_message}). A proxy that inspects TLS"
                " may stand in between; APNs must be reached without one."
            ) from error
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return cause.reason
    raise Unreachable(
        f"No answer from APNs ({url}): {' '.join(str(error).split()) or type(error).__name__}. Nothing was changed."
        " Check that port 443 or 2197 to Apple's network (17.0.0.0/8) is open from here."
    ) from error


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
