# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The play graduation on whole year groups: dry run, for real, again; what it refuses, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_plan
from ansible_collections.nendo.apple_mdm.tests.integration.graduations import (
    CAMPAIGN,
    CONFIRMED,
    Graduation,
    events_to,
    settings,
)
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with start() as world:
        yield world


@pytest.fixture
def world(running: World) -> World:
    running.reset()
    return running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as open_until_the_end:
        yield open_until_the_end


@pytest.fixture
def school(world: World) -> Tenant:
    return world.tenant("sakura", devices=12, managed=True, assets=3, licences=2)


@pytest.fixture
def graduation(school: Tenant, tmp_path: Path, stack: ExitStack) -> Graduation:
    """Four devices are given away, four are handed on, four stay out of it."""
    ledger = str(tmp_path / "ledger.db")
    stack.enter_context(events_to(ledger, tmp_path, school))
    return Graduation(
        tmp_path,
        settings(school, tmp_path, ledger),
        {
            "grade6": (school.serials[:4], {"graduation_outcome": "donate"}),
            "grade5": (school.serials[4:8], {"graduation_outcome": "reassign"}),
            "grade4": (school.serials[8:], {}),
        },
    )


def at(tenant: Tenant) -> dict[str, Facts]:
    return {device["serial"]: device for device in tenant.managed()}


def is_donated(tenant: Tenant, serial: str) -> bool:
    device = at(tenant)[serial]
    free = serial not in {each[2] for each in tenant.licences} and not tenant.assigned[serial]
    return free and device["unenrolled"] == 1 and device["erased"] == 0 and "com.example.agent" not in device["apps"]


def is_handed_on(tenant: Tenant, serial: str) -> bool:
    device = at(tenant)[serial]
    back = device["enrolled"] and not device["awaiting"] and device["enrolments"] == 2
    return back and device["erased"] == 1 and device["unenrolled"] == 0 and bool(tenant.assigned[serial])


def is_untouched(tenant: Tenant, serial: str) -> bool:
    device = at(tenant)[serial]
    return device["enrolments"] == 1 and device["seen"] == [] and bool(tenant.assigned[serial])


def test_a_year_group_leaves(graduation: Graduation, school: Tenant, world: World) -> None:
    """In a dry run, for real, and once more."""
    world.forget_requests()
    dry = graduation.run("--check")
    assert dry.code == 0, dry.output
    assert world.writes() == [] and all(is_untouched(school, serial) for serial in school.serials)
    assert "donate, 4 devices" in dry.output and "collect: 4 to do" in dry.output
    done = graduation.run(*CONFIRMED, serial="")  # the canary goes first
    assert done.code == 0 and done.failed == set(), done.output
    assert "donate: 4 done" in done.output and "reassign: 4 done" in done.output
    assert "NanoMDM keeps no users" in done.output, "what the server cannot do is told at the start"
    for serials, fits in (
        (school.serials[:4], is_donated),
        (school.serials[4:8], is_handed_on),
        (school.serials[8:], is_untouched),
    ):
        assert [serial for serial in serials if not fits(school, serial)] == []
    world.forget_requests()
    again = graduation.run(*CONFIRMED)
    assert again.code == 0 and not again.changed and "donate: 4 done" in again.output
    assert world.writes() == []


def test_without_the_confirmation_nothing_is_begun(graduation: Graduation, school: Tenant, world: World) -> None:
    world.forget_requests()
    for options in ((), ("-e", "graduation_confirm=graduation-2026")):
        refused = graduation.run(*options)
        assert refused.code != 0 and refused.failed == {school.serials[0]}, "somebody has to carry the message"
        assert f"confirm is not {CAMPAIGN}" in refused.output
    assert world.writes() == [] and all(is_untouched(school, serial) for serial in school.serials)


def test_more_devices_than_are_meant(graduation: Graduation, school: Tenant, world: World) -> None:
    world.forget_requests()
    refused = graduation.run(*CONFIRMED, "-e", "graduation_max_devices=3")
    assert refused.code != 0 and "more than graduation_max_devices" in refused.output
    assert world.writes() == []


def test_devices_that_do_not_answer_wait_and_a_later_run_ends_them(graduation: Graduation, school: Tenant) -> None:
    off, locked = school.serials[0], school.serials[5]
    school.device_set([off], off=True)
    school.device_set([locked], find_my=True)
    short = ("-e", "graduation_wait_timeout=2", "-e", "graduation_max_fail_percentage=50")
    first = graduation.run(*CONFIRMED, *short)
    assert first.failed == {locked}, "pending hosts end well, hosts whose device failed do not"
    assert "Activation Lock" in first.output and f"{off}  collect" in first.output
    assert "3 done" in first.output and not is_donated(school, off)
    school.device_set([off], off=False)
    school.device_set([locked], find_my=False)
    second = graduation.run(*CONFIRMED, "--limit", f"{off},{locked}")
    assert second.code == 0, second.output
    assert is_donated(school, off) and is_handed_on(school, locked)


def test_too_many_failures_stop_before_the_next_batch(graduation: Graduation, school: Tenant) -> None:
    school.device_set(school.serials[4:8], lost_mode=True)
    stopped = graduation.run(*CONFIRMED, "--limit", "grade5", serial='[2, "100%"]')
    assert stopped.code != 0 and "2 of 2 devices of the batch failed" in stopped.output
    assert len(stopped.failed) == 2
    assert sum(is_untouched(school, serial) for serial in school.serials[4:8]) == 2


def test_the_others_wait_until_a_device_of_the_first_batch_is_through(graduation: Graduation, school: Tenant) -> None:
    canary, *others = school.serials[:4]
    school.device_set([canary], off=True)
    grade6 = ("--limit", "grade6", "-e", "graduation_wait_timeout=2")
    waits = graduation.run(*CONFIRMED, *grade6, serial='[1, "100%"]')
    assert waits.code == 0, waits.output
    assert "none is through" in waits.output and f"{canary}  collect" in waits.output
    assert all(is_untouched(school, serial) for serial in others)
    left_out = graduation.run(*CONFIRMED, "--limit", f"grade6:!{canary}", serial='[1, "100%"]')
    assert left_out.code == 0 and all(is_donated(school, serial) for serial in others), left_out.output


def test_an_mdm_server_that_is_not_there_fails_no_device(graduation: Graduation, school: Tenant, world: World) -> None:
    world.fault("/enqueue/", reset=True, times=100)
    failed = graduation.run(*CONFIRMED, "--limit", "grade6")
    assert len(failed.failed) == 1 and "No answer from" in failed.output
    world.no_faults()
    assert graduation.run(*CONFIRMED, "--limit", "grade6").code == 0
    assert all(is_donated(school, serial) for serial in school.serials[:4])


ROSTER = "シリアル番号,氏名,組\r\n"


def test_devices_that_the_roster_does_not_agree_with_are_left_out(
    graduation: Graduation, school: Tenant, tmp_path: Path
) -> None:
    one, other, third, absent = school.serials[:4]
    roster = tmp_path / "roster.csv"
    rows = f"{one},山田,6-1\r\n{other},田中,6-2\r\n{third},鈴木,6-1\r\n{third.lower()},佐藤,6-1\r\n"
    roster.write_bytes((ROSTER + rows).encode("cp932"))
    given = ("-e", f"graduation_roster_path={roster}", "-e", "graduation_roster_class=6-1", "--limit", "grade6")
    dry = graduation.run("--check", *given)
    assert "山田" in dry.output and "donate, 1 devices" in dry.output
    done = graduation.run(*CONFIRMED, *given)
    assert done.code == 0, done.output
    for serial, said in ((other, "in class 6-2"), (third, "2 times"), (absent, "does not have it")):
        assert said in done.output and is_untouched(school, serial)
    assert is_donated(school, one)


def test_devices_of_two_tenants_in_one_run(
    graduation: Graduation, school: Tenant, world: World, tmp_path: Path, stack: ExitStack
) -> None:
    other = world.tenant("momiji", devices=2, managed=True, assets=1, licences=1)
    (tmp_path / "momiji").mkdir()
    stack.enter_context(events_to(str(tmp_path / "ledger.db"), tmp_path / "momiji", other))
    own = {**settings(other, tmp_path / "momiji", str(tmp_path / "ledger.db")), "graduation_outcome": "donate"}
    both = Graduation(
        tmp_path,
        graduation.common,
        {"grade6": (school.serials[:2], {"graduation_outcome": "donate"}), "momiji6": (other.serials, own)},
    )
    done = both.run(*CONFIRMED)
    assert done.code == 0, done.output
    assert all(is_donated(tenant, serial) for tenant in (school, other) for serial in tenant.serials[:2])


def test_a_device_with_another_outcome_of_its_own(graduation: Graduation, school: Tenant, tmp_path: Path) -> None:
    """A host's own variable counts as everywhere in Ansible."""
    one, own = school.serials[:2]
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / f"{own}.yml").write_text("graduation_outcome: reassign\n")
    done = graduation.run(*CONFIRMED, "--limit", f"{one},{own}")
    assert done.code == 0, done.output
    assert is_donated(school, one) and is_handed_on(school, own)


def test_a_device_that_entered_with_another_outcome_is_refused(
    graduation: Graduation, school: Tenant, tmp_path: Path
) -> None:
    entered = run_module(
        campaign_plan,
        campaign=CAMPAIGN,
        confirm=CAMPAIGN,
        tenant=school.name,
        devices=school.serials[:4],
        outcome="donate",
        ledger=str(tmp_path / "ledger.db"),
        mdm={"url": school.url, "api_key": school.api_key},
        content_token=school.content_token,
        apps_and_books_url=school.apps_and_books_url,
        asm=graduation.common["graduation_asm"],
        server_name=school.server_name,
    )
    assert not entered.get("failed"), entered
    changed = Graduation(
        graduation.folder, graduation.common, {"grade6": (school.serials[:4], {"graduation_outcome": "reassign"})}
    )
    refused = changed.run(*CONFIRMED)
    assert refused.code != 0 and "entered the campaign to donate" in refused.output


def test_no_secret_is_shown(graduation: Graduation, school: Tenant) -> None:
    shown = graduation.run(*CONFIRMED, "-vvvv", "--limit", "grade6").output
    secrets = [school.school_private_key.splitlines()[1], school.api_key, school.content_token, "AAAAA-BBBBB"]
    assert [secret for secret in secrets if secret in shown] == []


def test_progress_is_told_while_a_step_runs(graduation: Graduation, school: Tenant) -> None:
    graduation.environment |= {
        "ANSIBLE_CALLBACKS_ENABLED": "nendo.apple_mdm.campaign_progress",
        "NENDO_PROGRESS_SECONDS": "1",
    }
    school.device_set(school.serials[:1], off=True)
    shown = graduation.run(*CONFIRMED, "--limit", "grade6", "-e", "graduation_wait_timeout=12").output
    assert "collect: 3 of 4 done, 1 pending, 0 failed" in shown, shown
