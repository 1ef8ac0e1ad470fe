# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import importlib.util
import uuid
from pathlib import Path

from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import (
    OPEN,
    STEPS,
    TRANSITIONS,
    State,
    command_id,
)


def test_every_state_can_be_reached_and_what_is_done_stays_done() -> None:
    reached, new = {State.PLANNED}, {State.PLANNED}
    while new:
        new = {after for state in new for after in TRANSITIONS[state]} - reached
        reached |= new
    assert reached == set(State) == set(TRANSITIONS)
    assert not TRANSITIONS[State.DONE]


def test_a_request_leaves_only_after_its_intention() -> None:
    assert [state for state, after in TRANSITIONS.items() if State.INTENDED in after] == [State.PLANNED]
    assert all(state in {State.INTENDED, State.IN_DOUBT} for state, after in TRANSITIONS.items() if State.SENT in after)


def test_what_is_open_can_be_settled() -> None:
    for state in OPEN:
        assert {State.DONE, State.FAILED, State.PLANNED} <= TRANSITIONS[state]


def test_a_command_is_known_by_campaign_device_and_step() -> None:
    names = [
        command_id("graduation-2027", "C02X", "wipe"),
        command_id("graduation-2028", "C02X", "wipe"),
        command_id("graduation-2027", "C02Y", "wipe"),
        command_id("graduation-2027", "C02X", "delete"),
        command_id("graduation-2027", "C02X", "wipe", 1),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == command_id("graduation-2027", "C02X", "wipe")
    assert all(uuid.UUID(name).version == 5 for name in names)


def test_the_steps_of_both_outcomes() -> None:
    assert STEPS["donate"].index("licences") < STEPS["donate"].index("delete") < STEPS["donate"].index("unassign")
    assert "wipe" not in STEPS["donate"] and "delete" not in STEPS["reassign"]
    assert all(steps[0] == "collect" for steps in STEPS.values())


def test_the_picture_in_the_documentation_is_drawn_from_the_table() -> None:
    root = Path(__file__).resolve().parents[3]
    found = importlib.util.spec_from_file_location("campaign_states", root / "tools" / "campaign_states.py")
    assert found and found.loader
    tool = importlib.util.module_from_spec(found)
    found.loader.exec_module(tool)
    shown = (root / "docs" / "campaigns.md").read_text(encoding="utf-8")
    assert shown == tool.page(shown), "run tools/campaign_states.py"
    assert all(f"`{state.value}`" in shown for state in State)
