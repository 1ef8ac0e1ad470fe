# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of enrolments, in whatever order their events come, and however many of them are lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Event
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.notebook import Notebook
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.watch import Enrolment, Watch

pytest.importorskip("sqlalchemy")

DEVICE, ID = "C02XK0AB0001", "UDID-1"
Told = Callable[..., None]


def at(second: int) -> str:
    return f"2027-03-20T08:00:{second:02d}.000000Z"


def event(kind: str, second: int) -> Event:
    """kind: Authenticate, First (TokenUpdate), Later (TokenUpdate) or CheckOut."""
    status = "first" if kind == "First" else None
    topic = "TokenUpdate" if kind in ("First", "Later") else kind
    return Event(f"mdm.{topic}", at(second), ID, b"", DEVICE if kind == "Authenticate" else None, None, status)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    ledger = open_ledger(str(tmp_path / "ledger.db"))
    yield Notebook(ledger, "graduation-2027", "school")
    ledger.close()


@pytest.fixture
def told(notebook: Notebook) -> Told:
    def receive(*events: Event) -> None:
        notebook._ledger.receive([(each, {}) for each in events])

    return receive


def known(watch: Watch) -> Enrolment | None:
    return watch.enrolments([DEVICE]).get(DEVICE)


STORY = [event("Authenticate", 1), event("First", 2), event("Authenticate", 30), event("First", 40)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_the_order_in_which_events_come_does_not_matter(notebook: Notebook, told: Told, order: tuple[int, ...]) -> None:
    """Neither for whoever watched all along nor for who looks at the end."""
    early = Watch(notebook)
    known(early)
    for number in order:
        told(STORY[number], STORY[number])
        known(early)
    for watch in (early, Watch(notebook)):
        now = known(watch)
        assert now and now.usable and now.enrolled_at in (at(30), at(40)), "not the first enrolment"
    late = known(Watch(notebook))
    assert late and late.enrolled_at == at(30)


@pytest.mark.parametrize(
    ("kinds", "began", "usable"),
    [
        pytest.param([("First", 2)], None, False, id="never seen to enrol"),
        pytest.param([("Authenticate", 1)], 1, False, id="begun"),
        pytest.param([("Authenticate", 1), ("First", 2)], 1, True, id="enrolled"),
        pytest.param([("Authenticate", 3), ("First", 2)], 2, True, id="dated late"),
        pytest.param(
            [("Authenticate", 3), ("First", 2), ("Authenticate", 40)], 40, False, id="dated late, and returns"
        ),
        pytest.param([("Authenticate", 1), ("Later", 2)], 1, True, id="the first TokenUpdate lost"),
        pytest.param([("Authenticate", 1), ("First", 2), ("Later", 9)], 1, True, id="a refreshed token"),
        pytest.param([("Authenticate", 1), ("First", 2), ("First", 9)], 9, True, id="an Authenticate lost"),
        pytest.param([("Authenticate", 1), ("First", 2), ("CheckOut", 3)], 1, False, id="left"),
        pytest.param([("Authenticate", 1), ("First", 2), ("CheckOut", 3), ("First", 9)], 9, True, id="left and back"),
        pytest.param([("Authenticate", 1), ("First", 2), ("CheckOut", 3), ("Authenticate", 9)], 9, False, id="returns"),
        pytest.param([("Authenticate", 5), ("First", 6), ("CheckOut", 3)], 5, True, id="left before that"),
    ],
)
def test_what_is_known(
    notebook: Notebook, told: Told, kinds: list[tuple[str, int]], began: int | None, usable: bool
) -> None:
    early = Watch(notebook)
    known(early)
    for kind, second in kinds:
        told(event(kind, second))
    for watch in (early, Watch(notebook)):
        now = known(watch)
        assert (now and now.enrolled_at, bool(now and now.usable)) == (began and at(began), usable)


def test_what_is_of_no_concern_is_gone_through_once(
    notebook: Notebook, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each look at check-ins would go through all answers of the run."""
    watch, asked, events = Watch(notebook), list[int](), notebook.events

    def counted(**which: Any) -> list[Event]:
        asked.append(which["after"])
        return events(**which)

    monkeypatch.setattr(notebook, "events", counted)
    for second in range(3):
        told(Event("mdm.Connect", at(second), ID, b"", None, "A", "Acknowledged"))
        assert watch._news("mdm.Authenticate", ["mdm.Authenticate"]) == []
    assert asked == [0, 1, 2]
    told(event("Authenticate", 5))
    assert [each.topic for each in watch._news("mdm.Authenticate", ["mdm.Authenticate"])] == ["mdm.Authenticate"]


def test_the_last_word_on_a_command_counts_and_not_now_is_none(notebook: Notebook, told: Told) -> None:
    def says(status: str, second: int) -> Event:
        return Event("mdm.Connect", at(second), ID, b"", None, "A", status)

    watch = Watch(notebook)
    told(says("NotNow", 1))
    assert watch.answers(["A"])[ID, "A"].status == "NotNow"
    told(says("Acknowledged", 5))
    told(says("NotNow", 3))
    for each in (watch, Watch(notebook)):
        assert each.answers(["A"])[ID, "A"].status == "Acknowledged"
