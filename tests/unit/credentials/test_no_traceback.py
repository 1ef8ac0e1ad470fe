# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No input of any kind makes anything but a verdict (judge_*) or a CredentialError (parse_*, decrypt_*)."""

from __future__ import annotations

import base64
import functools
import json
import plistlib
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import CredentialError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.content_token import (
    judge_content_token,
    parse_content_token,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.files import look
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_certificate import (
    judge_push_certificate,
    parse_push_certificate,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import (
    judge_push_request,
    open_signed_request,
    public_key_sha256,
    sign_push_request,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.reasons import REASONS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import (
    decrypt_server_token,
    judge_server_token,
    parse_server_token_json,
)
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import (
    NOW,
    TOPIC,
    content_token,
    csr,
    der,
    folded,
    key_pem,
    openssl,
    p7m,
    pem,
    push_certificate,
    self_signed,
    token_json,
    vendor_chain,
)
from hypothesis import given, settings
from hypothesis import strategies as st

OURS: dict[str, Any] = {"certificate": pem(self_signed()), "private_key": key_pem("ade")}
settings.register_profile("short", deadline=None, max_examples=80)
settings.load_profile("short")


def check(data: bytes) -> None:
    found = [
        judge_push_certificate(
            data,
            now=NOW,
            topic=TOPIC,
            public_key_sha256="00",
            serial_in_use="1",
            not_after_in_use=NOW,
            issuer_in_use="CN=x",
            other_requests={"a": "b"},
        ),
        judge_server_token(data, now=NOW, **OURS, consumer_key="CK_", not_after_in_use=NOW + timedelta(1)),
        judge_server_token(data, now=NOW, certificate=None),
        judge_content_token(data, now=NOW, organization="x", fingerprint_in_use="0", not_after_in_use=NOW),
        judge_push_request(data, csr=csr_in_use(), now=NOW),
    ]
    boxes = ("push_certificate", "server_token", "server_token", "content_token", "push_request")
    for box, one in zip(boxes, found, strict=True):
        assert box in REASONS[one.code].credentials, (box, one.code)
        json.dumps(one.as_dict(), ensure_ascii=False, allow_nan=False).encode("utf-8")
        assert one.accepted or (one.reason.en and one.cure.ja)
    for parse in (
        parse_push_certificate,
        parse_content_token,
        parse_server_token_json,
        public_key_sha256,
        lambda data: decrypt_server_token(data, **OURS),
        lambda data: open_signed_request(data, **OURS),
    ):
        try:
            parse(data)
        except CredentialError as error:
            assert not error.details["verdict"]["accepted"]


@functools.cache
def csr_in_use() -> bytes:
    return csr()


@functools.cache
def upload_file() -> bytes:
    vendor, chain = vendor_chain()
    return sign_push_request(
        csr_in_use(),
        vendor_certificate=vendor,
        vendor_private_key=key_pem("vendor"),
        vendor_passphrase=None,
        chain=chain,
        now=NOW,
    )


REAL: dict[str, Any] = {
    "certificate": lambda: pem(push_certificate()),
    "certificate in DER": lambda: der(push_certificate()),
    "public key": lambda: pem(self_signed()),
    "CSR": csr_in_use,
    "private key": lambda: key_pem("push"),
    "upload file": upload_file,
    "server token": lambda: p7m("-aes128", "-stream"),
    "server token in BER": lambda: p7m("-aes128", "-stream", outform="DER"),
    "server token in DER": lambda: p7m("-aes256", outform="DER"),
    "server token in clear": lambda: folded(token_json()),
    "content token": content_token,
    "mdmcert.download": lambda: p7m("-aes256", outform="DER").hex().encode(),
}
real = st.sampled_from(sorted(REAL)).map(lambda kind: REAL[kind]())
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
moments = st.text(max_size=30) | st.from_regex(r"-?[0-9]{1,6}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,12}(Z|[+-][0-9:]{4,6})?")


@given(st.binary(max_size=600))
def test_noise(data: bytes) -> None:
    check(data)


@given(st.text(max_size=600))
def test_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@given(real, st.data())
def test_real_files_with_changes(whole: bytes, data: Any) -> None:
    changed = bytearray(whole)
    for _change in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    check(bytes(changed))


@given(real, st.integers(0, 4000), st.integers(0, 4000))
def test_real_files_cut(whole: bytes, start: int, end: int) -> None:
    check(whole[start % (len(whole) + 1) :])
    check(whole[: end % (len(whole) + 1)])


@given(real, real, st.integers(0, 4000))
def test_real_files_mixed(first: bytes, second: bytes, at: int) -> None:
    check(first[: at % len(first)] + second + first[at % len(first) :])


@given(real, st.lists(st.sampled_from([base64.b64encode, base64.encodebytes, bytes.hex]), min_size=1, max_size=5))
def test_real_files_wrapped_again(whole: bytes, wrappings: list[Any]) -> None:
    for wrap in wrappings:
        packed = wrap(whole)
        whole = packed.encode() if isinstance(packed, str) else packed
    check(whole)


@given(
    st.binary(max_size=400), st.sampled_from(["CERTIFICATE", "CERTIFICATE REQUEST", "PRIVATE KEY", "PKCS7", "CMS", "X"])
)
def test_rubbish_between_pem_lines(data: bytes, label: str) -> None:
    check(b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), base64.encodebytes(data), label.encode()))


@given(json_values)
def test_json(value: Any) -> None:
    text = json.dumps(value).encode()
    check(text)
    check(base64.b64encode(text))


@given(
    st.fixed_dictionaries({}, optional={"token": json_values, "expDate": json_values | moments, "orgName": json_values})
)
def test_content_tokens(parts: dict[str, Any]) -> None:
    check(content_token(**parts))


@given(st.fixed_dictionaries({}, optional={"consumer_key": json_values, "access_token_expiry": json_values | moments}))
def test_server_tokens(parts: dict[str, Any]) -> None:
    check(folded(token_json(**parts)))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "PushCertRequestCSR": st.text("ABCab+/=\n", max_size=50),
            "PushCertCertificateChain": st.text("ABC-=\n", max_size=50) | st.just(pem(push_certificate()).decode()),
            "PushCertSignature": st.text("ABC", max_size=20) | st.integers(0, 5),
        },
    )
)
def test_requests(parts: dict[str, Any]) -> None:
    whole = plistlib.loads(base64.b64decode(upload_file()))
    check(base64.b64encode(plistlib.dumps(whole | parts)))


NESTED = 200_000
ODD: dict[str, bytes] = {
    "deep JSON": b"[" * NESTED,
    "deep JSON objects": b'{"a":' * NESTED,
    "deep JSON in base64": base64.b64encode(b'{"token":' + b"[" * NESTED),
    "deep JSON in MESSAGE lines": b"-----BEGIN MESSAGE-----" + b'{"a":' * 50_000 + b"-----END MESSAGE-----",
    "deep property list": base64.b64encode(b'<?xml version="1.0"?><plist>' + b"<array>" * 80_000),
    "deep DER": b"\x30\x80" * NESTED,
    "deep DER in PEM": b"-----BEGIN CMS-----\n" + base64.b64encode(b"\x30\x80" * 50_000) + b"\n-----END CMS-----",
    "deep BER in CMS": bytes.fromhex("308006092a864886f70d010703a080") + b"\x30\x80" * NESTED + bytes(4),
    "deep BER string": bytes.fromhex("308006092a864886f70d010703a080308002010031803080")
    + b"\x24\x80" * NESTED
    + bytes(4),
    "many BEGINs": b"-----BEGIN CERTIFICATE-----\n" * 30_000,
    "many ENDs": b"-----END CERTIFICATE-----\n" * 30_000,
    "many blocks": b"-----BEGIN X-----\n-----END X-----\n" * 20_000,
    "many headers": b"A: b\n" * 200_000,
    "many blanks": b"A" + b" \n" * 500_000,
    "many braces": b"{" * (1 << 20),
    "long number": b'{"token":' + b"9" * 500_000 + b"}",
    "long number in base64": base64.b64encode(b'{"token":' + b"9" * 500_000 + b',"expDate":1e999}'),
    "entities": base64.b64encode(b'<!DOCTYPE plist [<!ENTITY a "b">]><plist><string>&a;</string></plist>'),
    "NaN": base64.b64encode(b'{"token":NaN,"expDate":NaN,"orgName":NaN}'),
    "lone surrogate": base64.b64encode(b'{"token":"\\ud800","expDate":"\\ud800","orgName":"\\ud800"}'),
    "length of all ones": b"\x30\x84\xff\xff\xff\xff" + bytes(50),
    "reserved length": b"\x30\xff" + bytes(200),
    "one byte": b"\x30",
    "two bytes": b"\x30\x82",
    "hex of odd length": b"3" * 101,
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_made_to_break(data: bytes) -> None:
    check(data)


def patched(old: bytes, new: bytes) -> bytes:
    """A certificate with a few bytes changed for as many others."""
    whole = der(push_certificate())
    assert old in whole and len(old) == len(new)
    return whole.replace(old, new)


CERTIFICATES: dict[str, Any] = {
    "month 13": lambda: patched(b"271123040506Z", b"271323040506Z"),
    "blank date": lambda: patched(b"271123040506Z", b"             "),
    "negative serial": lambda: patched(bytes.fromhex("02081234567890abcdef"), bytes.fromhex("0208f234567890abcdef")),
    "serial 0": lambda: patched(bytes.fromhex("02081234567890abcdef"), bytes.fromhex("02080000000000000000")),
    "version 5": lambda: patched(bytes.fromhex("a003020102"), bytes.fromhex("a003020105")),
    "extension twice": lambda: patched(bytes.fromhex("551d25"), bytes.fromhex("551d0f")),
    "broken extension": lambda: patched(bytes.fromhex("551d0f"), bytes.fromhex("551d25")),
    "name of no known letters": lambda: patched(b"APSP:1111", b"\xff\xfe\x00\n\x1b[31m"),
    "topic with a line break": lambda: patched(b"com.apple.mgmt.E", b"com.apple.mgmt\n."),
    "key of another kind": lambda: patched(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010107")),
    "key of no kind": lambda: patched(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01017f")),
    "country of one letter": lambda: patched(bytes.fromhex("550406") + b"\x13\x02US", bytes.fromhex("550406") + b"\x05\x02US"),
    "with more after it": lambda: der(push_certificate()) + b"more",
    "no names": lambda: openssl(
        "req", "-x509", "-key", "{k}", "-subj", "/", "-days", "1", "-outform", "DER", k=key_pem("push")
    ),
    "elliptic": lambda: openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "{k}",
        "-subj", "/UID=com.apple.mgmt.External.x/CN=APSP:x", "-days", "1", k=b"",
    ),
    "Edwards": lambda: openssl(
        "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "{k}", "-subj", "/CN=x", "-days", "1", k=b""
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_weird_certificates(make: Any) -> None:
    check(make())
    check(base64.b64encode(make()))


@pytest.mark.parametrize("kind", REAL)
def test_cut_after_any_byte(kind: str) -> None:
    whole = REAL[kind]()
    assert {look(whole[:end]).kind for end in range(len(whole))} <= REASONS.keys()
    assert {look(whole[start:]).kind for start in range(len(whole))} <= REASONS.keys()


def test_over_long_input_is_not_parsed() -> None:
    data = b"{" + b" " * (1 << 20)
    assert look(data).kind == "too_long"
    check(data)
