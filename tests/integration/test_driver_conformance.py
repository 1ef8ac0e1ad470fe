# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the driver nanomdm does beyond the protocol, on the simulator's nano servers and the real ones, each with its own
traps. Apple is simulated. What every driver promises is in test_protocol_conformance."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ConfigurationError,
    OtherOwner,
    RequestLost,
    ServiceError,
    TermsNotSigned,
    Unreachable,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import from_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_certificate import (
    parse_push_certificate,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import make_private_key
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import (
    make_server_token_key_pair,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Ability
from ansible_collections.nendo.apple_mdm.tests.integration.servers import NANO, Server, put, renewal
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World

NEXT_YEAR = timedelta(days=300)


@pytest.fixture(params=NANO)
def server(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Server:
    return serve(request.param, push_days_left=20, server_token_days_left=20)


# Push certificate


def test_push_certificate_abilities(server: Server) -> None:
    port = server.push()
    assert (Ability.READ in port.abilities) is server.tells
    assert Ability.UPLOAD in port.abilities and Ability.REQUEST not in port.abilities


def test_no_push_certificate_of_that_topic(server: Server) -> None:
    port = server.push(push_topic="com.apple.mgmt.External.nobody")
    if server.tells:
        assert Ability.READ in port.abilities and port.read(None) is None


def test_push_certificate_renewed_and_sent_twice(server: Server) -> None:
    certificate, key = renewal(server.tenant, server.tenant.portal_renew)
    port = server.push()
    assert port.abilities
    first, again = port.upload(certificate, key), port.upload(certificate, key)
    sent = parse_push_certificate(certificate)
    assert first == again
    assert (first.identity, first.not_after, first.serial) == (server.tenant.push_topic, sent.not_after, sent.serial)
    if server.tells:
        read = port.read(first.identity)
        assert read and (read.identity, read.not_after) == (first.identity, first.not_after)


def test_push_certificate_of_another_topic(server: Server) -> None:
    certificate, key = renewal(server.tenant, server.tenant.portal_create)
    with pytest.raises(OtherOwner, match="was not sent"):
        server.push().upload(certificate, key)
    unguarded = server.push(push_topic=None).upload(certificate, key)
    assert unguarded.identity != server.tenant.push_topic, "servers take it without a word"


def test_push_certificate_with_another_key(server: Server) -> None:
    certificate, _key = renewal(server.tenant, server.tenant.portal_renew)
    with pytest.raises(ServiceError, match="one and the same order"):
        server.push().upload(certificate, make_private_key(None))
    with pytest.raises(ConfigurationError, match="unencrypted"):
        server.push().upload(certificate, make_private_key("a passphrase"))


@pytest.mark.parametrize("wrong", [{"api_key": "wrong"}, {"username": "nobody"}], ids=["key", "user"])
def test_push_certificate_with_wrong_access(server: Server, wrong: dict[str, str]) -> None:
    with pytest.raises(AccessRefused, match="HTTP 401"):
        assert server.push(**wrong).abilities


def test_push_certificate_at_a_wrong_path(server: Server) -> None:
    with pytest.raises(ServiceError, match="path_prefix"):
        assert server.push(path_prefix="/elsewhere").abilities


# Server token


def test_no_server_token_of_that_name(server: Server) -> None:
    port = server.server_token(dep_name="nobody")
    assert port.read(None) is None
    with pytest.raises(ServiceError, match="no token under that name"):
        port.check()
    with pytest.raises(RequestLost, match="no key pair"):
        port.upload(server.tenant.server_token(make_server_token_key_pair("x")[0]), None)


def test_server_token_renewed_and_sent_twice(server: Server) -> None:
    port, now = server.server_token(), datetime.now(timezone.utc)
    token = server.tenant.server_token(port.request())
    first, again = port.upload(token, None), port.upload(token, None)
    assert first == again == port.read(first.identity)
    assert first.identity == server.tenant.consumer_key and first.not_after > now + NEXT_YEAR
    assert port.check() == {
        "server_uuid": server.tenant.server_uuid,
        "server_name": server.tenant.server_name,
        "org_name": server.tenant.organization,
    }


@pytest.mark.parametrize(("cipher", "stream"), [("aes256", True), ("aes128", False)])
def test_server_token_in_other_forms(server: Server, cipher: str, stream: bool) -> None:
    server.tenant.switch(p7m_cipher=cipher, p7m_stream=stream)
    port = server.server_token()
    token = server.tenant.server_token(port.request())
    assert port.upload(token, None).identity == server.tenant.consumer_key


def test_server_token_of_another_entry_then_the_right_one(server: Server) -> None:
    port, before = server.server_token(), server.server_token().read(None)
    public_key = port.request()
    server.tenant.new_server_entry("Somebody else's MDM")
    with pytest.raises(OtherOwner, match="goes on with the token it has"):
        port.upload(server.tenant.server_token(public_key, entry="Somebody else's MDM"), None)
    assert port.read(None) == before
    right = port.upload(server.tenant.server_token(public_key), None)
    assert right.identity == server.tenant.consumer_key and before and right.not_after > before.not_after


def test_server_token_for_an_older_public_key(server: Server) -> None:
    port, before = server.server_token(), server.server_token().read(None)
    token = server.tenant.server_token(port.request())
    port.request()
    with pytest.raises(RequestLost, match="newer key pair"):
        port.upload(token, None)
    assert port.read(None) == before


@pytest.mark.parametrize("wrong", [b"<html>", b"", b"garbage"], ids=["html", "empty", "garbage"])
def test_server_token_that_is_none(server: Server, wrong: bytes) -> None:
    port = server.server_token()
    port.request()
    with pytest.raises(ServiceError, match="token in use stays"):
        port.upload(wrong, None)


def test_server_token_with_a_wrong_key(server: Server) -> None:
    port = server.server_token(dep_api_key="wrong")
    for act in (lambda: port.read(None), port.request, lambda: port.upload(b"p7m", None), port.check):
        with pytest.raises((AccessRefused, ConfigurationError), match="HTTP 401"):
            act()


def test_server_token_revoked(server: Server) -> None:
    port = server.server_token()
    port.check()
    server.tenant.revoke_server_token()
    with pytest.raises(AccessRefused, match="newer token"):
        server.server_token(dep_name=fresh_name(server)).check()


@pytest.mark.parametrize("at", ["session", "data"])
def test_server_token_while_the_terms_are_not_signed(server: Server, at: str) -> None:
    server.tenant.switch(terms_refused_at=at)
    with pytest.raises(TermsNotSigned, match="accepts the terms"):
        server.server_token().check()


def test_server_token_of_somebody_who_left(server: Server) -> None:
    server.tenant.switch(ade_user_deleted=True)
    with pytest.raises(AccessRefused, match="lost its role"):
        server.server_token(dep_name=fresh_name(server)).check()


def fresh_name(server: Server) -> str:
    """The same token under a name for which NanoDEP has no session yet."""
    name, auth = f"{server.options['dep_name']}-2", ("depserver", server.options["dep_api_key"])
    base = requests.get(f"{server.options['dep_url']}/v1/config/{server.options['dep_name']}", auth=auth, timeout=30)
    if base.json():
        put(f"{server.options['dep_url']}/v1/config/{name}", auth, json=base.json())
    put(f"{server.options['dep_url']}/v1/tokens/{name}", auth, json=server.tenant.server_token_values)
    return name


# Content token


def test_content_token_renewed(server: Server) -> None:
    port = server.content_token()
    before = port.read(None)
    assert before and before.not_after == from_iso(server.tenant.content_token_not_after)
    token = server.tenant.content_token_download()
    examined = port.examine(token, None, before)
    assert examined["uid"] == server.tenant.u_id
    after = port.upload(token, None)
    assert after == port.read(before.identity)
    assert after.identity == before.identity and after.not_after > before.not_after
    assert port.check()["assets_seen"] == 3
    assert Path(server.options["content_token_path"]).stat().st_mode & 0o777 == 0o600


def test_content_token_of_another_location(server: Server, world: World) -> None:
    other = world.tenant(f"other-{uuid.uuid4().hex[:8]}")
    with pytest.raises(OtherOwner, match="another location"):
        server.content_token().examine(other.content_token.encode(), None, None)


def test_content_token_revoked(server: Server) -> None:
    server.tenant.content_token_download()
    with pytest.raises(AccessRefused, match="revoked"):
        server.content_token().check()


def test_content_token_of_a_location_that_others_manage(server: Server) -> None:
    server.tenant.claim_location("theirs", "Their MDM")
    token = server.tenant.content_token_download()
    with pytest.raises(OtherOwner, match=r"theirs \(Their MDM\)"):
        server.content_token().examine(token, None, None)
    claiming = server.content_token(claim_content_token=True, mdm_name="Our MDM")
    claiming.examine(token, None, None)
    claiming.upload(token, None)
    assert server.tenant.refresh().mdm_info["id"] == "ours"
    server.content_token().check()


# APNs


def test_push_certificate_examined_by_apns(server: Server) -> None:
    certificate, key = renewal(server.tenant, server.tenant.portal_renew)
    apns = {"apns_url": server.tenant.apns_url, "apple_ca_path": server.tenant.apns_ca}
    port = server.push(probe_apns=True, **apns)
    assert Ability.EXAMINE in port.abilities
    assert port.examine(certificate, key, None) == {"apns": "BadDeviceToken"}
    with pytest.raises(AccessRefused, match="does not belong"):
        port.examine(certificate, make_private_key(None), None)
    for switch in ("apns_bad_certificate", "apns_goaway"):
        server.tenant.switch(**{switch: True})
        with pytest.raises(AccessRefused, match="does not take"):
            port.examine(certificate, key, None)
    with pytest.raises(Unreachable, match="inspects TLS"):
        server.push(probe_apns=True, apns_url=server.tenant.apns_url).examine(certificate, key, None)
