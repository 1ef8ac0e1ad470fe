# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The APNs probe: what each answer means, and the ways a connection ends without one."""

from __future__ import annotations

import ssl
from types import SimpleNamespace

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, Unreachable
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple import apns

TOPIC = "com.apple.mgmt.External.1"


@pytest.mark.parametrize(
    ("status", "reason", "accepted", "words"),
    [
        (400, "BadDeviceToken", True, "takes"),
        (410, "Unregistered", True, "takes"),
        (200, "", True, "takes"),
        (400, "DeviceTokenNotForTopic", False, "another topic"),
        (400, "TopicDisallowed", False, "another topic"),
        (403, "BadCertificate", False, "revoked"),
        (403, "MissingProviderToken", False, "does not take"),
        (None, "SSLV3_ALERT_CERTIFICATE_EXPIRED", False, "expired"),
        (None, "KEY_VALUES_MISMATCH", False, "does not belong"),
        (404, "", False, "HTTP 404"),
    ],
)
def test_verdicts(status: int | None, reason: str, accepted: bool, words: str) -> None:
    result = apns.verdict_on(status, reason, TOPIC)
    assert result.accepted is accepted and words in result.sentence


def wrapped(cause: Exception) -> Exception:
    outer = Exception("outer")
    outer.__cause__ = cause
    return outer


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def test_the_reason_in_a_goodbye() -> None:
    goodbye = Exception(SimpleNamespace(additional_data=b'{"reason":"BadCertificate"}'))
    assert apns._reason_of_failure(wrapped(goodbye), "u") == "BadCertificate"


def test_a_tls_alert() -> None:
    assert "EXPIRED" in apns._reason_of_failure(wrapped(alert("SSLV3_ALERT_CERTIFICATE_EXPIRED")), "u")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (wrapped(alert("WRONG_VERSION_NUMBER")), "No answer"),
        (ConnectionRefusedError("refused"), "2197"),
    ],
)
def test_no_answer(error: Exception, words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        apns._reason_of_failure(error, "https://apns")


def test_files_that_are_no_pair_of_pem() -> None:
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        apns.probe(b"nothing", b"nothing", TOPIC)
