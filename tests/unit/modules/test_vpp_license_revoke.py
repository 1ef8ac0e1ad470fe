# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.apps_and_books import AppsAndBooksClient
from ansible_collections.nendo.apple_mdm.plugins.modules import vpp_license_revoke
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

CAMPAIGN = "graduation-2027"
Run = Callable[..., dict[str, Any]]
CHANGES = "assets/disassociate"


@pytest.fixture
def school(world: World) -> Tenant:
    return world.tenant("school", devices=6, assets=4, licences=3)


@pytest.fixture
def run(school: Tenant, tmp_path: Path) -> Run:
    def revoke(check: bool = False, tenant: Tenant = school, **params: Any) -> dict[str, Any]:
        usual = {
            "campaign": CAMPAIGN,
            "confirm": CAMPAIGN,
            "tenant": tenant.name,
            "ledger": str(tmp_path / "ledger.db"),
            "devices": tenant.serials[:4],
            "content_token": tenant.content_token,
            "apps_and_books_url": tenant.apps_and_books_url,
            "wait_timeout": 0,
        }
        return run_module(vpp_license_revoke, check, **{**usual, **params})

    return revoke


def licensed(tenant: Tenant) -> list[str]:
    return sorted(serial for _adam_id, _pricing, serial in tenant.refresh().licences)


def test_licences_go_back_once(run: Run, school: Tenant, world: World, tmp_path: Path) -> None:
    world.forget_requests()
    predicted = run(True, confirm=None)
    assert (predicted["changed"], predicted["summary"]["to_do"]) == (True, 4)
    assert world.writes() == [] and list(tmp_path.iterdir()) == []
    done = run()
    assert (done["changed"], done["summary"]["done"]) == (True, 4)
    assert licensed(school) == sorted(school.serials[4:] * 3), "the others keep theirs"
    assert len(world.writes(path_regex=CHANGES)) == 1, "devices with the same licences go in one call"
    again, predicted = run(), run(True)
    assert not again["changed"] and not predicted["changed"] and len(world.writes()) == 1
    assert school.content_token.strip() not in str(done)


def test_nothing_left_is_done(run: Run, world: World) -> None:
    bare = world.tenant("bare", devices=3)
    world.forget_requests()
    assert run(tenant=bare)["summary"]["done"] == 3
    assert world.writes() == []


def test_the_limits_of_the_service_are_kept(run: Run, world: World) -> None:
    many = world.tenant("many", devices=3, assets=60, licences=55)
    many.switch(vpp_page_size=50, vpp_max_per_second=1000)
    world.forget_requests()
    assert run(tenant=many)["summary"]["done"] == 3
    assert len(world.writes(path_regex=CHANGES)) == 3, "25 assets a call"


@pytest.mark.parametrize(
    ("switches", "summary", "said"),
    [
        pytest.param({"vpp_event_seconds": 3600}, {"pending": 4}, "3 licences are still assigned", id="runs"),
        pytest.param({"vpp_events_fail": True}, {"failed": 4}, "Apple gave up the change", id="gave up"),
    ],
)
def test_what_becomes_of_an_event(
    run: Run, school: Tenant, world: World, switches: dict[str, Any], summary: dict[str, int], said: str
) -> None:
    school.switch(**switches)
    done = run()
    assert {name: count for name, count in done["summary"].items() if count} == summary
    assert said in (done["pending"] or done["failures"])[0]["reason"]["en"]
    world.forget_requests()
    if "pending" in summary:
        assert not run()["changed"] and world.writes() == []


def test_a_device_whose_licences_stay_fails_alone(run: Run, school: Tenant) -> None:
    school.switch(vpp_failing=school.serials[:1])
    done = run()
    assert (done["summary"]["done"], done["summary"]["failed"]) == (3, 1)
    assert done["failures"][0]["device"] == school.serials[0]
    assert "number 9603" in done["failures"][0]["reason"]["en"]
    school.switch(vpp_failing=[])
    assert run()["summary"]["done"] == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_settled_by_the_assignments(run: Run, world: World, when: Literal["before", "after"]) -> None:
    world.fault(path_regex=CHANGES, reset=True, when=when)
    assert "running again is safe" in run()["msg"]
    world.forget_requests()
    assert run()["summary"]["done" if when == "after" else "pending"] == 4
    assert world.writes() == []


def test_another_mdm_servers_location_is_refused(run: Run, school: Tenant, world: World) -> None:
    other = world.tenant("claimed", devices=2, licences=1, mdm_info={"id": "other", "name": "Other MDM"})
    assert "managed by Other MDM" in run(tenant=other, mdm_id="ours")["msg"]
    assert run(tenant=other, mdm_id="other")["summary"]["done"] == 2


def test_a_token_that_is_none(run: Run) -> None:
    told = run(content_token="no token at all")
    assert told["failed"] and "no token at all" not in told["msg"]


def test_assignments_that_change_while_they_are_read_are_looked_at_again(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our own events, of which one is carried out after the other."""
    many = world.tenant("many", devices=24, assets=1, licences=1)
    walk, restless = AppsAndBooksClient.every_assignment, [True]

    def read(client: AppsAndBooksClient, most_calls: int) -> list[dict[str, Any]] | None:
        if world.writes(path_regex=CHANGES) and restless and restless.pop():
            raise ServiceError("The stock changed.", changing=True)
        return walk(client, most_calls)

    world.forget_requests()
    monkeypatch.setattr(AppsAndBooksClient, "every_assignment", read)
    first = run(tenant=many, devices=many.serials, wait_timeout=0)
    assert first["summary"]["pending"] == 24 and restless == []
    assert run(tenant=many, devices=many.serials)["summary"]["done"] == 24


def test_a_server_that_takes_no_licences_back_needs_the_token(run: Run, school: Tenant) -> None:
    told = run(content_token=None, mdm={"url": school.url, "api_key": school.api_key})
    assert told["failed"] and "takes no licences back itself" in told["msg"]
