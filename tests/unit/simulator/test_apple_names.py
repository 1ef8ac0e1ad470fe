# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple's own host names, as a client with built-in addresses reaches them."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.api_account import bearer

TOKEN_URL = "https://account.apple.com/auth/oauth2/v2/token"
API = {"school": "https://api-school.apple.com/v1", "business": "https://api-business.apple.com/v1"}


@pytest.fixture
def apple(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    """A client that knows nothing of us but the variables that every client knows."""
    for name, value in world.proxy.environment().items():
        monkeypatch.setenv(name, value)
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("product", API)
def test_every_page_is_under_apples_name(world: World, apple: requests.Session, product: str) -> None:
    tenant = world.tenant("school", devices=3, api_product=product)
    tenant.switch(school_page_size=2)
    apple.headers.update(bearer(tenant, TOKEN_URL, f"{product}.api"))
    first = apple.get(f"{API[product]}/orgDevices?fields[orgDevices]=status").json()
    assert first["links"]["self"].startswith(f"{API[product]}/orgDevices?")
    assert first["links"]["next"].startswith(f"{API[product]}/orgDevices?")
    second = apple.get(first["links"]["next"]).json()
    found = first["data"] + second["data"]
    assert sorted(each["id"] for each in found) == sorted(tenant.serials)
    assert {tuple(each["attributes"]) for each in found} == {("status",)}
    assert {entry["path"] for entry in world.requests("school")} == {f"/api-{product}/v1/orgDevices"}


def test_tokens_and_licences(world: World, tenant: Tenant, apple: requests.Session) -> None:
    for path in ("/auth/oauth2/token", "/auth/oauth2/v2/token"):
        assert apple.post(f"https://account.apple.com{path}").json() == {"error": "invalid_client"}
    assert apple.get("https://vpp.itunes.apple.com/mdm/v2/service/config").json()["limits"]


def test_pushes_go_to_apns_with_the_clients_certificate(world: World, tenant: Tenant, tmp_path: Path) -> None:
    pair = tmp_path / "push.pem"
    pair.write_text(tenant.push_certificate_pem + tenant.push_private_key_pem)
    context = ssl.create_default_context(cafile=world.proxy.ca)
    context.load_cert_chain(pair)
    device = hashlib.sha256(b"ipad-1").hexdigest()
    with httpx.Client(http1=False, http2=True, verify=context, proxy=world.proxy.url) as client:
        answer = client.post(f"https://api.push.apple.com/3/device/{device}", content=b'{"mdm":"magic"}')
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


@pytest.mark.parametrize(
    "url", ["https://www.apple.com", "https://api-school.apple.com:8443", "https://mdmenrollment.apple.com"]
)
def test_the_way_to_anywhere_else_is_closed(apple: requests.Session, url: str) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        apple.get(url, timeout=10)


def test_nothing_is_passed_on_in_the_clear(world: World) -> None:
    proxies = {"http": world.proxy.url}
    assert requests.get("http://www.apple.com/", proxies=proxies, timeout=10).status_code == 403


def test_a_dropped_connection_is_dropped_behind_apples_name_too(world: World, apple: requests.Session) -> None:
    world.fault("/service/config", reset=True)
    with pytest.raises(requests.ConnectionError):
        apple.get("https://vpp.itunes.apple.com/mdm/v2/service/config", timeout=10)


def test_the_address_outlives_a_restart() -> None:
    with start() as world:
        before = world.proxy.url
        world.restart()
        assert world.proxy.url == before
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get("https://www.apple.com", proxies={"https": before}, timeout=10)
