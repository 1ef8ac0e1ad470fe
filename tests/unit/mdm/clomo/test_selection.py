# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is selected, compared with what is intended: nothing passes that is not the same, however rows move."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.commands import COMMANDS
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.readings import below_captions
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.selection import (
    counts_in,
    difference,
    one_row,
    owner_of,
    same_owner,
)

SEEDS = 1000
Change = Callable[[random.Random, list[str], list[str]], None]


def swapped(rng: random.Random, selected: list[str], others: list[str]) -> None:
    selected[rng.randrange(len(selected))] = rng.choice(others)


def moved_in(rng: random.Random, selected: list[str], others: list[str]) -> None:
    selected.insert(rng.randrange(len(selected) + 1), rng.choice(others))


def vanished(rng: random.Random, selected: list[str], others: list[str]) -> None:
    selected.pop(rng.randrange(len(selected)))


def doubled(rng: random.Random, selected: list[str], others: list[str]) -> None:
    selected.append(rng.choice(selected))


def shuffled(rng: random.Random, selected: list[str], others: list[str]) -> None:
    rng.shuffle(selected)


CHANGES: tuple[Change, ...] = (swapped, moved_in, vanished, doubled, shuffled)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rows_that_move_never_make_another_selection_pass(seed: int) -> None:
    rng = random.Random(seed)
    serials = [f"SM{number:04}" for number in range(rng.randint(2, 40))]
    rng.shuffle(serials)
    intended, others = serials[: (size := rng.randint(1, len(serials) - 1))], serials[size:]
    selected = list(intended)
    for _change in range(rng.randint(0, 4)):
        if selected:
            rng.choice(CHANGES)(rng, selected, others)
    count = rng.choice([len(selected), len(selected), len(intended), rng.randint(0, 50)])
    same = Counter(selected) == Counter(intended) and count == len(intended)
    assert (difference(intended, selected, [count]) is None) == same


@pytest.mark.parametrize(
    ("intended", "selected", "counts", "told"),
    [
        pytest.param(["A"], ["A"], [], None, id="the same"),
        pytest.param(["A", "B"], ["B", "A"], [2, 2], None, id="in another order"),
        pytest.param(["A"], ["B"], [1], "B too much, A missing", id="another one"),
        pytest.param(["A"], ["A", "B"], [2], "B too much, 2 instead of 1", id="one more"),
        pytest.param(["A", "B"], ["A"], [1], "B missing, 1 instead of 2", id="one less"),
        pytest.param(["A"], ["A", "A"], [], "A too much, A more than once", id="twice"),
        pytest.param(["A"], ["A"], [1, 3], "3 instead of 1", id="rows that are not in view"),
        pytest.param([], [], [0], "nothing is intended", id="nothing"),
        pytest.param(
            ["A", "A"],
            ["A", "A"],
            [2],
            "A more than once, 2 instead of 1, something is intended twice",
            id="intended twice",
        ),
    ],
)
def test_differences_are_told(intended: list[str], selected: list[str], counts: list[int], told: str | None) -> None:
    assert difference(intended, selected, counts) == told


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("選択中: 3 件", [3]),
        ("対象: 1,024 件", [1024]),
        ("12 台のデバイスに「デバイスを削除する」を実行します。", [12]),
        ("選択中", []),
        ("", []),
    ],
)
def test_numbers_of_a_line(line: str, numbers: list[int]) -> None:
    assert counts_in([line]) == numbers


@pytest.mark.parametrize(
    ("struck", "which"),
    [
        pytest.param([False], 0, id="one"),
        pytest.param([True, False], 1, id="an old one is struck through"),
        pytest.param([True], 0, id="only a struck one"),
        pytest.param([False, False], None, id="two"),
        pytest.param([True, True], None, id="two that are struck through"),
        pytest.param([], None, id="none"),
    ],
)
def test_which_row_counts(struck: list[bool], which: int | None) -> None:
    assert one_row([{}] * len(struck), struck) == which


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("生徒 00001 <s1@sakura.example>", ("生徒 00001", "s1@sakura.example")),
        ("生徒 00001", ("生徒 00001", "")),
        ("", ("", "")),
        ("<s1@sakura.example>", ("", "s1@sakura.example")),
    ],
)
def test_owners(cell: str, told: tuple[str, str]) -> None:
    assert owner_of(cell) == told


@pytest.mark.parametrize(
    ("owner", "mail", "cell", "same"),
    [
        pytest.param("A", "a@x", "A <a@x>", True, id="the same"),
        pytest.param("A", "a@x", "A-B <A@X>", True, id="who has another name by now"),
        pytest.param("A", "a@x", "A <b@x>", False, id="of the same name"),
        pytest.param("A", "a@x", "", False, id="nobody any more"),
        pytest.param("", "", "", True, id="nobody"),
        pytest.param("", "", "A <a@x>", False, id="somebody now"),
        pytest.param("A", "", "A", True, id="without mail addresses"),
        pytest.param("A", "", "B", False, id="another one without mail addresses"),
        pytest.param(None, None, "", True, id="not told"),
    ],
)
def test_whether_the_owner_is_the_same(owner: str | None, mail: str | None, cell: str, same: bool) -> None:
    assert same_owner({"owner": owner, "owner_mail": mail}, cell) is same


CAPTIONS = {"owner": re.compile("^所有者$"), "tags": re.compile("^タグ$"), "memo": re.compile("^メモ$")}
HEADINGS = [re.compile("^構成プロファイル$"), re.compile("^デバイスの編集$")]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param(["所有者", "A <a@x>", "タグ", "貸出"], {"owner": "A <a@x>", "tags": "貸出"}, id="each has one"),
        pytest.param(["所有者", "タグ", "貸出"], {"owner": "", "tags": "貸出"}, id="nobody"),
        pytest.param(["メモ", "一行目", "二行目", "構成プロファイル"], {"memo": "一行目 二行目"}, id="two lines"),
        pytest.param(
            ["タグ", "メモ", "構成プロファイル", "タグ", "デバイスの編集"],
            {"tags": "", "memo": ""},
            id="a heading of the same name",
        ),
        pytest.param(["デバイスの編集"], {}, id="nothing"),
    ],
)
def test_what_stands_below_captions(lines: list[str], told: dict[str, str]) -> None:
    assert below_captions(lines, CAPTIONS, HEADINGS) == told


def test_what_the_commands_press() -> None:
    """Warning 16, and that an erase goes by 次へ."""
    assert COMMANDS["delete"].ticks == {"command.delete_apps": False}
    assert COMMANDS["erase"].ticks == {"command.return": True, "command.carry_over": False}
    assert COMMANDS["erase"].go == "command.next" and "command.run" not in COMMANDS["erase"].presses
    typed = [name for name, command in COMMANDS.items() if "command.yes" in command.presses]
    assert typed == ["delete", "erase"]
