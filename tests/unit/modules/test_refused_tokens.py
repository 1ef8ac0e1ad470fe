# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A token that Apple no longer accepts, long before it expires: noticed by check_apple, renewed at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

Make = Callable[..., School]


def with_dead_token(school: Make, credential: str) -> School:
    at = school(push_days_left=200, server_token_days_left=200, content_token_days_left=200)
    at.server()
    if credential == "server_token":
        at.tenant.revoke_server_token()
    else:
        at.tenant.revoke_content_token()
    return at


@pytest.mark.parametrize("credential", ["server_token", "content_token"])
def test_only_a_question_to_apple_shows_it(school: Make, credential: str) -> None:
    at = with_dead_token(school, credential)
    assert (at.info()[credential]["code"], at.info()[credential]["due"]) == ("not_due", False)
    told = at.info(check_apple=True)[credential]
    assert (told["code"], told["renew"], told["due"], told["error"]) == ("refused", True, True, None)
    assert told["days_left"] == 200


@pytest.mark.parametrize("credential", ["server_token", "content_token"])
def test_it_is_renewed_before_its_time_and_loudly(school: Make, credential: str) -> None:
    at = with_dead_token(school, credential)
    prepared = at.prepare(credential, check_apple=True)
    order = prepared["order"]
    assert order["state"] == "handed_off"
    waiting = at.complete(credential)
    assert waiting["failed"]
    assert "no longer accepts" in waiting["msg"]
    request = at.request(credential, prepared)
    at.drop(order, at.fetched(credential, {**prepared, "public_key_content": request.decode()}))
    assert at.complete(credential)["order"]["state"] == "proven"
    assert at.info(check_apple=True)[credential]["code"] == "not_due"


def test_unsigned_terms_are_told_and_open_no_order(school: Make) -> None:
    at = school(push_days_left=200, server_token_days_left=200, content_token_days_left=200)
    at.tenant.terms_signed(False)
    told = at.info(check_apple=True)["server_token"]
    assert told["due"]
    assert "terms" in told["error"]
    assert at.prepare("server_token", check_apple=True)["failed"]
    assert at.info()["server_token"]["order"] is None
