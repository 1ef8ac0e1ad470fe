# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""credentials_info, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import credentials_info
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import CREDENTIALS, School

Make = Callable[..., School]
PUSH, SERVER, CONTENT = CREDENTIALS


@pytest.mark.parametrize("check", [True, False])
def test_all_three_at_once(school: Make, store: str, check: bool) -> None:
    at = school(store=store, server_token_days_left=100, content_token_days_left=-1)
    told = at.run(credentials_info, check)
    assert told["due"] == [PUSH, CONTENT]
    assert [each["code"] for each in told["credentials"]] == ["due", "not_due", "expired"]
    assert [each["days_left"] for each in told["credentials"]] == [20, 100, -1]
    assert (at.orders(), at.tenant.world.writes()) == (set(), [])


def test_nothing_due_is_three_reads_and_no_write(school: Make) -> None:
    at = school(push_days_left=200, server_token_days_left=200, content_token_days_left=200)
    assert at.run(credentials_info)["due"] == []
    assert [(each["method"], each["write"]) for each in at.tenant.world.requests()] == [("GET", False)] * 2
    assert not Path(at.store).exists()


def test_what_the_inventory_does_not_name_is_left_alone(school: Make) -> None:
    at = school()
    at.mdm |= {"dep_url": "", "dep_api_key": "", "dep_name": "", "content_token_path": ""}
    assert [each["credential"] for each in at.run(credentials_info)["credentials"]] == [PUSH]
    failed = at.prepare(SERVER)
    assert failed["failed"]
    assert "ADE server token" in failed["msg"]


def test_an_order_under_way_is_told(school: Make) -> None:
    at = school()
    order = at.handed_off(CONTENT)
    told = at.info()[CONTENT]
    assert (told["order"]["id"], told["due"]) == (order["id"], True)


def test_half_of_a_servers_options_is_a_mistake(school: Make) -> None:
    at = school()
    at.mdm["api_key"] = ""
    failed = at.run(credentials_info)
    assert failed["failed"]
    assert "url without api_key" in failed["msg"]
