# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""APNs over HTTP/2 with the push certificate as client certificate."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

BOGUS = "0" * 64


@pytest.fixture
def push(tmp_path: Path) -> Callable[..., httpx.Response]:
    """One push with a tenant's certificate; certificate and key may be others."""

    def send(
        tenant: Tenant,
        device: str = BOGUS,
        *,
        certificate: str | None = None,
        key: str | None = None,
        body: bytes = b'{"mdm":"magic"}',
        **headers: str,
    ) -> httpx.Response:
        context = ssl.create_default_context(cafile=tenant.apns_ca)
        if certificate != "none":
            files = (tmp_path / "c.pem", tmp_path / "k.pem")
            for file, text in zip(files, (certificate, key), strict=True):
                file.write_text(text or (tenant.push_certificate_pem + tenant.push_private_key_pem))
            context.load_cert_chain(*files)
        headers = {"apns-topic": tenant.push_topic, "apns-push-type": "mdm"} | headers
        with httpx.Client(http1=False, http2=True, verify=context) as client:
            return client.post(f"{tenant.apns_url}/3/device/{device}", content=body, headers=headers)

    return send


def reason(answer: httpx.Response) -> tuple[int, str]:
    assert answer.http_version == "HTTP/2"
    return (answer.status_code, answer.json()["reason"])


def test_bogus_token_proves_the_certificate_and_is_no_write(
    world: World, tenant: Tenant, push: Callable[..., httpx.Response]
) -> None:
    assert reason(push(tenant)) == (400, "BadDeviceToken")
    (entry,) = world.requests("school", "^/3/device/")
    assert (entry["status"], entry["write"]) == (400, False)


def test_reasons(world: World, tenant: Tenant, push: Callable[..., httpx.Response]) -> None:
    token = hashlib.sha256(b"ipad-1").hexdigest()
    assert push(tenant, token).status_code == 200
    assert reason(push(tenant, **{"apns-topic": "com.apple.mgmt.External.other"})) == (400, "BadTopic")
    assert reason(push(tenant, body=b"")) == (400, "PayloadEmpty")
    assert reason(push(tenant, body=b"x" * 5000)) == (413, "PayloadTooLarge")
    assert reason(push(tenant, certificate="none")) == (403, "MissingProviderToken")
    other = world.tenant("other")
    assert reason(push(other, token)) == (400, "DeviceTokenNotForTopic")
    other.switch(apns_other_topic_dropped=True)
    assert push(other, token).status_code == 200
    tenant.enroll("ipad-1", False)
    assert reason(push(tenant, token)) == (410, "Unregistered")
    tenant.switch(apns_bad_certificate=True)
    assert reason(push(tenant)) == (403, "BadCertificate")


def test_goaway_carries_the_reason(tenant: Tenant, push: Callable[..., httpx.Response]) -> None:
    tenant.switch(apns_goaway=True, apns_bad_certificate=True)
    with pytest.raises(httpx.RemoteProtocolError, match="ConnectionTerminated"):
        push(tenant)


def test_expired_and_foreign_certificates_fail_in_tls(
    world: World, push: Callable[..., httpx.Response], openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    expired = world.tenant("expired", push_days_left=-1)
    with pytest.raises(httpx.TransportError):
        push(expired)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "f.key", "-subj", "/CN=f", "-out", "f.pem")
    foreign = {"certificate": (tmp_path / "f.pem").read_text(), "key": (tmp_path / "f.key").read_text()}
    with pytest.raises(httpx.TransportError):
        push(expired, **foreign)
