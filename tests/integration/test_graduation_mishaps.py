# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A graduation to which things happen: answers and events that get lost, devices handed on, two runs at once, an old ledger.

Everything happens once to each device all the same, or not at all to one that has a new pupil by now."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm import collect, removal
from ansible_collections.nendo.apple_mdm.plugins.modules import mdm_app_remove, mdm_device_delete
from ansible_collections.nendo.apple_mdm.tests.integration.campaigns import (
    BY_STEP,
    OUTCOMES,
    STEP_OF,
    Campaign,
    embedded_campaign,
    quick,
    users_at_the_server,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Countdown, begin_modules, run_modules
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Post, post_office
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
DEVICES = 6
RUNS = 3  # after one that was killed
# It may be asked what it is. What Apple has of it: see below
NOT_COMPARED = ("seen", "queue", "licences", "assigned")
OTHERS = 2  # devices of the same school that do not take part
EACH_STEP = [(outcome, module) for outcome in OUTCOMES for module in BY_STEP[outcome] if module in STEP_OF]
each_step = pytest.mark.parametrize(
    ("outcome", "module"), EACH_STEP, ids=[f"{outcome}-{STEP_OF[module]}" for outcome, module in EACH_STEP]
)


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick(limit=4):
        yield


@pytest.fixture
def begun(world: World, post: Post, tmp_path: Path) -> Iterator[Callable[..., Campaign]]:
    """Each call: a campaign of some devices of a school, each call at the far side for four."""

    def make(outcome: str, devices: int = DEVICES) -> Campaign:
        return embedded_campaign(world, post, tmp_path, outcome, devices, OTHERS, limit=4)

    yield make
    world.no_faults()


# Answers


@each_step
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"when": "after", "reset": True}, id="answer lost"),
        pytest.param({"when": "before", "status": 502, "body": "no", "times": 20}, id="502 for a while"),
    ],
)
def test_a_request_of_any_step_without_its_answer(
    begun: Callable[..., Campaign], world: World, outcome: str, module: Any, fault: dict[str, Any]
) -> None:
    here = begun(outcome)
    before, calls = here.world(), here.calls_by_step()
    steps = [each for each, _options in calls]
    with users_at_the_server(here, 4):
        run_modules(calls[: steps.index(module)], Countdown(0))
        for path, method in (("/enqueue/", "PUT"), ("/disassociate", "POST"), ("/orgDeviceActivities", "POST")):
            world.fault(path, method, tenant=here.tenant.name, **fault)
        run_modules(calls[steps.index(module) :], Countdown(0))
        world.no_faults()
        here.agrees()
        here.finish()
    here.judge(before)
    assert {entry["status"] for entry in world.writes(here.tenant.name)} & {None, 502}, "it has happened"


class Mishap(Countdown):
    """Instead of death, at the request that is due: it is not sent, or its answer is lost or another one."""

    def __init__(self, number: int, kind: str) -> None:
        super().__init__(number)
        self.kind = kind

    def arm(self) -> None:
        send = requests.Session.send

        def disturbed(
            session: requests.Session, request: requests.PreparedRequest, **options: Any
        ) -> requests.Response:
            if request.method == "GET" or "/_control/" in str(request.url) or not self.is_due():
                return send(session, request, **options)
            if self.kind == "not sent":
                raise requests.ConnectionError
            answer = send(session, request, **options)
            if self.kind == "answer lost":
                raise requests.ConnectionError
            answer.status_code, answer._content = 500, b"no"
            return answer

        mock.patch.object(requests.Session, "send", disturbed).start()

    def is_due(self) -> bool:
        with self._alone:
            self._set(self.left - 1)
            return self.left == 0


@pytest.mark.sweep
@pytest.mark.parametrize(("kind", "first"), [("not sent", 1), ("answer lost", 2), ("500 after the effect", 3)])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_any_one_request_without_its_answer(
    begun: Callable[..., Campaign], outcome: str, kind: str, first: int
) -> None:
    """Every third, and each of the three mishaps begins with another one."""
    number, left = first - 3, 0
    while left <= 0:
        number += 3
        here, mishap = begun(outcome), Mishap(number, kind)
        before = here.world()
        with users_at_the_server(here, 4):
            here.run(mishap)
            here.agrees()
            here.finish()
        here.judge(before)
        left = mishap.left
    assert number > 15


# Events


@pytest.mark.parametrize("seed", first_in_test(range(2)))
@pytest.mark.parametrize("mishap", ["events_doubled", "events_late", "events_lost"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_events_that_are_doubled_late_or_lost(
    begun: Callable[..., Campaign], outcome: str, mishap: str, seed: int
) -> None:
    """Where some are lost, an hour is a second. An erased device that is not heard of for that may have to be looked at."""
    here = begun(outcome)
    before = here.world()
    here.tenant.switch(**{mishap: 0.3, "events_seed": seed})
    second = timedelta(seconds=1)
    with (
        users_at_the_server(here, 4),
        mock.patch.object(collect, "ASK_AGAIN", second),
        mock.patch.multiple(removal, SILENT=second, DOUBTFUL=second),
    ):
        here.run()
        here.agrees()
        here.tenant.switch(**{mishap: 0.0})
        if (outcome, mishap) == ("reassign", "events_lost"):
            here.run()
        else:
            here.finish()
    here.settle()
    unheard_of = {device for device, _step in here.left}
    here.judge(before, devices=[device for device in here.devices if device not in unheard_of])
    assert here.world_of("erased") == [int(outcome == "reassign")] * DEVICES


def test_a_lost_answer_of_a_device_that_stood_in_setup_assistant(begun: Callable[..., Campaign]) -> None:
    here = dataclasses.replace(begun("reassign", devices=2), wait_timeout=1)
    run_modules(here.calls_by_step()[:2], Countdown(0))
    for lost in (0, 2):
        here.tenant.device_set(here.devices, off=True)
        run_modules(here.calls_by_step()[2:3], Countdown(0))
        here.tenant.switch(events_lost_next=lost)
        here.tenant.device_set(here.devices, off=False)
        here.settle()
    here.finish()


# A device that has a new pupil


@pytest.mark.parametrize(("awake", "first"), [(True, 4), (False, 10)], ids=["awake", "off"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_device_that_was_handed_on_is_left_alone(
    begun: Callable[..., Campaign], outcome: str, first: int, awake: bool
) -> None:
    """Whatever a run that was killed had come to with it, once the campaign had looked at it. What is sent to one that is off
    waits at the server."""
    number, killed = first, True
    while killed:
        here = dataclasses.replace(begun(outcome, devices=3), wait_timeout=1)
        handed_on, *others = here.devices
        before = here.world()
        run_modules(here.calls_by_step()[:2], Countdown(0))
        here.tenant.device_set([handed_on], off=not awake)
        killed = run_modules(here.calls_by_step()[2:], Countdown(number)).killed
        here.agrees()
        here.tenant.device_enrols(handed_on)
        here.settle()
        new = here.world()[handed_on]
        for _run in range(RUNS):
            here.run()
            here.settle()
        now = here.world()[handed_on]
        same = {name: told for name, told in now.items() if name not in NOT_COMPARED}
        assert same == {name: new[name] for name in same}, number
        here.judge(before, devices=others, users=False)
        number += 12


@pytest.mark.parametrize(
    ("last", "what"), [(mdm_app_remove, "licences"), (mdm_device_delete, "assigned")], ids=["licences", "assigned"]
)
def test_a_device_that_was_handed_on_keeps_what_apple_has_of_it(
    begun: Callable[..., Campaign], last: Any, what: str
) -> None:
    """What the new pupil needs."""
    here = begun("donate", devices=2)
    before = here.world()
    calls = here.calls_by_step()
    run_modules(calls[: [module for module, _options in calls].index(last) + 1], Countdown(0))
    handed_on = here.devices[0]
    here.tenant.device_enrols(handed_on)
    here.settle()
    for _run in range(2):
        here.run()
        here.settle()
    assert here.world()[handed_on][what] == before[handed_on][what]


# Two runs at once


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_two_runs_at_once(
    world: World, tmp_path: Path, request: pytest.FixtureRequest, outcome: str, database: str
) -> None:
    ledger = request.getfixturevalue("new_database")() if database == "postgres" else ""
    with post_office(tmp_path, ledger=ledger) as post:
        for _story in range(2):
            here = embedded_campaign(world, post, tmp_path, outcome, 12, OTHERS, limit=4)
            before = here.world()
            with users_at_the_server(here, 4):
                running = [begin_modules(here.calls_by_step(), Countdown(0)) for _run in range(2)]
                for each in running:
                    assert not [result["msg"] for result in each.ended().results if result.get("failed")]
                here.agrees()
                here.finish()
            here.judge(before)


# An old ledger


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_older_copy_of_the_ledger_is_refused_before_anything_is_sent(
    world: World, tmp_path: Path, outcome: str
) -> None:
    """Whatever it knows of: it is copied wherever a run was killed."""
    with post_office(tmp_path) as post:
        here = embedded_campaign(world, post, tmp_path, outcome, 3, OTHERS, limit=4)
        before, copies, number = here.world(), [copied(here.ledger, tmp_path / "copy.db")], 6
        while here.run(Countdown(number)).killed:
            copies.append(copied(here.ledger, tmp_path / f"copy-{number}.db"))
            here.settle()
            number += 1
        here.finish()
        newest = copied(here.ledger, tmp_path / "newest.db")
        older = [copy for copy in copies if generation(copy) < generation(newest)]
        assert len(older) > 3
        sent = here.sent()
        for copy in older:
            shutil.copy(copy, here.ledger)
            told = here.run().results[-1]
            assert told.get("failed") and "cannot be trusted" in told["msg"], copy
            assert here.sent() == sent, copy
        shutil.copy(newest, here.ledger)
        here.finish()
        assert here.sent() == sent
        here.judge(before, users=False)


def copied(ledger: str, place: Path) -> Path:
    shutil.copy(ledger, place)
    return place


def generation(ledger: Path) -> int:
    """How many intentions it knows of."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        row = connection.execute("SELECT generation FROM apple_mdm_ledger").fetchone()
    return int(row[0]) if row else 0
