# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The assisted hand-off at the simulated portals, with a script as the person who signs in."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import OtherOwner
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.plugins.module_utils.portals.errand import Served, serve
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import find_browser
from ansible_collections.nendo.apple_mdm.plugins.modules import portal_assist
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip
from ansible_collections.nendo.apple_mdm.tests.integration.plays import (
    Played,
    found_in,
    play,
    secrets_of,
    start_play,
)
from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import COMPLETING, School

try:
    from playwright.sync_api import Error as PlaywrightError
    from playwright.sync_api import sync_playwright
except ImportError:
    pass

if TYPE_CHECKING:
    from playwright.sync_api import Page

PLAY_SECONDS = 180
POLL_SECONDS = 0.1
CREDENTIALS = ("push_certificate", "server_token", "content_token")
DUE = {"push_days_left": 20, "server_token_days_left": 25, "content_token_days_left": 22}


@pytest.fixture(scope="module", autouse=True)
def _browser() -> None:
    browser_or_skip()


@pytest.fixture
def school(world: World, tmp_path: Path) -> School:
    tenant = world.tenant(f"school-{uuid.uuid4().hex[:8]}", **DUE)
    return School(tenant, tmp_path, str(tmp_path / "orders"))


def handed_off(school: School, credential: str) -> dict[str, Any]:
    portal = {} if credential == "push_certificate" else {"portal_url": school.tenant.business_url}
    portal |= {"apple_account": school.tenant.apple_account}
    order: dict[str, Any] = school.prepare(credential, **portal)["order"]
    return order


def person(tenant: Tenant) -> Callable[[Page], None]:
    """Signs in as a person does: what the tool itself never does."""

    def sign_in(page: Page) -> None:
        page.get_by_label("Account").fill(tenant.apple_account)
        page.get_by_label("Password").fill(tenant.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Code").fill(tenant.second_factor_code)
        page.get_by_role("button", name="Continue").click()

    return sign_in


def assisted(school: School, credential: str, tenant: Tenant | None = None, **params: Any) -> Served:
    names = {"location": school.tenant.location, "server_name": school.tenant.server_name}
    wanted = {"tenant": school.tenant.name, "credential": credential, "headless": True, "timeout": 8}
    return serve(
        {**wanted, "sign_in_timeout": 8, **names, **params},
        open_store(school.store, None),
        check_mode=False,
        signed_in=person(tenant or school.tenant),
    )


@pytest.mark.parametrize("language", ["English", "Japanese"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_the_file_lies_in_the_inbox_and_proves_the_order(school: School, credential: str, language: str) -> None:
    school.tenant.switch(portal_language=language)
    order = handed_off(school, credential)
    served = assisted(school, credential)
    assert served.changed and served.path and Path(served.path).parent == Path(order["inbox"])
    assert Path(served.path).stat().st_mode & 0o777 == 0o600
    again = assisted(school, credential)
    assert (again.changed, again.path) == (False, served.path)
    assert school.run(COMPLETING[credential][0])["order"]["state"] == "proven"
    assert not assisted(school, credential).changed, "no order waits any more"


def nothing_was_taken(world: World, order: dict[str, Any]) -> bool:
    """Neither certificate nor token was asked for, and the inbox is empty."""
    asked = world.requests(path_regex="/pushcert/(renew|upload|create|download)|/business/(servers|content_tokens)/")
    return not asked and not list(Path(order["inbox"]).iterdir())


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_an_account_that_only_gets_started(school: School, world: World, credential: str) -> None:
    order = handed_off(school, credential)
    other = world.tenant(f"other-{uuid.uuid4().hex[:8]}", no_push_certificate=True)
    other.switch(portal_get_started=True)
    world.forget_requests()
    with pytest.raises(OtherOwner, match=r"Get Started.*Nothing was pressed"):
        assisted(school, credential, other)
    assert nothing_was_taken(world, order)


def test_an_account_with_other_certificates(school: School, world: World) -> None:
    order = handed_off(school, "push_certificate")
    other = world.tenant(f"other-{uuid.uuid4().hex[:8]}", **DUE)
    world.forget_requests()
    with pytest.raises(OtherOwner, match="0 rows"):
        assisted(school, "push_certificate", other)
    assert nothing_was_taken(world, order)


def test_another_row_in_the_same_account_is_left_alone(school: School) -> None:
    """A certificate of another topic stands in the list as well."""
    prepared = school.prepare("push_certificate")
    school.tenant.portal_create(school.request("push_certificate", prepared))
    assert assisted(school, "push_certificate").facts["topic"] == school.tenant.push_topic


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_two_rows_that_match_are_both_left_alone(school: School, world: World, credential: str) -> None:
    order = handed_off(school, credential)
    school.tenant.switch(portal_doubled_rows=True)
    world.forget_requests()
    with pytest.raises(OtherOwner, match="2 rows"):
        assisted(school, credential)
    assert nothing_was_taken(world, order)


@pytest.mark.parametrize("credential", ["server_token", "content_token"])
def test_a_name_that_the_portal_does_not_have(school: School, world: World, credential: str) -> None:
    order = handed_off(school, credential)
    world.forget_requests()
    with pytest.raises(OtherOwner, match="0 rows.*Nobody's"):
        assisted(school, credential, server_name="Nobody's MDM", location="Nobody's place")
    assert nothing_was_taken(world, order)


def test_the_module_without_an_order_opens_nothing(school: School) -> None:
    for check in (True, False):
        told = run_module(
            portal_assist, check, tenant=school.tenant.name, order_store=school.store, credential="push_certificate"
        )
        assert (told["changed"], told["order"], told["path"]) == (False, None, None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def signed_in_at(port: int, tenant: Tenant) -> bool:
    """Whether a browser with this debugging port showed a sign-in, which was done."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", timeout=2000)
            page = browser.contexts[0].pages[-1]
            page.get_by_label("Password").wait_for(timeout=2000)
            person(tenant)(page)
        except (PlaywrightError, IndexError):
            return False
    return True


def test_the_play_while_a_person_signs_in(school: School, tmp_path: Path) -> None:
    """The person works in the browser that the play has opened, from outside of it."""
    orders = {credential: handed_off(school, credential) for credential in CREDENTIALS}
    port = free_port()
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nexec {find_browser(None)} --remote-debugging-port={port} "$@"\n')
    program.chmod(0o700)
    variables = {
        "portal_assist_browser_path": str(program),
        "portal_assist_headless": True,
        "portal_assist_location": school.tenant.location,
    }
    inventory = write_inventory(
        tmp_path / "inventory.json", [school.tenant], order_store=school.store, variables=variables
    )
    process = start_play("portal_assist", inventory, "-vvvv")
    sign_ins, deadline = 0, time.monotonic() + PLAY_SECONDS
    while process.poll() is None and sign_ins < len(CREDENTIALS):
        assert time.monotonic() < deadline
        sign_ins += signed_in_at(port, school.tenant)
        time.sleep(POLL_SECONDS)
    output, _errors = process.communicate(timeout=PLAY_SECONDS)
    played = Played(process.returncode, output)
    assert played.code == 0, output
    assert sign_ins == len(CREDENTIALS)
    assert played.recap(school.tenant.name)["changed"] == 1, "a loop counts once"
    for order in orders.values():
        assert len(list(Path(order["inbox"]).iterdir())) == 1
    assert found_in(output, secrets_of(school.tenant.refresh()).items()) == []
    again = play("portal_assist", inventory)
    assert (again.code, again.recap(school.tenant.name)["changed"]) == (0, 0), again.output
