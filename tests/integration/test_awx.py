# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As AWX runs it: ansible-runner in containers that forget their disk, the orders in PostgreSQL, a survey's answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ansible_runner
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.model import Order
from ansible_collections.nendo.apple_mdm.plugins.module_utils.orders.store import open_store
from ansible_collections.nendo.apple_mdm.tests.integration.plays import (
    COLLECTIONS,
    everything_in,
    found_in,
    secrets_of,
)
from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World

KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="


class Controller:
    """Launches jobs; keeps what AWX keeps: the inventory, the events, and nothing of the container's disk."""

    def __init__(self, tenant: Tenant, store: str, folder: Path) -> None:
        self.tenant, self.store, self.folder = tenant, store, folder
        self.kept: list[bytes] = []

    def job(self, playbook: str, **survey: str) -> list[dict[str, Any]]:
        """The results of the tasks; the job has to succeed."""
        container = self.folder / f"job{len(self.kept)}"
        self._lay(container, playbook)
        run = ansible_runner.run(
            private_data_dir=str(container),
            playbook=f"{playbook}.yml",
            extravars={"awx_user_name": "operator", "orders_export_hosts": "mdm_tenants", **survey},
            verbosity=4,
            quiet=True,
        )
        artifacts = everything_in(container / "artifacts")
        self.kept.append(b"".join(artifacts.values()))
        events = list(run.events)
        shutil.rmtree(container)
        assert run.status == "successful", [event["stdout"] for event in events if "failed" in event["event"]]
        return [event["event_data"]["res"] for event in events if event["event"] == "runner_on_ok"]

    def _lay(self, container: Path, playbook: str) -> None:
        for name in ("project", "inventory", "env"):
            (container / name).mkdir(parents=True)
        (container / "project" / f"{playbook}.yml").write_text(f"- import_playbook: nendo.apple_mdm.{playbook}\n")
        write_inventory(
            container / "inventory" / "hosts.json",
            [self.tenant],
            order_store=self.store,
            variables={"apple_mdm_order_store_key": KEY},
        )
        shutil.move(container / "inventory" / "files", container / "files")
        hosts = container / "inventory" / "hosts.json"
        hosts.write_text(hosts.read_text().replace(f"{container}/inventory/files", f"{container}/files"))
        settings = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(container / "home")}
        (container / "env" / "envvars").write_text(json.dumps(settings))


def the_order(store: str, tenant: Tenant) -> Order:
    (order,) = open_store(store, KEY).orders(tenant.name, "push_certificate")
    return order


def test_two_jobs_and_a_survey(world: World, new_database: Callable[[], str], tmp_path: Path) -> None:
    tenant, store = world.tenant("awx", push_days_left=20), new_database()
    awx = Controller(tenant, store, tmp_path)
    secrets = list(secrets_of(tenant, key=KEY, database=str(urlsplit(store).password)).items())

    results = awx.job("annual_renewal")
    (request,) = {result["request_content"] for result in results if result.get("request_content")}
    opened = the_order(store, tenant)
    assert opened.state == "handed_off"
    assert {event.by for event in opened.events} == {"operator"}
    assert not list(tmp_path.iterdir())

    certificate = tenant.portal_renew(request.encode())
    results = awx.job("annual_renewal", push_certificate_content=certificate.decode())
    (done,) = {result["order"]["state"] for result in results if result["changed"]}
    assert done == "proven"
    proven = the_order(store, tenant)
    assert proven.events[: len(opened.events)] == opened.events
    assert tenant.refresh().push_certificate_pem.split() == certificate.decode().split()
    assert [entry["method"] for entry in world.writes(tenant.name, "/pushcert$")] == ["PUT"]

    again = awx.job("annual_renewal", push_certificate_content=certificate.decode())
    assert not any(result["changed"] for result in again)

    archive = tmp_path / "archive"
    awx.job("orders_export", orders_export_path=str(archive))
    files = everything_in(archive / tenant.name / proven.order_id)
    assert files["upload_this_to_apple.b64"].decode() == request
    assert "push_certificate.csr" in files and "push_certificate.key" not in files

    secrets += secrets_of(tenant).items()
    for kept in awx.kept:
        assert not found_in(kept, secrets)
