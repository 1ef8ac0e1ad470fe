# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our clients of Apple's services, and the driver on its bad days, against the simulated world."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ServiceError,
    TermsNotSigned,
    Unreachable,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.ade import AdeClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.apps_and_books import AppsAndBooksClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.mdmcert_download import sign_request
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import (
    make_csr,
    make_delivery_certificate,
    make_private_key,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import parse_server_token_json
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import CredentialPort
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with start() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.reset()
    return running


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.tenant("school", assets=5)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def ade(tenant: Tenant, waits: list[float]) -> Iterator[AdeClient]:
    token = parse_server_token_json(json_of(tenant.server_token_values))
    client = AdeClient(token, base_url=tenant.ade_url, timeout=5, sleep=waits.append)
    yield client
    client.close()


@pytest.fixture
def books(tenant: Tenant, waits: list[float]) -> Iterator[AppsAndBooksClient]:
    client = AppsAndBooksClient(tenant.content_token, base_url=tenant.apps_and_books_url, timeout=5, sleep=waits.append)
    yield client
    client.close()


def json_of(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode()


def test_ade_account(world: World, tenant: Tenant, ade: AdeClient) -> None:
    tenant.switch(ade_rotate_sessions=True)
    for _turn in range(3):
        account = ade.account()
        assert (account["server_uuid"], account["org_name"]) == (tenant.server_uuid, tenant.organization)
    assert len(world.requests(path_regex="/session$")) == 1


@pytest.mark.parametrize("quoted", [True, False])
def test_ade_session_that_ends(world: World, tenant: Tenant, ade: AdeClient, quoted: bool) -> None:
    tenant.switch(ade_quoted_errors=quoted)
    ade.account()
    world.restart()
    assert ade.account()["server_uuid"] == tenant.server_uuid
    world.clock(minutes=4)
    tenant.switch(ade_session_seconds=1)
    assert ade.account()["server_uuid"] == tenant.server_uuid


def test_ade_token_revoked(world: World, tenant: Tenant, ade: AdeClient) -> None:
    tenant.revoke_server_token()
    with pytest.raises(AccessRefused, match="newer token"):
        ade.account()
    assert len(world.requests(path_regex="/session$")) == 1


def test_ade_rights_and_terms(tenant: Tenant, ade: AdeClient) -> None:
    tenant.switch(ade_access_denied=True)
    with pytest.raises(AccessRefused, match="rights"):
        ade.account()
    tenant.switch(ade_access_denied=False, terms_refused_at="data")
    with pytest.raises(TermsNotSigned):
        ade.account()


def test_ade_terms_at_the_sign_in(world: World, tenant: Tenant, ade: AdeClient) -> None:
    tenant.switch(terms_refused_at="session")
    with pytest.raises(TermsNotSigned):
        ade.account()
    assert len(world.requests(path_regex="/session$")) == 1


@pytest.mark.parametrize("days", [2, -2])
def test_ade_with_a_wrong_clock(world: World, ade: AdeClient, days: int) -> None:
    world.clock(days=days)
    with pytest.raises(ServiceError, match="[Cc]lock"):
        ade.account()


def test_ade_busy(world: World, ade: AdeClient, waits: list[float]) -> None:
    world.fault("/ade/session", status=429, headers={"Retry-After": "3"})
    world.fault("/ade/account", status=503, headers={"Retry-After": formatdate(time.time() + 30, usegmt=True)})
    ade.account()
    assert waits[0] == 3 and 20 <= waits[1] <= 30


def test_books_location_and_stock(tenant: Tenant, books: AppsAndBooksClient) -> None:
    assert "limits" in books.service_config()
    config = books.client_config()
    assert config["uId"] == books.location["uId"] == tenant.u_id and "mdmInfo" not in config
    tenant.switch(vpp_page_size=2)
    assert len(books.assets()) == 5
    books.claim({"id": "ours", "name": "Our MDM", "metadata": "m"})
    assert books.client_config()["mdmInfo"]["id"] == "ours"


@pytest.mark.parametrize("as_200", [False, True])
def test_books_token_revoked(tenant: Tenant, books: AppsAndBooksClient, as_200: bool) -> None:
    tenant.switch(vpp_errors_as_200=as_200)
    tenant.revoke_content_token()
    books.service_config()
    with pytest.raises(AccessRefused, match="revoked"):
        books.client_config()


def test_books_other_dead_tokens(world: World, tenant: Tenant, books: AppsAndBooksClient) -> None:
    with pytest.raises(AccessRefused, match=r"9622|9601"):
        AppsAndBooksClient("bm9uZQ==", base_url=tenant.apps_and_books_url).client_config()
    world.clock(days=400)
    with pytest.raises(AccessRefused, match="expired"):
        books.client_config()


def test_mdmcert_download(world: World, tenant: Tenant) -> None:
    csr = make_csr(make_private_key(None), None, common_name="x", email="it@school.example", country="JP")
    delivery, _key = make_delivery_certificate()
    sign_request(csr, tenant.apple_account, "api-key", delivery, url=tenant.mdmcert_url)
    with pytest.raises(AccessRefused, match="not registered"):
        sign_request(csr, "nobody@school.example", "api-key", delivery, url=tenant.mdmcert_url)
    assert len(world.mails()) == 1


def push_port(tenant: Tenant, **options: Any) -> CredentialPort:
    given = {"url": tenant.url, "api_key": tenant.api_key, "push_topic": tenant.push_topic, "timeout": 1, **options}
    port = driver_for(given).push_certificate
    assert port is not None
    return port


def test_an_upload_whose_answer_is_lost_is_sent_again(world: World, tenant: Tenant) -> None:
    world.fault("/v1/pushcert", method="PUT", when="after", reset=True)
    pair = tenant.push_certificate_pem.encode(), tenant.push_private_key_pem.encode()
    assert push_port(tenant).upload(*pair).identity == tenant.push_topic
    assert [entry["status"] for entry in world.writes(tenant.name)] == [None, 200]


def test_an_upload_that_is_stored_and_answered_500(world: World, tenant: Tenant) -> None:
    world.fault("/v1/pushcert", method="PUT", when="after", status=500, body='{"error": "late"}')
    pair = tenant.push_certificate_pem.encode(), tenant.push_private_key_pem.encode()
    with pytest.raises(ServiceError, match="late"):
        push_port(tenant).upload(*pair)
    assert push_port(tenant).read(tenant.push_topic) is not None


def test_a_server_that_hangs(world: World, tenant: Tenant) -> None:
    world.fault("/v1/pushcert", hang=True)
    with pytest.raises(Unreachable, match="nothing within 1 seconds"):
        assert push_port(tenant).abilities


def test_a_public_key_whose_answer_is_lost_is_not_asked_for_again(world: World, tenant: Tenant) -> None:
    options = {"dep_url": tenant.dep_url, "dep_api_key": tenant.dep_api_key, "dep_name": tenant.dep_name}
    port = driver_for(options).server_token
    assert port is not None
    world.fault("/v1/tokenpki", method="GET", when="after", reset=True)
    with pytest.raises(Unreachable):
        port.request()
    assert len(world.writes(tenant.name)) == 1
