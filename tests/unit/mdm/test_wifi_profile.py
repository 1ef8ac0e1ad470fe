# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Wi-Fi file that goes with an erase: what a tired person may pick in its place is told apart before anything is sent."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.wifi_profile import checked_wifi_profile
from ansible_collections.nendo.apple_mdm.tests.simulator.wifi import WIFI_PROFILE, profile_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

WIFI, VPN = "com.apple.wifi.managed", "com.apple.vpn.managed"
PATH = "/srv/setup-wifi.mobileconfig"
Signed = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def signed() -> Signed:
    pytest.importorskip("asn1crypto")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "School")])
    now = datetime.now(timezone.utc)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    certificate = built.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())

    def sign(content: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
        return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])

    return sign


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(WIFI_PROFILE, id="xml"),
        pytest.param(b"\xef\xbb\xbf" + WIFI_PROFILE, id="with BOM"),
        pytest.param(plistlib.dumps(profile_of(WIFI), fmt=plistlib.FMT_BINARY), id="binary"),
        pytest.param(plistlib.dumps(profile_of(VPN, WIFI)), id="among others"),
    ],
)
def test_a_profile_with_a_network_goes_as_it_is(profile: bytes) -> None:
    assert checked_wifi_profile(profile, PATH) is profile


def test_a_signed_profile_goes_as_it_is(signed: Signed) -> None:
    profile = signed(WIFI_PROFILE)
    assert checked_wifi_profile(profile, PATH) is profile


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n", "is empty", id="blank"),
        pytest.param(b"<plist/>", "no configuration profile", id="an empty list"),
        pytest.param(b"<!DOCTYPE html><html><body>Sign in</body></html>", "no configuration profile", id="a web page"),
        pytest.param(b"SSID: school\npassword: secret\n", "no configuration profile", id="text"),
        pytest.param(b"PK\x03\x04\x14\x00", "no configuration profile", id="zipped"),
        pytest.param(WIFI_PROFILE[:-40], "no configuration profile", id="truncated"),
        pytest.param(b"bplist00\xff\xff", "no configuration profile", id="damaged binary"),
        pytest.param(b"\x30\x82\x01\x00", "no configuration profile", id="damaged signature"),
        pytest.param(plistlib.dumps([1]), "no configuration profile", id="another list"),
        pytest.param(
            plistlib.dumps({"PayloadType": WIFI, "SSID_STR": "school"}),
            "no configuration profile",
            id="only the payload",
        ),
        pytest.param(plistlib.dumps(profile_of(VPN)), "without a Wi-Fi network", id="another payload"),
        pytest.param(plistlib.dumps(profile_of()), "without a Wi-Fi network", id="no payload"),
        pytest.param(
            plistlib.dumps(profile_of(EncryptedPayloadContent=b"x")), "is encrypted for one device", id="encrypted"
        ),
    ],
)
def test_what_is_none_is_refused_with_the_cure(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked_wifi_profile(data, PATH)
    told = str(refused.value)
    assert said in told and PATH in told and "Nothing was sent" in told and ".mobileconfig" in told


def test_a_signed_profile_without_a_network_is_refused(signed: Signed) -> None:
    with pytest.raises(ConfigurationError, match="without a Wi-Fi network"):
        checked_wifi_profile(signed(plistlib.dumps(profile_of(VPN))), PATH)
