# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A tenant that is put back is as it was when it was copied, and what was under way then happens again."""

from __future__ import annotations

from typing import Any

from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.test_devices import (
    ASK,
    Receiver,
    enqueue,
    receiver,
    school,
    udid,
)

__all__ = ["receiver", "school"]


def as_it_is(tenant: Tenant) -> tuple[Any, ...]:
    return tenant.managed(), tenant.licences, tenant.assigned, tenant.world.writes(tenant.name)


def test_what_a_device_was_about_to_do_it_does_again(school: Tenant, receiver: Receiver) -> None:
    ids = [udid(school, 0), udid(school, 1)]
    with school.copied() as copy:
        before = as_it_is(school)
        enqueue(school, ids, ASK, "a")
        with school.copied() as held:
            assert receiver.asked == [], "held devices do nothing"
    school.settled()
    after = as_it_is(school)
    assert sorted(receiver.responses()) == ["a"]
    school.put_back(copy)
    assert as_it_is(school) == before
    receiver.asked.clear()
    school.put_back(held)
    school.settled()
    assert as_it_is(school) == after
    assert sorted(receiver.responses()) == ["a"]


def test_an_event_that_was_under_way_comes_again(school: Tenant, receiver: Receiver) -> None:
    school.switch(events_late=1.0)
    school.enrol_all()
    with school.copied() as copy:
        told = len(receiver.asked)
    school.settled()
    first = {each["event_id"] for each in receiver.events()}
    receiver.asked.clear()
    school.put_back(copy)
    school.settled()
    assert told < 8 and len(receiver.events()) == 8 - told
    assert {each["event_id"] for each in receiver.events()} <= first


def test_two_copies_are_equal_if_nothing_was_changed(school: Tenant) -> None:
    with school.copied() as first:
        pass
    school.managed()
    with school.copied() as second:
        pass
    school.device_set([school.serials[0]], off=True)
    with school.copied() as third:
        pass
    assert first.digest == second.digest != third.digest


def test_work_of_the_panel_goes_on(world: World) -> None:
    panel = world.tenant("panel", mdm="clomo", devices=2, licences=2)
    panel.switch(clomo_job_ms=100, clomo_wakes_ms=100)

    def seen() -> list[list[str]]:
        return [device["seen"] for device in panel.panel_devices()]

    panel.panel_day()
    with panel.copied() as copy:
        assert seen() == [[], []]
    panel.settled()
    after = seen()
    assert all(after)
    panel.put_back(copy)
    panel.settled()
    assert seen() == after


def test_other_tenants_stay_as_they_are(world: World, school: Tenant, receiver: Receiver) -> None:
    other = world.tenant("other", devices=1, managed=True)
    with school.copied() as copy:
        pass
    enqueue(other, [udid(other, 0)], ASK, "b")
    other.settled()
    before = as_it_is(other)
    school.put_back(copy)
    assert as_it_is(other) == before
