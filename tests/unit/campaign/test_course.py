# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The course of devices through several steps: in order for each, side by side for all, and few calls where calls are dear."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.course import take_through
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.runner import CALM, Outcome
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Evidence, Found, Item
from ansible_collections.nendo.apple_mdm.tests.unit.campaign.far_side import (
    CAMPAIGN,
    DEVICES,
    WHY,
    FarSide,
    Time,
    step_run,
)

STEPS = ("profiles", "apps", "licences", "delete")
WAIT = 100.0


class Away:
    """Devices that answer a step so many seconds after the beginning."""

    def __init__(self, time: Time, at: Mapping[str, float]) -> None:
        self._time, self._at = time, at

    def __call__(self, item: Item) -> Evidence | None:
        late = self._time.seconds < self._at.get(item.device, 0)
        return Evidence(Found.PENDING, WHY) if late else None


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def steps(tmp_path: Path) -> dict[str, FarSide]:
    return {name: FarSide(tmp_path / name, name=name, limit=1000, poll=1) for name in STEPS}


def run(
    ledger: Ledger, steps: Mapping[str, FarSide], time: Time, wait: float = WAIT, check_mode: bool = False
) -> dict[str, Outcome]:
    runs = [step_run(ledger, step, time, check_mode, seconds=wait) for step in steps.values()]
    return dict(zip(steps, take_through(runs, DEVICES, sleep=time.sleep), strict=True))


def of(outcome: Outcome, device: str) -> str:
    return outcome.records[device].state.value


def test_each_device_goes_through_all_steps_in_their_order(
    ledger: Ledger, steps: dict[str, FarSide], time: Time
) -> None:
    done = run(ledger, steps, time)
    assert {of(outcome, device) for outcome in done.values() for device in DEVICES} == {"done"}
    for name, step in steps.items():
        assert step.calls == [DEVICES] and set(step.effects().values()) == {1}, name
    times = [done[name].records[DEVICES[0]].settled_at for name in STEPS]
    assert times == sorted(times, key=str)
    again = run(ledger, steps, time)
    assert not any(outcome.changed for outcome in again.values())
    assert all(len(step.calls) == 1 for step in steps.values())


def test_a_device_that_does_not_answer_holds_up_no_other(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    steps["profiles"].seen = Away(time, {DEVICES[0]: WAIT * 2})
    done = run(ledger, steps, time)
    assert [of(done[name], DEVICES[0]) for name in STEPS] == ["pending", "planned", "planned", "planned"]
    assert {of(done["delete"], device) for device in DEVICES[1:]} == {"done"}
    assert time.seconds == pytest.approx(WAIT, abs=1), "the time is that of one step, not of all"
    assert done["apps"].waiting[DEVICES[0]]["first"] == "profiles"


def test_one_that_answers_late_goes_on_alone(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    steps["profiles"].seen = Away(time, {DEVICES[0]: 50})
    done = run(ledger, steps, time)
    assert {of(done["delete"], device) for device in DEVICES} == {"done"}
    assert steps["apps"].calls == [DEVICES[1:], DEVICES[:1]]
    assert time.seconds < WAIT


def test_full_portions_go_on_at_once_and_the_rest_when_all_is_calm(
    ledger: Ledger, steps: dict[str, FarSide], time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps["apps"].preflight_limit = 2
    steps["profiles"].seen = Away(time, {DEVICES[5]: 40, DEVICES[4]: 5})
    began: list[tuple[float, list[str]]] = []
    send = steps["apps"].send

    def sent(items: Sequence[Item]) -> Mapping[str, Evidence]:
        began.append((time.seconds, [item.device for item in items]))
        return send(items)

    monkeypatch.setattr(steps["apps"], "send", sent)
    run(ledger, steps, time)
    assert [devices for _at, devices in began] == [DEVICES[:2], DEVICES[2:4], [DEVICES[4]], [DEVICES[5]]]
    assert began[0][0] == began[1][0] == 1
    assert began[2][0] == pytest.approx(5 + CALM, abs=1)
    assert began[3][0] == pytest.approx(40, abs=1)


def test_what_reads_whole_lists_is_asked_twice_at_most(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    """Once when all is calm, and once for all that came late."""
    steps["licences"].preflight_limit = sys.maxsize
    late = {DEVICES[1]: 30, DEVICES[2]: 50, DEVICES[3]: 70}
    steps["profiles"].seen = Away(time, late)
    done = run(ledger, steps, time)
    assert steps["licences"].calls == [[DEVICES[0], *DEVICES[4:]], DEVICES[1:4]]
    assert {of(done["delete"], device) for device in DEVICES} == {"done"}


def test_what_waits_for_another_device_is_looked_at_again_in_the_same_run(
    ledger: Ledger, steps: dict[str, FarSide], time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user with two devices, of which one is not through."""
    apps = steps["apps"]

    def preflight(items: Sequence[Item]) -> Mapping[str, Evidence]:
        through = steps["delete"].effects()
        waits = DEVICES[0] if not through[DEVICES[1]] else None
        return {item.device: Evidence(Found.PENDING, WHY) for item in items if item.device == waits}

    monkeypatch.setattr(apps, "preflight", preflight)
    done = run(ledger, steps, time)
    assert {of(outcome, device) for outcome in done.values() for device in DEVICES} == {"done"}
    assert apps.calls == [DEVICES[1:], DEVICES[:1]]


def test_a_device_that_failed_stands_still(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    steps["apps"].answers = {DEVICES[2]: Evidence(Found.FAILED, WHY)}
    done = run(ledger, steps, time)
    assert [of(done[name], DEVICES[2]) for name in STEPS] == ["done", "failed", "planned", "planned"]
    assert of(done["delete"], DEVICES[3]) == "done"
    steps["apps"].answers = {}
    assert of(run(ledger, steps, time)["delete"], DEVICES[2]) == "done"
    assert all(set(step.effects().values()) == {1} for step in steps.values())


def test_an_error_of_one_step_leaves_what_the_others_proved(
    ledger: Ledger, steps: dict[str, FarSide], time: Time
) -> None:
    steps["licences"].error = ServiceError("no", status=500)
    with pytest.raises(ServiceError):
        run(ledger, steps, time)
    states = {record.step: record.state for record in ledger.records(CAMPAIGN, devices=DEVICES[:1])}
    assert states == {
        "profiles": State.DONE,
        "apps": State.DONE,
        "licences": State.IN_DOUBT,
        "delete": State.PLANNED,
    }
    done = run(ledger, steps, time)
    assert {of(done["delete"], device) for device in DEVICES} == {"done"}
    assert all(set(step.effects().values()) == {1} for step in steps.values())


def test_check_mode_sends_nothing_and_writes_nothing(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    told = run(ledger, steps, time, check_mode=True)
    assert list(told["profiles"].to_send) == DEVICES and list(told["delete"].to_send) == []
    assert not any(step.calls for step in steps.values()) and ledger.records(CAMPAIGN) == []


def test_no_time_is_one_look(ledger: Ledger, steps: dict[str, FarSide], time: Time) -> None:
    done: Any = run(ledger, steps, time, wait=0)
    assert time.seconds == 0
    assert {of(done["delete"], device) for device in DEVICES} == {"done"}
