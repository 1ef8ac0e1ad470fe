# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, CredentialError
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import from_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import (
    ServerToken,
    decrypt_server_token,
    judge_server_token,
    make_server_token_key_pair,
    parse_server_token_json,
)
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import (
    EXPIRY,
    NOW,
    folded,
    key_pem,
    openssl,
    p7m,
    pem,
    self_signed,
    token_json,
)

CONSUMER_KEY = parse_server_token_json(token_json()).consumer_key


def judge(data: bytes, **changes: Any) -> Any:
    known: dict[str, Any] = {
        "now": NOW,
        "certificate": pem(self_signed()),
        "private_key": key_pem("ade"),
        "consumer_key": CONSUMER_KEY,
        "not_after_in_use": NOW + timedelta(days=20),
    }
    return judge_server_token(data, **{**known, **changes})


def opened(data: bytes) -> ServerToken:
    return decrypt_server_token(data, certificate=pem(self_signed()), private_key=key_pem("ade"))


@pytest.mark.parametrize("outform", ["SMIME", "PEM", "DER"])
@pytest.mark.parametrize("cipher", ["-aes128", "-aes192", "-aes256", "-des3"])
@pytest.mark.parametrize("length", [(), ("-stream",)], ids=["definite", "indefinite"])
@pytest.mark.parametrize("program", ["smime", "cms"])
def test_what_openssl_writes(program: str, length: tuple[str, ...], cipher: str, outform: str) -> None:
    data = p7m(cipher, *length, program=program, outform=outform)
    token = opened(data)
    assert token.consumer_key == CONSUMER_KEY
    assert token.access_token_expiry == from_iso(EXPIRY)
    assert judge(data).as_dict()["facts"] == {
        "decrypted": True,
        "consumer_key": CONSUMER_KEY,
        "not_after": EXPIRY,
        "date": "2027-11-23",
    }


def test_indefinite_lengths_are_really_there() -> None:
    assert p7m("-aes128", "-stream", outform="DER")[:2] == b"\x30\x80"
    assert p7m("-aes128", outform="DER")[:2] == b"\x30\x82"


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(("-keyid",), id="by key identifier"),
        pytest.param(("-keyopt", "rsa_padding_mode:oaep"), id="OAEP"),
        pytest.param(("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"), id="OAEP with SHA-256"),
    ],
)
def test_other_recipient_forms(flags: tuple[str, ...]) -> None:
    certificate, private_key = make_server_token_key_pair("nendo")
    data = openssl(
        "cms",
        "-encrypt",
        "-aes256",
        "-outform",
        "DER",
        "-recip",
        "{c}",
        *flags,
        data=folded(token_json()),
        c=certificate,
    )
    token = decrypt_server_token(data, certificate=certificate, private_key=private_key)
    assert token.consumer_key == CONSUMER_KEY


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda whole: whole.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(lambda whole: b"\xef\xbb\xbf" + whole, id="bom"),
        pytest.param(lambda whole: b"\r\n" + whole + b"\r\n\r\n", id="blanks"),
        pytest.param(lambda whole: whole.split(b"\n\n", 1)[1], id="bare base64"),
        pytest.param(lambda whole: b"".join(whole.split(b"\n\n", 1)[1].split()), id="one line"),
        pytest.param(lambda whole: base64.b64decode(whole.split(b"\n\n", 1)[1]) + b"\n", id="DER and a line break"),
    ],
)
def test_harmless_wrappings(wrap: Any) -> None:
    assert opened(wrap(p7m("-aes128", "-stream"))).consumer_key == CONSUMER_KEY


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(token_json(), id="bare"),
        pytest.param(folded(token_json(), 16), id="short lines"),
        pytest.param(b"Content-Type: text/plain\n\n" + token_json().replace(b", ", b",\n  "), id="indented"),
        pytest.param(b"\xef\xbb\xbf" + token_json(), id="bom"),
    ],
)
def test_forms_of_the_content(content: bytes) -> None:
    assert parse_server_token_json(content).consumer_key == CONSUMER_KEY


def inside(**changes: Any) -> bytes:
    return p7m("-aes128", content=folded(token_json(**changes)))


WRONG: dict[str, Any] = {
    "another server's": (lambda: p7m("-aes128", owner="other"), {}, "other_recipient"),
    "another entry's": (lambda: inside(consumer_key="CK_other"), {}, "other_consumer_key"),
    "the one in use": (inside, {"not_after_in_use": from_iso(EXPIRY)}, "same_as_in_use"),
    "older": (inside, {"not_after_in_use": from_iso(EXPIRY) + timedelta(1)}, "older_than_in_use"),
    "expired": (inside, {"now": from_iso(EXPIRY), "not_after_in_use": None}, "expired"),
    "lacks a part": (lambda: inside(access_secret=None), {}, "incomplete_server_token"),
    "a part is a number": (lambda: inside(access_secret=5), {}, "incomplete_server_token"),
    "no expiry": (lambda: inside(access_token_expiry=None), {}, "expiry_missing"),
    "odd expiry": (lambda: inside(access_token_expiry="next year"), {}, "expiry_unreadable"),
    "expiry in the year 99999": (lambda: inside(access_token_expiry="99999-01-01T00:00:00Z"), {}, "expiry_unreadable"),
    "something else inside": (lambda: p7m("-aes128", content=b"hello"), {}, "unexpected_content"),
    "Camellia": (lambda: p7m("-camellia128"), {}, "unsupported_encryption"),
    "our keys are no pair": (inside, {"private_key": key_pem("other")}, "own_key_mismatch"),
    "our key is locked": (inside, {"private_key": key_pem("ade", b"x")}, "private_key_unreadable"),
    "our certificate is none": (inside, {"certificate": b"x"}, "own_certificate_unreadable"),
}


@pytest.mark.parametrize(("make", "known", "code"), WRONG.values(), ids=WRONG.keys())
def test_wrong_tokens(make: Any, known: dict[str, Any], code: str) -> None:
    found = judge(make(), **known)
    assert (found.accepted, found.code) == (False, code)
    assert "?" not in found.reason.en + found.reason.ja + found.cure.en + found.cure.ja


def test_altered_on_the_way() -> None:
    whole = bytearray(p7m("-aes128", outform="DER"))
    whole[-17] ^= 1  # the last bit before the last block of 16 bytes: wrong padding, whatever the key
    assert judge(bytes(whole)).code in ("cannot_decrypt", "unexpected_content")


def test_same_issuer_and_serial_but_another_key() -> None:
    """Servers that number every certificate 1 cannot tell by the recipient."""
    assert judge(p7m("-aes128"), certificate=pem(self_signed("ade", "other")), private_key=key_pem("other")).code in (
        "cannot_decrypt",
        "unexpected_content",
    )


def test_without_our_key_only_the_recipient_is_judged() -> None:
    assert judge(p7m("-aes128"), private_key=None).as_dict()["facts"] == {"decrypted": False}
    assert judge(p7m("-aes128", owner="other"), private_key=None).code == "other_recipient"
    assert judge(p7m("-aes128"), private_key=None, certificate=None).accepted


def test_key_pair_for_apple() -> None:
    certificate, private_key = make_server_token_key_pair("nendo")
    openssl("verify", "-CAfile", "{c}", "{c}", c=certificate)
    assert b"2048 bit" in openssl("x509", "-noout", "-text", data=certificate)
    assert openssl("pkey", "-pubout", data=private_key) == openssl("x509", "-noout", "-pubkey", data=certificate)
    with pytest.raises(ConfigurationError):
        make_server_token_key_pair("")


def test_secrets_are_not_shown() -> None:
    token = opened(p7m("-aes128"))
    shown = repr(token) + repr(judge(p7m("-aes128")))
    with pytest.raises(CredentialError) as caught:
        opened(inside(access_token_expiry="soon"))
    shown += str(caught.value) + repr(caught.value.details)
    assert not any(secret in shown for secret in (token.consumer_secret, token.access_token, token.access_secret))
