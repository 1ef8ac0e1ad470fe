# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ade_token, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School, keeps_its_promise

Make = Callable[..., School]
SERVER = "server_token"
EXPIRY = ("order.in_use.not_after",)


def test_the_token_from_the_inbox_is_uploaded_and_proven(school: Make) -> None:
    at = school()
    at.with_file(SERVER)
    done = keeps_its_promise(at, partial(at.complete, SERVER), changed=True, unknown=EXPIRY)
    assert (done["order"]["state"], done["order"]["verified_by"]) == ("proven", "server")
    assert done["order"]["in_use"]["identity"] == at.tenant.consumer_key
    assert at.writes() == [f"PUT tokenpki/{at.tenant.dep_name}"]


@pytest.mark.parametrize("form", [{"p7m_stream": False, "p7m_cipher": "aes256"}, {"p7m_cipher": "des3"}])
def test_a_survey_answer_is_uploaded_and_proven(school: Make, store: str, form: dict[str, object]) -> None:
    at = school(store=store)
    at.tenant.switch(**form)
    answer = at.fetched(SERVER).decode()
    done = keeps_its_promise(at, partial(at.complete, SERVER, file_content=answer), changed=True, unknown=EXPIRY)
    assert done["order"]["state"] == "proven"


def test_a_first_token_is_proven(school: Make) -> None:
    at = school(no_server_token=True)
    at.with_file(SERVER)
    unknown = ("order.in_use.not_after", "order.in_use.identity")
    done = keeps_its_promise(at, partial(at.complete, SERVER), changed=True, unknown=unknown)
    assert done["order"]["in_use"]["identity"] == at.tenant.consumer_key


def test_without_the_file_the_order_is_pending(school: Make, store: str) -> None:
    at = school(store=store)
    at.handed_off(SERVER)
    done = keeps_its_promise(at, partial(at.complete, SERVER), changed=False)
    assert (done["pending"], done["order"]["state"]) == (True, "handed_off")


def test_without_an_order_and_nothing_due_nothing_is_done(school: Make) -> None:
    at = school(server_token_days_left=200)
    done = keeps_its_promise(at, partial(at.complete, SERVER), changed=False)
    assert (done["order"], done["pending"]) == (None, False)


def test_a_token_made_for_an_older_key_is_refused_with_the_reason(school: Make) -> None:
    at = school()
    old = at.fetched(SERVER)
    at.complete(SERVER, file_content=old.decode())
    at.tenant.world.clock(days=350)
    again = School(at.tenant, at.folder, str(at.folder / "next_year"))
    order = again.handed_off(SERVER, renew_before_days=400)
    again.drop(order, old)
    done = keeps_its_promise(again, partial(again.complete, SERVER, renew_before_days=400), changed=True)
    assert [each["code"] for each in done["order"]["refused"]] == ["other_recipient"]


def test_the_token_of_another_server_entry_is_refused_and_the_right_one_ends_the_same_order(school: Make) -> None:
    at = school()
    prepared = at.prepare(SERVER)
    at.tenant.new_server_entry("Another MDM")
    wrong = at.tenant.server_token(at.request(SERVER, prepared), entry="Another MDM")
    at.drop(prepared["order"], wrong, "a_wrong.p7m")
    refused = at.complete(SERVER)
    assert (refused["pending"], refused["order"]["state"]) == (True, "handed_off")
    assert [each["code"] for each in refused["order"]["refused"]] == ["refused_by_server"]
    assert "other consumer key" in refused["order"]["refused"][0]["reason"]["en"]
    at.tenant.world.forget_requests()
    assert not at.complete(SERVER)["changed"]
    assert at.writes() == []
    at.drop(prepared["order"], at.fetched(SERVER, prepared), "b_right.p7m")
    done = at.complete(SERVER)
    assert (done["order"]["id"], done["order"]["state"]) == (prepared["order"]["id"], "proven")
    assert done["order"]["in_use"]["identity"] == at.tenant.consumer_key
