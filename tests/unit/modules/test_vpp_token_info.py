# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vpp_token_info, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import vpp_token_info
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

Make = Callable[..., School]


@pytest.mark.parametrize("check", [True, False])
def test_the_token_in_use_is_told_and_asked_for_at_apple(school: Make, check: bool) -> None:
    at = school()
    [token] = at.run(vpp_token_info, check, check_apple=True)["tokens"]
    assert (token["identity"], token["days_left"], token["code"]) == (at.tenant.organization, 20, "due")
    assert token["apple"]["uid"] == at.tenant.u_id
    assert (at.orders(), at.tenant.world.writes()) == (set(), [])


def test_a_revoked_token_is_an_error_that_says_so(school: Make) -> None:
    at = school()
    at.tenant.revoke_content_token()
    assert "revoked" in str(at.run(vpp_token_info, check_apple=True))


def test_a_file_is_judged_as_the_successor(school: Make) -> None:
    at = school()
    successor = at.tenant.content_token_download().decode()
    for content, code in [
        (at.tenant.content_token, "same_as_in_use"),
        (successor, "accepted"),
        ("<html></html>", "html_page"),
    ]:
        assert [each["code"] for each in at.run(vpp_token_info, token_content=content)["verdicts"]] == [code]
    assert run_module(vpp_token_info, token_content=successor)["verdicts"][0]["accepted"]
