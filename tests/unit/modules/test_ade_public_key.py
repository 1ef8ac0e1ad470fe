# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ade_public_key, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School, keeps_its_promise

Make = Callable[..., School]
SERVER = "server_token"


def test_a_due_token_opens_an_order_and_asks_for_one_key(school: Make, store: str) -> None:
    at = school(store=store)
    done = keeps_its_promise(at, partial(at.prepare, SERVER), changed=True, unknown=("public_key_content",))
    assert done["order"]["state"] == "handed_off"
    assert done["public_key_content"].startswith("-----BEGIN CERTIFICATE-----")
    assert at.writes() == [f"GET tokenpki/{at.tenant.dep_name}"]


def test_outside_the_window_no_key_is_asked_for(school: Make, store: str) -> None:
    at = school(store=store, server_token_days_left=200)
    done = keeps_its_promise(at, partial(at.prepare, SERVER), changed=False)
    assert (done["renew"], done["order"]) == (False, None)
    assert at.orders() == set()
    assert at.writes() == []


def test_a_first_token_is_ordered_too(school: Make) -> None:
    at = school(no_server_token=True)
    done = keeps_its_promise(at, partial(at.prepare, SERVER), changed=True, unknown=("public_key_content",))
    assert (done["code"], done["days_left"], done["order"]["in_use_before"]) == ("missing", None, None)


def test_a_renewal_elsewhere_ends_the_order(school: Make) -> None:
    at = school()
    at.handed_off(SERVER)
    elsewhere = School(at.tenant, at.folder, str(at.folder / "other_orders"))
    elsewhere.with_file(SERVER)
    assert elsewhere.complete(SERVER)["order"]["state"] == "proven"
    done = keeps_its_promise(at, partial(at.prepare, SERVER), changed=True)
    assert (done["order"]["state"], done["order"]["void_reason"]["code"]) == ("void", "renewed_elsewhere")
