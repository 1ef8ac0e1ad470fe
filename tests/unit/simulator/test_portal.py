# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The push portal: Create and Renew, the fields of what it issues, and the files it refuses."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import PageRefusal, Tenant, World
from cryptography import x509


def topic(certificate: bytes) -> str:
    subject = x509.load_pem_x509_certificate(certificate).subject
    return str(subject.get_attributes_for_oid(x509.NameOID.USER_ID)[0].value)


def test_renew_keeps_the_topic_and_takes_the_new_key(
    tenant: Tenant, upload_file: Callable[..., bytes], openssl: Callable[..., bytes]
) -> None:
    new = tenant.portal_renew(upload_file(tenant), notes="main server")
    old = tenant.push_certificate_pem.encode()
    assert topic(new) == topic(old) == tenant.push_topic
    assert openssl("x509", "-noout", "-pubkey", data=new) == openssl("rsa", "-in", "push.key", "-pubout")
    assert tenant.portal_download() == new != old


def test_create_makes_another_topic_and_the_list_shows_both(tenant: Tenant, upload_file: Callable[..., bytes]) -> None:
    new = tenant.portal_create(upload_file(tenant))
    assert topic(new) != tenant.push_topic
    page = tenant.person("/pushcert").get("/pushcert/list").text
    assert "Certificates for Third-Party Servers" in page
    assert page.count(">Renew<") == 2


def test_account_without_certificates_gets_started(world: World) -> None:
    tenant = world.tenant("new", no_push_certificate=True)
    assert "<h1>Get Started</h1>" in tenant.person("/pushcert").get("/pushcert/list").text
    assert tenant.push_topic is None


def test_issued_certificate_has_the_fields_that_apples_have(
    world: World, tenant: Tenant, upload_file: Callable[..., bytes], openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    new = tenant.portal_renew(upload_file(tenant))
    pki = Path(tenant.apns_ca).parent
    (tmp_path / "leaf.pem").write_bytes(new)
    chain = ["-CAfile", str(pki / "root.pem"), "-untrusted", str(pki / "push_issuer.pem")]
    assert openssl("verify", "-purpose", "sslclient", *chain, "leaf.pem") == b"leaf.pem: OK\n"

    leaf = x509.load_pem_x509_certificate(new)
    uuid = tenant.push_topic.removeprefix("com.apple.mgmt.External.")
    apple = "C=US,O=Apple Inc.,OU=Apple Certification Authority"
    assert leaf.issuer.rfc4514_string() == f"{apple},CN=Apple Application Integration 2 Certification Authority"
    assert leaf.subject.rfc4514_string() == f"C=US,CN=APSP:{uuid},UID={tenant.push_topic}"
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == datetime.timedelta(days=365)
    assert abs(leaf.not_valid_before_utc - world.now()) < datetime.timedelta(seconds=30)
    assert leaf.serial_number.bit_length() <= 64
    assert {extension.oid.dotted_string: extension.critical for extension in leaf.extensions} == {
        "2.5.29.19": False,
        "2.5.29.35": False,
        "2.5.29.32": False,
        "2.5.29.37": False,
        "2.5.29.31": False,
        "2.5.29.14": False,
        "2.5.29.15": False,
        "1.2.840.113635.100.6.3.2": False,
    }
    assert new.count(b"BEGIN") == 1


def test_download_has_the_vendors_name(tenant: Tenant, upload_file: Callable[..., bytes]) -> None:
    person = tenant.person("/pushcert")
    answer = person.get(f"/pushcert/download/{person.row(tenant.push_topic)}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="MDM_ Vendor, Inc._Certificate.pem"'


def test_malformed_files_are_refused_with_a_sentence(
    world: World, tenant: Tenant, upload_file: Callable[..., bytes]
) -> None:
    good = upload_file(tenant)
    vendor, rest = Path(tenant.vendor_certificate).read_text(), Path(tenant.vendor_chain).read_text()
    expired = world.tenant("lapsed", vendor_days_left=-1)
    short_lines = vendor.replace("\n", "", 2).replace("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n")
    refused = {
        "base64": b"not base64!",
        "no property list": base64.b64encode(b"hello"),
        "does not fit": upload_file(tenant, digest="-sha1"),
        "does not end in Apple's root": upload_file(tenant, chain=vendor),
        "chain is broken": upload_file(tenant, chain=rest + rest),
        "64 characters": upload_file(tenant, chain=short_lines + rest),
        "has expired": upload_file(expired),
        "2048 bits": upload_file(tenant, bits=1024),
    }
    for sentence, file in refused.items():
        with pytest.raises(PageRefusal, match=sentence):
            tenant.portal_renew(file)
    assert tenant.portal_renew(good)


def test_whoever_is_not_signed_in_sees_the_sign_in_page_with_status_200(world: World, tenant: Tenant) -> None:
    answer = requests.get(f"{world.url}/pushcert/list", timeout=10)
    assert (answer.status_code, "Sign in with your Apple Account" in answer.text) == (200, True)
    tenant.second_factor_code = "000000"
    with pytest.raises(PageRefusal, match="verification code"):
        tenant.person("/pushcert")


def test_mdmcert_download_mails_an_upload_file_that_the_portal_takes(
    world: World, tenant: Tenant, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "push.key", "-subj", "/CN=x", "-out", "push.csr")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "d.key", "-subj", "/CN=d", "-out", "d.pem")
    body = {"csr": "push.csr", "encrypt": "d.pem"}
    body = {key: base64.b64encode((tmp_path / name).read_bytes()).decode() for key, name in body.items()}
    body |= {"email": tenant.apple_account, "key": "client-key"}
    answer = requests.post(f"{tenant.mdmcert_url}/api/v1/signrequest", json=body, timeout=10)
    assert answer.json() == {"result": "success"}
    (mail,) = world.mails(tenant.apple_account)
    assert mail["file_name"].startswith("mdm_signed_request")
    p7 = bytes.fromhex(mail["body"])
    upload = openssl("smime", "-decrypt", "-inform", "DER", "-recip", "d.pem", "-inkey", "d.key", data=p7)
    assert topic(tenant.portal_renew(upload)) == tenant.push_topic
