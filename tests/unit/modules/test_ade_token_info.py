# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ade_token_info, whole, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.credentials.server_token import make_server_token_key_pair
from ansible_collections.nendo.apple_mdm.plugins.modules import ade_token_info
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module
from ansible_collections.nendo.apple_mdm.tests.unit.modules.school import School

Make = Callable[..., School]
SERVER = "server_token"


@pytest.mark.parametrize("check", [True, False])
def test_the_token_in_use_is_told_and_asked_for_at_apple(school: Make, check: bool) -> None:
    at = school()
    told = at.run(ade_token_info, check, check_apple=True)
    [token] = told["tokens"]
    assert (token["identity"], token["days_left"], token["code"]) == (at.tenant.consumer_key, 20, "due")
    assert token["apple"]["server_uuid"] == at.tenant.server_uuid
    assert (at.orders(), at.writes()) == (set(), [])


def test_no_token_is_told(school: Make) -> None:
    at = school(no_server_token=True)
    [token] = at.run(ade_token_info)["tokens"]
    assert (token["code"], token["not_after"], token["source"]) == ("missing", None, "none")


@pytest.mark.parametrize("of_a_tenant", [True, False])
def test_a_file_is_opened_with_its_key_and_asked_for_at_apple(school: Make, of_a_tenant: bool) -> None:
    at = school()
    certificate, private_key = make_server_token_key_pair("own key")
    paths = {"certificate_path": at.folder / "own.pem", "privatekey_path": at.folder / "own.key"}
    paths["certificate_path"].write_bytes(certificate)
    paths["privatekey_path"].write_bytes(private_key)
    answer = at.tenant.server_token(certificate).decode()
    given: dict[str, Any] = {
        **{name: str(path) for name, path in paths.items()},
        "token_content": answer,
        "check_apple": True,
    }
    given["ade_url"] = at.tenant.ade_url
    told = at.run(ade_token_info, **given) if of_a_tenant else run_module(ade_token_info, **given)
    [verdict] = told["verdicts"]
    assert (verdict["accepted"], verdict["facts"]["consumer_key"]) == (True, at.tenant.consumer_key)
    assert verdict["apple"]["server_uuid"] == at.tenant.server_uuid
    assert len(told["tokens"]) == of_a_tenant


def test_a_wrong_file_is_told(school: Make) -> None:
    at = school()
    told = at.run(ade_token_info, token_content="<html></html>")
    assert [each["code"] for each in told["verdicts"]] == ["html_page"]
