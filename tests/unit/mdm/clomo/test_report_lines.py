# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lines of Reports prove."""

from __future__ import annotations

import random

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.report_lines import (
    Line,
    joined,
    mark_for,
    newer,
    reaches_back,
    seen_of,
    serial_in,
)

SERIAL = "SM000001"


def line(second: int, text: str, serial: str = SERIAL) -> Line:
    return Line(f"2027-03-01T00:00:{second:02}+00:00", f"{serial} / iPad", text)


def test_the_life_of_a_command() -> None:
    lines = [
        line(9, "[success] Command RemoveProfile execute successful."),
        line(8, "[Send Command] Command RemoveProfile was sending to device."),
        line(7, "[APNS push] Command RemoveProfile was pushed to APNs."),
        line(7, "[Registered] Command RemoveProfile was registered."),
        line(7, "システム管理者がデバイスにコマンド RemoveProfile を実行しました"),
        line(6, "[Success] Command ProfileList execute successful."),
    ]
    seen = seen_of(lines, "RemoveProfile")
    assert (seen.registered, seen.fetched, seen.succeeded, seen.failed) == (1, 1, 1, 0)
    assert (seen.first_at, seen.last_at) == (lines[3].at, lines[0].at)


@pytest.mark.parametrize("tag", ["[Success]", "[success]", "[ SUCCESS ]"])
def test_the_case_of_a_tag_does_not_matter(tag: str) -> None:
    assert seen_of([line(1, f"{tag} Command EraseDevice execute successful.")], "EraseDevice").succeeded == 1


@pytest.mark.parametrize(
    "text",
    [
        "コマンド「デバイスを初期化」を実行しました。",
        "[APNS push] Command EraseDevice was pushed to APNs.",
        "[Success] Command EraseDeviceLater execute successful.",
        "EraseDevice success",
    ],
)
def test_warning_19_that_a_command_was_accepted_proves_nothing(text: str) -> None:
    assert not seen_of([line(1, text)], "EraseDevice").anything


def test_an_order_is_no_success_and_yet_not_nothing() -> None:
    """So that nothing is given twice whose other lines are late."""
    seen = seen_of([line(1, "システム管理者がデバイスにコマンド EraseDevice を実行しました")], "EraseDevice")
    assert (seen.anything, seen.registered, seen.succeeded) == (True, 0, 0)


def test_failures() -> None:
    assert seen_of([line(1, "[Failed] Command RemoveApplication execute failed.")], "RemoveApplication").failed == 1


def test_licences_are_told_in_japanese() -> None:
    texts = [
        "[Success] VPP アプリケーションライセンスの剥奪(デバイス向け)を実行しました。(App 1)",
        "[Failed] VPP アプリケーションライセンスの剥奪(デバイス向け)に失敗しました。(App 2)",
    ]
    seen = seen_of([line(1, text) for text in texts], "ライセンスの剥奪")
    assert (seen.succeeded, seen.failed) == (1, 1)


def test_only_lines_after_the_mark_count() -> None:
    success = "[Success] Command RemoveProfile execute successful."
    before = [line(5, success), line(5, success, "SM000002"), line(4, success)]
    mark = mark_for(SERIAL, [one for one in before if one.at == before[0].at])
    assert newer(SERIAL, before, mark) == []
    after = [line(5, success), *before]
    assert newer(SERIAL, after, mark) == [line(5, success)], "one more in the same second"
    assert newer(SERIAL, [line(6, success, "SM000002"), *before], mark) == [], "of another device"
    assert newer("SM0000", [line(6, success)], mark_for("SM0000", [])) == [], (
        "whose serial number begins in the same way"
    )


def test_nothing_is_known_of_what_reports_does_not_reach() -> None:
    mark = mark_for(SERIAL, [line(5, "x")])
    assert not reaches_back([line(6, "y")], mark)
    assert reaches_back([line(6, "y"), line(5, "x")], mark)
    assert not reaches_back([line(6, "y")], mark_for(SERIAL, [])), "an empty log tells nothing"


def test_whose_line_it_is() -> None:
    assert [serial_in(text) for text in ("SM1 / iPad", "SM1", "SM1\u3000iPad", "")] == ["SM1", "SM1", "SM1", ""]


@pytest.mark.parametrize("seed", range(200))
def test_new_lines_that_push_others_on_while_pages_are_read_are_not_counted_twice(seed: int) -> None:
    rng = random.Random(seed)
    log = [line(rng.randrange(60), f"{number}") for number in range(40, 0, -1)]  # the newest first
    read: list[Line] = []
    place = 0
    pages = 0
    while place < len(log):
        read = joined(read, log[place : place + 10])
        pages += 1
        place = pages * 10
        new = [line(0, f"new {pages} {number}") for number in range(rng.randrange(4))]
        log = [*new, *log]
    assert len(read) == len(set(read)), "each line once"
    assert [one for one in read if not one.text.startswith("new")] == [
        one for one in log if not one.text.startswith("new")
    ][: len(read)]
