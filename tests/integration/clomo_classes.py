# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Year groups on the simulated CLOMO PANEL, a campaign of theirs as the modules do it, and what the world then shows."""

from __future__ import annotations

import functools
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import now_utc
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign import runner
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.ledger import Ledger, open_ledger
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import STEPS, Record, State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo import delete_step, driver, step
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.selection import owner_of
from ansible_collections.nendo.apple_mdm.plugins.modules import (
    asm_unassign,
    campaign_plan,
    campaign_run,
    mdm_app_remove,
    mdm_device_delete,
    mdm_device_info,
    mdm_device_wipe,
    mdm_organization_delete,
    mdm_profile_remove,
    mdm_user_delete,
    vpp_license_revoke,
)
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call
from ansible_collections.nendo.apple_mdm.tests.inventory import server_options
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

__all__ = ["AGENT", "GAME", "MDM_PROFILE", "QUICK", "RESTRICTIONS", "WIFI", "VINTAGES", "Class_", "class_of", "quick"]

VINTAGES = ("newer", "older", "dep")
QUICK = {
    "clomo_delay_ms": 5,
    "clomo_grid_delay_ms": 5,
    "clomo_job_ms": 60,
    "vpp_event_seconds": 0,
    "device_returns_ms": 150,
}
LEDGER_KEY = "bmVuZG8tYXBwbGUtbWRtLXRlc3Qta2V5LTAxMjM0NTY="
MDM_PROFILE, WIFI, RESTRICTIONS = "com.clomo.mdm.profile", "school.wifi", "school.restrictions"
AGENT, GAME = "com.clomo.mdm.agent", "com.example.game"
PROFILES = {MDM_PROFILE: "MDM 構成プロファイル", WIFI: "校内 Wi-Fi", RESTRICTIONS: "機能制限"}
MODULES = {
    "collect": mdm_device_info,
    "profiles": mdm_profile_remove,
    "apps": mdm_app_remove,
    "licences": vpp_license_revoke,
    "delete": mdm_device_delete,
    "unassign": asm_unassign,
    "wipe": mdm_device_wipe,
    "users": mdm_user_delete,
    "organizations": mdm_organization_delete,
}


@dataclass
class Class_:
    """Devices of a tenant on the panel, and the campaign that they take part in. options: more of the driver's."""

    outcome: str
    tenant: Tenant
    folder: Path
    devices: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    wait_timeout: int = 20
    name: str = field(default_factory=lambda: f"graduation-{uuid.uuid4().hex[:8]}")

    @property
    def ledger_path(self) -> str:
        return str(self.folder / "ledger.db")

    @property
    def ledger(self) -> Ledger:
        return open_ledger(self.ledger_path, LEDGER_KEY)

    @property
    def mdm(self) -> dict[str, Any]:
        return {**server_options(self.tenant, self.folder), "timeout": 10, **self.options}

    # Running it

    def common(self) -> dict[str, Any]:
        return {
            "campaign": self.name,
            "tenant": "school",
            "devices": list(self.devices),
            "ledger": self.ledger_path,
            "ledger_key": LEDGER_KEY,
        }

    def course(self, **options: Any) -> dict[str, Any]:
        """The options of the modules that know the whole campaign."""
        confirmed = {"confirm": self.name, "max_devices": 1000}
        return {**self.common(), **confirmed, "outcome": self.outcome, "mdm": self.mdm, **self.apple(), **options}

    def plan(self, **options: Any) -> dict[str, Any]:
        check = options.pop("check", False)
        return ok(run_module(campaign_plan, check=check, **self.course(**options)))

    def run(self, **options: Any) -> dict[str, Any]:
        """All steps, as the play does it."""
        return ok(run_module(campaign_run, **self.course(wait_timeout=self.wait_timeout, **options)))

    def finish(self, runs: int = 4) -> None:
        for _run in range(runs):
            self.plan()
            self.run()
            self.tenant.settled()
            if not self.left:
                return
        raise AssertionError(f"not through after {runs} runs: {self.left} {self.reasons()}")

    def step(self, name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """One step by its module."""
        module, given = self.call(name)
        return ok(run_module(module, check=check, **given, **options))

    def call(self, name: str) -> Call:
        """The module of a step, and its options."""
        given = {**self.common(), "wait_timeout": self.wait_timeout}
        if name != "collect":
            given |= {"confirm": self.name, "max_devices": 1000}
        return MODULES[name], given | (self.apple() if name == "unassign" else {"mdm": self.mdm})

    def try_step(self, name: str, **options: Any) -> dict[str, Any]:
        return run_module(MODULES[name], **self.common(), wait_timeout=self.wait_timeout, mdm=self.mdm, **options)

    def apple(self) -> dict[str, Any]:
        asm = {
            "client_id": self.tenant.school_client_id,
            "key_id": self.tenant.school_key_id,
            "private_key": self.tenant.school_private_key,
            "api_url": self.tenant.school_url,
            "token_url": self.tenant.school_token_url,
            "cache_path": str(self.folder / f"cache-{self.tenant.name}"),
            "reads_per_minute": 0,
            "writes_per_hour": 0,
        }
        return {"asm": asm, "server_name": self.tenant.server_name}

    def collected(self, **options: Any) -> None:
        """As if the step collect had been done, and the panel has something in Reports."""
        self.plan()
        self.tenant.panel_collect()
        self.tenant.panel_day()
        self.tenant.settled()
        told = {device: {**self.facts(device), **options} for device in self.devices}
        self.ledger.keep_facts(self.name, "school", told)

    def settle(self, *steps: str) -> None:
        """As if these steps were not needed."""
        for name in steps:
            self.ledger.skip(self.name, "school", name, self.devices, {"en": "test", "ja": "test"})

    def facts(self, device: str) -> dict[str, Any]:
        told = self.tenant.panel_device(device)
        (record,) = told["records"]
        name, mail = owner_of(record["owner"])
        agents = [app for app in record["apps"] if app == AGENT]
        return {
            "serial": device,
            "device_name": record["name"],
            "os_version": record["os_version"],
            "owner": name,
            "owner_mail": mail,
            "organization": record["organization"].rpartition("/")[2],
            "supervised": True,
            "lost_mode": record["lost_mode"],
            "find_my": record["activation_lock"],
            "work_smart": record["work_smart"],
            "ade": record["ade"],
            "profiles": [
                {"name": PROFILES[each], "identifier": each, "managed": True, "mdm": each == MDM_PROFILE}
                for each in record["profiles"]
            ],
            "apps": record["apps"],
            "managed_apps": [app for app in record["apps"] if app != GAME],
            "app_names": {app: "CLOMO MDM Agent" if app == AGENT else app for app in record["apps"]},
            "agents": agents,
            "licences": [f"App {each}" for each in told["licences"]],
        }

    # What the ledger says

    @property
    def records(self) -> list[Record]:
        return self.ledger.records(self.name)

    def states(self, step_name: str) -> dict[str, str]:
        return {record.device: record.state.value for record in self.records if record.step == step_name}

    def record(self, device: str, step_name: str) -> Record:
        (found,) = self.ledger.records(self.name, step=step_name, devices=[device])
        return found

    @property
    def left(self) -> dict[tuple[str, str], str]:
        states = {(record.device, record.step): record.state for record in self.records}
        steps = [each for each in STEPS[self.outcome] if each != "release"]
        every = {(device, each): states.get((device, each)) for device in self.devices for each in steps}
        return {place: str(state) for place, state in every.items() if state not in (State.DONE, State.SKIPPED)}

    @property
    def next_step(self) -> str | None:
        """The first one that is not settled for all."""
        left = {name for _device, name in self.left}
        return next((name for name in STEPS[self.outcome] if name in left), None)

    def reasons(self) -> dict[tuple[str, str], str]:
        return {(record.device, record.step): record.reason["en"] for record in self.records if record.reason}

    # What the world shows

    def acts(self, *kinds: str) -> list[tuple[str, list[str]]]:
        """What administrators pressed, refused or not, by kind and devices."""
        acts = self.tenant.panel_acts
        return [(act["kind"], act["serials"]) for act in acts if not kinds or act["kind"] in kinds]

    def counted(self, kind: str) -> Counter[str]:
        """How often each device was meant by an act of this kind that was not refused."""
        return Counter(
            serial
            for act in self.tenant.panel_acts
            if act["kind"] == kind and "refused" not in act
            for serial in act["serials"]
        )

    def mails(self) -> set[str]:
        return {user["mail"] for user in self.tenant.panel_users}


def ok(result: dict[str, Any]) -> dict[str, Any]:
    assert not result.get("failed"), result
    return result


@contextmanager
def class_of(
    world: World,
    folder: Path,
    outcome: str,
    devices: int,
    *,
    others: int = 2,
    switches: Mapping[str, Any] | None = None,
    **wishes: Any,
) -> Iterator[Class_]:
    """others: devices of the same tenant that do not take part."""
    given = {"licences": 2, "clomo_classes": ["3年生/3年1組"], "clomo_administrators": 2, **wishes}
    tenant = world.tenant(f"clomo-{uuid.uuid4().hex[:8]}", mdm="clomo", devices=devices + others, **given)
    tenant.switch(**{**QUICK, **(switches or {})})
    yield Class_(outcome, tenant, folder, tenant.serials[:devices])


@contextmanager
def quick(clock: Callable[[], datetime] = now_utc) -> Iterator[None]:
    """Looks come soon, and what is not shown at once has not arrived. clock: the driver's and the runner's."""
    with (
        mock.patch.object(driver, "Screens", functools.partial(step.Screens, clock=clock)),
        mock.patch.object(runner, "StepRun", functools.partial(runner.StepRun, clock=clock)),
        mock.patch.object(step, "LAG", timedelta(0)),
        mock.patch.object(delete_step, "SETTLES", timedelta(0)),
        mock.patch.object(step.PanelStep, "poll", 0.2),
    ):
        yield
