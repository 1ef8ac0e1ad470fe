# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every kind of file a tired person can pick, in each of the three boxes."""

from __future__ import annotations

import base64
import io
import json
import plistlib
import tarfile
import zipfile
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.content_token import judge_content_token
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_certificate import judge_push_certificate
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import sign_push_request
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import judge_server_token
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.verdicts import Verdict
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import (
    NOW,
    TOPIC,
    certificate,
    content_token,
    csr,
    der,
    folded,
    key_pem,
    name,
    openssl,
    p7m,
    pem,
    push_certificate,
    self_signed,
    token_json,
    vendor_chain,
)


def boxes(data: bytes) -> dict[str, Verdict]:
    return {
        "push": judge_push_certificate(data, now=NOW, topic=TOPIC, public_key_sha256=None),
        "server": judge_server_token(data, now=NOW, certificate=pem(self_signed()), private_key=key_pem("ade")),
        "content": judge_content_token(data, now=NOW),
    }


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file, content in files.items():
            archive.writestr(file.replace("__", "/"), content)
    return packed.getvalue()


def tarred() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("MDM_Certificate.pem"), io.BytesIO())
    return packed.getvalue()


def upload_file() -> bytes:
    vendor, chain = vendor_chain()
    return sign_push_request(
        csr(),
        vendor_certificate=vendor,
        vendor_private_key=key_pem("vendor"),
        vendor_passphrase=None,
        chain=chain,
        now=NOW,
    )


PROFILE = plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": []})
PAGE = b"<!DOCTYPE html>\n<html><head><title>502</title></head><body>Bad Gateway</body></html>"
SIGN_IN = b'<html><body><form action="https://idmsa.apple.com/appleauth/auth/signin">Sign in</form></body></html>'

EVERYWHERE: dict[str, Any] = {
    "nothing at all": (lambda: b"", "empty"),
    "blanks": (lambda: b" \r\n\t\n", "blank"),
    "a BOM alone": (lambda: b"\xef\xbb\xbf\n", "blank"),
    "zero bytes": (lambda: bytes(4096), "blank"),
    "two megabytes": (lambda: b"A" * (2 << 20), "too_long"),
    "UTF-16 with BOM": (lambda: pem(push_certificate()).decode().encode("utf-16"), "utf16"),
    "UTF-16 without BOM": (lambda: content_token().decode().encode("utf-16-le"), "utf16"),
    "web page": (lambda: PAGE, "html_page"),
    "web page with BOM": (lambda: b"\xef\xbb\xbf" + PAGE, "html_page"),
    "web archive": (lambda: b"From: <Saved by Blink>\nMIME-Version: 1.0\n\nx", "html_page"),
    "Apple's sign-in page": (lambda: SIGN_IN, "apple_sign_in_page"),
    "JSON error": (lambda: b'{"errorNumber": 9646, "errorMessage": "Too many requests"}', "json_error"),
    "other JSON": (lambda: b'{"devices": []}', "other_json"),
    "zip": (lambda: zipped(MDM_Certificate=b"x"), "zip_archive"),
    "gzip": (lambda: b"\x1f\x8b\x08\x00rest", "gzip_archive"),
    "tar": (tarred, "other_archive"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1crest", "other_archive"),
    "PDF": (lambda: b"%PDF-1.7 rest", "pdf"),
    "PNG": (lambda: b"\x89PNG\r\n\x1a\nrest", "image"),
    "HEIC": (lambda: b"\x00\x00\x00\x18ftypheic", "image"),
    "RTF": (lambda: b"{\\rtf1\\ansi -----BEGIN CERTIFICATE-----}", "rtf"),
    "Word": (lambda: zipped(**{"[Content_Types].xml": b"", "word__document.xml": b""}), "office_document"),
    "old Word": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "office_document"),
    "mail": (lambda: b"From: a@example.com\nSubject: token\n\nattached", "email_message"),
    "webloc": (lambda: plistlib.dumps({"URL": "https://example.com/"}), "shortcut"),
    "binary webloc": (lambda: plistlib.dumps({"URL": "https://example.com/"}, fmt=plistlib.FMT_BINARY), "shortcut"),
    "url": (lambda: b"[InternetShortcut]\r\nURL=https://example.com/\r\n", "shortcut"),
    "lnk": (lambda: b"L\x00\x00\x00\x01\x14\x02\x00rest", "shortcut"),
    "AppleDouble": (lambda: b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "mac_shadow_file"),
    "DS_Store": (lambda: b"\x00\x00\x00\x01Bud1", "mac_shadow_file"),
    "profile": (lambda: PROFILE, "mobileconfig"),
    "signed profile": (
        lambda: openssl("smime", "-sign", "-nodetach", "-outform", "DER", "-signer", "{c}", "-inkey", "{k}",
                        data=PROFILE, c=pem(self_signed()), k=key_pem("ade")),
        "mobileconfig",
    ),
    "other property list": (lambda: plistlib.dumps({"a": 1}), "property_list"),
    "PKCS#12": (
        lambda: openssl("pkcs12", "-export", "-in", "{c}", "-inkey", "{k}", "-passout", "pass:x",
                        c=pem(self_signed()), k=key_pem("ade")),
        "pkcs12",
    ),
    "private key": (lambda: key_pem("push"), "is_private_key"),
    "locked private key": (lambda: key_pem("push", b"x"), "is_private_key"),
    "private key in DER": (lambda: openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=key_pem("push")), "is_private_key"),
    "locked key in DER": (lambda: openssl("pkcs8", "-topk8", "-passout", "pass:x", "-outform", "DER", data=key_pem("push")), "is_private_key"),
    "PKCS#1 key": (lambda: openssl("rsa", "-traditional", data=key_pem("push")), "is_private_key"),
    "PKCS#1 key in DER": (lambda: openssl("rsa", "-traditional", "-outform", "DER", data=key_pem("push")), "is_private_key"),
    "public key": (lambda: openssl("rsa", "-pubout", data=key_pem("push")), "is_public_key"),
    "public key in DER": (lambda: openssl("rsa", "-pubout", "-outform", "DER", data=key_pem("push")), "is_public_key"),
    "CSR": (csr, "is_csr"),
    "CSR in DER": (lambda: openssl("req", "-outform", "DER", data=csr()), "is_csr"),
    "upload file": (upload_file, "is_upload_file"),
    "upload file decoded": (lambda: base64.b64decode(upload_file()), "is_upload_file"),
    "upload file cut": (lambda: upload_file()[:-900], "is_upload_file"),
    "mdmcert.download": (lambda: p7m("-aes256", outform="DER").hex().encode(), "is_encrypted_request"),
    "bundle": (
        lambda: openssl("crl2pkcs7", "-nocrl", "-certfile", "{c}", c=pem(self_signed())), "is_signed_message"
    ),
    "server token in clear": (token_json, "is_decrypted_server_token"),
    "server token in clear, folded": (lambda: folded(token_json()), "is_decrypted_server_token"),
    "content token decoded": (lambda: base64.b64decode(content_token()), "is_decoded_content_token"),
    "two certificates": (lambda: pem(push_certificate()) + pem(self_signed()), "several_certificates"),
    "certificate and key": (lambda: pem(push_certificate()) + key_pem("push"), "certificate_and_key"),
    "cut certificate": (lambda: pem(push_certificate())[:-40], "truncated_certificate"),
    "cut certificate in DER": (lambda: der(push_certificate())[:-40], "truncated_certificate"),
    "cut inside the lines": (
        lambda: b"\n".join([*pem(push_certificate()).splitlines()[:5], b"-----END CERTIFICATE-----"]),
        "truncated_certificate",
    ),
    "certificate of rubbish": (
        lambda: b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n", "damaged_certificate"
    ),
    "cut server token": (lambda: p7m("-aes128", "-stream")[:-500], "truncated_server_token"),
    "cut server token in DER": (lambda: p7m("-aes128", outform="DER")[:-500], "truncated_server_token"),
    "cut server token in PEM": (lambda: p7m("-aes128", outform="PEM")[:-50], "truncated_server_token"),
    "cut server token, headers only": (lambda: p7m("-aes128")[:200].split(b"\n\n")[0] + b"\n\n", "truncated_server_token"),
    "cut content token": (lambda: content_token()[:-17], "truncated_content_token"),
}  # fmt: skip


@pytest.mark.parametrize("box", ["push", "server", "content"])
@pytest.mark.parametrize(("make", "code"), EVERYWHERE.values(), ids=EVERYWHERE.keys())
def test_wrong_everywhere(make: Any, code: str, box: str) -> None:
    found = boxes(make())[box]
    assert (found.accepted, found.code) == (False, code)
    json.dumps(found.as_dict()).encode("utf-8")


CROSSINGS: dict[str, Any] = {
    "push certificate": (lambda: pem(push_certificate()), "accepted", "is_push_certificate", "is_push_certificate"),
    "in DER": (lambda: der(push_certificate()), "accepted", "is_push_certificate", "is_push_certificate"),
    "server token": (lambda: p7m("-aes128", "-stream"), "is_server_token", "accepted", "is_server_token"),
    "content token": (content_token, "is_content_token", "is_content_token", "accepted"),
    "ADE public key": (lambda: pem(self_signed()), "is_ade_public_key", "is_ade_public_key", "is_certificate"),
    "authority": (
        lambda: pem(self_signed("Root", "root", ca=True)), "ca_certificate", "is_ade_public_key", "is_certificate"
    ),
    "vendor": (lambda: vendor_chain()[0], "vendor_certificate", "is_certificate", "is_certificate"),
    "web server": (
        lambda: pem(certificate(name(cn="www.example.com"))), "not_push_certificate", "is_certificate", "is_certificate"
    ),
    "noise": (lambda: b"\x8b\x12\x99noise\x01\x02", "unknown_file", "unknown_file", "not_base64"),
    "words": (lambda: b"the token is attached", "unknown_file", "unknown_file", "base64_not_json"),
    "long base64": (
        lambda: base64.b64encode(b"\x99" * 600), "unknown_file", "unknown_file", "base64_not_json"
    ),
    "content token encoded twice": (
        lambda: base64.b64encode(content_token()), "is_content_token", "is_content_token", "damaged_content_token"
    ),
    "inner token": (
        lambda: base64.b64encode(b"\x99inner token"), "unknown_file", "unknown_file", "inner_token_only"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "push", "server", "content"), CROSSINGS.values(), ids=CROSSINGS.keys())
def test_crossings(make: Any, push: str, server: str, content: str) -> None:
    assert {box: found.code for box, found in boxes(make()).items()} == {
        "push": push,
        "server": server,
        "content": content,
    }
