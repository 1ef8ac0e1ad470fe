# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A snapshot is what a real SIGKILL leaves at the same write: the same in the ledger or the order, the same in the world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.integration.campaigns import (
    OUTCOMES,
    Campaign,
    embedded_campaign,
    quick,
    users_at_the_server,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Countdown, record_modules, run_modules
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import post_office
from ansible_collections.nendo.apple_mdm.tests.integration.snapshots import Snapshots
from ansible_collections.nendo.apple_mdm.tests.integration.test_kills import CASES, Story
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
DEVICES = 4
EVERY = 9  # so many writes lie between two places that are compared


def left_by(here: Campaign) -> tuple[Any, ...]:
    """When the devices have done what was given to them. What is drawn at each enrolment is left out."""
    here.settle()
    records = [(record.device, record.step, record.state, record.attempts) for record in here.records]
    world = {serial: told | {"push_token": "", "seen": len(told["seen"])} for serial, told in here.world().items()}
    return records, world, here.sent()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_of_a_campaign(world: World, tmp_path: Path, outcome: str) -> None:
    with post_office(tmp_path) as post, quick():
        here = embedded_campaign(world, post, tmp_path, outcome, DEVICES, 1, limit=1000)
        snapshots = Snapshots(here.tenant, tmp_path)
        snapshots.take()
        (at_first,) = snapshots.places
        with users_at_the_server(here, DEVICES):
            snapshots.record(here.calls())
            compared = range(1, len(snapshots.places), EVERY)
            for number in compared:
                snapshots.put_back(snapshots.places[number])
                from_snapshot = left_by(here)
                snapshots.put_back(at_first)
                assert here.run(Countdown(number)).killed
                assert left_by(here) == from_snapshot, number
    assert len(compared) >= 5


@pytest.mark.parametrize("name", CASES)
def test_of_a_renewal(world: World, tmp_path: Path, name: str) -> None:
    tenant = world.tenant(f"snapshot-{tmp_path.name}", **CASES[name].wish)
    story = Story(CASES[name], tenant, str(tmp_path / "orders"), tmp_path)
    calls, snapshots = story.calls(), Snapshots(tenant, tmp_path)

    def left() -> tuple[Any, ...]:
        order = story.order
        names = sorted(
            str(path.relative_to(tmp_path).parts[2:]) for path in tmp_path.rglob("*") if path.suffix != ".lock"
        )
        return (
            order and [event.act for event in order.events],
            names,
            [one["path"] for one in world.writes(tenant.name)],
        )

    snapshots.take()
    (at_first,) = snapshots.places
    record_modules(calls, snapshots.take)
    for number in range(1, len(snapshots.places)):
        snapshots.put_back(snapshots.places[number])
        from_snapshot = left()
        snapshots.put_back(at_first)
        assert run_modules(calls, Countdown(number)).killed
        assert left() == from_snapshot, number
    assert len(snapshots.places) > 3
