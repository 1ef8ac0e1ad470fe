# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""campaign_run: all steps in one process; a device that does not answer holds up no other, and Apple is asked as seldom as can be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_plan, campaign_run
from ansible_collections.nendo.apple_mdm.tests.integration.schools import EmbeddedSchool
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World

Embedded = Callable[..., EmbeddedSchool]


class Donation:
    def __init__(self, here: EmbeddedSchool) -> None:
        self.here = here
        tenant = here.tenant
        self.options: dict[str, Any] = {
            "outcome": "donate",
            "all_managed": True,
            "content_token": tenant.content_token,
            "apps_and_books_url": tenant.apps_and_books_url,
            "asm": here.asm(),
            "server_name": tenant.server_name,
        }

    def run(self, check: bool = False, **params: Any) -> dict[str, Any]:
        self.here.run(campaign_plan, check, wait_timeout=None, **self.options)
        return self.here.run(campaign_run, check, **{"wait_timeout": 5, **self.options, **params})

    def posts(self, world: World, path: str) -> int:
        return len(world.writes(self.here.tenant.name, path))


@pytest.fixture
def donation(embedded_school: Embedded) -> Donation:
    return Donation(embedded_school(4, licences=1))


def test_all_that_answer_leave_in_one_run(donation: Donation, world: World, tmp_path: Path) -> None:
    here, away = donation.here, donation.here.serials[0]
    records = tmp_path / "records.jsonl"
    here.tenant.device_set(here.serials[1:], off=False)
    told = donation.run(records_path=str(records))
    assert told["changed"] and told["devices"] == {"done": 3, "pending": 1, "failed": 0, "unknown": 0}
    assert [step["step"] for step in told["steps"]] == ["collect", "profiles", "apps", "licences", "delete", "unassign"]
    assert told["steps"][-1]["summary"]["done"] == 3
    assert [(each["device"], each["step"]) for each in told["pending"]] == [(away, "collect")]
    assert here.each("unenrolled") == [0, 1, 1, 1]
    assert here.tenant.assigned[away] and not any(here.tenant.assigned[serial] for serial in here.serials[1:])
    assert (donation.posts(world, "/disassociate"), donation.posts(world, "/orgDeviceActivities")) == (1, 1)
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    assert len(lines) == 4 * len(told["steps"]) and records.stat().st_mode & 0o777 == 0o600

    here.tenant.device_set([away], off=False)
    rest = donation.run()
    assert rest["changed"] and rest["devices"]["done"] == 4 and rest["pending"] == []
    assert here.each("unenrolled") == [1, 1, 1, 1] and not any(here.tenant.assigned.values())
    writes = len(world.writes(here.tenant.name))
    assert not donation.run()["changed"]
    assert len(world.writes(here.tenant.name)) == writes, "what is done is never asked for again"


def test_a_dry_run_sends_nothing(donation: Donation, world: World) -> None:
    donation.here.tenant.device_set(off=False)
    before = len(world.writes(donation.here.tenant.name))
    told = donation.run(check=True)
    assert told["changed"] and told["steps"][0]["summary"]["to_do"] == 4
    assert len(world.writes(donation.here.tenant.name)) == before
    assert not donation.here.ledger.records(donation.here.campaign)


def test_it_needs_the_confirmation(donation: Donation, world: World) -> None:
    told = donation.run(confirm="graduation-1999")
    assert told["failed"] and "confirm" in told["msg"]
    told = donation.run(max_devices=3)
    assert told["failed"] and "max_devices" in told["msg"]
    assert donation.here.each("seen") == [[]] * 4


def test_what_apple_refuses_at_the_beginning_leaves_all_as_it_is(donation: Donation) -> None:
    """No device has lost its profiles when the content token turns out to be none."""
    donation.here.tenant.device_set(off=False)
    told = donation.run(content_token="no token")
    assert told["failed"]
    assert donation.here.each("removed_profiles") == [[]] * 4
