# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nanomdm driver against answers that its servers give: every trap, and what the error says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils import mdm
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ConfigurationError,
    CredentialError,
    FileRefused,
    OtherOwner,
    RequestLost,
    ServiceError,
    TermsNotSigned,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import OPTIONS, driver_for
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Ability, CredentialPort
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

TOPIC = "com.apple.mgmt.External.5f3c"
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
KEY = rsa.generate_private_key(65537, 2048)
KEY_PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
NO_READ_BACK = as_json({"error": "tls: failed to find any PEM data in certificate input"}, 400)
NOT_THERE = as_json({"error": "resource not found: txn rolled back: key not found: consumer_key.school"}, 500)
TOKENS = {
    "consumer_key": "CK_1",
    "consumer_secret": "CS_secret",
    "access_token": "AT_secret",
    "access_secret": "AS_secret",
    "access_token_expiry": "2027-11-23T04:05:06.123456789Z",
}


def certificate(topic: str = TOPIC, days: int = 365) -> bytes:
    names = [(NameOID.USER_ID, topic), (NameOID.COMMON_NAME, "APSP:" + topic.rpartition(".")[2])]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(KEY.public_key())
        .serial_number(0xAB12)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
    )
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


CERTIFICATE = certificate()
STORED = as_json({"topic": TOPIC, "not_after": "2027-11-01T00:00:00Z"})


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(STORED) as server:
        yield server


def push_port(far_side: FarSide, **options: Any) -> CredentialPort:
    port = driver_for({"url": far_side.url, "api_key": "k3y", "push_topic": TOPIC, **options}).push_certificate
    assert port is not None
    return port


def server_port(far_side: FarSide) -> CredentialPort:
    options = {"dep_url": far_side.url, "dep_api_key": "k3y", "dep_name": "school 1"}
    port = driver_for(options).server_token
    assert port is not None
    return port


# Options


def test_ports_are_there_as_far_as_their_options_are() -> None:
    driver = driver_for({"driver": "nanomdm", "url": "", "dep_url": None})
    assert (driver.push_certificate, driver.server_token, driver.content_token) == (None, None, None)
    driver.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "https://mdm.example.com"}, "url without api_key"),
        ({"dep_url": "https://d.example.com", "dep_name": "x"}, "dep_url and dep_name without dep_api_key"),
        ({"api_kye": "x"}, "no api_kye"),
        ({"driver": "jamf"}, "no MDM driver 'jamf'"),
        ({"content_token_path": "/x", "claim_content_token": True}, "needs mdm_id"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        driver_for(options)


def test_secrets_are_marked() -> None:
    assert {name for name, spec in OPTIONS.items() if spec.get("no_log")} == {
        "api_key",
        "dep_api_key",
        "password",
        "totp_secret",
    }


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/v1/pushcert"),
        ({"path_prefix": "/api/v1/nanomdm/"}, "/api/v1/nanomdm/pushcert"),
    ],
)
def test_path_prefix(far_side: FarSide, given: dict[str, str], path: str) -> None:
    push_port(far_side, **given).read(None)
    assert far_side.asked[0].path == f"{path}?topic={TOPIC}"


# Push certificate


def test_a_server_that_tells(far_side: FarSide) -> None:
    port = push_port(far_side)
    assert Ability.READ in port.abilities
    in_use = port.read(TOPIC)
    assert in_use and (in_use.identity, in_use.not_after) == (TOPIC, START + timedelta(days=365))
    assert len(far_side.asked) == 1, "the question for the abilities is the first read"
    port.read(TOPIC)
    assert len(far_side.asked) == 2, "only the first"


@pytest.mark.parametrize("answer", [NO_READ_BACK, Answer(405)], ids=["v0.9.0", "405"])
def test_a_server_that_does_not_tell(far_side: FarSide, answer: Answer) -> None:
    far_side.answers = [answer]
    port = push_port(far_side)
    assert port.abilities == {Ability.UPLOAD}
    assert port.abilities == {Ability.UPLOAD}
    assert [(each.method, each.body) for each in far_side.asked] == [("GET", b"")]
    with pytest.raises(ServiceError, match=r"after v0\.9\.0"):
        port.read(TOPIC)


@pytest.mark.parametrize(
    "words", ["push certificate not found", "sql: no rows in result set", "open x: no such file or directory"]
)
def test_a_server_without_a_certificate(far_side: FarSide, words: str) -> None:
    far_side.answers = [as_json({"error": words}, 500)]
    port = push_port(far_side)
    assert Ability.READ in port.abilities and port.read(TOPIC) is None


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401), AccessRefused, "key"),
        (Answer(404), ServiceError, "path_prefix"),
        (Answer(500, b"disk full"), ServiceError, "disk full"),
        (as_json({"topic": TOPIC, "not_after": "soon"}), ServiceError, "no readable expiry"),
        (Answer(200, b"<html>"), ServiceError, "not the JSON"),
    ],
)
def test_trouble_is_not_taken_for_a_server_that_does_not_tell(
    far_side: FarSide, answer: Answer, kind: type[Exception], words: str
) -> None:
    far_side.answers = [answer]
    with pytest.raises(kind, match=words):
        assert push_port(far_side).abilities


def test_the_topic_comes_from_the_certificate_that_the_inventory_names(far_side: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "push.pem"
    path.write_bytes(CERTIFICATE)
    port = push_port(far_side, push_topic=None, push_certificate_path=str(path))
    port.read(None)
    assert far_side.asked[0].path.endswith(TOPIC)
    assumed = port.assumed()
    assert assumed and (assumed.identity, assumed.serial) == (TOPIC, "AB12")


def test_topic_and_certificate_that_the_inventory_names_must_agree(far_side: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "push.pem"
    path.write_bytes(certificate("com.apple.mgmt.External.other"))
    with pytest.raises(ConfigurationError, match="External.other"):
        push_port(far_side, push_certificate_path=str(path)).assumed()


def test_without_a_topic_nothing_can_be_read(far_side: FarSide) -> None:
    with pytest.raises(ConfigurationError, match="push_topic"):
        push_port(far_side, push_topic=None).read(None)


def test_a_wrong_file_that_the_inventory_names(far_side: FarSide, tmp_path: Path) -> None:
    path = tmp_path / "push.pem"
    path.write_bytes(KEY_PEM)
    with pytest.raises(CredentialError, match=str(path)):
        push_port(far_side, push_certificate_path=str(path)).assumed()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        push_port(far_side, push_certificate_path=str(tmp_path / "none")).assumed()


def test_an_upload_is_the_leaf_and_its_plain_key(far_side: FarSide) -> None:
    in_use = push_port(far_side).upload(b"\xef\xbb\xbfnoise\n" + CERTIFICATE, b"noise\n" + KEY_PEM)
    asked = far_side.asked[0]
    assert (asked.method, asked.path) == ("PUT", "/v1/pushcert")
    assert asked.body == CERTIFICATE + KEY_PEM
    assert (in_use.identity, in_use.serial) == (TOPIC, "AB12") and "fingerprint_sha256" in in_use.facts


def test_after_an_upload_the_server_is_asked_again(far_side: FarSide) -> None:
    port = push_port(far_side)
    assert port.abilities
    port.upload(CERTIFICATE, KEY_PEM)
    port.read(TOPIC)
    assert [each.method for each in far_side.asked] == ["GET", "PUT", "GET"]


def test_another_topic_is_not_sent(far_side: FarSide) -> None:
    with pytest.raises(OtherOwner, match="do not press Create"):
        push_port(far_side).upload(certificate("com.apple.mgmt.External.other"), KEY_PEM)
    assert far_side.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {"topic": "com.apple.mgmt.External.other", "not_after": "2027-11-01T00:00:00Z"},
        {"topic": TOPIC, "not_after": "2026-12-24T00:00:00Z"},
    ],
)
def test_an_answer_that_tells_something_else(far_side: FarSide, answer: dict[str, str]) -> None:
    far_side.answers = [as_json(answer)]
    with pytest.raises(OtherOwner, match="stored something else"):
        push_port(far_side).upload(CERTIFICATE, KEY_PEM)


@pytest.mark.parametrize(
    "key", [None, b"", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----"]
)
def test_no_upload_without_a_plain_key(far_side: FarSide, key: bytes | None) -> None:
    with pytest.raises(ConfigurationError, match="unencrypted"):
        push_port(far_side).upload(CERTIFICATE, key)
    assert far_side.asked == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (as_json({"error": "tls: private key does not match public key"}, 400), ServiceError, "one and the same order"),
        (as_json({"error": "x509: odd"}, 400), ServiceError, "x509: odd"),
        (as_json({"error": "disk"}, 500), ServiceError, "disk"),
        (Answer(401), AccessRefused, "refused"),
    ],
)
def test_refused_uploads(far_side: FarSide, answer: Answer, kind: type[Exception], words: str) -> None:
    far_side.answers = [answer]
    with pytest.raises(kind, match=words) as caught:
        push_port(far_side).upload(CERTIFICATE, KEY_PEM)
    assert "PRIVATE KEY" not in str(caught.value)


def test_the_probe_is_an_ability_only_when_asked_for(far_side: FarSide) -> None:
    assert Ability.EXAMINE not in push_port(far_side).abilities
    assert Ability.EXAMINE in push_port(far_side, probe_apns=True).abilities


# Server token


def test_no_secret_of_a_token_goes_on(far_side: FarSide) -> None:
    far_side.answers = [as_json(TOKENS)]
    in_use = server_port(far_side).read(None)
    assert in_use and in_use.identity == "CK_1"
    assert in_use.not_after == datetime(2027, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
    assert "secret" not in repr(in_use)
    assert far_side.asked[0].path == "/v1/tokens/school%201"


def test_no_token_yet(far_side: FarSide) -> None:
    far_side.answers = [NOT_THERE]
    assert server_port(far_side).read(None) is None


def test_a_public_key_has_a_new_name_each_time(far_side: FarSide) -> None:
    far_side.answers = [Answer(200, CERTIFICATE)]
    port = server_port(far_side)
    assert port.request() == port.request() == CERTIFICATE
    assert len({each.path for each in far_side.asked}) == 2
    assert all("validity_days=365" in each.path for each in far_side.asked)


@pytest.mark.parametrize("answer", [Answer(503), Answer(200, b"<html>"), Answer(404)])
def test_a_public_key_is_asked_for_once(far_side: FarSide, answer: Answer) -> None:
    far_side.answers = [answer]
    with pytest.raises(ServiceError):
        server_port(far_side).request()
    assert len(far_side.asked) == 1


def test_a_token_is_sent_as_it_came(far_side: FarSide) -> None:
    far_side.answers = [as_json(TOKENS)]
    in_use = server_port(far_side).upload(b"MIME\r\n", None)
    assert (far_side.asked[0].method, far_side.asked[0].body) == ("PUT", b"MIME\r\n")
    assert far_side.asked[0].path == "/v1/tokenpki/school%201", "never force"
    assert in_use.identity == "CK_1"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (as_json({"error": "mismatched consumer key"}, 500), OtherOwner, "goes on with the token it has"),
        (
            as_json({"error": "pkcs7: no enveloped recipient for provided certificate"}, 500),
            RequestLost,
            "newer key pair",
        ),
        (as_json({"error": "crypto/rsa: decryption error"}, 500), RequestLost, "newer key pair"),
        (NOT_THERE, RequestLost, "has no key pair"),
        (as_json({"error": "malformed MIME header"}, 500), FileRefused, "as it was downloaded"),
        (Answer(400, b"Bad Request"), FileRefused, "download it again"),
        (as_json({"error": "storage: out of order"}, 500), ServiceError, "out of order"),
        (Answer(401), AccessRefused, "refused"),
        (Answer(404), ServiceError, "dep_url"),
    ],
)
def test_refused_tokens(far_side: FarSide, answer: Answer, kind: type[Exception], words: str) -> None:
    far_side.answers = [answer]
    with pytest.raises(kind, match=words):
        server_port(far_side).upload(b"p7m", None)


def test_check_asks_apple_through_nanodep(far_side: FarSide) -> None:
    far_side.answers = [as_json({"server_uuid": "U", "server_name": "N", "org_name": "O", "admin_id": "a@b"})]
    assert server_port(far_side).check() == {"server_uuid": "U", "server_name": "N", "org_name": "O"}
    assert far_side.asked[0].path == "/proxy/school%201/account"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(502, b"token_rejected"), AccessRefused, "newer token"),
        (Answer(502, b'"FORBIDDEN"'), AccessRefused, "lost its role"),
        (Answer(502, b"T_C_NOT_SIGNED"), TermsNotSigned, "accepts the terms"),
        (Answer(403, b'"T_C_NOT_SIGNED"'), TermsNotSigned, "accepts the terms"),
        (Answer(401, b"UNAUTHORIZED"), AccessRefused, "newer token"),
        (
            Answer(401, b"Unauthorized", {"WWW-Authenticate": 'Basic realm="depserver"'}),
            ConfigurationError,
            "dep_api_key",
        ),
        (Answer(502, b""), ServiceError, "no token under that name"),
        (Answer(502, b"<h1>503"), ServiceError, "some minutes"),
    ],
)
def test_what_check_says(far_side: FarSide, answer: Answer, kind: type[Exception], words: str) -> None:
    far_side.answers = [answer]
    with pytest.raises(kind, match=words) as caught:
        server_port(far_side).check()
    assert caught.value.__class__ is kind
    assert len(far_side.asked) == 1


# The daily path


def test_reading_needs_no_heavy_library(far_side: FarSide, tmp_path: Path) -> None:
    code = f"""
import sys
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
driver = driver_for({{"url": {far_side.url!r}, "api_key": "k", "push_topic": {TOPIC!r}, "dep_url": {far_side.url!r},
    "dep_api_key": "k", "dep_name": "n", "content_token_path": {str(tmp_path / "none")!r}}})
assert driver.push_certificate.abilities and driver.push_certificate.read(None)
try:
    driver.server_token.read(None)
except Exception as error:
    print(error)
assert driver.content_token.read(None) is None
heavy = {{"cryptography", "asn1crypto", "httpx", "requests_oauthlib", "sqlalchemy", "jinja2"}}
found = heavy & {{name.partition(".")[0] for name in sys.modules}}
ours = sorted(name for name in sys.modules if name.endswith(("apple.apns", "apple.ade", "credentials.push_certificate")))
sys.exit(f"imported: {{found}} {{ours}}" if found or ours else 0)
"""
    paths = [str(Path(mdm.__file__).parents[6]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
