# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is made of what a device says, or does not say, after it was sent the erase; days go by in no time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.notebook import Notebook
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.commands import Queued
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.enrolment_profiles import NO_PROFILE, NOT_TOLD
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.watch import Watch
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.wipe import WipeStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Evidence, Found, Item
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW
from ansible_collections.nendo.apple_mdm.tests.unit.mdm.nanomdm.devices import (
    CAMPAIGN,
    DEVICE,
    ID,
    NO_CERTIFICATES,
    TENANT,
    Story,
)

pytest.importorskip("sqlalchemy")

ERASE, PROBE, LEAVE = "EraseDevice", "CertificateList", "DeviceConfigured"
NO_ANSWER, TAKEN = Queued(None, "no answer"), Queued(True)
KNOWN = Queued(True, "command already exists", known=True)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    ledger = open_ledger(str(tmp_path / "ledger.db"))
    made = Story(
        ledger,
        lambda sent, notebook, clock: WipeStep(
            sent, Watch(notebook), wifi_profile=b"", preserve_data_plan=None, end_setup=True, clock=clock
        ),
        NOW,
    )
    made.collected(made.enrols(), identity=[hashlib.sha256(b"one").hexdigest()])
    yield made
    ledger.close()


def is_still_there(story: Story, identity: bytes = b"one") -> None:
    """The device answers the question whether it is."""
    story.hears(story.sent.last(PROBE), CertificateList=[{"Data": identity, "IsIdentity": True}])


def test_only_the_return_is_the_proof(story: Story) -> None:
    assert story.state() is State.PENDING
    story.hears(story.sent.last(ERASE))
    assert story.state() is State.PENDING
    story.passes(minutes=5)
    story.enrols()
    assert story.state() is State.DONE
    assert story.sent.uuids(LEAVE) == []


def test_a_refreshed_token_is_no_return(story: Story) -> None:
    story.run()
    story.tell("mdm.TokenUpdate")
    assert story.state() is State.PENDING


def test_a_return_whose_authenticate_was_lost_is_one(story: Story) -> None:
    story.run()
    story.enrols(authenticate=False)
    assert story.state() is State.DONE


def test_a_device_in_setup_assistant_is_let_go(story: Story) -> None:
    story.run()
    story.enrols(awaiting=True)
    for _run in range(2):
        assert story.state() is State.PENDING
    assert len(set(story.sent.uuids(LEAVE))) == 1
    story.hears(story.sent.last(LEAVE))
    assert story.state() is State.DONE


def test_in_doubt_the_answer_to_a_question_behind_it_tells_that_it_never_arrived(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    assert story.state() is State.IN_DOUBT
    story.sent.answer = lambda parcel: TAKEN
    assert story.state() is State.IN_DOUBT and len(story.sent.uuids(ERASE)) == 1
    is_still_there(story)
    assert story.state() is State.PENDING
    assert len(story.sent.uuids(ERASE)) == 2 and len(set(story.sent.uuids(ERASE))) == 1, "the same command"


def test_the_answer_to_an_earlier_question_tells_nothing_of_a_later_sending(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    is_still_there(story)
    assert story.state() is State.IN_DOUBT
    for _run in range(2):
        assert story.state() is State.IN_DOUBT
    assert len(story.sent.uuids(ERASE)) == 2 and len(set(story.sent.uuids(PROBE))) == 2


def test_an_erase_that_the_server_has_and_never_gave_is_replaced(story: Story) -> None:
    story.sent.answer = lambda parcel: KNOWN if parcel.command["RequestType"] == ERASE else TAKEN
    assert story.state() is State.IN_DOUBT
    is_still_there(story)
    assert story.state() is State.FAILED
    story.run()
    assert len(set(story.sent.uuids(ERASE))) == 2


def test_a_silent_device_that_is_still_there_fails_for_good(story: Story) -> None:
    """It may have been erased and come back, with all word of that lost: then somebody else has it."""
    story.run()
    story.passes(hours=23)
    story.run()
    assert story.sent.uuids(PROBE) == []
    story.passes(hours=1)
    assert story.state() is State.PENDING
    is_still_there(story)
    failed = story.run()
    assert failed.state is State.FAILED and not failed.repeatable
    for _run in range(2):
        assert story.state() is State.FAILED
    assert len(story.sent.uuids(ERASE)) == 1


def test_what_earlier_runs_left_is_pushed_once_a_run(story: Story) -> None:
    story.run()
    assert story.sent.woken == []
    story.run()
    assert story.sent.woken == [ID]


# Before it is sent


def test_what_a_device_said_today_is_enough(story: Story) -> None:
    story.passes(hours=23)
    assert story.state() is State.PENDING and len(story.sent.uuids(ERASE)) == 1


def test_a_device_that_was_not_heard_of_for_a_day_is_asked_first(story: Story) -> None:
    story.passes(days=1, minutes=1)
    step = story.make(story.sent, Notebook(story.ledger, CAMPAIGN, TENANT), lambda: story.now)
    (told,) = step.preflight([Item(DEVICE, "", story.ledger.facts(CAMPAIGN)[DEVICE])]).values()
    assert told.found is Found.PENDING and told.reason
    assert told.reason["first"] == "collect" and "2026-11-23" in told.reason["en"]
    assert story.state() is State.PLANNED and story.sent.orders == []


class Profiles:
    """What Apple has of devices, by what stands in their way."""

    def __init__(self, hindrance: Evidence | None) -> None:
        self.hindrance = hindrance
        self.asked: list[str] = []

    def hindrances(self, devices: Sequence[str]) -> dict[str, Evidence]:
        self.asked += devices
        return dict.fromkeys(devices, self.hindrance) if self.hindrance else {}


def with_profiles(story: Story, profiles: Any) -> None:
    story.make = lambda sent, notebook, clock: WipeStep(
        sent,
        Watch(notebook),
        wifi_profile=b"",
        preserve_data_plan=None,
        end_setup=True,
        enrolment_profiles=profiles,
        clock=clock,
    )


@pytest.mark.parametrize(
    ("hindrance", "state"),
    [
        (None, State.PENDING),
        (Evidence(Found.FAILED, NO_PROFILE), State.FAILED),
        (Evidence(Found.PENDING, NOT_TOLD), State.PLANNED),
    ],
    ids=["has one", "has none", "not told"],
)
def test_a_device_without_an_enrolment_profile_is_not_erased(
    story: Story, hindrance: Evidence | None, state: State
) -> None:
    profiles = Profiles(hindrance)
    with_profiles(story, profiles)
    assert story.state() is state and profiles.asked == [DEVICE]
    assert len(story.sent.uuids(ERASE)) == (hindrance is None)


def test_apple_is_not_asked_about_a_device_that_is_not_erased_anyway(story: Story) -> None:
    profiles = Profiles(None)
    with_profiles(story, profiles)
    story.collected(story.ledger.facts(CAMPAIGN)[DEVICE]["enrolled_at"], lost_mode=True)
    assert story.state() is State.FAILED and profiles.asked == []


# A device of a new pupil, of which no event told


@pytest.mark.parametrize("queued", [True, False], ids=["silent", "in doubt"])
def test_a_device_with_another_identity_fails_for_good(story: Story, queued: bool) -> None:
    story.sent.answer = lambda parcel: TAKEN if queued or parcel.command["RequestType"] == PROBE else NO_ANSWER
    story.run()
    story.passes(days=1)
    story.run()
    is_still_there(story, b"another")
    failed = story.run()
    assert failed.state is State.FAILED and not failed.repeatable
    assert failed.reason and "another user" in failed.reason["en"]
    assert story.state() is State.FAILED and len(story.sent.uuids(ERASE)) == 1


def test_a_question_that_was_put_off_tells_nothing(story: Story) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(PROBE), "NotNow")
    assert story.state() is State.IN_DOUBT and len(story.sent.uuids(ERASE)) == 1


@pytest.mark.parametrize("told", NO_CERTIFICATES.values(), ids=NO_CERTIFICATES)
def test_an_answer_that_cannot_be_read_tells_nothing_and_it_is_asked_again(story: Story, told: Any) -> None:
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.says(story.sent.last(PROBE), told)
    assert story.state() is State.IN_DOUBT
    story.passes(hours=1)
    assert story.state() is State.IN_DOUBT
    assert len(set(story.sent.uuids(PROBE))) == 2 and len(story.sent.uuids(ERASE)) == 1
    is_still_there(story)
    assert story.state() is State.IN_DOUBT and len(story.sent.uuids(ERASE)) == 2


@pytest.mark.parametrize("known", [[], None, ["0" * 64]], ids=["none known", "not asked", "none told"])
def test_a_device_that_shows_no_identity_is_not_erased_a_second_time(story: Story, known: Any) -> None:
    """The erase may have come, and all word of the return be lost: then somebody else has it."""
    story.collected(story.ledger.facts(CAMPAIGN)[DEVICE]["enrolled_at"], identity=known)
    story.sent.answer = lambda parcel: NO_ANSWER
    story.run()
    story.hears(story.sent.last(PROBE), CertificateList=[])
    failed = story.run()
    assert failed.state is State.FAILED and not failed.repeatable
    assert story.state() is State.FAILED and len(story.sent.uuids(ERASE)) == 1
