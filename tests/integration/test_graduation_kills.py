# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A graduation that is killed at any one of its writes is ended by the next run: everything has happened once to each device.

Places to die at are before and after every request that asks for a change and every commit, as dying.py counts them; what is
between two of them leaves the same. A campaign of 30 devices goes on from a snapshot of each place; a few are killed for real.
The server here keeps users, so that one deleted too early is found. Smaller campaigns with several calls a step are killed a
second time while they recover, at places that are drawn.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.tests.integration.campaigns import (
    OUTCOMES,
    Campaign,
    Facts,
    embedded_campaign,
    embedded_tenant,
    quick,
    users_at_the_server,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Countdown
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Post, Site, post_office
from ansible_collections.nendo.apple_mdm.tests.integration.schools import RealSchool
from ansible_collections.nendo.apple_mdm.tests.integration.snapshots import Snapshots
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
WHOLE = 30
WRITES = {"donate": 110, "reassign": 80}  # of a small campaign, about
LEAST_WRITES = {"donate": 90, "reassign": 70}
FIRST_WRITES = 10
OTHERS = 2  # devices of the same school that do not take part


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick():
        yield


def campaign(world: World, post: Post, folder: Path, outcome: str, devices: int, limit: int = 1000) -> Campaign:
    return embedded_campaign(world, post, folder, outcome, devices, OTHERS, limit=limit)


def survives(here: Campaign, *kills: Countdown, users: int = WHOLE) -> int:
    """How many of the kills came, one a run. users: so many are deleted at once."""
    before, killed = here.world(), 0
    with users_at_the_server(here, users):
        for countdown in kills:
            ended = here.run(countdown)
            assert not [result["msg"] for result in ended.results if result.get("failed")]
            here.agrees()
            if not here.wait_timeout:  # its devices do nothing by themselves
                here.settle()
            killed += ended.killed
        here.finish()
    here.judge(before)
    return killed


@pytest.mark.sweep
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_dead_at_any_write(world: World, post: Post, tmp_path: Path, outcome: str) -> None:
    neighbours = embedded_tenant(world, post, OTHERS)
    others = neighbours.managed()
    with post_office(tmp_path) as own:
        here = campaign(world, own, tmp_path, outcome, WHOLE)
        before, snapshots = here.world(), Snapshots(here.tenant, tmp_path)
        with users_at_the_server(here, WHOLE):
            ended = snapshots.record(here.calls())
            assert not [result["msg"] for result in ended.results if result.get("failed")]
            for snapshot in snapshots.different:
                snapshots.put_back(snapshot)
                here.agrees()
                here.finish()
                here.judge(before)
    assert len(snapshots.places) > 60
    assert neighbours.managed() == others


@pytest.mark.parametrize("number", [7, 30, 55])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_at_a_few_writes(world: World, post: Post, tmp_path: Path, outcome: str, number: int) -> None:
    assert survives(campaign(world, post, tmp_path, outcome, WHOLE), Countdown(number))


@pytest.mark.parametrize("seed", first_in_test(range(4)))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_again_while_it_recovers(world: World, post: Post, tmp_path: Path, outcome: str, seed: int) -> None:
    """With several calls a step: each for four of the devices."""
    drawn, killed = random.Random(f"{outcome} {seed}"), 0
    with quick(limit=4):
        for _story in range(2):
            here = campaign(world, post, tmp_path, outcome, 6, limit=4)
            kills = [Countdown(drawn.randint(1, most)) for most in (WRITES[outcome], 60, 30)]
            killed += survives(here, *kills, users=4)
    assert killed > 2


@pytest.mark.parametrize("number", first_in_test([4, *sorted({*range(1, FIRST_WRITES + 1)} - {4})]))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_at_the_first_writes_of_a_ledger(world: World, tmp_path: Path, outcome: str, number: int) -> None:
    """Before anybody has intended anything in it, and while it and its witness are made."""
    with post_office(tmp_path) as post:
        assert survives(campaign(world, post, tmp_path, outcome, 2), Countdown(number))


@pytest.mark.parametrize("quarter", first_in_test(range(4)))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_on_postgresql(
    world: World, tmp_path: Path, new_database: Callable[[], str], outcome: str, quarter: int
) -> None:
    share = LEAST_WRITES[outcome] // 4
    number = random.Random(f"{outcome} {quarter}").randint(1, share) + quarter * share
    with post_office(tmp_path, ledger=new_database()) as post, quick(limit=4):
        assert survives(campaign(world, post, tmp_path, outcome, 6, limit=4), Countdown(number), users=4)


@pytest.mark.parametrize("seed", first_in_test(range(4)))
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_killed_on_the_real_server(world: World, site: Site, tmp_path: Path, outcome: str, seed: int) -> None:
    """Its devices connect between the runs, so that a campaign takes several, and the kill comes in any of them."""
    drawn = random.Random(f"{outcome} {seed}")
    for _story in range(2):
        here = real_campaign(world, site, tmp_path, outcome)
        assert survives(here, *[Countdown(drawn.randint(1, LEAST_WRITES[outcome]))] * here.runs, users=2) == 1


def real_campaign(world: World, site: Site, folder: Path, outcome: str) -> Campaign:
    tenant = world.tenant(f"kill-{uuid.uuid4().hex[:8]}", devices=3 + OTHERS, licences=2)
    tenant.switch(vpp_max_per_second=1000)
    school = RealSchool(site, tenant, folder)
    school.enrol(3 + OTHERS)

    def look(_tenant: Tenant) -> list[Facts]:
        return [school.told(serial) for serial in school.serials]

    return Campaign(
        outcome,
        tenant,
        school.mdm,
        site.post.ledger_path,
        folder,
        tenant.serials[:3],
        look,
        school.settle,
        limit=2,
        wait_timeout=0,
        runs=8,
    )
