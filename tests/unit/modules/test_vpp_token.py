# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vpp_token, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School, keeps_its_promise

Make = Callable[..., School]
CONTENT = "content_token"
ELSEWHERE = {"id": "other-mdm", "name": "Other MDM"}


def in_use(at: School) -> str:
    return Path(at.server()["content_token_path"]).read_text().strip()


def test_a_due_token_opens_an_order(school: Make, store: str) -> None:
    at = school(store=store)
    done = keeps_its_promise(at, partial(at.prepare, CONTENT), changed=True)
    assert (done["code"], done["order"]["state"], done["pending"]) == ("due", "handed_off", True)


def test_outside_the_window_nothing_is_done(school: Make, store: str) -> None:
    at = school(store=store, content_token_days_left=200)
    done = keeps_its_promise(at, partial(at.prepare, CONTENT), changed=False)
    assert (done["renew"], done["order"]) == (False, None)
    assert at.orders() == set()


def test_the_token_from_the_inbox_is_stored_and_proven(school: Make) -> None:
    at = school()
    at.with_file(CONTENT)
    done = keeps_its_promise(at, partial(at.complete, CONTENT), changed=True)
    assert (done["order"]["state"], done["order"]["verified_by"]) == ("proven", "server")
    assert done["order"]["in_use"]["not_after"] == at.tenant.refresh().content_token_not_after
    assert in_use(at) == at.tenant.content_token
    assert Path(at.server()["content_token_path"]).stat().st_mode & 0o777 == 0o600


def test_a_survey_answer_is_stored_and_proven(school: Make, store: str) -> None:
    at = school(store=store)
    at.handed_off(CONTENT)
    answer = at.tenant.content_token_download().decode()
    done = keeps_its_promise(at, partial(at.complete, CONTENT, file_content=answer), changed=True)
    assert done["order"]["state"] == "proven"


@pytest.mark.parametrize("days_left", [20, 200])
def test_a_token_given_at_once_goes_through_an_order_of_its_own(school: Make, store: str, days_left: int) -> None:
    at = school(store=store, content_token_days_left=days_left)
    answer = at.tenant.content_token_download().decode()
    done = keeps_its_promise(at, partial(at.complete, CONTENT, file_content=answer), changed=True)
    assert done["order"]["state"] == "proven"
    assert in_use(at) == answer.strip()


def test_a_first_token_is_stored_and_proven(school: Make) -> None:
    at = school(no_content_token=True)
    answer = at.tenant.content_token_download().decode()
    done = keeps_its_promise(at, partial(at.complete, CONTENT, file_content=answer), changed=True)
    assert (done["code"], done["order"]["state"], in_use(at)) == ("missing", "proven", answer.strip())


def test_the_token_in_use_given_again_changes_nothing(school: Make) -> None:
    at = school(content_token_days_left=200)
    done = keeps_its_promise(at, partial(at.complete, CONTENT, file_content=at.tenant.content_token), changed=False)
    assert done["order"] is None


@pytest.mark.parametrize("check", [True, False])
def test_a_wrong_token_given_unasked_opens_no_order(school: Make, check: bool) -> None:
    at = school(content_token_days_left=200)
    other = at.tenant.world.tenant("other")
    failed = at.complete(CONTENT, check, file_content=other.content_token_download().decode())
    assert failed["failed"]
    assert failed["verdict"]["code"] == "other_organization"
    assert at.orders() == set()
    assert in_use(at) == at.tenant.content_token


def test_the_token_of_another_location_is_refused(school: Make) -> None:
    at = school()
    other = at.tenant.world.tenant("other", organization=at.tenant.organization)
    at.drop(at.handed_off(CONTENT), other.content_token_download())
    done = keeps_its_promise(at, partial(at.complete, CONTENT), changed=True)
    assert [each["code"] for each in done["order"]["refused"]] == ["refused_by_apple"]
    assert "another location" in done["order"]["refused"][0]["reason"]["en"]
    assert in_use(at) == at.tenant.content_token


def test_the_location_is_known_from_the_last_order_where_the_old_token_is_dead(school: Make) -> None:
    at = school()
    at.with_file(CONTENT)
    assert at.complete(CONTENT)["order"]["state"] == "proven"
    other = at.tenant.world.tenant("other", organization=at.tenant.organization)
    at.tenant.revoke_content_token()
    order = at.handed_off(CONTENT, renew_before_days=400)
    at.drop(order, other.content_token_download())
    done = at.complete(CONTENT)
    assert [each["code"] for each in done["order"]["refused"]] == ["refused_by_apple"]


def test_a_location_that_another_server_claimed_stops_the_renewal_until_it_is_claimed(school: Make) -> None:
    at = school(mdm_info=ELSEWHERE)
    order = at.with_file(CONTENT)
    done = keeps_its_promise(at, partial(at.complete, CONTENT), changed=True)
    assert [each["code"] for each in done["order"]["refused"]] == ["refused_by_apple"]
    assert "other-mdm" in done["order"]["refused"][0]["reason"]["en"]
    assert in_use(at) != at.tenant.refresh().content_token
    at.mdm |= {"mdm_id": "our-mdm", "mdm_name": "Ours", "claim_content_token": True}
    done = keeps_its_promise(at, partial(at.complete, CONTENT), changed=True)
    assert (done["order"]["id"], done["order"]["state"]) == (order["id"], "proven")
    assert at.tenant.refresh().mdm_info["id"] == "our-mdm"


def test_a_renamed_organisation_is_told_and_then_taken(school: Make) -> None:
    at = school(no_content_token=True)
    renamed = at.tenant.world.tenant("renamed")
    at.drop(at.handed_off(CONTENT, organization="School Board"), renamed.content_token_download())
    refused = at.complete(CONTENT, organization="School Board")
    assert [each["code"] for each in refused["order"]["refused"]] == ["other_organization"]
    done = keeps_its_promise(at, partial(at.complete, CONTENT, organization=renamed.organization), changed=True)
    assert done["order"]["state"] == "proven"
