# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is made of what a device says, or does not say, after the removal of a profile or an app; days go by in no time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import Record, State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Queued
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.removal import RemovalStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.removals import apps, delete, profiles
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.watch import Watch
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW
from ansible_collections.nendo.apple_mdm.tests.unit.mdm.nanomdm.devices import (
    ID,
    MDM,
    NO_CERTIFICATES,
    OWN,
    WIFI,
    Story,
)

pytest.importorskip("sqlalchemy")

REMOVE, LIST, CERTIFICATES = "RemoveProfile", "ProfileList", "CertificateList"
HAS_IT: dict[str, Any] = {"ProfileList": [{"PayloadIdentifier": WIFI["identifier"]}]}
HAS_IT_NOT: dict[str, Any] = {"ProfileList": [{"PayloadIdentifier": MDM["identifier"]}]}
NO_ANSWER, GONE = Queued(None, "no answer"), Queued(True, gone=frozenset({ID}))
REFUSAL: dict[str, Any] = {"ErrorChain": [{"ErrorCode": 12075, "LocalizedDescription": "not installed"}]}


def story_of(removal: Any, tmp_path: Path) -> Story:
    ledger = open_ledger(str(tmp_path / "ledger.db"))
    story = Story(ledger, lambda sent, notebook, clock: RemovalStep(removal, sent, Watch(notebook), clock), NOW)
    story.collected(story.enrols())
    return story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = story_of(profiles(), tmp_path)
    yield made
    made.ledger.close()


def test_an_acknowledgement_is_the_proof(story: Story) -> None:
    for _run in range(2):
        assert story.state() is State.PENDING
    story.hears(story.sent.last(REMOVE))
    assert story.state() is State.DONE
    assert len(story.sent.orders) == 1


def test_a_silent_device_is_asked_once_a_day_for_its_list(story: Story) -> None:
    story.run()
    story.passes(hours=23)
    story.run()
    assert story.sent.uuids(LIST) == []
    story.passes(hours=1)
    for _run in range(2):
        story.run()
    assert len(set(story.sent.uuids(LIST))) == 1
    story.passes(days=2)
    story.run()
    assert len(set(story.sent.uuids(LIST))) == 2 and len(story.sent.uuids(REMOVE)) == 1
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    assert story.state() is State.DONE


def test_what_is_still_there_although_the_device_took_all_is_sent_again(story: Story) -> None:
    story.run()
    story.passes(days=1)
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT)
    assert story.state() is State.PENDING
    first, second = story.sent.uuids(REMOVE)
    assert first != second
    story.hears(second)
    assert story.state() is State.DONE


def test_in_doubt_it_is_asked_at_once_and_once_an_hour(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    assert story.state() is State.IN_DOUBT
    assert story.state() is State.IN_DOUBT
    assert len(set(story.sent.uuids(LIST))) == 1
    story.passes(minutes=61)
    assert story.state() is State.IN_DOUBT
    assert len(set(story.sent.uuids(LIST))) == 2 and len(story.sent.uuids(REMOVE)) == 1


@pytest.mark.parametrize(("listed", "then"), [(HAS_IT_NOT, State.DONE), (HAS_IT, State.PENDING)], ids=["gone", "there"])
def test_a_doubt_is_settled_by_the_list(story: Story, listed: dict[str, Any], then: State) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.sent.answer = lambda parcel: Queued(True)
    story.hears(story.sent.last(LIST), **listed)
    assert story.state() is then
    assert len(story.sent.uuids(REMOVE)) == (1 if then is State.DONE else 2)


def test_a_list_of_before_the_second_sending_proves_nothing_of_it(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT)
    assert story.state() is State.IN_DOUBT
    assert len(story.sent.uuids(REMOVE)) == 2
    assert story.state() is State.IN_DOUBT and len(story.sent.uuids(REMOVE)) == 2


@pytest.mark.parametrize("status", ["Error", "CommandFormatError"])
def test_a_refusal_is_one_only_if_it_is_still_there(story: Story, status: str) -> None:
    story.run()
    story.hears(story.sent.last(REMOVE), status, **REFUSAL)
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    assert story.state() is State.DONE


def test_a_refusal_fails_and_another_run_tries_again(story: Story) -> None:
    story.run()
    story.hears(story.sent.last(REMOVE), "Error", **REFUSAL)
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT)
    failed = story.run()
    assert failed.state is State.FAILED and failed.reason
    assert "com.example.wifi" in failed.reason["en"] and "12075" in failed.reason["en"]
    assert story.state() is State.PENDING and len(set(story.sent.uuids(REMOVE))) == 2


def test_what_is_put_off_waits_and_its_lost_word_is_made_up_for(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(REMOVE), "NotNow")
    story.hears(story.sent.last(LIST), **HAS_IT)
    assert story.state() is State.PENDING and len(story.sent.uuids(REMOVE)) == 1
    story.passes(hours=2)
    assert story.state() is State.PENDING
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    assert story.state() is State.DONE


def test_a_word_of_not_now_that_comes_late_does_not_undo_an_acknowledgement(story: Story) -> None:
    story.run()
    story.hears(story.sent.last(REMOVE))
    story.passes(seconds=-1)
    story.hears(story.sent.last(REMOVE), "NotNow")
    assert story.state() is State.DONE


def test_what_earlier_runs_left_is_pushed_once_a_run(story: Story) -> None:
    story.run()
    assert story.sent.woken == []
    story.run()
    assert story.sent.woken == [ID]


def is_uncertain(told: Record) -> bool:
    return told.state is State.PENDING and bool(told.reason) and "no such enrolment" in (told.reason or {})["en"]


def test_who_is_gone_and_still_gone_later_has_left(story: Story) -> None:
    story.run()
    story.passes(days=1)
    story.sent.gone = {ID}
    assert is_uncertain(story.run())
    story.passes(minutes=14)
    assert is_uncertain(story.run())
    story.passes(minutes=1)
    left = story.run()
    assert left.state is State.DONE and left.evidence["left"] is True
    assert len(story.sent.uuids(REMOVE)) == 1


def test_who_is_gone_when_it_is_sent_has_left_if_it_stays_so(story: Story) -> None:
    story.sent.answer = lambda parcel: GONE
    assert is_uncertain(story.run())
    story.passes(minutes=15)
    story.sent.gone = {ID}
    assert story.state() is State.DONE and len(story.sent.orders) == 1


def test_who_is_gone_when_it_is_asked_has_left_if_it_stays_so(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER if parcel.command["RequestType"] == REMOVE else GONE
    assert is_uncertain(story.run())
    story.passes(minutes=15)
    story.sent.gone = {ID}
    assert story.state() is State.DONE


def test_a_push_token_that_was_only_renewed_proves_nothing(story: Story) -> None:
    """APNs does not know the old one any more, and for a moment the MDM server does not know the new one."""
    story.run()
    story.sent.gone = {ID}
    assert is_uncertain(story.run())
    story.tell("mdm.TokenUpdate")
    story.sent.gone = set()
    story.passes(minutes=20)
    waiting = story.run()
    assert waiting.state is State.PENDING and waiting.reason and "switched on" in waiting.reason["en"]
    story.sent.gone = {ID}
    assert is_uncertain(story.run()), "counted anew"
    story.hears(story.sent.last(REMOVE))
    told = story.run()
    assert told.state is State.DONE and "left" not in told.evidence


# What cannot be read is as if it had not come, and stops no run


NO_LISTS = [
    pytest.param(b"nonsense", id="no property list"),
    pytest.param(b"", id="nothing"),
    pytest.param({}, id="no list"),
    pytest.param({"ProfileList": 7}, id="a number"),
    pytest.param({"ProfileList": ["x"]}, id="of words"),
]


@pytest.mark.parametrize("told", NO_LISTS)
def test_a_list_that_cannot_be_read_proves_nothing_and_is_asked_for_again(story: Story, told: Any) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.says(story.sent.last(LIST), told)
    assert story.state() is State.IN_DOUBT
    story.passes(minutes=61)
    assert story.state() is State.IN_DOUBT and len(set(story.sent.uuids(LIST))) == 2
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    assert story.state() is State.DONE and len(story.sent.uuids(REMOVE)) == 1


@pytest.mark.parametrize("told", [b"nonsense", b"", {"ErrorChain": 7}, {"ErrorChain": ["x"]}], ids=repr)
def test_a_refusal_whose_reason_cannot_be_read_is_one(story: Story, told: Any) -> None:
    story.run()
    story.says(story.sent.last(REMOVE), told, "Error")
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT)
    failed = story.run()
    assert failed.state is State.FAILED and failed.reason and failed.reason["en"].endswith("com.example.wifi: Error.")


# A device of a new pupil, of which no event told


@pytest.fixture
def known_by_certificates(story: Story) -> Story:
    enrolled_at = story.ledger.facts("graduation-2027")["C02XK0AB0001"]["enrolled_at"]
    story.collected(enrolled_at, identity=[hashlib.sha256(b"one").hexdigest()])
    return story


def certificates(*identities: bytes) -> dict[str, Any]:
    return {"CertificateList": [{"Data": data, "IsIdentity": True} for data in identities]}


@pytest.mark.parametrize("listed", [HAS_IT, HAS_IT_NOT], ids=["there", "gone"])
def test_a_list_of_another_device_proves_nothing_and_nothing_more_is_sent(
    known_by_certificates: Story, listed: dict[str, Any]
) -> None:
    story = known_by_certificates
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.sent.answer = lambda parcel: Queued(True)
    story.hears(story.sent.last(CERTIFICATES), **certificates(b"another"))
    story.hears(story.sent.last(LIST), **listed)
    failed = story.run()
    assert failed.state is State.FAILED and failed.reason and "another user" in failed.reason["en"]
    assert story.state() is State.FAILED and len(story.sent.uuids(REMOVE)) == 1


def test_a_list_counts_only_with_the_certificates_beside_it(known_by_certificates: Story) -> None:
    story = known_by_certificates
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    assert story.state() is State.IN_DOUBT
    story.hears(story.sent.last(CERTIFICATES), "NotNow")
    assert story.state() is State.IN_DOUBT
    story.hears(story.sent.last(CERTIFICATES), **certificates(b"one"))
    assert story.state() is State.DONE


@pytest.mark.parametrize(
    ("now", "state"), [(b"one", State.PENDING), (b"another", State.FAILED)], ids=["same", "another"]
)
def test_a_device_that_was_seen_a_while_ago_is_asked_first_whether_it_is_the_same(
    known_by_certificates: Story, now: bytes, state: State
) -> None:
    story = known_by_certificates
    story.passes(minutes=61)
    for _run in range(2):
        assert story.state() is State.PENDING
    assert story.sent.uuids(REMOVE) == [] and len(story.sent.uuids(CERTIFICATES)) == 1
    story.hears(story.sent.last(CERTIFICATES), **certificates(now))
    for _run in range(2):
        assert story.state() is state
    assert len(story.sent.uuids(REMOVE)) == (state is State.PENDING)
    if state is State.PENDING:
        story.hears(story.sent.last(REMOVE))
        assert story.state() is State.DONE


@pytest.mark.parametrize("told", NO_CERTIFICATES.values(), ids=NO_CERTIFICATES)
def test_certificates_that_cannot_be_read_show_no_device_to_be_the_same(
    known_by_certificates: Story, told: Any
) -> None:
    story = known_by_certificates
    story.passes(minutes=61)
    story.run()
    story.says(story.sent.last(CERTIFICATES), told)
    assert story.state() is State.PENDING
    story.passes(hours=1)
    story.run()
    assert story.sent.uuids(REMOVE) == [] and len(set(story.sent.uuids(CERTIFICATES))) == 2


@pytest.mark.parametrize("told", NO_CERTIFICATES.values(), ids=NO_CERTIFICATES)
def test_a_list_with_certificates_that_cannot_be_read_proves_nothing(known_by_certificates: Story, told: Any) -> None:
    story = known_by_certificates
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(LIST), **HAS_IT_NOT)
    story.says(story.sent.last(CERTIFICATES), told)
    assert story.state() is State.IN_DOUBT


def test_whether_it_is_the_same_is_asked_again_after_an_hour(known_by_certificates: Story) -> None:
    story = known_by_certificates
    story.passes(minutes=61)
    story.run()
    story.passes(minutes=59)
    story.run()
    assert len(set(story.sent.uuids(CERTIFICATES))) == 1
    story.passes(minutes=1)
    story.run()
    assert len(set(story.sent.uuids(CERTIFICATES))) == 2 and story.sent.uuids(REMOVE) == []


def test_a_device_that_was_just_seen_is_not_asked(known_by_certificates: Story) -> None:
    assert known_by_certificates.state() is State.PENDING
    assert [each.command["RequestType"] for each in known_by_certificates.sent.orders] == [REMOVE]


def test_who_checked_out_has_left(story: Story) -> None:
    story.run()
    story.tell("mdm.CheckOut")
    assert story.state() is State.DONE


def test_what_the_server_did_not_take_is_told_with_its_words(story: Story) -> None:
    story.sent.answer = lambda parcel: Queued(False, "the disk is full")
    told = story.run()
    assert told.state is State.PLANNED and told.reason and "disk is full" in told.reason["en"]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param({"profiles": []}, State.FAILED, id="none told"),
        pytest.param({"profiles": [{**MDM, "mdm": False}, WIFI]}, State.FAILED, id="encrypted"),
        pytest.param({"profiles": [MDM]}, State.DONE, id="nothing else"),
        pytest.param({"profiles": [MDM, OWN], "supervised": False}, State.DONE, id="only the user's own"),
        pytest.param({"profiles": [MDM, OWN]}, State.PENDING, id="the user's own, supervised"),
    ],
)
def test_which_profiles_go(tmp_path: Path, facts: dict[str, Any], state: State) -> None:
    """Where the profile of the enrolment is not known, any could be it."""
    story = story_of(profiles(), tmp_path)
    story.collected(story.ledger.facts("graduation-2027")["C02XK0AB0001"]["enrolled_at"], **facts)
    told = story.run()
    assert told.state is state
    assert len(story.sent.orders) == (state is State.PENDING)


def test_the_enrolment_is_not_over_while_its_profile_is_not_known(tmp_path: Path) -> None:
    story = story_of(delete(), tmp_path)
    for earlier in ("profiles", "apps", "licences"):
        story.settled(earlier)
    story.collected(story.ledger.facts("graduation-2027")["C02XK0AB0001"]["enrolled_at"], profiles=[])
    assert story.state() is State.FAILED and story.sent.orders == []


@pytest.mark.parametrize(
    ("listed", "state"),
    [({}, State.DONE), ({"com.example.agent": {"Status": "ManagedButUninstalled"}}, State.DONE)],
    ids=["absent", "uninstalled"],
)
def test_an_app_that_is_gone(tmp_path: Path, listed: dict[str, Any], state: State) -> None:
    story = story_of(apps([], True), tmp_path)
    story.run()
    story.hears(story.sent.last("RemoveApplication"), "Error", **REFUSAL)
    story.run()
    story.hears(story.sent.last("ManagedApplicationList"), ManagedApplicationList=listed)
    assert story.state() is state


def test_apps_that_were_not_told_are_not_taken_for_none(tmp_path: Path) -> None:
    story = story_of(apps([], True), tmp_path)
    story.collected(story.ledger.facts("graduation-2027")["C02XK0AB0001"]["enrolled_at"], managed_apps=None)
    assert story.state() is State.FAILED and story.sent.orders == []
