# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draws the states of a campaign's device into docs/campaigns.md, from the table that the ledger obeys.

Usage: PYTHONPATH=<folder that holds ansible_collections> python tools/campaign_states.py
"""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import TRANSITIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "campaigns.md"
DRAWN = re.compile(r"```mermaid\n.*?```", re.DOTALL)


def drawing() -> str:
    arrows = [
        f"    {state.value} --> {after.value}" for state, follow in TRANSITIONS.items() for after in sorted(follow)
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> planned", *arrows, "    done --> [*]", "```"])


def page(text: str) -> str:
    """The page with today's drawing."""
    return DRAWN.sub(lambda _found: drawing(), text, count=1)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
