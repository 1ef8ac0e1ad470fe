# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices that leave: their profiles, apps and licences go, then their enrolment, each once and proven, whatever is lost.

The same tests run on the embedded NanoMDM and the real one where that tells more."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import now_utc
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Change, State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm import driver, removal, wipe
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Commands, Parcel, Queued
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    asm_release,
    asm_unassign,
    mdm_app_remove,
    mdm_device_delete,
    mdm_device_info,
    mdm_device_wipe,
    mdm_organization_delete,
    mdm_profile_remove,
    mdm_user_delete,
    vpp_license_revoke,
)
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import LEDGER_KEY, Post
from ansible_collections.nendo.apple_mdm.tests.integration.plays import found_in, play
from ansible_collections.nendo.apple_mdm.tests.integration.schools import EmbeddedSchool, RealSchool, School
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import PROFILES, Profile

KILLED = -signal.SIGKILL
MDM, WIFI = "com.example.mdm", "com.example.wifi"
AGENT, KEYNOTE, GAME = "com.example.agent", "com.apple.Keynote", "com.example.game"
REMOVALS = [mdm_profile_remove, mdm_app_remove, mdm_device_delete]
EFFECT = {mdm_profile_remove: "removed_profiles", mdm_app_remove: "removed_apps", mdm_device_delete: "unenrolled"}
EFFECT[mdm_device_wipe] = "erased"
ONCE: dict[Any, Any] = {mdm_profile_remove: [WIFI], mdm_app_remove: [KEYNOTE, AGENT], mdm_device_delete: 1}
NOTHING: dict[Any, Any] = {mdm_profile_remove: [], mdm_app_remove: [], mdm_device_delete: 0}
STEPS = {mdm_profile_remove: "profiles", mdm_app_remove: "apps", mdm_device_delete: "delete", mdm_device_wipe: "wipe"}
Schools = Callable[..., School]
Embedded = Callable[..., EmbeddedSchool]

every_removal = pytest.mark.parametrize("module", REMOVALS, ids=["profiles", "apps", "delete"])


@pytest.fixture(autouse=True)
def _time_passes() -> Iterator[None]:
    """Between two runs, the fifteen minutes after which a device that is gone for APNs has left."""
    with mock.patch.object(removal, "GONE_FOR", timedelta(0)):
        yield


def ready_for(here: School, module: Any) -> None:
    """The campaign has come to the step."""
    assert here.collected()["summary"]["done"] == len(here.serials)
    if module is mdm_device_delete:
        for earlier in REMOVALS[:2]:
            assert here.done(earlier)["summary"]["done"] == len(here.serials)
        assert here.run(vpp_license_revoke)["summary"]["done"] == len(here.serials)


def enqueued(world: World, here: School) -> list[str]:
    """The addresses of what was sent."""
    return [entry["path"] for entry in world.requests(here.tenant.name, "/enqueue/")]


def assert_removed_once(here: School, module: Any) -> None:
    assert [sorted(each) if isinstance(each, list) else each for each in here.each(EFFECT[module])] == [
        ONCE[module]
    ] * len(here.serials)


@contextlib.contextmanager
def days_later() -> Iterator[None]:
    """For steps, not for the ledger."""

    def clock() -> datetime:
        return now_utc() + timedelta(days=2)

    with (
        mock.patch.object(driver, "RemovalStep", functools.partial(removal.RemovalStep, clock=clock)),
        mock.patch.object(driver, "WipeStep", functools.partial(wipe.WipeStep, clock=clock)),
    ):
        yield


@contextlib.contextmanager
def answers_lost(arrived: bool = True) -> Iterator[None]:
    """No request gets an answer from the MDM server, whether it arrived or not."""
    order = Commands.order

    def lost(self: Commands, parcels: Sequence[Parcel]) -> dict[str, Queued]:
        if arrived:
            order(self, parcels)
        return {parcel.command_uuid: Queued(None, "no answer") for parcel in parcels}

    with mock.patch.object(Commands, "order", lost):
        yield


# What is removed


def test_what_the_server_put_on_a_device_goes_step_by_step(school: Schools) -> None:
    here = school(3)
    here.collected()
    assert here.run(mdm_profile_remove)["summary"]["pending"] == 3
    here.settle()
    done = here.run(mdm_profile_remove)
    assert (done["changed"], done["summary"]["done"]) == (True, 3)
    assert (here.each("removed_profiles"), here.each("profiles")) == ([[WIFI]] * 3, [[MDM]] * 3)
    assert here.done(mdm_app_remove)["summary"]["done"] == 3
    assert here.each("apps") == [[GAME]] * 3, "the pupil's own app stays"
    assert here.run(vpp_license_revoke)["summary"]["done"] == 3
    assert here.each("unenrolled") == [0, 0, 0]
    assert here.done(mdm_device_delete)["summary"]["done"] == 3
    assert (here.each("unenrolled"), here.each("enrolled"), here.each("erased")) == ([1] * 3, [False] * 3, [0] * 3)
    for module in REMOVALS:
        assert not here.run(module)["changed"]
        here.settle()
    assert (here.each("removed_profiles"), here.each("unenrolled")) == ([[WIFI, MDM]] * 3, [1] * 3)


def test_apps_by_list(school: Schools) -> None:
    here = school(2)
    here.collected()
    wanted = [AGENT, GAME, "com.example.unknown"]
    assert here.done(mdm_app_remove, all_managed=False, apps=wanted)["summary"]["done"] == 2
    assert here.each("removed_apps") == [[AGENT]] * 2
    assert here.each("apps") == [[KEYNOTE, GAME]] * 2, "one of the list is the pupil's own"


def test_no_app_of_the_list_is_done_at_once(embedded_school: Embedded, world: World) -> None:
    here = embedded_school(2)
    here.collected()
    world.forget_requests()
    assert here.run(mdm_app_remove, all_managed=False, apps=["com.example.other"])["summary"]["done"] == 2
    assert enqueued(world, here) == []


@pytest.mark.parametrize("supervised", [True, False], ids=["supervised", "not supervised"])
def test_a_profile_of_somebody_else_goes_from_a_supervised_device(
    site: Any, world: World, tmp_path: Path, supervised: bool
) -> None:
    here = RealSchool(site, world.tenant(f"own-{supervised}", devices=0), tmp_path)
    own = Profile("com.example.own", "com.apple.vpn.managed", managed=False)
    here.enrol(1, supervised=supervised, profiles=(*PROFILES, own))
    here.collected()
    assert here.done(mdm_profile_remove)["summary"]["done"] == 1
    assert here.each("profiles") == [[MDM] if supervised else [MDM, own.identifier]]
    assert here.each("removed_profiles") == [[own.identifier, WIFI] if supervised else [WIFI]]


# The order of the steps


def test_nothing_ends_the_enrolment_before_all_else_is_proven(embedded_school: Embedded) -> None:
    here = embedded_school(2, licences=1)
    here.collected()
    for module, first in (
        (mdm_profile_remove, "profiles"),
        (mdm_app_remove, "apps"),
        (vpp_license_revoke, "licences"),
    ):
        held = here.run(mdm_device_delete)
        assert held["summary"]["pending"] == 2 and held["pending"][0]["reason"]["first"] == first
        here.settle()
        assert here.each("unenrolled") == [0, 0]
        assert here.done(module)["summary"]["done"] == 2
    assert here.tenant.licences == []
    assert here.done(mdm_device_delete)["summary"]["done"] == 2 and here.each("unenrolled") == [1, 1]


def test_one_that_is_behind_holds_up_only_itself(embedded_school: Embedded) -> None:
    here = embedded_school(2)
    here.collected()
    slow, quick = here.serials
    here.away.add(slow)
    for module in (mdm_profile_remove, mdm_app_remove, vpp_license_revoke, mdm_device_delete):
        here.done(module)
    assert (here.told(slow)["unenrolled"], here.told(quick)["unenrolled"]) == (0, 1)
    here.away.clear()
    for module in (mdm_profile_remove, mdm_app_remove, vpp_license_revoke, mdm_device_delete):
        told = here.done(module)
    assert told["summary"]["done"] == 2 and here.each("unenrolled") == [1, 1]
    assert here.each("removed_profiles") == [[WIFI, MDM]] * 2


# Evidence


@every_removal
def test_a_device_that_is_off_is_done_by_a_later_run(embedded_school: Embedded, module: Any) -> None:
    here = embedded_school(2)
    ready_for(here, module)
    off = here.serials[0]
    here.away.add(off)
    told = here.done(module)
    assert (told["summary"]["done"], told["summary"]["pending"]) == (1, 1)
    assert told["pending"][0]["device"] == off and "switched on" in told["pending"][0]["reason"]["en"]
    assert not here.run(module)["changed"]
    here.away.clear()
    here.settle()
    assert here.run(module)["summary"]["done"] == 2
    assert_removed_once(here, module)


def test_what_is_put_off_comes_later(school: Schools) -> None:
    here = school()
    here.collected()
    here.becomes(here.serials[0], not_now=9)
    assert here.done(mdm_profile_remove)["summary"]["pending"] == 1 and here.each("removed_profiles") == [[]]
    here.becomes(here.serials[0], not_now=0)
    here.settle()
    assert here.run(mdm_profile_remove)["summary"]["done"] == 1 and here.each("removed_profiles") == [[WIFI]]


@pytest.mark.parametrize(("module", "gone"), [(mdm_profile_remove, WIFI), (mdm_app_remove, KEYNOTE)])
def test_what_is_gone_already_is_proven_by_the_devices_own_list(
    site: Any, world: World, tmp_path: Path, module: Any, gone: str
) -> None:
    """The device answers 12075 or 12029."""
    here = RealSchool(site, world.tenant(f"gone-{gone[-4:]}", devices=0), tmp_path)
    here.enrol(1)
    here.collected()
    kept = here.device(here.serials[0])
    kept.profiles = tuple(each for each in kept.profiles if each.identifier != gone)
    kept.apps = tuple(each for each in kept.apps if each.identifier != gone)
    assert here.done(module)["summary"]["done"] == 0, "the list has been asked for by now"
    here.settle()
    assert here.run(module)["summary"]["done"] == 1


@pytest.mark.parametrize("checks_out", [True, False])
def test_a_device_that_left_by_itself_has_nothing_to_lose(embedded_school: Embedded, checks_out: bool) -> None:
    """It says so, or APNs does when it is pushed."""
    here = embedded_school(2)
    here.collected()
    left = here.serials[0]
    here.becomes(left, checks_out=checks_out)
    here.leaves(left)
    for module in REMOVALS[:2]:
        told = here.done(module)
        assert told["summary"]["done"] == (1 if checks_out else 2)
        assert told["summary"]["skipped"] == (1 if checks_out else 0)
    here.run(vpp_license_revoke)
    told = here.done(mdm_device_delete)
    assert told["summary"]["done"] + told["summary"]["skipped"] == 2
    assert here.each("unenrolled") == [1, 1] and here.told(left)["removed_profiles"] == [MDM]


def test_a_device_that_left_is_not_asked_what_it_is(embedded_school: Embedded, world: World) -> None:
    here = embedded_school(1)
    here.becomes(here.serials[0], checks_out=True)
    here.leaves(here.serials[0])
    world.forget_requests()
    assert here.run(mdm_device_info)["summary"]["skipped"] == 1 and enqueued(world, here) == []


# What gets lost


@every_removal
@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        pytest.param({"when": "before", "reset": True}, False, id="lost before"),
        pytest.param({"when": "after", "reset": True}, True, id="answer lost"),
        pytest.param({"when": "after", "status": 500, "body": "no"}, True, id="500 after the effect"),
        pytest.param({"when": "before", "status": 502, "body": "no"}, False, id="502"),
    ],
)
def test_a_request_without_an_answer_is_settled_by_evidence(
    embedded_school: Embedded, world: World, module: Any, fault: dict[str, Any], arrived: bool
) -> None:
    here = embedded_school(2)
    ready_for(here, module)
    world.fault("/enqueue/", "PUT", tenant=here.tenant.name, **fault)
    told = here.run(module)
    assert told["summary"]["in_doubt"] == 2
    here.settle()
    effect = ONCE[module] if arrived else NOTHING[module]
    if module is not mdm_app_remove:  # of its two commands only the first got no answer
        assert here.each(EFFECT[module]) == [effect] * 2
    for _run in range(2):
        here.done(module)
    assert here.run(module)["summary"]["done"] == 2
    assert_removed_once(here, module)


def test_a_dead_server_leaves_a_doubt_for_those_of_the_first_call(embedded_school: Embedded) -> None:
    here = embedded_school(120)
    here.collected()
    told = here.run(mdm_profile_remove, mdm={**here.mdm, "url": "http://127.0.0.1:9", "timeout": 1})
    assert {told["summary"]["in_doubt"], told["summary"]["to_do"]} == {100, 20}
    for _run in range(3):
        told = here.done(mdm_profile_remove)
    assert told["summary"]["done"] == 120
    assert here.each("removed_profiles") == [[WIFI]] * 120


def test_a_wrong_key_sends_nothing(embedded_school: Embedded) -> None:
    here = embedded_school(2)
    here.collected()
    told = here.run(mdm_profile_remove, mdm={**here.mdm, "api_key": "wrong-key"})
    assert told["failed"] and "Check the user name and the key" in told["msg"] and "wrong-key" not in str(told["msg"])
    assert here.run(mdm_profile_remove, True)["summary"]["to_do"] == 2


@every_removal
def test_a_lost_acknowledgement_is_made_up_for(embedded_school: Embedded, module: Any) -> None:
    """In doubt, the device's own list tells, or APNs that it has left."""
    here = embedded_school()
    ready_for(here, module)
    with answers_lost():
        assert here.run(module)["summary"]["in_doubt"] == 1
    here.tenant.switch(events_lost_next=2 if module is mdm_app_remove else 1)
    here.settle()
    assert here.each(EFFECT[module]) == [ONCE[module]]
    told = here.run(module)
    if module is mdm_device_delete:
        assert_may_have_left(told)
        told = here.run(module)
    assert told["summary"]["done"] == 1


def assert_may_have_left(told: dict[str, Any]) -> None:
    """APNs knows its push token no longer, and that alone proves nothing."""
    assert told["summary"]["pending"] == 1 and "no such enrolment" in told["pending"][0]["reason"]["en"]


def test_what_says_nothing_at_its_end_has_left_all_the_same(embedded_school: Embedded) -> None:
    """The answer to the removal of the MDM profile can be the last sign of life, or not even that."""
    here = embedded_school()
    ready_for(here, mdm_device_delete)
    here.run(mdm_device_delete)
    here.tenant.switch(events_lost_next=1)
    here.settle()
    with mock.patch.object(removal, "GONE_FOR", timedelta(minutes=15)):
        for _run in range(2):
            assert_may_have_left(here.run(mdm_device_delete))
    told = here.run(mdm_device_delete)
    assert told["summary"]["done"] == 1 and here.each("unenrolled") == [1]


@pytest.mark.parametrize("mishap", ["events_doubled", "events_late"])
def test_doubled_and_disordered_events(embedded_school: Embedded, mishap: str) -> None:
    here = embedded_school(4)
    here.tenant.switch(**{mishap: 0.5})
    here.collected()
    for module in (mdm_profile_remove, mdm_app_remove, vpp_license_revoke, mdm_device_delete):
        told = here.done(module)
    assert told["summary"]["done"] == 4
    assert (here.each("removed_profiles"), here.each("unenrolled")) == ([[WIFI, MDM]] * 4, [1] * 4)


# Runs that die, and two at once


@every_removal
@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "did not arrive"])
def test_a_run_that_died_while_it_sent(school: Schools, module: Any, arrived: bool) -> None:
    here = school(2)
    ready_for(here, module)
    order = Commands.order

    def dies(self: Commands, commands: Any) -> Any:
        if arrived:
            order(self, commands)
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        with mock.patch.object(Commands, "order", dies):
            here.run(module)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == KILLED
    assert here.run(module)["summary"]["in_doubt"] == 2
    for _run in range(3):
        here.settle()
        told = here.run(module)
    if module is not mdm_device_delete or not arrived or not isinstance(here, RealSchool):
        assert told["summary"]["done"] == 2, "the real NanoMDM has no push here that would tell who left"
    assert_removed_once(here, module)


@every_removal
def test_two_runs_at_once_send_once(embedded_school: Embedded, world: World, module: Any) -> None:
    here = embedded_school(3)
    ready_for(here, module)
    world.forget_requests()
    pids = []
    for _run in range(2):
        pids.append(os.fork())
        if pids[-1] == 0:
            with contextlib.suppress(BaseException):
                here.run(module)
                os._exit(0)
            os._exit(1)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0, 0]
    assert len(enqueued(world, here)) == (2 if module is mdm_app_remove else 1)
    here.settle()
    assert here.run(module)["summary"]["done"] == 3
    assert_removed_once(here, module)


# Check mode


@every_removal
def test_check_mode_sends_and_writes_nothing_and_predicts(school: Schools, module: Any) -> None:
    here = school(2)
    ready_for(here, module)
    before, seen = Path(here.ledger_path).read_bytes(), here.each("seen")
    predicted = here.run(module, True, confirm=None)
    assert (predicted["changed"], predicted["to_do"]) == (True, sorted(here.serials))
    here.settle()
    assert Path(here.ledger_path).read_bytes() == before and here.each("seen") == seen
    assert here.done(module)["summary"]["done"] == 2
    after = Path(here.ledger_path).read_bytes()
    assert not here.run(module, True, confirm=None)["changed"] and Path(here.ledger_path).read_bytes() == after


def test_nothing_is_removed_without_the_campaigns_name_or_from_too_many(embedded_school: Embedded) -> None:
    here = embedded_school(2)
    here.collected()
    for params, said in (({"confirm": "yes"}, "confirm is not"), ({"max_devices": 1}, "more than max_devices")):
        for module in REMOVALS:
            told = here.run(module, **params)
            assert told["failed"] and said in told["msg"]
    here.settle()
    assert here.each("removed_profiles") == [[], []]


# Devices that somebody else has by now


DESTRUCTIVE = [*REMOVALS, mdm_device_wipe]
STATES = ["planned", "failed", "pending", "in doubt, arrived", "in doubt, did not arrive", "done"]


def brought_to(here: School, module: Any, state: str) -> None:
    """The device's step is in this state."""
    if state == "planned":
        return
    if state.startswith("in doubt"):
        with answers_lost(arrived=state.endswith(", arrived")):
            assert here.run(module)["summary"]["in_doubt"] == 1
        return
    assert here.run(module)["summary"]["pending"] == 1
    if state == "failed":
        records = here.ledger.records(here.campaign, step=STEPS[module])
        here.ledger.settle([Change(record, State.FAILED) for record in records], datetime.now(timezone.utc))
    if state == "done":
        for _run in range(2):
            here.settle()
            told = here.run(module)
        assert told["summary"]["done"] == 1


def what_befell(here: School) -> list[Any]:
    names = ("erased", "unenrolled", "removed_profiles", "removed_apps", "enrolments")
    return [here.told(here.serials[0])[name] for name in names]


def nothing_more_befalls(here: School, module: Any) -> None:
    """The campaign goes on for days."""
    before = what_befell(here)
    for _run in range(3):
        here.settle()
        here.collected()
        here.done(module)
    assert what_befell(here) == before
    assert here.told(here.serials[0])["enrolled"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("module", DESTRUCTIVE, ids=["profiles", "apps", "delete", "wipe"])
def test_a_device_that_is_handed_to_the_next_pupil_is_left_alone(
    embedded_school: Embedded, module: Any, state: str
) -> None:
    """Whatever state its step was in: nothing of it reaches the new enrolment."""
    here = embedded_school()
    ready_for(here, module)
    brought_to(here, module, state)
    here.enrols_anew(here.serials[0])
    told = here.run(module)
    if state in ("planned", "failed"):
        assert told["summary"]["failed"] == 1 and "another user" in told["failures"][0]["reason"]["en"]
    nothing_more_befalls(here, module)


@pytest.mark.parametrize("state", ["planned", "in doubt, arrived", "pending"])
@pytest.mark.parametrize("module", [mdm_device_delete, mdm_device_wipe], ids=["delete", "wipe"])
def test_that_holds_at_the_real_server(site: Any, world: World, tmp_path: Path, module: Any, state: str) -> None:
    here = RealSchool(site, world.tenant(f"next-{uuid.uuid4().hex[:8]}", devices=0), tmp_path)
    here.enrol(1)
    ready_for(here, module)
    brought_to(here, module, state)
    here.enrols_anew(here.serials[0])
    nothing_more_befalls(here, module)


@pytest.mark.parametrize("state", ["planned", "in doubt, did not arrive"])
@pytest.mark.parametrize("module", [mdm_device_delete, mdm_device_wipe], ids=["delete", "wipe"])
@pytest.mark.parametrize("mishap", ["events_lost_next", "events_late_next"])
def test_that_holds_when_word_of_it_is_lost_or_late(
    embedded_school: Embedded, module: Any, state: str, mishap: str
) -> None:
    """Its Authenticate does not come, or after its TokenUpdate."""
    here = embedded_school()
    ready_for(here, module)
    brought_to(here, module, state)
    here.tenant.switch(**{mishap: 1})
    here.enrols_anew(here.serials[0])
    nothing_more_befalls(here, module)


@pytest.mark.parametrize("state", ["planned", "pending", "in doubt, did not arrive"])
@pytest.mark.parametrize("module", DESTRUCTIVE, ids=["profiles", "apps", "delete", "wipe"])
def test_that_holds_when_nendo_events_heard_nothing_of_it(
    embedded_school: Embedded, post: Post, module: Any, state: str
) -> None:
    """It was down. The device's certificates tell, also where hours and days go by."""
    here = embedded_school()
    ready_for(here, module)
    brought_to(here, module, state)
    here.tenant.webhook("http://127.0.0.1:9/")
    here.enrols_anew(here.serials[0])
    here.tenant.webhook(post.url, post.key)
    with days_later():
        nothing_more_befalls(here, module)
    told = here.run(mdm_device_info)
    assert here.records(STEPS[module])[0]["state"] != "done"
    if state == "planned" and module in (mdm_profile_remove, mdm_device_wipe):
        here.settle()
        told = here.run(mdm_device_info)
        assert told["summary"]["failed"] == 1 and "another user" in told["failures"][0]["reason"]["en"]


@pytest.mark.parametrize("module", DESTRUCTIVE, ids=["profiles", "apps", "delete", "wipe"])
def test_a_device_that_enrols_anew_while_a_run_sends_is_given_nothing(embedded_school: Embedded, module: Any) -> None:
    """Between the check of all and the sending of a part, minutes can pass."""
    here = embedded_school()
    ready_for(here, module)
    intend = Ledger.intend

    def meanwhile(self: Ledger, *arguments: Any) -> Any:
        here.enrols_anew(here.serials[0])
        return intend(self, *arguments)

    before = what_befell(here)[:-1]
    with mock.patch.object(Ledger, "intend", meanwhile):
        here.run(module)
    nothing_more_befalls(here, module)
    assert what_befell(here)[:-1] == before


def test_a_device_that_enrols_anew_before_it_was_heard_is_another_all_the_same(embedded_school: Embedded) -> None:
    """It was first looked at when the question was sent, not when the answer came."""
    here = embedded_school()
    here.run(mdm_device_info)
    here.settle()
    here.enrols_anew(here.serials[0])
    told = here.run(mdm_device_info)
    assert told["summary"]["failed"] == 1 and "another user" in told["failures"][0]["reason"]["en"]
    assert told["devices"] == []
    nothing_more_befalls(here, mdm_device_wipe)


# Many devices


def test_devices_with_the_same_profile_share_a_command(embedded_school: Embedded, world: World) -> None:
    here = embedded_school(250)
    here.collected()
    world.forget_requests()
    assert here.run(mdm_profile_remove)["summary"]["pending"] == 250
    addresses = enqueued(world, here)
    assert len(addresses) == 3 and max(map(len, addresses)) < 8000
    here.settle()
    assert here.run(mdm_profile_remove)["summary"]["done"] == 250
    assert here.each("removed_profiles") == [[WIFI]] * 250
    assert len(enqueued(world, here)) == 3


def test_a_thousand_devices_are_asked_many_at_a_time(embedded_school: Embedded, world: World) -> None:
    here = embedded_school(1000)
    here.tenant.switch(answer_ms=200)
    world.forget_requests()
    began = time.monotonic()
    assert here.run(mdm_device_info)["summary"]["pending"] == 1000
    seconds = time.monotonic() - began
    addresses = enqueued(world, here)
    assert len(addresses) == 60 and max(map(len, addresses)) < 8000
    assert seconds < 60 * 0.2, "one after the other they would take longer"


# What this server does not have


@pytest.mark.parametrize(
    ("module", "step", "said"),
    [(mdm_user_delete, "users", "no users"), (mdm_organization_delete, "organizations", "no organisations")],
    ids=["users", "organisations"],
)
def test_users_and_organisations_are_skipped_with_the_reason(
    embedded_school: Embedded, world: World, module: Any, step: str, said: str
) -> None:
    here = embedded_school(2)
    assert here.run(asm_unassign)["summary"]["done"] == 2
    world.forget_requests()
    for check in (True, False):
        assert here.run(module, check)["summary"]["skipped"] == 2
    assert world.requests(here.tenant.name) == []
    assert said in here.records(step)[0]["reason"]["en"]


# Release


def test_warning_24_a_device_is_released_only_after_it_is_unassigned(embedded_school: Embedded) -> None:
    here = embedded_school(3, api_product="business")
    leaving = here.serials[:2]
    held = here.run(asm_release, devices=leaving)
    assert held["summary"]["pending"] == 2 and held["pending"][0]["reason"]["first"] == "unassign"
    assert here.run(asm_unassign, devices=leaving)["summary"]["done"] == 2
    refused = here.run(asm_release, devices=leaving, confirm_release=here.campaign)
    assert refused["failed"] and f"release-{here.campaign}" in refused["msg"]
    predicted = here.run(asm_release, True, devices=leaving, confirm_release=None)
    assert predicted["to_do"] == sorted(leaving) and len(here.tenant.assigned) == 3
    released = here.run(asm_release, devices=leaving)
    assert released["summary"]["done"] == 2 and list(here.tenant.assigned) == here.serials[2:]
    assert not here.run(asm_release, devices=leaving)["changed"]


@pytest.mark.parametrize("shown", [False, True], ids=["404", "with its date"])
def test_the_proof_of_a_release_is_that_the_organisation_has_it_no_more(
    embedded_school: Embedded, world: World, shown: bool
) -> None:
    here = embedded_school(2, api_product="business")
    here.tenant.switch(school_released_shown=shown)
    here.run(asm_unassign)
    world.fault("orgDeviceActivities", "POST", tenant=here.tenant.name, when="after", reset=True)
    assert here.run(asm_release).get("failed")
    assert here.run(asm_release)["summary"]["done"] == 2
    posts = [entry for entry in world.requests(here.tenant.name, "orgDeviceActivities") if entry["method"] == "POST"]
    assert len(posts) == 2, "one to unassign, one to release"


def test_apple_school_manager_cannot_release(embedded_school: Embedded) -> None:
    here = embedded_school(1)
    for check in (True, False):
        told = here.run(asm_release, check)
        assert told["failed"] and "cannot release" in told["msg"]


# Secrets


@every_removal
def test_no_secret_is_told_at_any_verbosity(embedded_school: Embedded, module: Any) -> None:
    here = embedded_school(1)
    ready_for(here, module)
    name = f"nendo.apple_mdm.{module.__name__.rpartition('.')[2]}"
    options = {**here.usual(module), "records_path": str(here.folder / "records.jsonl")}
    task = {"name": "The step", name: options, "register": "told"}
    plan = {"hosts": "localhost", "gather_facts": False, "connection": "local"}
    playbook = here.folder / "play.yml"
    playbook.write_text(json.dumps([{**plan, "tasks": [task, {"ansible.builtin.debug": {"var": "told"}}]}]))
    played = play(str(playbook), here.folder / "inventory", "-vvvv")
    assert played.code == 0, played.output
    secrets = {"api_key": here.mdm["api_key"], "ledger_key": LEDGER_KEY, "bypass code": "AAAAA-BBBBB"}
    shown = {"output": played.output, "records": (here.folder / "records.jsonl").read_text()}
    for place, text in shown.items():
        assert found_in(text, secrets.items()) == [], place
    assert found_in(Path(here.ledger_path).read_bytes(), secrets.items()) == []
