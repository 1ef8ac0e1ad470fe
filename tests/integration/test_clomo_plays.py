# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shipped playbooks on a tenant of CLOMO PANEL, as a user runs them: renewed, told, nothing secret at -vvvv."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip
from ansible_collections.nendo.apple_mdm.tests.integration.plays import (
    DUE,
    Played,
    everything_in,
    found_in,
    journal,
    play,
    start_play,
)
from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.person import follow_instructions
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

CREDENTIALS = ("push_certificate", "server_token", "content_token")


@pytest.fixture(autouse=True)
def _browser() -> None:
    browser_or_skip()


def customer(world: World, **switches: object) -> Tenant:
    tenant = world.tenant(f"panel-{uuid.uuid4().hex[:8]}", mdm="clomo", clomo_totp=True, **DUE)
    if switches:
        tenant.switch(**switches)
    return tenant


def secrets_of(tenant: Tenant, session: Path | None = None) -> list[tuple[str, str]]:
    """What nobody may read anywhere. session: the file that has to hold the cookies."""
    tenant = tenant.refresh()
    cookies = re.findall(r'"value": ?"([^"]{8,})"', session.read_text()) if session and session.exists() else []
    values = tenant.server_token_values
    return [
        ("password", tenant.clomo_password),
        ("TOTP secret", tenant.clomo_totp_secret),
        ("Apple Account's password", tenant.password),
        ("content token", tenant.content_token.strip()[:60]),
        *((name, values[name]) for name in ("consumer_secret", "access_token", "access_secret")),
        *((f"cookie {number}", cookie) for number, cookie in enumerate(cookies)),
    ]


def secret_files(folder: Path, known: Iterable[tuple[str, str]], allowed: Iterable[str]) -> dict[str, list[str]]:
    """The files that show a secret and may not, with the names of what they show."""
    return {
        name: shown
        for name, data in everything_in(folder).items()
        if name not in allowed and (shown := found_in(data, known))
    }


def test_a_whole_renewal_in_the_browser(world: World, tmp_path: Path) -> None:
    tenant, orders = customer(world), tmp_path / "orders"
    inventory = write_inventory(tmp_path / "inventory.json", [tenant], order_store=str(orders))
    session = tmp_path / "files" / f"{tenant.name}-session.json"
    printed: list[Played] = []

    def run(*arguments: str) -> int:
        printed.append(play("annual_renewal", inventory, "--diff", "-vvvv", *arguments))
        assert printed[-1].code == 0, printed[-1].output
        return printed[-1].recap(tenant.name)["changed"]

    assert run("--check") == 3
    assert not orders.exists(), "check mode opens no order"
    assert run() == 3
    known = secrets_of(tenant, session)
    assert len(follow_instructions(orders, [tenant])) == 3
    assert run() == 3
    known += secrets_of(tenant, session)
    assert run() == 0

    folders = {
        path.parent.name.rpartition("-")[0].partition("-")[0]: path.parent for path in orders.glob("*/*/journal.jsonl")
    }
    assert sorted(folders) == sorted(CREDENTIALS)
    for folder in folders.values():
        assert [event["state"] for event in journal(folder) if event["state"]][-1] == "proven"
        numbers = sorted(int(path.name[:4]) for path in folder.glob("0*.png"))
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 3
    assert "public key" not in (folders["server_token"] / "instructions.en.txt").read_text()
    fetched = [name for name in everything_in(tmp_path) if "/inbox/" in name or "/received." in name]
    allowed = [*fetched, "inventory.json", str(session.relative_to(tmp_path))]
    assert secret_files(tmp_path, known, allowed) == {}
    assert [found_in(each.output, known) for each in printed] == [[]] * len(printed)


def test_the_check_names_five_changed_labels_of_one_panel(world: World, tmp_path: Path) -> None:
    changed = {
        "VPP サービストークン": "Apps and Books トークン",
        "MDM 構成プロファイルの作成ウィザード": "構成プロファイルのウィザード",
        "ADE サーバートークンの有効期限": "サーバートークンの期限",
        "ADE デバイスの一覧を更新する": "デバイスの一覧を再取得",
        "登録": "登録する",
    }
    odd, usual, other = (
        customer(world, clomo_moved_labels=changed),
        customer(world),
        world.tenant(f"nano-{uuid.uuid4().hex[:8]}"),
    )
    inventory = write_inventory(tmp_path / "inventory.json", [odd, usual, other], order_store=str(tmp_path / "orders"))
    played = play("clomo_panel_check", inventory, "-vvvv")
    assert played.code != 0
    assert [played.recap(tenant.name)["failed"] for tenant in (odd, usual)] == [1, 0], played.output
    assert f"{other.name} " not in played.output[played.output.index("PLAY RECAP") :], "it is not on CLOMO"
    told = played.output[played.output.index('"assertion"') :]
    for label in ("home.content_token", "ios.wizard", "ios.server_token_end", "ios.refresh", "portal.register"):
        assert told.count(label) == 1, told
    known = [secret for tenant in (odd, usual) for secret in secrets_of(tenant)]
    assert found_in(played.output, known) == []


def test_two_at_once_sign_in_once(world: World, tmp_path: Path) -> None:
    """Jobs on one tenant share a session: one signs in, the other waits for it and goes on with that."""
    tenant = customer(world)
    inventory = write_inventory(tmp_path / "inventory.json", [tenant], order_store=str(tmp_path / "orders"))
    world.forget_requests()
    jobs = [start_play("clomo_panel_check", inventory) for _number in range(2)]
    for job in jobs:
        output, _errors = job.communicate(timeout=300)
        assert job.returncode == 0, output
    typed = world.requests(path_regex=f"/clomo/panel/{tenant.clomo_domain}/login$")
    assert len([entry for entry in typed if entry["method"] == "POST"]) == 1
