# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import plistlib
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, CredentialError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials import push_request
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import (
    NOW,
    csr,
    key_pem,
    openssl,
    p7m,
    pem,
    self_signed,
    vendor_chain,
)


def sign(request: bytes | None = None, **changes: Any) -> bytes:
    vendor, chain = vendor_chain()
    given: dict[str, Any] = {
        "vendor_certificate": vendor,
        "vendor_private_key": key_pem("vendor"),
        "vendor_passphrase": None,
        "chain": chain,
        "now": NOW,
    }
    return push_request.sign_push_request(request or csr(), **{**given, **changes})


def test_openssl_takes_key_and_request() -> None:
    private_key = push_request.make_private_key("a long passphrase")
    assert b"ENCRYPTED" in private_key
    request = push_request.make_csr(
        private_key, "a long passphrase", common_name="年度 MDM", email="admin@example.com", country="jp"
    )
    shown = openssl("req", "-verify", "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus", data=request).decode()
    assert shown.strip() == "subject=C=JP,CN=年度 MDM,emailAddress=admin@example.com"
    assert b"2048 bit" in openssl("req", "-noout", "-text", data=request)
    openssl("pkey", "-noout", "-passin", "pass:a long passphrase", data=private_key)
    plain = push_request.decrypt_private_key(private_key, "a long passphrase")
    assert plain.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert push_request.public_key_sha256(plain) == push_request.public_key_sha256(request)
    assert push_request.public_key_sha256(private_key, "a long passphrase") == push_request.public_key_sha256(request)


def test_openssl_verifies_the_upload_file() -> None:
    parts = plistlib.loads(base64.b64decode(sign()))
    assert set(parts) == {"PushCertRequestCSR", "PushCertCertificateChain", "PushCertSignature"}
    certificates = parts["PushCertCertificateChain"].encode()
    blocks = [
        block + b"-----END CERTIFICATE-----\n" for block in certificates.split(b"-----END CERTIFICATE-----\n")[:-1]
    ]
    assert len(blocks) == 3
    assert {len(line) for block in blocks for line in block.splitlines()[1:-2]} == {64}
    request = base64.b64decode(parts["PushCertRequestCSR"])
    openssl("req", "-inform", "DER", "-verify", "-noout", data=request)
    openssl(
        "dgst", "-sha256", "-verify", "{key}", "-signature", "{signature}",
        data=request, key=openssl("x509", "-noout", "-pubkey", data=blocks[0]),
        signature=base64.b64decode(parts["PushCertSignature"]),
    )  # fmt: skip
    checked = openssl(
        "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", "{root}", "-untrusted", "{wwdr}", "{vendor}",
        root=blocks[2], wwdr=blocks[1], vendor=blocks[0],
    )  # fmt: skip
    assert checked.strip().endswith(b"OK")


def test_the_key_that_a_signed_request_is_for() -> None:
    request = csr()
    assert push_request.request_public_key_sha256(sign(request)) == push_request.public_key_sha256(request)
    assert push_request.request_public_key_sha256(b"no request at all") is None


def test_the_chain_is_put_in_order() -> None:
    vendor, chain = vendor_chain()
    wwdr, root = (block + b"-----END CERTIFICATE-----\n" for block in chain.split(b"-----END CERTIFICATE-----\n")[:2])
    assert (
        plistlib.loads(base64.b64decode(sign(chain=root + wwdr)))["PushCertCertificateChain"].encode() == vendor + chain
    )
    assert sign(vendor_certificate=vendor + wwdr, chain=root)


SIGNING: dict[str, Any] = {
    "expired": (lambda: {"vendor_certificate": vendor_chain(days=99)[0]}, "vendor_expired"),
    "not yet valid": (lambda: {"vendor_certificate": vendor_chain(not_before=NOW + timedelta(1))[0]}, "vendor_not_yet_valid"),
    "other key": (lambda: {"vendor_private_key": key_pem("push")}, "vendor_key_mismatch"),
    "no root": (lambda: {"chain": vendor_chain()[1].split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"}, "chain_incomplete"),
    "other chain": (lambda: {"chain": pem(self_signed("Root", "other"))}, "chain_incomplete"),
    "no chain": (lambda: {"chain": b""}, "vendor_unreadable"),
    "no certificate": (lambda: {"vendor_certificate": csr()}, "vendor_unreadable"),
    "locked key": (lambda: {"vendor_private_key": key_pem("vendor", b"x")}, "private_key_unreadable"),
    "no CSR": (lambda: {"request": b"x"}, "request_csr_damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code"), SIGNING.values(), ids=SIGNING.keys())
def test_no_upload_file_that_apple_would_refuse(changes: Any, code: str) -> None:
    with pytest.raises(CredentialError) as caught:
        sign(**changes())
    assert caught.value.details["verdict"]["code"] == code


def altered(**changes: str) -> bytes:
    parts = plistlib.loads(base64.b64decode(sign()))
    return base64.b64encode(plistlib.dumps({name: value for name, value in (parts | changes).items() if value}))


def elliptic_csr() -> bytes:
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    return openssl("req", "-new", "-key", "{key}", "-subj", "/CN=x", key=key)


def signed_by_openssl(request: bytes) -> bytes:
    der = openssl("req", "-outform", "DER", data=request)
    signature = openssl("dgst", "-sha256", "-sign", "{key}", data=der, key=key_pem("vendor"))
    return altered(
        PushCertRequestCSR=base64.b64encode(der).decode(), PushCertSignature=base64.b64encode(signature).decode()
    )


def one_line_chain() -> str:
    return "".join(vendor_chain()[0].decode().splitlines()[1:-1]).join(
        ("-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n")
    ) + vendor_chain()[1].decode()  # fmt: skip


REQUESTS: dict[str, Any] = {
    "as signed": (sign, "accepted"),
    "in lines": (lambda: b"\r\n".join([sign()[:100], sign()[100:]]), "accepted"),
    "by openssl": (lambda: signed_by_openssl(csr()), "accepted"),
    "other CSR": (lambda: signed_by_openssl(csr("other")), "request_of_other_key"),
    "wrong signature": (lambda: altered(PushCertSignature="AAAA"), "request_signature_wrong"),
    "no signature": (lambda: altered(PushCertSignature=""), "request_incomplete"),
    "no CSR": (lambda: altered(PushCertRequestCSR=""), "request_incomplete"),
    "bad CSR": (lambda: altered(PushCertRequestCSR="AAAA"), "request_csr_damaged"),
    "bad chain": (lambda: altered(PushCertCertificateChain="AAAA"), "vendor_unreadable"),
    "short chain": (lambda: altered(PushCertCertificateChain=vendor_chain()[0].decode()), "chain_incomplete"),
    "one long line": (lambda: altered(PushCertCertificateChain=one_line_chain()), "request_long_lines"),
    "not encoded": (lambda: base64.b64decode(sign()), "request_damaged"),
    "list": (lambda: base64.b64encode(plistlib.dumps([1])), "property_list"),
    "words": (lambda: b"thank you for your request", "request_damaged"),
    "CSR itself": (csr, "is_csr"),
    "page": (lambda: b"<html>", "html_page"),
    "long": (lambda: b"A" * (1 << 21), "too_long"),
}


@pytest.mark.parametrize(("make", "code"), REQUESTS.values(), ids=REQUESTS.keys())
def test_requests_that_others_signed(make: Any, code: str) -> None:
    assert push_request.judge_push_request(make(), csr=csr(), now=NOW).code == code


def test_only_rsa_2048() -> None:
    request = elliptic_csr()
    assert push_request.judge_push_request(signed_by_openssl(request), csr=request, now=NOW).code == "request_weak_key"


def test_names_that_a_request_cannot_carry() -> None:
    for names in ({"country": "Japan"}, {"email": "管理者@example.com"}, {"common_name": "x" * 65}):
        given = {"common_name": "x", "email": "a@example.com", "country": "JP", **names}
        with pytest.raises(ConfigurationError, match="two letters"):
            push_request.make_csr(key_pem("push"), None, **given)


def test_wrong_passphrase() -> None:
    for passphrase in (None, "y"):
        with pytest.raises(CredentialError) as caught:
            push_request.decrypt_private_key(key_pem("push", b"x"), passphrase)
        assert caught.value.details["verdict"]["code"] == "private_key_unreadable"


def test_mdmcert_download() -> None:
    certificate, private_key = push_request.make_delivery_certificate()
    sent = openssl(
        "smime", "-encrypt", "-aes256", "-binary", "-outform", "DER", "{c}", data=sign(), c=certificate
    ).hex()  # fmt: skip
    assert push_request.open_signed_request(sent.encode() + b"\n", certificate, private_key) == sign()
    for wrong in (sent[:-200].encode(), b"hello", p7m("-aes256", outform="DER").hex().encode()):
        with pytest.raises(CredentialError) as caught:
            push_request.open_signed_request(wrong, certificate, private_key)
        assert caught.value.details["verdict"]["code"] == "delivery_unreadable"
