# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import CredentialError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_certificate import (
    judge_push_certificate,
    parse_push_certificate,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import public_key_sha256
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import (
    APNS_PRODUCTION,
    APP_TOPICS,
    NOW,
    OTHER_TOPIC,
    OTHER_UUID,
    TOPIC,
    UUID,
    csr,
    der,
    key_pem,
    name,
    openssl,
    pem,
    push_certificate,
)

YEAR = timedelta(days=365)
LAST_YEAR = NOW - timedelta(days=350)


def judge(data: bytes, **changes: Any) -> Any:
    known: dict[str, Any] = {
        "now": NOW,
        "topic": TOPIC,
        "public_key_sha256": public_key_sha256(csr()),
        "serial_in_use": "0A1B2C",
        "not_after_in_use": LAST_YEAR + YEAR,
        "issuer_in_use": parse_push_certificate(pem(push_certificate())).issuer,
        "other_requests": {"push_certificate-2025-11-20": public_key_sha256(csr("older")), "bad": "00"},
    }
    return judge_push_certificate(data, **{**known, **changes})


def test_renewed() -> None:
    found = judge(pem(push_certificate()))
    assert (found.accepted, found.code, found.warnings) == (True, "accepted", ())
    fingerprint = openssl("x509", "-noout", "-fingerprint", "-sha256", data=pem(push_certificate())).decode()
    assert found.facts == {
        "topic": TOPIC,
        "serial": "1234567890ABCDEF",
        "not_before": "2026-11-23T04:05:06Z",
        "not_after": "2027-11-23T04:05:06Z",
        "fingerprint_sha256": fingerprint.split("=")[1].strip().replace(":", "").lower(),
        "issuer": "CN=Apple Application Integration 2 Certification Authority",
        "date": "2027-11-23",
    }


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="bom"),
        pytest.param(lambda text: b"\n\n  " + text + b"\n \n", id="blanks"),
        pytest.param(lambda text: b"subject=/UID=x\nissuer=/CN=y\n" + text, id="text before"),
        pytest.param(lambda text: text.replace(b"\n", b" "), id="one line"),
    ],
)
def test_harmless_wrappings(wrap: Any) -> None:
    whole = pem(push_certificate())
    assert judge(wrap(whole)).accepted
    assert parse_push_certificate(wrap(whole)).pem.encode() == whole


def test_der_is_taken_and_converted() -> None:
    found = judge(der(push_certificate()))
    assert found.accepted
    assert [warning.en for warning in found.warnings] == [
        "It is not in the text form (PEM) that Apple gives, and will be converted."
    ]
    assert parse_push_certificate(der(push_certificate())).pem.encode() == pem(push_certificate())


WRONG: dict[str, Any] = {
    "another topic, made today": ({"uuid": OTHER_UUID, "owner": "other"}, {}, "created_not_renewed"),
    "another topic, for our request": (
        {"uuid": OTHER_UUID, "not_before": NOW - timedelta(days=9)}, {}, "created_not_renewed"
    ),
    "another topic, older": (
        {"uuid": OTHER_UUID, "owner": "other", "not_before": LAST_YEAR}, {}, "other_topic"
    ),
    "the one in use": ({"serial": 0xA1B2C, "not_before": LAST_YEAR, "owner": "other"}, {}, "same_as_in_use"),
    "the one in use, expired": (
        {"serial": 0xA1B2C, "not_before": NOW - 2 * YEAR}, {"not_after_in_use": NOW - YEAR}, "same_as_in_use"
    ),
    "the one in use, printed with colons": (
        {"serial": 0xA1B2C, "not_before": LAST_YEAR}, {"serial_in_use": "0a:1b:2c"}, "same_as_in_use"
    ),
    "the one in use, serial not known": (
        {"not_before": LAST_YEAR}, {"serial_in_use": None}, "same_as_in_use"
    ),
    "two years old": ({"not_before": NOW - 2 * YEAR}, {}, "older_than_in_use"),
    "another order's request": ({"owner": "older"}, {}, "key_of_other_order"),
    "a key nobody knows": ({"owner": "other"}, {}, "key_mismatch"),
    "our clock is behind": ({"not_before": NOW + timedelta(hours=1)}, {}, "not_yet_valid"),
    "expired": ({"not_before": NOW - 2 * YEAR}, {"serial_in_use": None, "not_after_in_use": None}, "expired"),
    "an app's": ({"subject": name(uid="com.example.app", cn="Apple Push Services: com.example.app")}, {}, "app_push_certificate"),
    "an app's topics": ({"extensions": (APNS_PRODUCTION, APP_TOPICS)}, {}, "app_push_certificate"),
    "no APNs mark": ({"extensions": ()}, {}, "no_apns_marker"),
    "no client authentication": ({"client_auth": False}, {}, "no_client_auth"),
    "no signature": ({"digital_signature": False}, {}, "no_digital_signature"),
    "an authority": ({"ca": True}, {}, "ca_certificate"),
    "names contradict": ({"subject": name(uid=TOPIC, cn="APSP:" + OTHER_UUID)}, {}, "name_mismatch"),
}  # fmt: skip


@pytest.mark.parametrize(("made", "known", "code"), WRONG.values(), ids=WRONG.keys())
def test_wrong_certificates(made: dict[str, Any], known: dict[str, Any], code: str) -> None:
    found = judge(pem(push_certificate(**made)), **known)
    assert (found.accepted, found.code) == (False, code)
    assert "?" not in found.reason.en + found.reason.ja + found.cure.en + found.cure.ja


def test_sentences_name_what_matters() -> None:
    created = judge(pem(push_certificate(OTHER_UUID)))
    assert OTHER_TOPIC in created.reason.en and TOPIC in created.cure.en and TOPIC in created.cure.ja
    assert "push_certificate-2025-11-20" in judge(pem(push_certificate(owner="older"))).reason.ja
    assert "clock" in judge(pem(push_certificate(not_before=NOW + YEAR))).cure.en


def test_nothing_known_about_the_one_in_use() -> None:
    found = judge_push_certificate(pem(push_certificate()), now=NOW, topic=None, public_key_sha256=None)
    assert found.accepted


def test_other_forms_of_topic_and_order_of_names() -> None:
    server_product = name(cn="APSP:x", uid="com.apple.mgmt.XServer." + UUID)
    assert judge(pem(push_certificate(subject=server_product)), topic="com.apple.mgmt.XServer." + UUID).accepted


@pytest.mark.parametrize(
    ("made", "known", "part"),
    [
        pytest.param({}, {"issuer_in_use": "CN=Other"}, "CN=Other", id="issuer"),
        pytest.param({"days": 398}, {}, "398", id="lifetime"),
    ],
)
def test_warnings(made: dict[str, Any], known: dict[str, Any], part: str) -> None:
    found = judge(pem(push_certificate(**made)), **known)
    assert found.accepted
    assert [part in warning.en and part in warning.ja for warning in found.warnings] == [True]


def test_key_and_certificate_have_one_identity() -> None:
    whole = parse_push_certificate(pem(push_certificate()))
    assert whole.public_key_sha256 == public_key_sha256(key_pem("push")) == public_key_sha256(csr())
    assert whole.public_key_sha256 == public_key_sha256(pem(push_certificate()))


def test_a_refused_file_is_an_error_with_its_verdict() -> None:
    with pytest.raises(CredentialError, match="certificate signing request") as caught:
        parse_push_certificate(csr())
    assert caught.value.details["verdict"]["code"] == "is_csr"


def shared_file(file: str) -> bytes:
    beside = Path(__file__).resolve().parents[3].parent / "shared"
    place = Path(os.environ.get("NENDO_SHARED", beside)) / "data" / file
    if not place.exists():
        pytest.skip(f"no {file} from the field here; NENDO_SHARED names the folder that has data/{file}")
    return place.read_bytes()


def test_a_certificate_that_apple_issued() -> None:
    data = shared_file("push-certificate-2021.pem")
    whole = parse_push_certificate(data)
    assert whole.topic == "com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9"
    assert whole.serial == "734DF9C0BB2703FD"
    assert whole.not_after.isoformat() == "2022-02-10T17:44:47+00:00"
    assert whole.pem.encode().split() == data.split()
    then = whole.not_before.astimezone(UTC) + timedelta(minutes=5)
    known: dict[str, Any] = {"topic": whole.topic, "public_key_sha256": None}
    assert judge_push_certificate(data, now=then, **known).as_dict()["warnings"] == []
    assert judge_push_certificate(data, now=then, **known).accepted
    assert judge_push_certificate(data, now=NOW, **known).code == "expired"
