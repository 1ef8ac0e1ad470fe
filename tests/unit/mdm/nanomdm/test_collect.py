# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By its certificates a device is known to be the one that the campaign saw first, although nobody told of a new enrolment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.notebook import Notebook
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.collect import QUERIES, CollectStep
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.watch import Watch
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Found, Item
from ansible_collections.nendo.apple_mdm.tests.unit.credentials.makers import NOW
from ansible_collections.nendo.apple_mdm.tests.unit.mdm.nanomdm.devices import CAMPAIGN, DEVICE, TENANT, Story

pytest.importorskip("sqlalchemy")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    ledger = open_ledger(str(tmp_path / "ledger.db"))
    made = Story(ledger, lambda sent, notebook, clock: CollectStep(sent, notebook, Watch(notebook), clock), NOW)
    made.enrols()
    yield made
    ledger.close()


def answers(story: Story, *identities: bytes) -> None:
    """To all that it was asked last."""
    for kind in QUERIES:
        if kind != "CertificateList":
            story.hears(story.sent.last(kind))
    certificates = [{"CommonName": "x", "Data": data, "IsIdentity": True} for data in identities]
    story.hears(story.sent.last("CertificateList"), CertificateList=certificates)


def facts(story: Story) -> dict[str, Any]:
    return story.ledger.facts(CAMPAIGN)[DEVICE]


def test_the_identity_is_kept_with_the_first(story: Story) -> None:
    story.run()
    answers(story, b"one")
    story.run()
    (identity,) = facts(story)["identity"]
    assert len(identity) == 64 and facts(story)["first_identity"] == [identity]


def test_a_device_with_another_identity_is_left_alone(story: Story) -> None:
    story.run()
    answers(story, b"one")
    assert story.state() is State.DONE
    kept = facts(story)
    for _time in range(3):
        assert story.state() is State.PENDING, "it is asked again"
        answers(story, b"another")
        failed = story.run()
        assert failed.state is State.FAILED and failed.reason and "another user" in failed.reason["en"]
    assert facts(story) == kept, "what it is now is nobody's business"


@pytest.mark.parametrize("told", ["nonsense", [1], {"a": 1}, 7])
def test_an_answer_that_cannot_be_read_is_none_and_stops_no_run(story: Story, told: Any) -> None:
    story.run()
    for kind in QUERIES:
        story.hears(story.sent.last(kind), **({kind: told} if kind == "ProfileList" else {}))
    record = story.run()
    assert record.state is State.PENDING and record.reason
    assert record.reason["en"].startswith("The device has answered 5 of 6 questions so far.")


def test_a_profile_that_comes_or_goes_makes_no_other_device(story: Story) -> None:
    for identities in ((b"one",), (b"one", b"wifi"), (b"one",)):
        story.run()
        answers(story, *identities)
        assert story.state() is State.DONE
    assert facts(story)["first_identity"] == facts(story)["identity"]


def test_one_that_told_no_identity_at_first_is_known_by_the_next(story: Story) -> None:
    for identities, state in (((), State.DONE), ((b"one",), State.DONE), ((b"another",), State.FAILED)):
        story.run()
        answers(story, *identities)
        assert story.state() is state


def test_the_first_identity_outlives_an_answer_that_never_came(story: Story) -> None:
    story.run()
    answers(story, b"one")
    story.run()
    story.run()
    story.passes(hours=2)
    story.run()
    answers(story, b"another")
    assert story.state() is State.FAILED


def test_an_answer_that_comes_again_while_others_are_awaited_does_no_harm(story: Story) -> None:
    record = story.run()
    mine = Item(DEVICE, record.command_id, {}, record.evidence, record.intended_at, record.attempts)
    others = mine._replace(device="C02XK0AB0002", evidence={**record.evidence, "queries": {}})
    step = story.make(story.sent, Notebook(story.ledger, CAMPAIGN, TENANT), lambda: story.now)
    step.evidence([mine])
    for _time in range(2):
        story.passes(milliseconds=5)
        answers(story, b"one")
        assert step.evidence([mine])[DEVICE].found is Found.DONE
        assert step.evidence([others])["C02XK0AB0002"].found is Found.NOT_ARRIVED
    story.passes(milliseconds=5)
    answers(story, b"one")
    assert step.evidence([others])["C02XK0AB0002"].found is Found.NOT_ARRIVED
