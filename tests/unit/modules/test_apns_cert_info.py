# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""apns_cert_info, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import apns_cert_info
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

Make = Callable[..., School]
PUSH = "push_certificate"


@pytest.mark.parametrize(("readable", "source"), [(True, "server"), (False, "file")])
@pytest.mark.parametrize("check", [True, False])
def test_the_certificate_in_use_is_told(school: Make, readable: bool, source: str, check: bool) -> None:
    at = school(pushcert_readable=readable)
    told = at.run(apns_cert_info, check)
    [certificate] = told["certificates"]
    assert (certificate["identity"], certificate["source"]) == (at.tenant.push_topic, source)
    assert (certificate["not_after"], certificate["days_left"]) == (at.tenant.push_not_after, 20)
    assert (certificate["code"], certificate["due"], certificate["order"]) == ("due", True, None)
    assert (told.get("changed", False), at.orders(), at.writes("PUT")) == (False, set(), [])


def test_after_a_renewal_v0_9_0_is_known_by_the_order(school: Make) -> None:
    at = school(pushcert_readable=False)
    at.with_file(PUSH)
    done = at.complete(PUSH)
    [certificate] = at.run(apns_cert_info)["certificates"]
    assert (certificate["source"], certificate["code"]) == ("order", "not_due")
    assert certificate["serial"] == done["order"]["in_use"]["serial"]


def test_a_file_is_judged_as_the_successor(school: Make) -> None:
    at = school()
    told = at.run(apns_cert_info, certificate_content=at.tenant.push_certificate_pem)
    assert [(each["accepted"], each["code"]) for each in told["verdicts"]] == [(False, "same_as_in_use")]
    assert at.run(apns_cert_info, certificate_content=at.fetched(PUSH).decode())["verdicts"][0]["accepted"]


def test_a_file_of_no_tenant_is_judged(school: Make) -> None:
    at = school()
    told = run_module(apns_cert_info, certificate_path=at.server()["push_certificate_path"])
    assert told["certificates"] == []
    assert told["verdicts"][0]["facts"]["topic"] == at.tenant.push_topic
