# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step runner against a far side that loses answers, fails late, is killed at: each device is served exactly once."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    AppleMdmError,
    ConfigurationError,
    LedgerError,
    ServiceError,
    Unreachable,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.course import take_through
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.runner import Outcome
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Evidence, Found, Item
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test
from ansible_collections.nendo.apple_mdm.tests.unit.campaign.far_side import (
    CAMPAIGN,
    DEVICES,
    TENANT,
    WHY,
    FarSide,
    Time,
    run_step,
    step_run,
)
from ansible_collections.nendo.apple_mdm.tests.unit.orders.killing import KILLED, kill_at_write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def far_side(tmp_path: Path) -> FarSide:
    return FarSide(tmp_path / "effects")


def states(outcome: Outcome) -> list[str]:
    return [outcome.records[device].state.value for device in DEVICES]


def test_each_device_is_served_once_and_proven(ledger: Ledger, far_side: FarSide) -> None:
    predicted = run_step(ledger, far_side, check_mode=True)
    assert (predicted.changed, list(predicted.to_send), far_side.calls) == (True, DEVICES, [])
    assert ledger.records(CAMPAIGN) == []
    done = run_step(ledger, far_side)
    assert done.changed and states(done) == ["done"] * 6
    assert far_side.calls == [DEVICES[:4], DEVICES[4:]], "at the far side's limit"
    assert done.records[DEVICES[0]].evidence == {"attempt": 1, "by": done.records[DEVICES[0]].command_id}
    again, predicted = run_step(ledger, far_side), run_step(ledger, far_side, check_mode=True)
    assert not again.changed and not predicted.changed and len(far_side.calls) == 2


def test_evidence_is_awaited_and_then_by_the_next_run(ledger: Ledger, far_side: FarSide) -> None:
    far_side.looks_needed = 3
    assert states(run_step(ledger, far_side)) == ["done"] * 6
    assert far_side.looks == 4


def test_the_first_devices_are_sent_to_before_the_others_are_looked_at(
    ledger: Ledger, far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_side.preflight_limit = 2
    acts: list[tuple[str, list[str]]] = []
    preflight, send = far_side.preflight, far_side.send

    def looked(items: Sequence[Item]) -> Mapping[str, Evidence]:
        acts.append(("look", [item.device for item in items]))
        return preflight(items)

    def sent(items: Sequence[Item]) -> Mapping[str, Evidence]:
        acts.append(("send", [item.device for item in items]))
        return send(items)

    monkeypatch.setattr(far_side, "preflight", looked)
    monkeypatch.setattr(far_side, "send", sent)
    assert states(run_step(ledger, far_side)) == ["done"] * 6
    assert acts == [(act, DEVICES[first : first + 2]) for first in (0, 2, 4) for act in ("look", "send")]


def test_looks_that_take_long_and_show_nothing_new_are_fewer(ledger: Ledger, far_side: FarSide) -> None:
    time, slept = Time(), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    def seen(_item: Item) -> Evidence:
        time.seconds += 4 / len(DEVICES)
        return Evidence(Found.PENDING, WHY)

    far_side.seen = seen
    run = step_run(ledger, far_side, time, seconds=30)
    assert states(take_through([run], DEVICES, sleep=sleep)[0]) == ["pending"] * 6
    assert slept == pytest.approx([3, 3, 8, 4]), "from one look that takes four seconds to the next, and to the end"


def test_the_first_look_comes_after_the_last_request(
    ledger: Ledger, far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent last needs as long as what was sent first, and a look may cost calls."""
    time, looked, sends, sees = Time(), list[float](), far_side.send, far_side.evidence
    far_side.limit = 2

    def sent(items: Sequence[Item]) -> Mapping[str, Evidence]:
        time.seconds += 1
        return sends(items)

    def seen(items: Sequence[Item]) -> Mapping[str, Evidence]:
        looked.append(time.seconds)
        return sees(items)

    monkeypatch.setattr(far_side, "send", sent)
    monkeypatch.setattr(far_side, "evidence", seen)
    assert states(take_through([step_run(ledger, far_side, time)], DEVICES, sleep=time.sleep)[0]) == ["done"] * 6
    assert looked == [3 + far_side.poll]


def test_what_does_not_come_in_time_is_pending_with_its_reason(ledger: Ledger, far_side: FarSide) -> None:
    far_side.seen = lambda item: Evidence(Found.PENDING, WHY) if item.device == DEVICES[1] else None
    first = run_step(ledger, far_side)
    assert states(first) == ["done", "pending", "done", "done", "done", "done"]
    assert first.records[DEVICES[1]].reason == WHY
    second = run_step(ledger, far_side)
    assert not second.changed and states(second) == states(first) and len(far_side.calls) == 2
    other = {"en": "Now because of that.", "ja": "別の理由。"}
    far_side.seen = lambda item: Evidence(Found.PENDING, other) if item.device == DEVICES[1] else None
    assert run_step(ledger, far_side).records[DEVICES[1]].reason == other
    far_side.seen = lambda item: None
    assert states(run_step(ledger, far_side)) == ["done"] * 6
    assert set(far_side.effects().values()) == {1}


@pytest.mark.parametrize(
    ("found", "state"),
    [(Found.DONE, "done"), (Found.SKIPPED, "skipped"), (Found.FAILED, "failed"), (Found.PENDING, "planned")],
)
def test_nothing_is_sent_to_a_device_that_the_preflight_names(
    ledger: Ledger, far_side: FarSide, found: Found, state: str
) -> None:
    far_side.refused = {DEVICES[0]: Evidence(found, WHY)}
    predicted, done, again = (run_step(ledger, far_side, check_mode=check) for check in (True, False, False))
    assert states(done) == [state, *["done"] * 5]
    assert states(predicted)[0] == state and DEVICES[0] not in predicted.to_send
    assert DEVICES[0] not in far_side.effects()
    assert done.waiting == predicted.waiting == ({DEVICES[0]: WHY} if found is Found.PENDING else {})
    assert not again.changed and states(again) == states(done)
    far_side.refused = {}
    assert far_side.effects()[DEVICES[0]] == 0
    assert states(run_step(ledger, far_side))[0] == "done"


def test_a_failure_is_tried_again_by_the_next_run_with_a_new_command(ledger: Ledger, far_side: FarSide) -> None:
    far_side.answers = {
        DEVICES[0]: Evidence(Found.FAILED, WHY),
        DEVICES[1]: Evidence(Found.FAILED, WHY, repeatable=False),
    }
    failed = run_step(ledger, far_side)
    assert states(failed)[:3] == ["failed", "failed", "done"]
    far_side.answers = {}
    done = run_step(ledger, far_side)
    assert states(done)[:3] == ["done", "failed", "done"]
    assert done.records[DEVICES[0]].evidence["attempt"] == 2, "what the first attempt left is gone"
    assert done.records[DEVICES[0]].command_id != failed.records[DEVICES[0]].command_id


@pytest.mark.parametrize("effect", [True, False], ids=["after the effect", "before the effect"])
@pytest.mark.parametrize("error", [Unreachable("no answer"), ServiceError("no", status=500)], ids=["lost", "500"])
def test_an_answer_that_is_lost_is_in_doubt_until_evidence(
    ledger: Ledger, far_side: FarSide, error: AppleMdmError, effect: bool
) -> None:
    far_side.error, far_side.effect_before_error = error, effect
    with pytest.raises(type(error)):
        run_step(ledger, far_side)
    found = {record.device: record.state for record in ledger.records(CAMPAIGN)}
    assert list(found.values()) == [State.IN_DOUBT] * 4 + [State.PLANNED] * 2, "the next call was not made"
    assert states(run_step(ledger, far_side)) == ["done"] * 6
    assert set(far_side.effects().values()) == {1}


def test_a_doubt_that_nothing_settles_is_never_sent_again(ledger: Ledger, far_side: FarSide) -> None:
    far_side.answers = {DEVICES[0]: Evidence(Found.UNKNOWN)}
    far_side.seen = lambda item: Evidence(Found.UNKNOWN) if item.device == DEVICES[0] else None
    for _run in range(3):
        assert states(run_step(ledger, far_side))[0] == "in_doubt"
    assert far_side.effects()[DEVICES[0]] == 1


@pytest.mark.parametrize("error", [AccessRefused("no", status=401), ConfigurationError("no")], ids=["401", "option"])
def test_a_request_that_was_refused_whole_leaves_no_doubt(
    ledger: Ledger, far_side: FarSide, error: AppleMdmError
) -> None:
    far_side.error = error
    with pytest.raises(type(error)):
        run_step(ledger, far_side)
    assert {record.state for record in ledger.records(CAMPAIGN)} == {State.PLANNED}


def test_what_only_looks_is_done_again_by_every_run(ledger: Ledger, far_side: FarSide) -> None:
    far_side.name, far_side.lasting = "collect", False
    for attempt in (1, 2):
        done = run_step(ledger, far_side)
        assert states(done) == ["done"] * 6
        assert {record.attempts for record in done.records.values()} == {attempt}
    assert list(run_step(ledger, far_side, check_mode=True).to_send) == DEVICES


def test_what_the_far_side_did_not_take_is_left_to_the_next_run_with_its_reason(
    ledger: Ledger, far_side: FarSide
) -> None:
    far_side.answers = {DEVICES[0]: Evidence(Found.NOT_ARRIVED, WHY)}
    told = run_step(ledger, far_side)
    assert states(told) == ["planned", *["done"] * 5] and told.records[DEVICES[0]].reason == WHY
    assert far_side.calls == [DEVICES[:4], DEVICES[4:]]


def test_what_was_not_sent_after_all_is_sent_again_at_once(
    ledger: Ledger, far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a step that sees only then that it may not send to several at once."""
    sends = far_side.send

    def one_by_one(items: Sequence[Item]) -> Mapping[str, Evidence]:
        if len(items) > 1:
            far_side.limit = 1
            far_side.calls.append([item.device for item in items])
            return {item.device: Evidence(Found.NOT_ARRIVED) for item in items}
        return sends(items)

    monkeypatch.setattr(far_side, "send", one_by_one)
    assert states(run_step(ledger, far_side)) == ["done"] * 6
    assert far_side.calls == [DEVICES[:4], DEVICES[4:], *([device] for device in DEVICES)]
    assert set(far_side.effects().values()) == {1}


def test_check_mode_does_not_look_where_looking_writes(ledger: Ledger, far_side: FarSide) -> None:
    far_side.seen = lambda item: Evidence(Found.PENDING)
    run_step(ledger, far_side)
    looks, far_side.looks_free = far_side.looks, False
    assert not run_step(ledger, far_side, check_mode=True).changed
    assert far_side.looks == looks


@pytest.mark.parametrize("lost", first_in_test([False, True]), ids=["", "a lost answer, too"])
def test_a_run_killed_at_any_write_is_finished_by_the_next(location: str, tmp_path: Path, lost: bool) -> None:
    """Before and after every statement, commit, file and effect."""
    number, code = 0, KILLED
    while code == KILLED:
        number += 1
        far_side, campaign = FarSide(tmp_path / f"effects{number}", limit=2), f"graduation-{number}"

        def act(far_side: FarSide = far_side, campaign: str = campaign) -> None:
            if lost:
                far_side.error, far_side.effect_before_error = Unreachable("no answer"), True
                with contextlib.suppress(Unreachable):
                    run_step(open_ledger(location), far_side, devices=DEVICES[:3], campaign=campaign)
            run_step(open_ledger(location), far_side, devices=DEVICES[:3], campaign=campaign)

        code = kill_at_write(number, act)
        finished = run_step(open_ledger(location), far_side, devices=DEVICES[:3], campaign=campaign)
        assert {record.state for record in finished.records.values()} == {State.DONE}, number
        assert far_side.effects() == Counter(DEVICES[:3]), number
    assert number > 30


def test_two_runs_at_once_share_the_work(location: str, tmp_path: Path) -> None:
    devices = [f"C03{number:03d}" for number in range(60)]
    sides = [FarSide(tmp_path / "effects", limit=3) for _run in range(3)]
    runs = [
        threading.Thread(target=run_step, args=(open_ledger(location), side), kwargs={"devices": devices})
        for side in sides
    ]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert sides[0].effects() == Counter(devices)
    assert {record.state for record in run_step(open_ledger(location), sides[0], devices=devices).records.values()} == {
        State.DONE
    }


ANSWERS = st.sampled_from([Found.PENDING, Found.DONE, Found.FAILED, Found.UNKNOWN])
SEEN = st.sampled_from([None, Found.PENDING, Found.UNKNOWN])
RUN = st.tuples(
    st.dictionaries(st.sampled_from(DEVICES), ANSWERS),
    st.dictionaries(st.sampled_from(DEVICES), SEEN),
    st.sampled_from([None, Unreachable("no answer"), ServiceError("no", status=500), AccessRefused("no", status=401)]),
    st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(RUN, max_size=4), number=st.uuids())
def test_whatever_the_far_side_does_each_device_is_served_once(runs: list[Any], number: Any, tmp_path: Path) -> None:
    folder = tmp_path / str(number)
    folder.mkdir(exist_ok=True)
    far_side, ledger = FarSide(folder / "effects"), open_ledger(str(folder / f"{len(list(folder.iterdir()))}.db"))
    far_side.file.unlink(missing_ok=True)
    for answers, seen, error, effect in [*runs, ({}, {}, None, False), ({}, {}, None, False)]:
        far_side.answers = {device: Evidence(found) for device, found in answers.items()}
        far_side.seen = lambda item, seen=seen: Evidence(seen[item.device]) if seen.get(item.device) else None  # type: ignore[misc]
        far_side.error, far_side.effect_before_error = error, effect and not isinstance(error, AccessRefused)
        try:
            run_step(ledger, far_side)
        except AppleMdmError:
            assert error is not None
    assert {record.state for record in ledger.records(CAMPAIGN)} == {State.DONE}
    assert far_side.effects() == Counter(DEVICES)
    ledger.close()


# The order of the steps


def test_a_step_waits_until_the_earlier_ones_are_settled(ledger: Ledger, far_side: FarSide, tmp_path: Path) -> None:
    """Each device for itself; and the dry run still tells what would stop it later."""
    earlier = FarSide(tmp_path / "earlier", name="profiles")
    earlier.seen = lambda item: Evidence(Found.PENDING) if item.device == DEVICES[0] else None
    far_side.name = "licences"
    run_step(ledger, earlier)
    for check_mode in (True, False):
        held = run_step(ledger, far_side, check_mode=check_mode)
        assert list(held.waiting) == [DEVICES[0]] and held.waiting[DEVICES[0]]["first"] == "profiles"
        assert far_side.effects()[DEVICES[0]] == 0
    far_side.refused = {DEVICES[0]: Evidence(Found.FAILED, WHY)}
    assert states(run_step(ledger, far_side, check_mode=True))[0] == "failed"
    assert states(run_step(ledger, far_side))[0] == "planned"
    far_side.refused, earlier.seen = {}, lambda item: None
    run_step(ledger, earlier)
    assert states(run_step(ledger, far_side)) == ["done"] * 6


def test_nothing_is_deleted_before_the_rest_is_proven(ledger: Ledger, far_side: FarSide, tmp_path: Path) -> None:
    far_side.name = "delete"
    for number, name in enumerate(["profiles", "apps", "licences"]):
        held = run_step(ledger, far_side)
        assert states(held) == ["planned"] * 6 and held.waiting[DEVICES[0]]["first"] == name
        run_step(ledger, FarSide(tmp_path / f"effects{number}", name=name))
    assert states(run_step(ledger, far_side)) == ["done"] * 6


@pytest.mark.parametrize(
    ("wiped", "asked"),
    [(Evidence(Found.PENDING), 1), (Evidence(Found.FAILED, WHY), 2), (Evidence(Found.UNKNOWN), 1)],
    ids=["sent", "failed", "in doubt"],
)
def test_what_was_collected_is_asked_anew_until_a_step_has_gone_on_from_it(
    ledger: Ledger, far_side: FarSide, tmp_path: Path, wiped: Evidence, asked: int
) -> None:
    collect = FarSide(tmp_path / "asked", name="collect", lasting=False)
    run_step(ledger, collect)
    far_side.answers = dict.fromkeys(DEVICES, wiped)
    far_side.seen = lambda item: Evidence(Found.PENDING)
    run_step(ledger, far_side)
    run_step(ledger, collect)
    assert set(collect.effects().values()) == {asked}


def test_a_device_takes_part_once_with_one_outcome(ledger: Ledger, far_side: FarSide) -> None:
    ledger.enter(CAMPAIGN, TENANT, "donate", DEVICES)
    ledger.enter(CAMPAIGN, TENANT, "donate", DEVICES[:1])
    with pytest.raises(LedgerError, match="entered the campaign to donate, which does not go with reassign"):
        ledger.enter(CAMPAIGN, TENANT, "reassign", DEVICES[:1])
    with pytest.raises(LedgerError, match="belongs to another tenant"):
        ledger.enter(CAMPAIGN, "other", "donate", DEVICES[:1])
    with pytest.raises(LedgerError, match="and 1 more entered the campaign to donate, which does not go with wipe"):
        run_step(ledger, far_side)
    assert far_side.calls == []
