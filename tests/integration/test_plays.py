# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shipped playbooks against the simulated world: a renewal from beginning to end, and the days that go wrong."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.tests.integration.plays import (
    DUE,
    Played,
    everything_in,
    found_in,
    journal,
    play,
    secrets_of,
    start_play,
)
from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.person import fetch, follow_instructions
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
CREDENTIALS = ("push_certificate", "server_token", "content_token")
UPLOADS = {"/nanomdm/v1/pushcert": "PUT", "/nanodep/v1/tokenpki/": "PUT"}
SECRET_FILES = ("push_certificate.key", "received.vpptoken", "school.vpptoken")
POLL_SECONDS = 0.1
PERSON_SECONDS = 120


def change_host(inventory: Path, host: str, **changes: Any) -> None:
    """apple_mdm_server is added to, everything else is set."""
    data = json.loads(inventory.read_text())
    variables = data["mdm_tenants"]["hosts"][host]
    variables["apple_mdm_server"] |= changes.pop("apple_mdm_server", {})
    variables |= changes
    inventory.write_text(json.dumps(data))


def states(orders: Path, tenant: Tenant) -> dict[str, str]:
    """The state of each order of the tenant, by its credential."""
    found = {}
    for order in sorted((orders / tenant.name).glob("*/journal.jsonl")):
        told = [event["state"] for event in journal(order.parent) if event["state"]]
        found[order.parent.name.split("-")[0]] = told[-1]
    return found


def test_a_whole_renewal(world: World, tmp_path: Path) -> None:
    tenant = world.tenant("whole", **DUE)
    orders = tmp_path / "orders"
    passphrases = {"push_certificate_privatekey_passphrase": "correct-horse-battery"}
    inventory = write_inventory(tmp_path / "inventory.json", [tenant], order_store=str(orders), variables=passphrases)
    known = list(secrets_of(tenant, passphrase="correct-horse-battery").items())
    before = everything_in(tmp_path)
    printed: list[Played] = []

    def run(*arguments: str) -> Played:
        world.forget_requests()
        printed.append(play("annual_renewal", inventory, "--diff", "-vvvv", *arguments))
        assert printed[-1].code == 0, printed[-1].output
        return printed[-1]

    def predicted_then_done() -> Played:
        there = everything_in(tmp_path)
        predicted = run("--check")
        assert not world.writes(tenant.name)
        assert everything_in(tmp_path) == there
        done = run()
        assert predicted.recap(tenant.name)["changed"] == done.recap(tenant.name)["changed"]
        assert predicted.diff == done.diff
        return done

    opened = predicted_then_done()
    assert opened.recap(tenant.name)["changed"] == 3
    assert [entry["path"] for entry in world.writes(tenant.name)] == [f"/t/whole/nanodep/v1/tokenpki/{tenant.dep_name}"]
    assert states(orders, tenant) == dict.fromkeys(CREDENTIALS, "handed_off")
    for page in orders.glob("*/*/instructions.*.html"):
        assert f'"{page}"' in opened.output
    assert r".html\\n" not in opened.output, "each page stands in a line of its own"

    waiting = run()
    assert waiting.recap(tenant.name)["changed"] == 0
    assert not world.writes(tenant.name)

    assert len(follow_instructions(orders, [tenant])) == 3
    done = predicted_then_done()
    assert done.recap(tenant.name)["changed"] == 3
    for path, method in UPLOADS.items():
        assert [entry["method"] for entry in world.writes(tenant.name, path)] == [method]
    assert states(orders, tenant) == dict.fromkeys(CREDENTIALS, "proven")

    again = run()
    assert again.recap(tenant.name)["changed"] == 0
    assert not world.writes(tenant.name)

    known += secrets_of(tenant.refresh()).items()
    assert len({secret for _name, secret in known}) > len(known) // 2 + 1, "the renewal has made new secrets"
    for each in printed:
        assert not found_in(each.output, known)
    fetched = {name for name in everything_in(tmp_path) if "/inbox/" in name}
    for name, data in everything_in(tmp_path).items():
        if Path(name).name == "push_certificate.key":
            assert b"ENCRYPTED PRIVATE KEY" in data
        elif name not in (*before, *fetched) and Path(name).name != "received.vpptoken":
            assert not found_in(data, known), name
    modes = {stat.S_IMODE(path.stat().st_mode) for path in orders.rglob("*") if path.is_file()}
    assert modes - {0o600} <= {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in fetched}


def test_a_server_that_cannot_be_read_back(world: World, tmp_path: Path) -> None:
    tenant = world.tenant("untold", push_days_left=20, pushcert_readable=False)
    orders = tmp_path / "orders"
    inventory = write_inventory(tmp_path / "inventory.json", [tenant], order_store=str(orders))
    assert play("annual_renewal", inventory).recap(tenant.name)["changed"] == 1
    follow_instructions(orders, [tenant])
    predicted, done, again = (play("annual_renewal", inventory, *more) for more in (["--check"], [], []))
    assert [each.recap(tenant.name)["changed"] for each in (predicted, done, again)] == [1, 1, 0]
    assert len(world.writes(tenant.name, "/nanomdm/v1/pushcert")) == 1
    (order,) = (path.parent for path in orders.glob("*/*/journal.jsonl"))
    assert journal(order)[-1]["facts"]["verified_by"] == "upload_answer"


def test_nothing_due(world: World, tmp_path: Path) -> None:
    tenants = [world.tenant(f"calm{number}") for number in range(2)]
    inventory = write_inventory(tmp_path / "inventory.json", tenants, order_store=str(tmp_path / "orders"))
    world.forget_requests()
    played = play("annual_renewal", inventory)
    assert played.code == 0
    for tenant in tenants:
        assert played.recap(tenant.name) | {"ok": 1} == dict.fromkeys(played.recap(tenant.name), 0) | {"ok": 1}
        assert not world.writes(tenant.name)
    assert not (tmp_path / "orders").exists()


@pytest.fixture
def bad_day(world: World, tmp_path: Path) -> tuple[Path, Path, dict[str, Tenant]]:
    """Five tenants with everything due: four in trouble with one credential each, and one well."""
    wishes = {"badkey": {}, "novendor": {}, "nodep": {}, "late": {"push_days_left": 9}, "well": {}}
    tenants = {name: world.tenant(f"{name}-{tmp_path.name}", **{**DUE, **wish}) for name, wish in wishes.items()}
    orders = tmp_path / "orders"
    inventory = write_inventory(tmp_path / "inventory.json", list(tenants.values()), order_store=str(orders))
    change_host(inventory, tenants["badkey"].name, apple_mdm_server={"api_key": "not-the-key-of-this-tenant"})
    change_host(inventory, tenants["novendor"].name, push_certificate_vendor_certificate_path="/nowhere/vendor.pem")
    change_host(inventory, tenants["nodep"].name, apple_mdm_server={"dep_url": "http://127.0.0.1:9"})
    return inventory, orders, tenants


def test_one_failure_keeps_nobody_else(world: World, bad_day: tuple[Path, Path, dict[str, Tenant]]) -> None:
    inventory, orders, tenants = bad_day
    played = play("annual_renewal", inventory)
    assert played.code != 0
    spared = {"badkey": "push_certificate", "novendor": "push_certificate", "nodep": "server_token"}
    for name, tenant in tenants.items():
        wanted = dict.fromkeys(set(CREDENTIALS) - {spared.get(name)}, "handed_off")
        assert states(orders, tenant) == wanted
        assert played.recap(tenant.name)["failed"] == (name != "well")

    def sentence(name: str) -> str:
        start = f'"msg": "{tenants[name].name}: '
        return next(line for line in reversed(played.output.splitlines()) if start in line).partition(start)[2]

    day = str(tenants["novendor"].push_not_after)[:10]
    assert sentence("badkey").startswith("push certificate, end of validity not known: Access refused by 127.0.0.1:")
    assert "Check the user name and the key" in sentence("badkey")
    assert sentence("novendor").startswith(f"push certificate, valid until {day}: /nowhere/vendor.pem cannot be read")
    assert sentence("nodep").startswith("server token, end of validity not known: ")
    day = str(tenants["late"].push_not_after)[:10]
    assert sentence("late").startswith(f"push certificate, valid until {day}: the push certificate is not renewed yet.")
    assert "A person has to fetch the new file" in sentence("late")
    assert "プッシュ証明書の更新が終わっていません。" in sentence("late")


def test_report(world: World, bad_day: tuple[Path, Path, dict[str, Tenant]], tmp_path: Path) -> None:
    inventory, _orders, tenants = bad_day
    report = tmp_path / "report.json"
    world.forget_requests()
    played = play("credentials_report", inventory, "-e", f"credentials_report_path={report}")
    assert played.code != 0
    table = [line.strip().strip('",') for line in played.output.splitlines() if line.startswith(" " * 8 + '"')]
    assert table[0].split("  ")[0] == "tenant"
    assert [row.split()[0] for row in table[2:5]] == sorted([tenants["badkey"].name, tenants["nodep"].name]) + [
        tenants["late"].name
    ]
    assert len(table) == 2 + 3 * len(tenants)
    rows = json.loads(report.read_text())
    assert len(rows) == 3 * len(tenants)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    late = next(row for row in rows if row["tenant"] == tenants["late"].name)
    assert (late["credential"], late["days_left"], late["not_after"]) == (
        "push_certificate",
        9,
        tenants["late"].push_not_after,
    )
    failed = {name for name, tenant in tenants.items() if played.recap(tenant.name)["failed"]}
    assert failed == {"badkey", "nodep", "late"}
    assert not any(world.writes(tenant.name) for tenant in tenants.values())
    assert play("credentials_report", inventory, "--limit", tenants["well"].name).code == 0


def test_a_database_of_orders_written_out_as_folders(world: World, tmp_path: Path) -> None:
    tenant = world.tenant("exported", push_days_left=20, content_token_days_left=20)
    database, archive = tmp_path / "orders.db", tmp_path / "archive"
    store = f"sqlite:///{database}"
    inventory = write_inventory(
        tmp_path / "inventory.json", [tenant], order_store=store, variables={"apple_mdm_order_store_key": KEY}
    )
    known = list(secrets_of(tenant, order_store_key=KEY).items())
    opened = play("annual_renewal", inventory, "-vvvv")
    assert opened.recap(tenant.name)["changed"] == 2
    (order,) = open_store(store, KEY).orders(tenant.name, "push_certificate")
    request = open_store(store, KEY).read_file(order, "upload_this_to_apple.b64")
    answers = tmp_path / "survey.json"
    answers.write_text(
        json.dumps(
            {
                "push_certificate_content": fetch(tenant, "push_certificate", request or b"").decode(),
                "content_token_content": fetch(tenant, "content_token", b"").decode(),
            }
        )
    )
    proven = play("annual_renewal", inventory, "-vvvv", "-e", f"@{answers}")
    assert proven.recap(tenant.name)["changed"] == 2, proven.output
    known += secrets_of(tenant.refresh()).items()
    assert not found_in(opened.output + proven.output, known)
    assert not found_in(database.read_bytes(), known)

    export = ["-e", "orders_export_hosts=mdm_tenants", "-e", f"orders_export_path={archive}"]
    predicted = play("orders_export", inventory, "--check", *export)
    assert predicted.recap(tenant.name)["changed"] == 1
    assert not archive.exists()
    done, again = (play("orders_export", inventory, "-vvvv", *export) for _run in range(2))
    assert (done.recap(tenant.name)["changed"], again.recap(tenant.name)["changed"]) == (1, 0)
    assert states(archive, tenant) == {"push_certificate": "proven", "content_token": "proven"}
    files = everything_in(archive)
    assert files[f"{tenant.name}/{order.order_id}/upload_this_to_apple.b64"] == request
    assert not [name for name in files if Path(name).name in SECRET_FILES]
    assert not found_in(done.output, known)
    assert not [name for name, data in files.items() if found_in(data, known)]


def test_the_play_waits_for_the_person(world: World, tmp_path: Path) -> None:
    tenant = world.tenant("awaited", push_days_left=20)
    orders = tmp_path / "orders"
    inventory = write_inventory(
        tmp_path / "inventory.json", [tenant], order_store=str(orders), variables={"apple_mdm_handoff_wait": 120}
    )
    process = start_play("annual_renewal", inventory)
    deadline = time.monotonic() + PERSON_SECONDS
    while not follow_instructions(orders, [tenant]):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(POLL_SECONDS)
    output, _errors = process.communicate(timeout=PERSON_SECONDS)
    played = Played(process.returncode, output)
    assert played.code == 0, output
    assert played.recap(tenant.name)["changed"] == 2
    assert states(orders, tenant) == {"push_certificate": "proven"}
