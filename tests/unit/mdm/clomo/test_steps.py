# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps make of Reports and of time, without a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import to_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.collect_step import QUESTIONS, CollectStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.labels import LABELS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.licences_step import LicencesStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.readings import zone
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.removal_step import RemovalStep, apps, profiles
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.report_lines import Line
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.wipe_step import WipeStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Found, Item

SERIAL = "SM000001"
NO_NOTEBOOK: Any = None
BEGIN = datetime(2027, 3, 1, tzinfo=timezone.utc)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MARK = {"at": (BEGIN - MINUTE).isoformat(), "lines": []}
BEFORE = (-2, "[Success] Command ProfileList execute successful.")
FACTS: Mapping[str, Any] = {
    "profiles": [
        {"identifier": "mdm", "name": "MDM 構成プロファイル", "mdm": True},
        {"identifier": "wifi", "name": "校内 Wi-Fi", "mdm": False},
    ],
    "managed_apps": ["agent", "a", "b"],
    "app_names": {"agent": "CLOMO MDM Agent", "a": "App 1", "b": "App 2", "c": "ゲーム"},
    "agents": ["agent"],
    "lost_mode": False,
    "find_my": False,
    "os_version": "18.4",
    "work_smart": "",
}


def registered(request: str, minute: float = 1) -> tuple[float, str]:
    return minute, f"[Registered] Command {request} was registered."


def succeeded(request: str, minute: float = 2) -> tuple[float, str]:
    return minute, f"[success] Command {request} execute successful."


def ordered(request: str, minute: float = 0.5) -> tuple[float, str]:
    return minute, f"管理者がデバイスにコマンド {request} を実行しました"


def screens(now: datetime, lines: Sequence[tuple[float, str]]) -> Any:
    """lines: minutes after the beginning, and texts."""
    told = [Line((BEGIN + minute * MINUTE).isoformat(), f"{SERIAL} / iPad", text) for minute, text in lines]
    return SimpleNamespace(
        panel=SimpleNamespace(zone=zone("Asia/Tokyo"), labels=LABELS),
        clock=lambda: now,
        reports=SimpleNamespace(since=lambda marks: {SERIAL: told}),
    )


def found_of_removal(after: timedelta, lines: Sequence[tuple[float, str]], **evidence: Any) -> Found:
    step = RemovalStep(profiles(), screens(BEGIN + after, lines), NO_NOTEBOOK)
    told = {"mark": MARK, "targets": {"wifi": "校内 Wi-Fi", "vpn": "VPN"}, **evidence}
    item = Item(SERIAL, "id", {}, told, to_iso(BEGIN), 1)
    return step.evidence([item])[SERIAL].found


R = "RemoveProfile"


@pytest.mark.parametrize(
    ("after", "lines", "accepted", "found"),
    [
        pytest.param(
            MINUTE, [BEFORE, registered(R), registered(R), succeeded(R), succeeded(R)], True, "done", id="both"
        ),
        pytest.param(MINUTE, [BEFORE, registered(R), registered(R), succeeded(R)], True, "pending", id="one of two"),
        pytest.param(
            MINUTE, [BEFORE, registered(R), succeeded(R)], True, "pending", id="the other is registered later"
        ),
        pytest.param(10 * MINUTE, [BEFORE, registered(R), succeeded(R)], True, "done", id="one line for both"),
        pytest.param(MINUTE, [BEFORE], True, "pending", id="accepted, no line yet"),
        pytest.param(10 * MINUTE, [BEFORE], True, "not_arrived", id="accepted, and never registered"),
        pytest.param(10 * MINUTE, [BEFORE, ordered(R)], True, "pending", id="ordered, the other lines are late"),
        pytest.param(MINUTE, [BEFORE], False, "unknown", id="in doubt, too early to tell"),
        pytest.param(10 * MINUTE, [BEFORE], False, "not_arrived", id="in doubt, and it never arrived"),
        pytest.param(10 * MINUTE, [], False, "unknown", id="in doubt, and Reports does not reach back"),
        pytest.param(7.5 * DAY, [BEFORE, registered(R)], True, "pending", id="it may still come"),
        pytest.param(8.1 * DAY, [BEFORE, registered(R)], True, "not_arrived", id="it is dead"),
        pytest.param(8.1 * DAY, [BEFORE, registered(R), succeeded(R)], True, "done", id="it came at last"),
        pytest.param(
            MINUTE, [BEFORE, registered(R), (2, f"[Failed] Command {R} execute failed.")], True, "failed", id="refused"
        ),
        pytest.param(
            10 * MINUTE,
            [BEFORE, registered("RemoveApplication"), succeeded("RemoveApplication")],
            True,
            "not_arrived",
            id="another command",
        ),
    ],
)
def test_what_became_of_a_removal(after: timedelta, lines: list[tuple[float, str]], accepted: bool, found: str) -> None:
    assert found_of_removal(after, lines, accepted=accepted).value == found


def test_the_day_on_which_clomo_gives_up_is_told() -> None:
    step = RemovalStep(profiles(), screens(BEGIN + DAY, [BEFORE, registered(R)]), NO_NOTEBOOK)
    item = Item(SERIAL, "id", {}, {"mark": MARK, "targets": {"wifi": "校内 Wi-Fi"}}, to_iso(BEGIN), 1)
    told = step.evidence([item])[SERIAL]
    assert told.facts == {"dies_on": "2027-03-08"} and told.reason
    assert "2027-03-08" in told.reason["en"] and "2027-03-08" in told.reason["ja"]


@pytest.mark.parametrize(
    ("after", "left_out", "found"),
    [
        pytest.param(MINUTE, [], "pending", id="nothing answered"),
        pytest.param(10 * MINUTE, ["InstalledApplicationList"], "not_arrived", id="one question never arrived"),
        pytest.param(8.1 * DAY, [], "not_arrived", id="they are dead"),
    ],
)
def test_what_became_of_questions(after: timedelta, left_out: list[str], found: str) -> None:
    lines = [BEFORE, *(registered(request) for request in QUESTIONS.values() if request not in left_out)]
    step = CollectStep(screens(BEGIN + after, lines), NO_NOTEBOOK, outcome=None)
    item = Item(SERIAL, "id", {}, {"mark": MARK, "first": None}, to_iso(BEGIN), 1)
    assert step.evidence([item])[SERIAL].found.value == found


@pytest.mark.parametrize(
    ("outcome", "needed"),
    [("donate", ["ProfileList", "InstalledApplicationList"]), ("reassign", ["DeviceInformation"])],
)
def test_asked_is_what_the_outcome_needs(outcome: str, needed: list[str]) -> None:
    step = CollectStep(screens(BEGIN + MINUTE, [BEFORE]), NO_NOTEBOOK, outcome=outcome)
    told = step.evidence([Item(SERIAL, "id", {}, {"mark": MARK, "first": None}, to_iso(BEGIN), 1)])[SERIAL]
    assert told.reason and all(request in told.reason["en"] for request in needed)
    others = set(QUESTIONS.values()) - set(needed)
    assert not any(request in told.reason["en"] for request in others)


@pytest.mark.parametrize(
    "step", [RemovalStep(profiles(), screens(BEGIN, []), NO_NOTEBOOK), LicencesStep(screens(BEGIN, []), NO_NOTEBOOK)]
)
def test_what_was_collected_to_be_erased_does_not_do_for_a_removal(step: Any) -> None:
    told = step.hindrance({"serial": SERIAL, "work_smart": ""})
    assert told and told.reason and told.reason["first"] == "collect"


@pytest.mark.parametrize(
    ("removal", "names"),
    [
        pytest.param(profiles(), {"wifi"}, id="profiles but the panel's own"),
        pytest.param(apps([], False), {"agent"}, id="the agent always"),
        pytest.param(
            apps(["b", "App 1", "c"], False), {"agent", "a", "b"}, id="by identifier and name, of the managed ones"
        ),
        pytest.param(apps([], True), {"agent", "a", "b"}, id="all managed"),
    ],
)
def test_what_is_removed(removal: Any, names: set[str]) -> None:
    assert set(removal.targets(FACTS)) == names


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        pytest.param({"lost_mode": True}, "lost mode", id="lost mode"),
        pytest.param({"find_my": True}, "Activation Lock", id="warning 25"),
        pytest.param({"os_version": "16.7"}, "Return to Service needs", id="too old"),
    ],
)
def test_what_stops_an_erase(facts: dict[str, Any], word: str) -> None:
    told = WipeStep(screens(BEGIN, []), NO_NOTEBOOK).hindrance({**FACTS, **facts})
    assert told and told.reason and told.found is Found.FAILED and word in told.reason["en"] and told.reason["ja"]


def test_nothing_stops_an_erase() -> None:
    step = WipeStep(screens(BEGIN, []), NO_NOTEBOOK)
    assert step.hindrance(FACTS) is None
    told = step.hindrance({})
    assert told and told.reason and told.reason["first"] == "collect"
