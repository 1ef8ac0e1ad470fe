# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError, LedgerError
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import to_iso
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Change, Event, State
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW
from ansible_collections.nendo.apple_mdm.tests.unit.orders.killing import KILLED, kill_at_write, run_in_child

sa = pytest.importorskip("sqlalchemy")

CAMPAIGN, TENANT, STEP = "graduation-2027", "school", "wipe"
DEVICES = [f"C02{number:04d}" for number in range(40)]
Open = Callable[..., Ledger]


def states(ledger: Ledger) -> dict[str, str]:
    return {record.device: record.state.value for record in ledger.records(CAMPAIGN, step=STEP)}


def none(devices: list[str]) -> dict[str, dict[str, str]]:
    """Nothing to compare with later."""
    return {device: {} for device in devices}


def store(ledger: Ledger, *events: Event) -> None:
    ledger.receive([(event, {}) for event in events])


def planned(ledger: Ledger, devices: list[str] = DEVICES) -> Ledger:
    ledger.plan(CAMPAIGN, TENANT, STEP, devices)
    return ledger


def test_a_look_makes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.records(CAMPAIGN) == [] and ledger.summary(CAMPAIGN) == {} and ledger.facts(CAMPAIGN) == {}
    assert ledger.events.find() == [] and ledger.secret(CAMPAIGN, "C02X", "code") is None
    ledger.doubt_the_dead(CAMPAIGN, STEP)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_leaves_what_is_there(ledger: Ledger) -> None:
    planned(ledger, DEVICES[:2])
    ledger.intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW)
    planned(ledger, DEVICES[:3])
    assert states(ledger) == {DEVICES[0]: "intended", DEVICES[1]: "planned", DEVICES[2]: "planned"}
    assert ledger.summary(CAMPAIGN) == {STEP: {"intended": 1, "planned": 2}}


def test_a_device_belongs_to_one_tenant(ledger: Ledger) -> None:
    planned(ledger)
    with pytest.raises(LedgerError, match=f"{DEVICES[3]} belongs to school in the ledger, not to other"):
        ledger.plan(CAMPAIGN, "other", STEP, [DEVICES[3]])


def test_an_intention_is_given_once(opened: Open) -> None:
    first, second = opened(), opened()
    planned(first)
    mine = first.intend(CAMPAIGN, STEP, none(DEVICES[:30]), NOW)
    others = second.intend(CAMPAIGN, STEP, none(DEVICES[20:]), NOW)
    assert [record.device for record in mine] == DEVICES[:30]
    assert [record.device for record in others] == DEVICES[30:]
    assert {(record.attempts, record.intended_at) for record in (*mine, *others)} == {(1, to_iso(NOW))}


def test_runs_at_the_same_time_never_get_the_same_device(location: str, opened: Open, tmp_path: Path) -> None:
    planned(opened())
    pids = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ledger = open_ledger(location)
                got = [
                    record.device
                    for part in range(8)
                    for record in ledger.intend(CAMPAIGN, STEP, none(DEVICES[part * 5 :]), NOW)
                ]
                (tmp_path / f"got{number}").write_text("\n".join(got))
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4
    got = [device for number in range(4) for device in (tmp_path / f"got{number}").read_text().split()]
    assert sorted(got) == DEVICES


def test_what_a_dead_run_intended_is_in_doubt_for_the_others(location: str, opened: Open) -> None:
    alive, looking = opened(), opened()
    planned(alive)
    alive.intend(CAMPAIGN, STEP, none(DEVICES[:3]), NOW)

    def dies() -> None:
        open_ledger(location).intend(CAMPAIGN, STEP, none(DEVICES[3:5]), NOW)
        os.kill(os.getpid(), signal.SIGKILL)

    assert run_in_child(dies) == KILLED
    looking.doubt_the_dead(CAMPAIGN, STEP)
    assert [states(looking)[device] for device in DEVICES[:6]] == ["intended"] * 3 + ["in_doubt"] * 2 + ["planned"]
    alive.close()
    looking.doubt_the_dead(CAMPAIGN, STEP)
    assert states(looking)[DEVICES[0]] == "in_doubt"


def test_what_became_of_it_is_kept_with_its_evidence(ledger: Ledger) -> None:
    planned(ledger)
    (record,) = ledger.intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW)
    ledger.settle([Change(record, State.SENT, {"answer": 200})], NOW)
    (record,) = ledger.records(CAMPAIGN, step=STEP, devices=DEVICES[:1])
    reason = {"en": "It came back.", "ja": "再登録を確認しました。"}
    ledger.settle([Change(record, State.DONE, {"enrolled": "again"}, reason)], NOW + timedelta(seconds=5))
    (done,) = ledger.records(CAMPAIGN, devices=DEVICES[:1])
    assert (done.state, done.evidence, done.reason) == (State.DONE, {"answer": 200, "enrolled": "again"}, reason)
    assert done.settled_at == to_iso(NOW + timedelta(seconds=5))


def test_a_late_word_about_an_earlier_attempt_changes_nothing(ledger: Ledger) -> None:
    planned(ledger)
    (first,) = ledger.intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW)
    ledger.settle([Change(first, State.PLANNED)], NOW)
    (second,) = ledger.intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW)
    ledger.settle([Change(first, State.DONE)], NOW)
    assert states(ledger)[DEVICES[0]] == "intended"
    ledger.settle([Change(second, State.DONE)], NOW)
    ledger.settle([Change(second, State.IN_DOUBT)], NOW)
    assert states(ledger)[DEVICES[0]] == "done", "what is done stays done"


def test_a_new_command_only_after_a_proven_failure(ledger: Ledger) -> None:
    planned(ledger)
    names = []
    for became in (State.IN_DOUBT, State.FAILED, State.DONE):
        (record,) = ledger.intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW)
        names.append(record.command_id)
        ledger.settle([Change(record, became)], NOW)
        if became is not State.DONE:
            (again,) = ledger.records(CAMPAIGN, devices=DEVICES[:1])
            ledger.settle([Change(again, State.PLANNED)], NOW)
    assert names[0] == names[1] != names[2]


def test_a_step_that_the_table_lacks_is_a_fault(ledger: Ledger) -> None:
    planned(ledger)
    (record, *_rest) = ledger.records(CAMPAIGN)
    with pytest.raises(LedgerError, match="cannot go from planned to sent"):
        ledger.settle([Change(record, State.SENT)], NOW)


def test_secrets_are_encrypted_and_opened_with_the_key(ledger: Ledger, opened: Open, location: str) -> None:
    ledger.keep_secrets(CAMPAIGN, {("C02X", "bypass code"): b"old", ("C02Y", "bypass code"): b"other"})
    ledger.keep_secrets(CAMPAIGN, {("C02X", "bypass code"): b"AAAAA-BBBBB"})
    assert ledger.secret(CAMPAIGN, "C02X", "bypass code") == b"AAAAA-BBBBB"
    assert ledger.secret(CAMPAIGN, "C02X", "unlock token") is None
    if "://" not in location:
        assert b"AAAAA-BBBBB" not in Path(location).read_bytes()
        assert Path(location).stat().st_mode & 0o777 == 0o600
    with pytest.raises(LedgerError, match="another key"):
        opened(key="b3RoZXItYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY=").secret(CAMPAIGN, "C02X", "bypass code")
    with pytest.raises(ConfigurationError, match="no key for that is given"):
        opened(key=None).keep_secrets(CAMPAIGN, {("C02X", "bypass code"): b"x"})


def test_facts_are_replaced_by_device(ledger: Ledger) -> None:
    ledger.keep_facts(CAMPAIGN, TENANT, {"C02X": {"owner": "1234"}, "C02Y": {}})
    ledger.keep_facts(CAMPAIGN, TENANT, {"C02X": {"owner": "一年一組"}})
    assert ledger.facts(CAMPAIGN) == {"C02X": {"owner": "一年一組"}, "C02Y": {}}
    assert ledger.facts(CAMPAIGN, ["C02Y", "C02Z"]) == {"C02Y": {}}


def test_events_are_kept_once_and_told_in_the_order_of_their_making(ledger: Ledger) -> None:
    late = Event("mdm.Connect", "2027-03-20T09:00:05Z", "UDID-1", b"<plist/>", command_uuid="A", status="Acknowledged")
    early = Event("mdm.Authenticate", "2027-03-20T09:00:01Z", "UDID-1", b"<plist/>", serial="C02X")
    other = early._replace(enrollment_id="UDID-2", serial="C02Y")
    store(ledger, late, early, late)
    store(ledger, late, other)
    assert unnumbered(ledger.events.find()) == [early, other, late]
    assert unnumbered(ledger.events.find(enrollment_ids=["UDID-1"])) == [early, late]
    assert unnumbered(ledger.events.find(command_uuids=["A", "B"])) == [late]
    assert unnumbered(ledger.events.find(serials=["C02Y"], topics=["mdm.Authenticate"])) == [other]


def unnumbered(events: Sequence[Event]) -> list[Event]:
    """As they were before they were stored."""
    assert all(event.number > 0 for event in events)
    return [event._replace(number=0) for event in events]


def told(number: int) -> Event:
    return Event("mdm.Connect", "2027-03-20T09:00:05Z", f"UDID-{number % 3}", b"<plist/>", command_uuid=f"C{number}")


def test_only_what_is_new_is_read(ledger: Ledger) -> None:
    store(ledger, *(told(number) for number in range(4)))
    seen = ledger.events.find(enrollment_ids=["UDID-0"])
    assert [event.number > 0 for event in seen] == [True, True]
    assert ledger.events.find(enrollment_ids=["UDID-0"], after=seen[0].number) == seen[1:]
    assert ledger.events.find(after=seen[1].number) == []
    store(ledger, told(0)._replace(number=7))
    assert len(ledger.events.find()) == 4, "a number makes no other event of it"


def test_nothing_new_is_passed_over_however_late_a_commit_is(opened: Open) -> None:
    late, other, reader = opened(), opened(), opened()
    store(late, told(0))
    seen = late.events.find()

    with ThreadPoolExecutor() as pool:

        def another_stores_meanwhile(_connection: Any) -> None:
            wait([pool.submit(store, other, told(2))], timeout=0.5)
            seen.extend(reader.events.find(after=seen[0].number))

        sa.event.listen(late._database.engine, "commit", another_stores_meanwhile, once=True)
        store(late, told(1))
    seen += reader.events.find(after=max(event.number for event in seen))
    assert unnumbered(seen) == [told(0), told(1), told(2)]


def test_nothing_new_is_passed_over_between_two_portions(
    ledger: Ledger, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, rows, numbers = opened(), ledger._database.rows, iter(range(12))

    def one_is_told_before_each_portion(statement: Any) -> list[Any]:
        if (number := next(numbers, None)) is not None:
            store(other, told(number))
        return rows(statement)

    monkeypatch.setattr("ansible_collections.nendo.apple_mdm.plugins.module_utils._database.AT_ONCE", 1)
    monkeypatch.setattr(ledger._database, "rows", one_is_told_before_each_portion)
    seen: list[Event] = []
    for _look in range(6):
        mark = max((event.number for event in seen), default=0)
        seen += ledger.events.find(enrollment_ids=["UDID-0", "UDID-1", "UDID-2"], after=mark)
    assert unnumbered(sorted(seen, key=lambda event: event.number)) == [told(number) for number in range(12)]


def test_an_event_is_stored_with_its_secrets_or_not_at_all(ledger: Ledger) -> None:
    def fails(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("INSERT INTO apple_mdm_ledger_secret"):
            raise ValueError("no more room")

    older = told(1)._replace(enrollment_id="UDID-0", created_at="2027-03-20T09:00:04Z")
    both = [(told(0), {"UnlockToken": b"new"}), (older, {"UnlockToken": b"old"})]
    sa.event.listen(ledger._database.engine, "before_cursor_execute", fails)
    with pytest.raises(LedgerError, match="no more room"):
        ledger.receive(both)
    assert ledger.events.find() == []
    sa.event.remove(ledger._database.engine, "before_cursor_execute", fails)
    ledger.receive(both)
    assert ledger.secret("", "UDID-0", "UnlockToken") == b"new"
    assert unnumbered(ledger.events.find()) == [older, told(0)]


def test_two_runs_settle_the_same_devices_in_any_order_and_none_waits_for_ever(opened: Open) -> None:
    """PostgreSQL ends one of two transactions that wait for each other's rows."""
    devices = [f"C02{number:04d}" for number in range(5000)]
    both = [opened(), opened()]
    both[0].plan(CAMPAIGN, TENANT, STEP, devices)
    records, _same = (ledger.records(CAMPAIGN) for ledger in both)  # both know now that there are tables
    states, together = [State.SKIPPED, State.DONE], threading.Barrier(2)

    def settles(ledger: Ledger, number: int) -> None:
        order = records[::-1] if number else records
        together.wait()
        ledger.settle([Change(each, states[(place + number) % 2]) for place, each in enumerate(order)], NOW)

    with ThreadPoolExecutor() as pool:
        list(pool.map(settles, both, range(2)))
    assert sum(both[0].summary(CAMPAIGN)[STEP].values()) == len(devices)
    assert "planned" not in both[0].summary(CAMPAIGN)[STEP]


def test_a_ledger_of_a_newer_release_is_left_alone(ledger: Ledger, opened: Open) -> None:
    planned(ledger)
    with ledger._database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE apple_mdm_ledger_schema SET version = 2"))
    with pytest.raises(LedgerError, match="tables of version 2"):
        opened().records(CAMPAIGN)


def test_a_place_that_cannot_be_one() -> None:
    with pytest.raises(ConfigurationError, match="whole path"):
        open_ledger("ledger.db")


# A ledger that was put back


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A ledger of which a copy was made before something was sent."""
    path = tmp_path / "ledger.db"
    ledger = planned(open_ledger(str(path)))
    ledger.intend(CAMPAIGN, STEP, none(DEVICES[:2]), NOW)
    shutil.copy(path, tmp_path / "copy.db")
    ledger.intend(CAMPAIGN, STEP, none(DEVICES[2:4]), NOW)
    ledger.close()
    return path


def test_an_older_copy_of_the_ledger_is_refused(kept: Path) -> None:
    open_ledger(str(kept)).check_newest()
    shutil.copy(kept.with_name("copy.db"), kept)
    with pytest.raises(LedgerError, match="it is an older copy: it knows of 1 of 2"):
        open_ledger(str(kept)).check_newest()
    with pytest.raises(LedgerError, match="it is an older copy: it knows of 1 of 2"):
        open_ledger(str(kept)).intend(CAMPAIGN, STEP, none(DEVICES[2:4]), NOW)
    assert states(open_ledger(str(kept)))[DEVICES[2]] == "planned"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            lambda path: path.with_name("ledger.db.witness").unlink(), "witness file is missing", id="missing"
        ),
        pytest.param(
            lambda path: path.with_name("ledger.db.witness").write_text("{"), "witness file is damaged", id="damaged"
        ),
        pytest.param(lambda path: path.unlink(), "another ledger", id="new ledger"),
    ],
)
def test_a_ledger_without_its_witness_is_refused(kept: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(kept)
    with pytest.raises(LedgerError, match=said):
        open_ledger(str(kept)).check_newest()
    ledger = planned(open_ledger(str(kept)))
    with pytest.raises(LedgerError, match=said):
        ledger.intend(CAMPAIGN, STEP, none(DEVICES[4:5]), NOW)


def test_a_ledger_in_use_by_another_run_is_trusted(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    devices = [f"C03{number:03d}" for number in range(60)]
    busy = open_ledger(path)
    busy.plan(CAMPAIGN, TENANT, STEP, devices)
    other = threading.Thread(target=lambda: [busy.intend(CAMPAIGN, STEP, none([each]), NOW) for each in devices])
    other.start()
    while other.is_alive():
        open_ledger(path).check_newest()
    other.join()


def test_a_crash_at_any_write_of_an_intention_leaves_a_ledger_that_can_be_trusted(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    planned(open_ledger(path))
    number = 0
    while True:
        number += 1
        code = kill_at_write(number, lambda: open_ledger(path).intend(CAMPAIGN, STEP, none(DEVICES[:1]), NOW))
        after = open_ledger(path)
        after.doubt_the_dead(CAMPAIGN, STEP)
        assert states(after)[DEVICES[0]] in ("planned", "in_doubt")
        for record in after.records(CAMPAIGN, devices=DEVICES[:1]):
            if record.state is State.IN_DOUBT:
                after.settle([Change(record, State.PLANNED)], NOW)
        if code == 0:
            break
        assert code == KILLED
    assert number > 10
