# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the far side made for an order is gone: the order is void, told, and the next run begins another."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.modules import apns_csr
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

Make = Callable[..., School]
TOKEN = "server_token"


def test_a_key_pair_made_by_hand_meanwhile_voids_the_order(school: Make) -> None:
    at = school()
    order = at.with_file(TOKEN)
    driver = driver_for(at.server())
    assert driver.server_token is not None
    driver.server_token.request()
    driver.close()
    given_up = at.complete(TOKEN)
    assert (given_up["order"]["state"], given_up["order"]["void_reason"]["code"]) == ("void", "request_lost")
    assert "newer key pair" in given_up["order"]["void_reason"]["what"]
    assert any("next run begins another" in warning for warning in given_up["warnings"])
    another = at.with_file(TOKEN)
    assert another["id"] == f"{order['id']}-2"
    assert at.complete(TOKEN)["order"]["state"] == "proven"


def test_mdmcert_download_needs_an_inbox_for_its_answer(school: Make, tmp_path: object) -> None:
    at = school(store=f"sqlite:///{tmp_path}/orders.db")
    failed = at.run(apns_csr, mdmcert_email="it@school.example", mdmcert_api_key="key")
    assert failed["failed"]
    assert "no inbox" in failed["msg"]
    assert at.tenant.world.mails() == []
