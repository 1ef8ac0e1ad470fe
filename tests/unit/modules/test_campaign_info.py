# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path

from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_info
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module


def test_a_campaign_that_nobody_began(tmp_path: Path) -> None:
    told = run_module(campaign_info, campaign="graduation-2027", ledger=str(tmp_path / "ledger.db"), devices=["C02X0"])
    assert (told["changed"], told["steps"], told["records"]) == (False, [], [])
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_whose_place_is_not_whole() -> None:
    told = run_module(campaign_info, campaign="graduation-2027", ledger="ledger.db")
    assert told["failed"] and "whole path" in told["msg"]


def test_a_password_in_the_ledgers_address_is_hidden() -> None:
    told = run_module(campaign_info, campaign="c", ledger="postgresql://me:very-secret-word@127.0.0.1:9/x")
    assert told["failed"] and "very-secret-word" not in str(told)
