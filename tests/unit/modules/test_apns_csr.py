# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""apns_csr, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import apns_csr
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School, keeps_its_promise

Make = Callable[..., School]
PUSH = "push_certificate"


@pytest.mark.parametrize("readable", [pytest.param(True, id="read back"), pytest.param(False, id="v0.9.0")])
def test_a_due_certificate_opens_an_order(school: Make, store: str, readable: bool) -> None:
    at = school(store=store, pushcert_readable=readable)
    done = keeps_its_promise(at, partial(at.prepare, PUSH), changed=True, unknown=("request_content",))
    assert (done["code"], done["days_left"], done["pending"]) == ("due", 20, True)
    assert done["order"]["state"] == "handed_off"
    assert done["order"]["in_use_before"]["identity"] == at.tenant.push_topic
    assert done["awaiting"]["ja"]


@pytest.mark.parametrize("readable", [True, False])
def test_outside_the_window_nothing_is_done(school: Make, store: str, readable: bool) -> None:
    at = school(store=store, push_days_left=200, pushcert_readable=readable)
    done = keeps_its_promise(at, partial(at.prepare, PUSH), changed=False)
    assert (done["renew"], done["order"], done["pending"]) == (False, None, False)
    assert at.orders() == set()


def test_the_request_stays_the_same_while_one_is_out(school: Make) -> None:
    at = school()
    first, second = at.prepare(PUSH), at.prepare(PUSH)
    assert first["request_content"] == second["request_content"]
    assert not second["changed"]


def test_an_apple_account_named_later_comes_into_the_instructions(school: Make) -> None:
    at = school()
    without = at.prepare(PUSH, apple_account=None, email="mdm@school.example")
    prepare = partial(at.prepare, PUSH)
    done = keeps_its_promise(at, prepare, changed=True, unknown=())
    assert done["request_content"] == without["request_content"]
    page = "".join(path.read_text() for path in Path(done["order"]["place"]).glob("*.txt"))
    assert at.tenant.apple_account in page


def test_the_private_key_is_for_its_owner_only(school: Make) -> None:
    at = school()
    place = Path(at.handed_off(PUSH)["place"])
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in place.glob("*.key")} == {
        "push_certificate.key": "0o600"
    }


def test_the_private_key_can_have_a_passphrase(school: Make) -> None:
    at = school()
    place = Path(at.handed_off(PUSH, privatekey_passphrase="correct horse")["place"])
    assert b"ENCRYPTED" in (place / "push_certificate.key").read_bytes()


def test_nobody_to_sign_is_told_before_anything_is_done(school: Make) -> None:
    at = school()
    for check in (True, False):
        failed = at.run(apns_csr, check)
        assert failed["failed"]
        assert "vendor_certificate_path" in failed["msg"]
        assert at.orders() == set()


def test_no_certificate_in_use_cannot_be_renewed(school: Make) -> None:
    at = school(no_push_certificate=True)
    at.mdm["push_topic"] = "com.apple.mgmt.External.none"
    failed = at.prepare(PUSH)
    assert failed["failed"]
    assert "push_certificate_path" in failed["msg"]
    assert at.orders() == set()


def test_a_renewal_elsewhere_ends_the_order(school: Make) -> None:
    at = school()
    order = at.with_file(PUSH)
    inventory = School(at.tenant, at.folder, str(at.folder / "other_orders"))
    inventory.with_file(PUSH)
    assert inventory.complete(PUSH)["order"]["state"] == "proven"
    done = keeps_its_promise(at, partial(at.prepare, PUSH), changed=True, unknown=())
    assert (done["order"]["id"], done["order"]["state"]) == (order["id"], "void")
    assert done["order"]["void_reason"]["code"] == "renewed_elsewhere"
    assert not done["pending"]


def by_mdmcert(at: School, email: str) -> dict[str, Any]:
    mdmcert = {"mdmcert_email": email, "mdmcert_api_key": "key-of-this-client", "mdmcert_url": at.tenant.mdmcert_url}
    return {**mdmcert, "apple_account": at.tenant.apple_account, "portal_url": at.tenant.portal_url}


def test_mdmcert_download_signs_by_mail(school: Make) -> None:
    at = school()
    world, account = at.tenant.world, at.tenant.apple_account
    prepare = partial(at.run, apns_csr, **by_mdmcert(at, account))
    asked = keeps_its_promise(at, prepare, changed=True)
    assert (asked["order"]["state"], asked["pending"]) == ("open", True)
    assert "e-mail" in asked["awaiting"]["en"]
    assert at.complete(PUSH)["order"]["state"] == "open"
    [mail] = world.mails(account)
    at.drop(asked["order"], b"From: somebody else\n\nno request", "other.eml")
    at.drop(asked["order"], mail["body"].encode(), mail["file_name"])
    done = keeps_its_promise(at, prepare, changed=True, unknown=("request_content",))
    assert done["order"]["state"] == "handed_off"
    assert len(world.mails()) == 1
    waiting = at.complete(PUSH)
    assert [each["file"] for each in waiting["order"]["refused"]] == ["other.eml"]
    at.drop(done["order"], at.fetched(PUSH, done))
    proven = at.complete(PUSH)
    assert (proven["order"]["id"], proven["order"]["state"]) == (asked["order"]["id"], "proven")


def test_mdmcert_download_refuses(school: Make) -> None:
    at = school()
    failed = at.run(apns_csr, **by_mdmcert(at, "a@b.example"))
    assert failed["failed"]
    assert "not registered" in failed["msg"]
    assert "key-of-this-client" not in str(failed)
