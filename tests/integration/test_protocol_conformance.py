# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the protocol promises of every driver, on every server. What a port cannot do is asked of its abilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    AppleMdmError,
    CredentialError,
    FileRefused,
    PanelError,
    ServiceError,
    Unreachable,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import from_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.push_request import make_private_key
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import (
    make_server_token_key_pair,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Ability, CredentialPort, InUse
from ansible_collections.nendo.apple_mdm.tests.integration.servers import CLOMO, CREDENTIALS, NANO, Server, renewal
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World

SERVERS = (*NANO, CLOMO)
DUE = {"push_days_left": 20, "server_token_days_left": 20, "content_token_days_left": 20}
NOTHING = {"no_push_certificate": True, "no_server_token": True, "no_content_token": True}
NEXT_YEAR = timedelta(days=300)
NO_FILES = (b"<html><body>Sign in</body></html>", b"garbage", b"")

each_credential = pytest.mark.parametrize("credential", CREDENTIALS)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Server:
    return serve(request.param, **DUE)


@pytest.fixture(params=SERVERS)
def empty_server(request: pytest.FixtureRequest, serve: Callable[..., Server]) -> Server:
    return serve(request.param, **NOTHING)


# What is known of a server, by its port and by its simulator


def in_use(server: Server, credential: str) -> tuple[InUse | None, Any]:
    """What a new driver reads, where it can, and what the simulator knows to be stored."""
    server.close()
    port = server.port(credential)
    told = port.read(server.identities[credential]) if Ability.READ in port.abilities else None
    server.close()
    now = server.tenant.refresh()
    return told, (now.push_certificate_pem, now.server_token_values, vars(now).get("clomo_service_tokens"))


def expiry(server: Server, credential: str) -> datetime:
    now = server.tenant.refresh()
    stored = {
        "push_certificate": now.push_not_after,
        "server_token": (now.server_token_values or {}).get("access_token_expiry"),
        "content_token": now.content_token_not_after,
    }
    return from_iso(stored[credential])


def apple_gives(server: Server, credential: str, port: CredentialPort) -> tuple[bytes, bytes | None]:
    """The right file for a renewal, and the key where it is ours."""
    tenant, asks = server.tenant, Ability.REQUEST in port.abilities
    if credential == "push_certificate":
        return (tenant.portal_renew(port.request()), None) if asks else renewal(tenant, tenant.portal_renew)
    if credential == "server_token":
        return tenant.server_token(port.request() if asks else b""), None
    return tenant.content_token_download(), None


def same(one: InUse | None, other: InUse | None) -> bool:
    """Where one of the two tells whole minutes or days, they may differ by as much."""
    assert one and other
    within = max(each.facts.get("not_after_within", 1) for each in (one, other))
    return one.identity == other.identity and abs(one.not_after - other.not_after) < timedelta(seconds=within)


# Plain data without secrets


def secrets(server: Server) -> list[str]:
    tenant = vars(server.tenant.refresh())
    own = [server.options.get(name) for name in ("api_key", "dep_api_key", "password", "totp_secret")]
    own += [tenant.get(name) for name in ("password", "clomo_password", "content_token")]
    own += [(tenant.get("push_private_key_pem") or "")[40:100]]
    own += [(tenant["server_token_values"] or {}).get(name) for name in ("consumer_secret", "access_secret")]
    own += [(tenant["server_token_values"] or {}).get("access_token")]
    return [secret.strip() for secret in own if secret]


def told_plainly(server: Server, told: InUse | Mapping[str, Any] | None) -> None:
    if isinstance(told, InUse):
        assert isinstance(told.identity, str) and told.identity
        assert told.not_after.tzinfo is not None, "an aware moment"
        assert told.serial is None or isinstance(told.serial, str)
        assert plain(told.facts)
    elif told is not None:
        assert plain(told)
    assert [secret for secret in secrets(server) if secret in repr(told)] == []


def plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and plain(each) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))
    return value is None or isinstance(value, (str, int, float, bool))


def refused(server: Server, act: Callable[[], object]) -> AppleMdmError:
    """The error: one of ours, with a sentence, and no secret in it."""
    with pytest.raises(AppleMdmError) as stopped:
        act()
    error = stopped.value
    assert str(error).strip().endswith((".", "。")) and plain(error.details)
    assert [secret for secret in secrets(server) if secret in f"{error} {error.details}"] == []
    return error


# The driver


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_driver_closes_twice(server: Server, used: bool) -> None:
    driver = server.driver()
    assert isinstance(driver.name, str) and driver.name
    if used:
        assert all(getattr(driver, credential).abilities for credential in CREDENTIALS)
        assert driver.server_token and driver.server_token.read(None)
    driver.close()
    driver.close()


# Asking


@each_credential
def test_asking_tells_and_does_not_write(server: Server, world: World, credential: str) -> None:
    world.forget_requests()
    port = server.port(credential)
    assert isinstance(port.abilities, frozenset) and Ability.UPLOAD in port.abilities
    assert all(isinstance(ability, Ability) for ability in port.abilities)
    assert port.abilities == port.abilities
    told_plainly(server, port.assumed())
    if Ability.READ in port.abilities:
        told = port.read(None)
        assert told and told.identity == server.identities[credential]
        late = expiry(server, credential) - told.not_after
        assert timedelta(0) <= late < timedelta(seconds=told.facts.get("not_after_within", 1))
        assert told == port.read(told.identity), "with and without the known identity"
        told_plainly(server, told)
    assert world.writes(server.tenant.name) == []


@each_credential
def test_nothing_in_use_is_none(empty_server: Server, credential: str) -> None:
    port = empty_server.port(credential)
    assert port.assumed() is None
    if Ability.READ in port.abilities:
        assert port.read(None) is None


# Renewals


@each_credential
def test_the_right_file_renews_and_does_no_harm_twice(server: Server, credential: str) -> None:
    before, began = in_use(server, credential)[0], expiry(server, credential)
    port = server.port(credential)
    received, key = apple_gives(server, credential, port)
    first = port.upload(received, key)
    told_plainly(server, first)
    assert first.identity == server.identities[credential] and first.not_after > began + NEXT_YEAR
    stored = in_use(server, credential)
    again = server.port(credential).upload(received, key)
    assert same(first, again)
    assert in_use(server, credential) == stored, "the second time changes nothing"
    if before:
        assert same(stored[0], first) and before.identity == first.identity
    port = server.port(credential)
    if Ability.CHECK in port.abilities:
        facts = port.check()
        assert facts
        told_plainly(server, facts)
        assert in_use(server, credential) == stored, "a check changes nothing"


def test_a_file_is_examined_without_a_write(server: Server) -> None:
    port = server.content_token()
    if Ability.EXAMINE in port.abilities:
        before, received = in_use(server, "content_token"), server.tenant.content_token_download()
        told_plainly(server, server.content_token().examine(received, None, before[0]))
        assert in_use(server, "content_token") == before


# Files that are not the right ones


def test_a_push_certificate_of_another_topic_is_never_stored(server: Server) -> None:
    before = in_use(server, "push_certificate")
    port, create = server.push(), server.tenant.portal_create
    asks = Ability.REQUEST in port.abilities
    received, key = (create(port.request()), None) if asks else renewal(server.tenant, create)
    assert isinstance(refused(server, lambda: port.upload(received, key)), FileRefused)
    assert in_use(server, "push_certificate") == before


def test_a_push_certificate_for_another_key_is_refused(server: Server) -> None:
    before = in_use(server, "push_certificate")
    port = server.push()
    received, _key = renewal(server.tenant, server.tenant.portal_renew)
    key = None if Ability.REQUEST in port.abilities else make_private_key(None)
    judged(refused(server, lambda: port.upload(received, key)))
    assert in_use(server, "push_certificate") == before


def test_a_server_token_for_another_key_is_refused(server: Server) -> None:
    before = in_use(server, "server_token")
    port = server.server_token()
    if Ability.REQUEST in port.abilities:
        port.request()
    received = server.tenant.server_token(make_server_token_key_pair("somebody else")[0])
    judged(refused(server, lambda: port.upload(received, None)))
    assert in_use(server, "server_token") == before


@pytest.mark.parametrize("credential", ["push_certificate", "server_token"])
def test_a_file_for_an_older_request_is_refused_and_the_newer_taken(server: Server, credential: str) -> None:
    before = in_use(server, credential)
    port = server.port(credential)
    if Ability.REQUEST in port.abilities:
        received, key = apple_gives(server, credential, port)
        newer = port.request()
        judged(refused(server, lambda: port.upload(received, key)))
        assert in_use(server, credential) == before
        give = server.tenant.portal_renew if credential == "push_certificate" else server.tenant.server_token
        after = server.port(credential).upload(give(newer), key)
        assert before[0] and after.identity == before[0].identity and after.not_after > before[0].not_after


@each_credential
def test_a_file_that_is_none_is_refused(server: Server, credential: str) -> None:
    before = in_use(server, credential)
    port = server.port(credential)
    if Ability.REQUEST in port.abilities:
        port.request()
    key = None if Ability.REQUEST in port.abilities else make_private_key(None)
    for received in NO_FILES:
        judged(refused(server, partial(port.upload, received, key)))
    assert in_use(server, credential) == before


def judged(error: AppleMdmError) -> None:
    """It is the file that is not right: neither the way to the server nor what its pages show."""
    assert isinstance(error, (ServiceError, CredentialError))
    assert not isinstance(error, (Unreachable, AccessRefused, PanelError)), repr(error)


# No way in


@each_credential
def test_a_wrong_password_opens_nothing(server: Server, world: World, credential: str) -> None:
    """A port without a password, as for a file on our own disk, has nothing to refuse."""
    wrong = server.wrong_access.get(credential, {})
    before = in_use(server, credential)
    received, key = apple_gives(server, credential, server.port(credential)) if wrong else (b"", None)
    server.close()
    acts: list[Callable[[CredentialPort], object]] = [
        lambda port: port.abilities and port.read(None),
        lambda port: port.abilities and port.upload(received, key),
    ]
    for act in acts if wrong else ():
        world.forget_requests()
        port = server.port(credential, **wrong)
        error = refused(server, partial(act, port))
        assert isinstance(error, AccessRefused) or any(name in str(error) for name in wrong)
        granted = [entry for entry in world.writes(server.tenant.name) if entry["status"] != 401]
        assert granted == []
        assert in_use(server, credential) == before


@each_credential
def test_a_server_that_is_down_is_told(server: Server, credential: str) -> None:
    port = server.port(credential, **server.nowhere[credential])

    def ask() -> object:
        return port.check() if Ability.CHECK in port.abilities else port.read(None)

    assert isinstance(refused(server, ask), ServiceError)
    server.close()
    server.close()
