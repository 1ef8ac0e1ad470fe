# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""apns_cert_upload, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School, keeps_its_promise

Make = Callable[..., School]
PUSH = "push_certificate"


@pytest.mark.parametrize("readable", [pytest.param(True, id="read back"), pytest.param(False, id="v0.9.0")])
def test_the_file_from_the_inbox_is_uploaded_and_proven(school: Make, readable: bool) -> None:
    at = school(pushcert_readable=readable)
    order = at.with_file(PUSH)
    done = keeps_its_promise(at, partial(at.complete, PUSH), changed=True)
    assert (done["order"]["id"], done["order"]["state"], done["pending"]) == (order["id"], "proven", False)
    assert done["order"]["verified_by"] == ("server" if readable else "upload_answer")
    assert done["order"]["in_use"]["identity"] == at.tenant.push_topic
    assert done["order"]["in_use"]["not_after"] == at.tenant.refresh().push_not_after
    assert done["order"]["in_use"]["serial"] != done["order"]["in_use_before"]["serial"]
    assert at.writes() == ["PUT pushcert"]


@pytest.mark.parametrize("readable", [True, False])
def test_a_survey_answer_is_uploaded_and_proven(school: Make, store: str, readable: bool) -> None:
    at = school(store=store, pushcert_readable=readable)
    answer = at.fetched(PUSH).decode()
    done = keeps_its_promise(at, partial(at.complete, PUSH, file_content=answer), changed=True)
    assert done["order"]["state"] == "proven"


def test_a_file_named_by_its_path_is_uploaded_and_proven(school: Make) -> None:
    at = school()
    download = at.folder / "MDM_Certificate.pem"
    download.write_bytes(at.fetched(PUSH))
    done = keeps_its_promise(at, partial(at.complete, PUSH, file_path=str(download)), changed=True)
    assert done["order"]["state"] == "proven"
    assert download.exists()


def test_without_the_file_the_order_is_pending(school: Make, store: str) -> None:
    at = school(store=store)
    at.handed_off(PUSH)
    done = keeps_its_promise(at, partial(at.complete, PUSH, file_content=""), changed=False)
    assert (done["pending"], done["order"]["state"]) == (True, "handed_off")
    assert done["awaiting"]["en"] and done["awaiting"]["ja"]


def test_without_an_order_and_nothing_due_nothing_is_done(school: Make, store: str) -> None:
    at = school(store=store, push_days_left=200)
    done = keeps_its_promise(at, partial(at.complete, PUSH), changed=False)
    assert (done["order"], done["pending"]) == (None, False)


def test_a_file_that_no_order_waits_for_is_not_taken_for_done(school: Make) -> None:
    at = school(push_days_left=200)
    elsewhere = at.tenant.world.tenant("elsewhere")
    for check in (True, False):
        failed = at.complete(PUSH, check, file_content=elsewhere.push_certificate_pem)
        assert failed["failed"]
        assert "No order waits" in failed["msg"]
    assert at.orders() == set()
    same = at.complete(PUSH, file_content=at.tenant.push_certificate_pem)
    assert (same.get("failed"), same["changed"]) == (None, False)


def test_check_mode_of_the_whole_play_foresees_the_order_that_the_request_would_open(school: Make) -> None:
    at = school()
    predicted = at.complete(PUSH, check=True)
    assert not predicted["changed"]
    assert at.orders() == set()
    at.handed_off(PUSH)
    done = at.complete(PUSH)
    assert predicted == {**done, "instructions": None}


def test_a_wrong_file_stays_and_is_told(school: Make) -> None:
    at = school()
    order = at.handed_off(PUSH)
    wrong = at.drop(order, at.tenant.push_certificate_pem.encode())
    done = keeps_its_promise(at, partial(at.complete, PUSH), changed=True)
    assert done["pending"]
    assert [(each["file"], each["code"]) for each in done["order"]["refused"]] == [(wrong.name, "same_as_in_use")]
    assert wrong.exists()
    assert done["warnings"][0].startswith(f"{wrong.name}: ")


def test_the_passphrase_given_for_the_request_is_needed_for_the_upload(school: Make) -> None:
    at = school()
    at.with_file(PUSH, privatekey_passphrase="correct horse")
    predicted = at.complete(PUSH, check=True, privatekey_passphrase="wrong one")
    failed = at.complete(PUSH, privatekey_passphrase="wrong one")
    assert predicted["failed"] and failed["failed"]
    assert predicted["msg"] == failed["msg"]
    assert "passphrase" in failed["msg"]
    assert at.writes() == []
    assert at.complete(PUSH, privatekey_passphrase="correct horse")["order"]["state"] == "proven"


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_private_key_is_told_before_anything_is_sent(school: Make, check: bool) -> None:
    at = school()
    order = at.with_file(PUSH)
    key = Path(order["place"]) / "push_certificate.key"
    kept = key.read_bytes()
    key.unlink()
    failed = at.complete(PUSH, check)
    assert failed["failed"]
    assert order["place"] in failed["msg"]
    assert at.writes() == []
    key.write_bytes(kept)
    assert at.complete(PUSH)["order"]["state"] == "proven"


@pytest.mark.parametrize("accepted", [True, False])
def test_apns_is_asked_before_the_upload_if_the_inventory_says_so(school: Make, accepted: bool) -> None:
    pytest.importorskip("httpx")
    at = school()
    at.mdm["probe_apns"] = True
    at.tenant.switch(apns_bad_certificate=not accepted)
    at.with_file(PUSH)
    done = at.complete(PUSH)
    assert done["order"]["state"] == ("proven" if accepted else "handed_off")
    assert [each["code"] for each in done["order"]["refused"]] == ([] if accepted else ["refused_by_apple"])
    assert at.writes() == (["PUT pushcert"] if accepted else [])
